"""A lending library's tables as somebody else made them, on each database in its own words."""

#: What differs: keys that count, types, how things are quoted.
WORDS = {
    "sqlite": {
        "auto": "INTEGER PRIMARY KEY",
        "big": "INTEGER",
        "text": "TEXT",
        "moment": "DATETIME",
        "float": "FLOAT",
        "json": "JSON",
        "uuid": "CHAR(32)",
        "bytes": "BLOB",
        "bool": "BOOLEAN",
        "decimal": "NUMERIC",
        "yes": "1",
        "q": '"',
    },
    "postgresql": {
        "auto": "BIGSERIAL PRIMARY KEY",
        "big": "BIGINT",
        "text": "TEXT",
        "moment": "TIMESTAMP WITH TIME ZONE",
        "float": "DOUBLE PRECISION",
        "json": "JSONB",
        "uuid": "UUID",
        "bytes": "BYTEA",
        "bool": "BOOLEAN",
        "decimal": "NUMERIC",
        "yes": "true",
        "q": '"',
    },
    "mariadb": {
        "auto": "BIGINT AUTO_INCREMENT PRIMARY KEY",
        "big": "BIGINT",
        "text": "LONGTEXT",
        "moment": "DATETIME(6)",
        "float": "DOUBLE",
        "json": "JSON",
        "uuid": "UUID",
        "bytes": "LONGBLOB",
        "bool": "BOOLEAN",
        "decimal": "DECIMAL",
        "yes": "1",
        "q": "`",
    },
}

#: Each table with what refers to it behind it, but for the circle of branches and staff.
STATEMENTS = """
CREATE TABLE country (
    code CHAR(2) NOT NULL PRIMARY KEY,
    name VARCHAR(100) NOT NULL,
    CONSTRAINT country_name_key UNIQUE (name)
);
CREATE TABLE publisher (
    id {auto},
    name VARCHAR(200) NOT NULL DEFAULT 'It''s unknown',
    country VARCHAR(2),
    founded SMALLINT,
    CONSTRAINT publisher_founded CHECK (founded > 1400)
);
CREATE INDEX publisher_by_name ON publisher (name);
CREATE TABLE person (
    id {auto},
    {q}firstName{q} VARCHAR(50) NOT NULL,
    {q}lastName{q} VARCHAR(50) NOT NULL,
    email VARCHAR(254),
    born DATE,
    CONSTRAINT uq_person_email UNIQUE (email)
);
CREATE INDEX ix_person_born ON person (born);
CREATE TABLE member (
    person_id {big} NOT NULL PRIMARY KEY,
    card {uuid} NOT NULL,
    joined {moment} NOT NULL DEFAULT CURRENT_TIMESTAMP,
    guarantor_id {big},
    CONSTRAINT member_card UNIQUE (card),
    CONSTRAINT member_person FOREIGN KEY (person_id) REFERENCES person (id) ON DELETE CASCADE,
    CONSTRAINT member_guarantor FOREIGN KEY (guarantor_id) REFERENCES member (person_id)
        ON DELETE SET NULL
);
CREATE TABLE branch (
    id {auto},
    name VARCHAR(100) NOT NULL,
    manager_id {big},
    opens TIME,
    CONSTRAINT branch_name UNIQUE (name)
);
CREATE TABLE staff (
    id {auto},
    person_id {big} NOT NULL,
    branch_id {big} NOT NULL,
    salary {decimal}(10, 2) NOT NULL DEFAULT 0,
    is_trained {bool} NOT NULL DEFAULT {yes},
    CONSTRAINT uq_staff_person_id UNIQUE (person_id),
    CONSTRAINT staff_person FOREIGN KEY (person_id) REFERENCES person (id) ON DELETE RESTRICT,
    CONSTRAINT staff_branch FOREIGN KEY (branch_id) REFERENCES branch (id) ON UPDATE CASCADE
);
CREATE TABLE category (
    id {auto},
    name VARCHAR(100) NOT NULL,
    parent_id {big},
    position INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT category_place UNIQUE (parent_id, position),
    CONSTRAINT category_parent FOREIGN KEY (parent_id) REFERENCES category (id) ON DELETE CASCADE
);
CREATE TABLE book (
    id {auto},
    isbn VARCHAR(13) NOT NULL,
    title VARCHAR(300) NOT NULL,
    summary {text},
    pages INTEGER,
    weight {float},
    cover {bytes},
    details {json},
    publisher_id {big},
    translator {big},
    editor {big},
    category_id {big} NOT NULL,
    CONSTRAINT book_isbn UNIQUE (isbn),
    CONSTRAINT book_pages CHECK (pages > 0),
    CONSTRAINT book_publisher FOREIGN KEY (publisher_id) REFERENCES publisher (id),
    CONSTRAINT book_translator FOREIGN KEY (translator) REFERENCES person (id),
    CONSTRAINT book_editor FOREIGN KEY (editor) REFERENCES person (id),
    CONSTRAINT book_category FOREIGN KEY (category_id) REFERENCES category (id)
);
CREATE INDEX ix_book_publisher_id ON book (publisher_id);
CREATE INDEX book_category_and_title ON book (category_id, title);
CREATE INDEX book_translators ON book (translator);
CREATE INDEX book_editors ON book (editor);
CREATE UNIQUE INDEX book_title ON book (title, isbn);
CREATE TABLE book_author (
    book_id {big} NOT NULL,
    author_id {big} NOT NULL,
    PRIMARY KEY (book_id, author_id),
    CONSTRAINT book_author_book FOREIGN KEY (book_id) REFERENCES book (id) ON DELETE CASCADE,
    CONSTRAINT book_author_author FOREIGN KEY (author_id) REFERENCES person (id) ON DELETE CASCADE
);
CREATE INDEX book_author_by_author ON book_author (author_id);
CREATE TABLE tag (
    id {auto},
    name VARCHAR(50) NOT NULL,
    CONSTRAINT tag_name UNIQUE (name)
);
CREATE TABLE book_tag (
    id {auto},
    book_id {big} NOT NULL,
    tag_name VARCHAR(50) NOT NULL,
    weight INTEGER NOT NULL,
    CONSTRAINT book_tag_once UNIQUE (book_id, tag_name),
    CONSTRAINT book_tag_book FOREIGN KEY (book_id) REFERENCES book (id) ON DELETE CASCADE,
    CONSTRAINT book_tag_tag FOREIGN KEY (tag_name) REFERENCES tag (name)
        ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX book_tag_by_tag ON book_tag (tag_name);
CREATE TABLE copy (
    book_id {big} NOT NULL,
    number INTEGER NOT NULL,
    branch_id {big} NOT NULL,
    bought DATE,
    PRIMARY KEY (book_id, number),
    CONSTRAINT copy_book FOREIGN KEY (book_id) REFERENCES book (id) ON DELETE CASCADE,
    CONSTRAINT copy_branch FOREIGN KEY (branch_id) REFERENCES branch (id)
);
CREATE INDEX copy_by_branch ON copy (branch_id);
CREATE TABLE loan (
    id {auto},
    book_id {big} NOT NULL,
    copy_number INTEGER NOT NULL,
    member_id {big} NOT NULL,
    lent {moment} NOT NULL,
    returned {moment},
    CONSTRAINT loan_copy FOREIGN KEY (book_id, copy_number) REFERENCES copy (book_id, number),
    CONSTRAINT loan_member FOREIGN KEY (member_id) REFERENCES member (person_id)
);
CREATE INDEX loan_by_copy ON loan (book_id, copy_number);
CREATE INDEX ix_loan_member_id ON loan (member_id);
CREATE TABLE fine (
    loan_id {big} NOT NULL PRIMARY KEY,
    amount {decimal}(6, 2) NOT NULL,
    reason VARCHAR(20) NOT NULL DEFAULT 'late',
    CONSTRAINT fine_amount CHECK (amount > 0),
    CONSTRAINT fine_loan FOREIGN KEY (loan_id) REFERENCES loan (id) ON DELETE CASCADE
);
CREATE TABLE setting (
    name VARCHAR(50) NOT NULL PRIMARY KEY,
    value {text} NOT NULL
);
CREATE TABLE visit (
    {q}day{q} DATE NOT NULL,
    visitors INTEGER NOT NULL
);
CREATE TABLE {q}class{q} (
    id {auto},
    {q}class{q} INTEGER,
    {q}models{q} INTEGER,
    {q}metadata{q} INTEGER,
    {q}self{q} INTEGER,
    {q}1st{q} INTEGER,
    {q}a b-c{q} INTEGER,
    {q}save{q} INTEGER,
    {q}a__b_{q} INTEGER,
    {q}größe{q} INTEGER,
    {q}book{q} INTEGER,
    {q}book_id{q} {big},
    {q}import os{q} INTEGER DEFAULT 7,
    CONSTRAINT class_book FOREIGN KEY (book_id) REFERENCES book (id)
);
CREATE INDEX class_books ON {q}class{q} (book_id);
"""

#: Where tables can be altered: the circle is closed, things are said of tables and columns.
MORE = {
    "sqlite": "CREATE INDEX book_thick ON book (pages) WHERE pages > 1000;",
    "postgresql": """
ALTER TABLE branch ADD CONSTRAINT branch_manager FOREIGN KEY (manager_id) REFERENCES staff (id)
    ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX branch_by_manager ON branch (manager_id);
COMMENT ON TABLE book IS 'A "work", not a copy';
COMMENT ON COLUMN book.isbn IS 'Thirteen
digits';
CREATE TYPE mood AS ENUM ('calm', 'it''s "busy"');
CREATE DOMAIN percent AS INTEGER CHECK (VALUE BETWEEN 0 AND 100);
CREATE TABLE odd (
    id INTEGER GENERATED ALWAYS AS IDENTITY (START WITH 7) PRIMARY KEY,
    number INTEGER GENERATED BY DEFAULT AS IDENTITY,
    mood mood NOT NULL DEFAULT 'calm',
    share percent,
    plain JSON,
    tags TEXT[] NOT NULL DEFAULT '{}',
    grid INTEGER[][],
    codes VARCHAR(5)[],
    span INTERVAL,
    naive TIMESTAMP,
    clock TIME WITH TIME ZONE,
    net INET,
    document XML,
    point POINT,
    single REAL,
    amount NUMERIC,
    fixed CHAR(5),
    free VARCHAR,
    place TEXT COLLATE "C",
    doubled INTEGER GENERATED ALWAYS AS (number * 2) STORED,
    note TEXT DEFAULT 'with :colon, 100% and \\ it',
    period INT4RANGE,
    CONSTRAINT uq_odd_single UNIQUE NULLS NOT DISTINCT (single)
);
CREATE INDEX odd_lower ON odd (lower(free) DESC, fixed) INCLUDE (place) WHERE number > 5;
CREATE INDEX odd_tags ON odd USING gin (tags);
CREATE INDEX odd_pattern ON odd (free varchar_pattern_ops);
CREATE UNIQUE INDEX odd_free ON odd (free);
""",
    "mariadb": """
ALTER TABLE branch ADD CONSTRAINT branch_manager FOREIGN KEY (manager_id) REFERENCES staff (id)
    ON DELETE SET NULL;
ALTER TABLE book COMMENT = 'A "work", not a copy';
ALTER TABLE book MODIFY isbn VARCHAR(13) NOT NULL COMMENT 'Thirteen\\ndigits';
CREATE TABLE odd (
    id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
    tiny TINYINT,
    medium MEDIUMINT UNSIGNED NOT NULL DEFAULT 5,
    year YEAR,
    bits BIT(3),
    single FLOAT,
    fixed FLOAT(7, 3),
    short TEXT,
    middle MEDIUMTEXT,
    plain DATETIME,
    touched TIMESTAMP DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
    day DATE DEFAULT (CURDATE()),
    mood ENUM('calm', 'it''s "busy"') NOT NULL DEFAULT 'calm',
    flags SET('x', 'y'),
    raw VARBINARY(10),
    small BLOB,
    net INET6,
    place GEOMETRY,
    letters CHAR(5),
    latin VARCHAR(10) CHARACTER SET latin1 COLLATE latin1_bin,
    doubled INT AS (tiny * 2) STORED,
    tripled INT AS (tiny * 3) VIRTUAL,
    note VARCHAR(50) DEFAULT 'with :colon, 100% and \\\\ it',
    computed INT DEFAULT (tiny + 1),
    FULLTEXT KEY odd_words (middle),
    KEY odd_prefix (short(10))
) DEFAULT CHARACTER SET latin1;
""",
}

#: As SQLite cannot alter a table, its circle is closed at once.
CIRCLE = "    manager_id {big},\n    opens TIME,\n    CONSTRAINT branch_name UNIQUE (name)\n"


def list_statements(vendor: str) -> list[str]:
    """List the statements that make the tables on a database."""
    text = STATEMENTS
    if vendor == "sqlite":
        key = ",\n    CONSTRAINT branch_manager FOREIGN KEY (manager_id) REFERENCES staff (id)"
        text = text.replace(CIRCLE, f"{CIRCLE.rstrip()}{key} ON DELETE SET NULL\n")
    statements = text.format(**WORDS[vendor]) + MORE[vendor]
    return [each.strip() for each in statements.split(";\n") if each.strip()]

"""Models written for tables that are there make the very same ones, and no name becomes code."""

import ast
import json
import os
import subprocess
import sys
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.conftest import create_mariadb_database, create_postgres_database
from tests.db.conftest import Run
from tests.db.library_schema import list_statements
from undercroft.db.connections.databases import databases
from undercroft.db.inspection import (
    Inspection,
    InspectOptions,
    ainspect_database,
    inspect_database,
)
from undercroft.errors import ImproperlyConfigured

VENDORS = {"sqlite": "sqlite", "postgres": "postgresql", "mariadb": "mariadb"}


@pytest.fixture
def second_url(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Iterator[str]:
    """Another empty database of the same kind."""
    if database_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'second.sqlite3'}"
    elif database_url.startswith("postgresql"):
        with create_postgres_database(request.getfixturevalue("postgres_server")) as url:
            yield url
    else:
        with create_mariadb_database(request.getfixturevalue("mariadb_server")) as url:
            yield url


@pytest.fixture
def inspected(database_url: str) -> Iterator[str]:
    """A database with the library's tables, as the default one; gives its kind."""
    before = {alias: known.url for alias, known in databases.items()}
    databases.configure({"default": database_url})
    vendor = databases["default"].vendor
    execute(*list_statements(vendor))
    yield vendor
    databases.configure(before)


def execute(*statements: str) -> None:
    """Run statements as they are: neither colons nor percents mean anything."""
    connection = databases["default"].sync_engine.raw_connection()
    cursor = connection.cursor()
    for statement in statements:
        cursor.execute(statement)
    connection.commit()
    connection.close()


def run_python(code: str, folder: Path, *arguments: str) -> None:
    """Run code in an interpreter of its own, for models are known to the whole process."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    command = [sys.executable, "-W", "error", "-c", code, *arguments]
    result = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert result.returncode == 0, result.stderr


CREATE = """
import sys
from undercroft import models
from undercroft.db import databases

databases.configure({"default": sys.argv[1]})
import library

models.create_all()
"""

#: What the inspector says of one and the same column or constraint in several ways.
SQLITE_SAME = {"DECIMAL": "NUMERIC", "FLOAT": "REAL"}


def describe(url: str) -> dict[str, Any]:
    """Describe a database by the inspector's own words, but for the order of things."""
    databases.configure({"default": url})
    engine = databases["default"].sync_engine
    with engine.connect() as connection, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inspector = sa.inspect(connection)
        return {
            name: describe_table(inspector, name) for name in sorted(inspector.get_table_names())
        }


def describe_table(inspector: Any, name: str) -> dict[str, Any]:
    dialect = inspector.dialect
    key = inspector.get_pk_constraint(name)["constrained_columns"]
    columns = {}
    for column in inspector.get_columns(name):
        words = {k: v for k, v in column.items() if k not in ("name", "type", "primary_key")}
        if column["name"] in key and dialect.name == "sqlite":
            # A key that may be NULL is a slip of SQLite's, which we do not repeat.
            words["nullable"] = False
        if "identity" in words or str(words["default"]).startswith("nextval"):
            words["default"] = "counted"
        columns[column["name"]] = {"type": describe_type(column["type"], dialect), **words}
    described = {
        "columns": columns,
        "key": key,
        "foreign keys": sort(inspector.get_foreign_keys(name)),
        "uniques": sort(inspector.get_unique_constraints(name)),
        "indexes": sort(inspector.get_indexes(name)),
        "checks": sort(inspector.get_check_constraints(name)),
        "options": inspector.get_table_options(name),
    }
    if dialect.supports_comments:
        described["comment"] = inspector.get_table_comment(name)
    return described


def describe_type(column_type: Any, dialect: Any) -> str:
    try:
        text = str(column_type.compile(dialect))
    except sa.exc.CompileError:
        return repr(column_type)
    details = [repr(column_type)] if "ENUM" in repr(column_type) else []
    if dialect.name == "sqlite":
        for word, same in SQLITE_SAME.items():
            text = text.replace(word, same)
    return " ".join([text, *details])


def sort(found: list[dict[str, Any]]) -> list[str]:
    return sorted(repr(make_plain(each)) for each in found)


def make_plain(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted((key, make_plain(each)) for key, each in value.items())
    return str(value) if isinstance(value, sa.TextClause) else value


def write(found: Inspection, folder: Path, name: str = "library") -> Path:
    path = folder / f"{name}.py"
    path.write_text(found.source, "utf-8")
    return path


@pytest.mark.slow
def test_the_models_make_the_same_tables(
    inspected: str, database_url: str, second_url: str, tmp_path: Path
) -> None:
    """By the inspector's own account nothing is lost, on any database: not even a name."""
    found = inspect_database(InspectOptions(managed=True))
    assert found.tables == len(describe(database_url))
    write(found, tmp_path)
    run_python(CREATE, tmp_path, second_url)
    there, here = describe(database_url), describe(second_url)
    assert here.keys() == there.keys()
    for name in there:
        assert here[name] == there[name], name


@pytest.mark.slow
@pytest.mark.usefixtures("inspected")
def test_what_is_written_satisfies_formatter_and_checker(tmp_path: Path) -> None:
    """Ruff has nothing to lay out in another way, and mypy in its strict mode nothing to say."""
    loose = write(inspect_database(), tmp_path, "loose")
    exact = write(inspect_database(InspectOptions(managed=True, label="x")), tmp_path, "exact")
    scripts = Path(sysconfig.get_path("scripts"))
    isolated = ["--isolated", "--no-cache", "--line-length=100"]
    imports = ["--select=I", "--config=lint.isort.known-first-party=['undercroft']"]
    mypy = ["--strict", "--cache-dir", str(tmp_path / "cache"), "--config-file="]
    for command in (
        [scripts / "ruff", "format", "--diff", *isolated, loose, exact],
        [scripts / "ruff", "check", *isolated, *imports, loose, exact],
        [scripts / "mypy", *mypy, loose, exact],
    ):
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert result.returncode == 0, result.stdout + result.stderr


USE = """
import sys
from datetime import UTC, datetime

from undercroft import models
from undercroft.db import databases

databases.configure({"default": sys.argv[1]})
from library import (
    Book, BookTag, Branch, Category, Class, Copy, Fine, Loan, Member, Person, Staff, Tag,
)

models.create_all()  # makes nothing: the tables are not ours
ada = Person.objects.create(first_name="Ada", last_name="Lovelace", email="ada@example.org")
bob = Person.objects.create(first_name="Bob", last_name="Builder")
card = "5" * 32 if "sqlite" in sys.argv[1] else "5" * 8 + "-5555-5555-5555-" + "5" * 12
member = Member.objects.create(person=ada, card=card, joined=datetime.now(UTC))
assert ada.member == member and member.pk == ada.id
root = Category.objects.create(name="All", position=1)
novels = Category.objects.create(name="Novels", position=1, parent=root)
book = Book.objects.create(
    isbn="1", title="One", category=novels, translator=bob, editor=ada, details={"a": [1]}, pages=3
)
book.authors.add(ada)
assert list(Book.objects.filter(authors__first_name="Ada", category__parent=root)) == [book]
assert [each.title for each in bob.book_translator_set.all()] == ["One"]
Tag.objects.create(name="old")
BookTag.objects.create(book=book, tag_name_id="old", weight=2)
assert Book.objects.get(booktag__tag_name__name="old").details == {"a": [1]}
branch = Branch.objects.create(name="Main")
staff = Staff.objects.create(person=bob, branch=branch)
branch.manager = staff
branch.save()
assert Branch.objects.get(manager__person__last_name="Builder").staff_set.count() == 1
staff.refresh_from_db()
assert staff.is_trained is True and staff.salary == 0
copy = Copy.objects.create(book=book, number=1, branch=branch)
assert copy.pk == (book.id, 1)
loan = Loan.objects.create(book_id=book.id, copy_number=1, member=member, lent=datetime.now(UTC))
assert Fine.objects.create(loan=loan, amount="1.50").pk == loan.id
assert loan.fine.reason == "late" or Fine.objects.get().reason == "late"
odd = Class.objects.create(class_field=1, self_field=2, book=3, book_ref=book)
assert Class.objects.get(book_ref=book).import_os == 7
assert book.class_set.get(größe=None).self_field == 2
"""


@pytest.mark.slow
@pytest.mark.usefixtures("inspected")
def test_the_models_work_on_the_tables(database_url: str, tmp_path: Path) -> None:
    """Keys, relations in every direction, defaults and odd names are as people would write them."""
    write(inspect_database(), tmp_path)
    run_python(USE, tmp_path, database_url)


# ------------------------------------------------------------------ hostile names

EVIL = [
    '"); import os; os.mkdir("pwned"); ("',
    "'); import os; os.mkdir('pwned'); ('",
    '"""\nimport os\nos.mkdir("pwned")\n"""',
    "'''\nimport os\nos.mkdir('pwned')\n'''",
    "x\n    import os; os.mkdir('pwned')\n#",
    "\\",
    '\\"""',
    "# type: ignore\r# noqa",
    "{__import__('os').mkdir('pwned')}",
    "\u202eimport os\u2028os.mkdir('pwned')",
    "%s %(x)s {0} :name ::text",
    "__class__",
    "def",
    "None",
    "objects",
    "save",
    "a.b",
    "",
]


def build_evil_statements(vendor: str) -> Iterator[str]:
    """Build tables whose every name and text is one of the evil ones."""
    q = "`" if vendor == "mariadb" else '"'
    names = [each for each in EVIL if each]
    quoted = [q + each.replace(q, q + q) + q for each in names]
    if vendor == "mariadb":
        # Its identifiers may not end in a space, and have 64 characters at most.
        texts = ["'" + each.replace("\\", "\\\\").replace("'", "''") + "'" for each in EVIL]
    else:
        texts = ["'" + each.replace("'", "''") + "'" for each in EVIL]
    columns = ", ".join(
        f"{name} VARCHAR(100) DEFAULT {text}" for name, text in zip(quoted, texts, strict=False)
    )
    for number, name in enumerate(quoted):
        key = "id INTEGER PRIMARY KEY"
        if number == 0:
            check = f"CONSTRAINT {quoted[1]} CHECK ({quoted[0]} <> {texts[2]})"
            yield f"CREATE TABLE {name} ({key}, {columns}, {check})"
        else:
            reference = f"REFERENCES {quoted[0]} (id)"
            again = f"{quoted[(number + 1) % len(quoted)]} INTEGER"
            foreign = f"FOREIGN KEY ({quoted[(number + 1) % len(quoted)]}) {reference}"
            yield f"CREATE TABLE {name} ({key}, {again}, {foreign})"
        yield f"CREATE INDEX {q}i{number}{name[1:]} ON {name} (id)"
    if vendor == "postgresql":
        for name, text in zip(quoted, texts, strict=False):
            yield f"COMMENT ON TABLE {name} IS {text}"
        for name, text in zip(quoted, texts, strict=False):
            yield f"COMMENT ON COLUMN {quoted[0]}.{name} IS {text}"
        # A table has a type of its own name.
        kind, pair = (f'"type {each[1:]}' for each in (quoted[0], quoted[2]))
        yield f"CREATE TYPE {kind} AS ENUM ({', '.join(texts)})"
        yield f"CREATE TYPE {pair} AS (a INTEGER)"
        yield f"CREATE TABLE evil_types (id INTEGER PRIMARY KEY, mood {kind}, pair {pair})"
    if vendor == "sqlite":
        columns = f"mood {quoted[0]}, other {quoted[2]}"
        yield f"CREATE TABLE evil_types (id INTEGER PRIMARY KEY, {columns})"


ALLOWED = ("models.", "sa.", "postgresql.", "mysql.", "mapped_column")


def check_declarations(source: str) -> None:
    """Check that a module has imports, and classes with nothing but declarations in them."""
    for node in ast.parse(source).body:
        match node:
            case ast.Expr(value=ast.Constant(value=str())) | ast.Import() | ast.ImportFrom():
                continue
            case ast.ClassDef(bases=[base], decorator_list=[]):
                assert ast.unparse(base) == "models.Model"
                check_class(node)
            case _:
                pytest.fail(ast.unparse(node))


def check_class(node: ast.ClassDef) -> None:
    for inner in node.body:
        match inner:
            case ast.Expr(value=ast.Constant(value=str())):
                continue
            case ast.ClassDef(name="Meta"):
                check_class(inner)
            case ast.Assign() | ast.AnnAssign():
                for part in ast.walk(inner):
                    if isinstance(part, ast.Call):
                        assert ast.unparse(part.func).startswith(ALLOWED), ast.unparse(part)
                    assert not isinstance(part, ast.Lambda | ast.JoinedStr | ast.NamedExpr)
            case _:
                pytest.fail(ast.unparse(inner))


READ = """
import json, sys
from undercroft import models
from undercroft.db import databases

databases.configure({"default": sys.argv[1]})
import evil

found = models.all_models()
for model in found:
    list(model.objects.all())
assert sorted(m.__options__.db_table for m in found) == json.loads(sys.argv[2])
"""


@pytest.mark.parametrize("managed", [False, True])
def test_no_name_in_a_database_becomes_code(
    database_url: str, tmp_path: Path, managed: bool
) -> None:
    """Tables, columns, defaults, constraints, comments and types may be called what they like."""
    databases.configure({"default": database_url})
    vendor = databases["default"].vendor
    execute(*build_evil_statements(vendor))
    found = inspect_database(InspectOptions(managed=managed))
    check_declarations(found.source)
    path = write(found, tmp_path, "evil")
    with databases["default"].sync_engine.connect() as connection:
        names = sorted(sa.inspect(connection).get_table_names())
    run_python(READ, tmp_path, database_url, json.dumps(names))
    assert not [each for each in Path.cwd().iterdir() if each.name == "pwned"]
    assert not (tmp_path / "pwned").exists()
    ruff = Path(sysconfig.get_path("scripts")) / "ruff"
    command = [ruff, "format", "--diff", "--isolated", "--no-cache", "--line-length=100", path]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert result.returncode == 0, result.stdout


# ------------------------------------------------------------------ what is asked for


@pytest.fixture
def small(sqlite_url: str) -> Iterator[None]:
    """A few tables on SQLite."""
    before = {alias: known.url for alias, known in databases.items()}
    databases.configure({"default": sqlite_url})
    execute(
        "CREATE TABLE blog_author (id INTEGER PRIMARY KEY, name VARCHAR(10))",
        "CREATE TABLE blog_post (id INTEGER PRIMARY KEY, author_id INTEGER NOT NULL"
        " REFERENCES blog_author ON DELETE CASCADE, total INTEGER AS (id + (1)) STORED)",
        "CREATE INDEX ix_expression ON blog_post (id + 1)",
        "CREATE VIEW blog_names AS SELECT id, name FROM blog_author",
        "CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)",
    )
    yield
    databases.configure(before)


@pytest.mark.usefixtures("small")
def test_tables_views_and_an_app_can_be_asked_for() -> None:
    """Names choose tables, a label shortens class names; migrations' own table has no model."""
    everything = inspect_database()
    assert (everything.tables, "AlembicVersion" in everything.source) == (2, False)
    assert "class BlogPost(models.Model):" in everything.source
    one = inspect_database(InspectOptions(tables=["blog_post"]))
    assert "author_id = models.IntegerField()" in one.source
    assert "'blog_author' cannot be declared here" in one.source
    labelled = inspect_database(InspectOptions(label="blog", include_views=True))
    assert "class Post(models.Model):" in labelled.source
    assert "class Names(models.Model):" in labelled.source
    assert labelled.source.count('app_label = "blog"') == 3
    with pytest.raises(ImproperlyConfigured, match=r"no table 'blog_pots'.*'blog_post'\?"):
        inspect_database(InspectOptions(tables=["blog_pots"]))


@pytest.mark.usefixtures("small")
def test_what_sqlalchemy_does_not_tell_is_asked_for_or_noted() -> None:
    """SQLite's own account of a key is taken, and what cannot be read stands above the class."""
    found = inspect_database()
    assert "on_delete=models.CASCADE" in found.source
    assert found.notes["blog_post"] == (
        "Skipped unsupported reflection of expression-based index ix_expression",
        "SQL of the generated column 'total' cannot be read.",
    )
    assert "# Skipped unsupported reflection" in found.source
    assert "total: Mapped[int | None] = mapped_column(sa.INTEGER(), sa.FetchedValue())" in (
        found.source
    )


@pytest.mark.usefixtures("small")
def test_async_code_inspects(run: Run) -> None:
    """The twin works on the loop, and the blocking call is refused there."""

    async def main() -> None:
        assert (await ainspect_database()).tables == 2
        with pytest.raises(Exception, match="await ainspect_database"):
            inspect_database()

    run(main())

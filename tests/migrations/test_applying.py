"""`migrate`: up, down, by name; what a failure leaves behind; what data survives."""

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.migrations.conftest import Project
from undercroft.db.connections.databases import databases
from undercroft.errors import DatabaseUnavailable, MigrationError
from undercroft.migrations.applying import MigrateOptions, find_pending, list_migrations, migrate
from undercroft.migrations.apps import MigratedApp


def author(metadata: sa.MetaData, length: int = 50) -> None:
    sa.Table(
        "blog_author",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(length), nullable=False),
    )


def author_and_post(metadata: sa.MetaData, length: int = 50) -> None:
    author(metadata, length)
    sa.Table(
        "blog_post",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("author_id", sa.ForeignKey("blog_author.id", ondelete="CASCADE"), nullable=False),
    )


def add_step(project: Project, name: str, body: str) -> Path:
    """Write a migration by hand behind the last one."""
    folder = project.apps[0].folder
    number = len(list(folder.glob("0*.py"))) + 1
    path = folder / f"{number:04}_{name}.py"
    path.write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        f"revision, down_revision = 'blog_{number:04}', 'blog_{number - 1:04}'\n"
        f"def upgrade():\n{body}\ndef downgrade():\n    pass\n",
        "utf-8",
    )
    return path


def test_everything_is_applied_once(project: Project) -> None:
    """A second `migrate` finds nothing to do."""
    project.make(blog=author_and_post)
    assert [(step.label, step.name, step.is_upgrade) for step in project.migrate()] == [
        ("blog", "0001_initial", True)
    ]
    assert project.migrate() == []
    assert list_migrations(project.apps) == {"blog": [("0001_initial", True)]}


def test_a_target_goes_up_or_down(project: Project) -> None:
    """A name, the start of it, a number or `zero` say where to end."""
    project.make(blog=author)
    project.make(blog=author_and_post)
    assert [step.name for step in project.migrate("blog", "0001")] == ["0001_initial"]
    assert "blog_post" not in project.inspect().get_table_names()
    assert [step.name for step in project.migrate("blog", "0002_blog_post")] == ["0002_blog_post"]
    assert "blog_post" in project.inspect().get_table_names()
    down = project.migrate("blog", "0001_init")
    assert [(step.name, step.is_upgrade) for step in down] == [("0002_blog_post", False)]
    assert [step.is_upgrade for step in project.migrate("blog", "zero")] == [False]
    assert project.migrate("blog", "zero") == []
    assert project.inspect().get_table_names() == ["alembic_version"]


def test_apps_that_depend_on_each_other_keep_their_state_apart(project: Project) -> None:
    """Taking an app back takes back what stands on it, and nothing else."""

    def comments(metadata: sa.MetaData) -> None:
        key = sa.Column("author_id", sa.ForeignKey("blog_author.id"))
        sa.Table("comments_comment", metadata, sa.Column("id", sa.Integer, primary_key=True), key)

    def polls(metadata: sa.MetaData) -> None:
        sa.Table("polls_poll", metadata, sa.Column("id", sa.Integer, primary_key=True))

    project.make(blog=author, comments=comments, polls=polls)
    project.make(blog=author_and_post)
    project.migrate()
    assert all(
        is_applied for rows in list_migrations(project.apps).values() for _, is_applied in rows
    )
    project.migrate("comments", "zero")
    assert list_migrations(project.apps)["comments"] == [("0001_initial", False)]
    assert list_migrations(project.apps)["blog"][1] == ("0002_blog_post", True)
    project.migrate()
    project.migrate("blog", "zero")
    states = list_migrations(project.apps)
    assert states["comments"] == [("0001_initial", False)]
    assert states["polls"] == [("0001_initial", True)]


def test_a_failing_migration_leaves_nothing_half_done(project: Project) -> None:
    """Its own changes are gone, those of the ones before stay, and it can be tried again.

    MariaDB cannot take back a change of the schema, so there the error says what stays.
    """
    project.make(blog=author)
    path = add_step(
        project,
        "broken",
        "    op.create_table('half', sa.Column('id', sa.Integer))\n"
        "    op.execute(\"INSERT INTO blog_author (id, name) VALUES (1, 'x')\")\n"
        "    op.execute('SELECT * FROM no_such_table')",
    )
    with pytest.raises(MigrationError, match=r"blog\.0002_broken could not be applied") as caught:
        project.migrate()
    assert "no_such_table" in caught.value.message
    if databases["default"].vendor == "mariadb":
        assert "stays: CREATE TABLE half ( id INTEGER )" in caught.value.hint
        assert "INSERT" not in caught.value.hint
        project.query("DROP TABLE half")
    else:
        assert "nothing behind" in caught.value.hint
    assert "half" not in project.inspect().get_table_names()
    assert project.query("SELECT count(*) FROM blog_author") == [(0,)]
    assert list_migrations(project.apps)["blog"] == [("0001_initial", True), ("0002_broken", False)]
    path.write_text(path.read_text("utf-8").replace("no_such_table", "half"), "utf-8")
    assert [step.name for step in project.migrate()] == ["0002_broken"]


def test_a_table_made_anew_keeps_the_rows_that_refer_to_it(project: Project) -> None:
    """SQLite's way of altering a table must not cascade into others."""
    project.make(blog=author_and_post)
    project.migrate()
    project.query("INSERT INTO blog_author (id, name) VALUES (1, 'Ada')")
    project.query("INSERT INTO blog_post (id, author_id) VALUES (1, 1)")
    project.make(blog=lambda metadata: author_and_post(metadata, 80))
    project.migrate()
    assert project.query("SELECT id, author_id FROM blog_post") == [(1, 1)]
    assert project.query("SELECT name FROM blog_author") == [("Ada",)]
    keys = project.inspect().get_foreign_keys("blog_post")
    assert keys[0]["options"]["ondelete"] == "CASCADE"
    column = project.inspect().get_columns("blog_author")[1]
    assert column["type"].length == 80
    project.query("DELETE FROM blog_author")
    assert project.query("SELECT count(*) FROM blog_post") == [(0,)]


def test_what_is_attached_to_a_table_made_anew_stays(project: Project) -> None:
    """Checks, expression indexes and triggers survive; what is dropped on purpose does not."""

    def shop(metadata: sa.MetaData, length: int, *, is_indexed: bool = True) -> None:
        table = sa.Table(
            "shop_item",
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("name", sa.String(length)),
            sa.Column("price", sa.Integer),
            sa.CheckConstraint("price >= 0", name="ck_price"),
        )
        if is_indexed:
            # MariaDB has no indexes over expressions.
            on_mariadb = databases["default"].vendor == "mariadb"
            sa.Index("ix_lower_name", table.c.name if on_mariadb else sa.func.lower(table.c.name))
        sa.Index("ix_some", table.c.name, sqlite_where=table.c.price > 3)

    def list_attached() -> set[str]:
        if project.inspect().engine.dialect.name == "sqlite":
            rows = project.query(
                "SELECT name FROM sqlite_master WHERE type <> 'table' AND sql > ''"
            )
            return {row[0] for row in rows}
        return {str(index["name"]) for index in project.inspect().get_indexes("shop_item")}

    project.make(shop=lambda metadata: shop(metadata, 10))
    project.migrate()
    is_sqlite = project.inspect().engine.dialect.name == "sqlite"
    if is_sqlite:
        project.query("CREATE TRIGGER watch AFTER INSERT ON shop_item BEGIN SELECT 1; END")
    project.make(shop=lambda metadata: shop(metadata, 20))
    project.migrate()
    expected = {"ix_lower_name", "ix_some"} | ({"watch"} if is_sqlite else set())
    assert list_attached() == expected
    (check,) = project.inspect().get_check_constraints("shop_item")
    assert check["name"] == "ck_price"
    project.make(shop=lambda metadata: shop(metadata, 30, is_indexed=False))
    project.migrate()
    assert list_attached() == expected - {"ix_lower_name"}


def test_rows_that_would_refer_to_nothing_are_refused(project: Project) -> None:
    """Foreign keys hold at the end of each migration, also where they rest during it."""
    project.make(blog=author_and_post)
    add_step(project, "orphan", '    op.execute("INSERT INTO blog_post VALUES (1, 99)")')
    with pytest.raises(MigrationError, match=r"0002_orphan|blog_post"):
        project.migrate()
    assert project.query("SELECT count(*) FROM blog_post") == [(0,)]


def test_a_fake_step_is_only_recorded(project: Project) -> None:
    """Tables that are there already can be taken over."""
    project.make(blog=author)
    steps = migrate(project.apps, MigrateOptions(fake=True))
    assert [step.name for step in steps] == ["0001_initial"]
    assert project.inspect().get_table_names() == ["alembic_version"]
    assert project.migrate() == []


def test_a_plan_changes_nothing(project: Project) -> None:
    """`--plan` lists the steps and leaves the database empty."""
    project.make(blog=author)
    steps = migrate(project.apps, MigrateOptions(plan_only=True))
    assert [step.name for step in steps] == ["0001_initial"]
    assert project.inspect().get_table_names() == []


def test_progress_is_reported_around_each_step(project: Project) -> None:
    """Before a step begins and after it is committed."""
    project.make(blog=author)
    project.make(blog=author_and_post)
    seen: list[tuple[str, bool, bool]] = []

    def report(step: object, is_done: bool) -> None:
        tables = project.inspect().get_table_names()
        seen.append((getattr(step, "name", ""), is_done, "blog_post" in tables))

    migrate(project.apps, report=report)
    assert seen == [
        ("0001_initial", False, False),
        ("0001_initial", True, False),
        ("0002_blog_post", False, False),
        ("0002_blog_post", True, True),
    ]


def test_servers_that_start_together_migrate_once(project: Project) -> None:
    """Two processes' `migrate` at the same time apply each migration one time."""
    project.make(blog=author)
    add_step(project, "fill", "    op.execute(\"INSERT INTO blog_author VALUES (1, 'Ada')\")")
    applied: list[object] = []
    threads = [threading.Thread(target=lambda: applied.extend(project.migrate())) for _ in range(2)]
    if databases["default"].vendor == "sqlite":
        threads = threads[:1]  # SQLite has no lock that spans several transactions
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(applied) == 2
    assert project.query("SELECT count(*) FROM blog_author") == [(1,)]


def test_an_unknown_target_is_named_with_those_there_are(project: Project) -> None:
    """A mistyped migration leads to the right one."""
    project.make(blog=author)
    with pytest.raises(MigrationError, match=r"no migration '0001_initail'. Did you mean"):
        project.migrate("blog", "0001_initail")


def test_a_migration_without_file_is_a_clear_error(project: Project) -> None:
    """The database remembers what the files do not: said so, and nothing is done."""
    project.make(blog=author)
    (made,) = project.make(blog=author_and_post)
    project.migrate()
    made.path.unlink()
    with pytest.raises(MigrationError, match="blog_0002") as caught:
        project.migrate()
    assert "bring its file back" in caught.value.hint


def test_no_migrations_at_all_is_nothing_to_do(project: Project, tmp_path: Path) -> None:
    """A project without a single migration folder migrates without complaint."""
    assert migrate([MigratedApp("blog", tmp_path / "nowhere")]) == []


def test_an_unreachable_database_is_told_as_such(tmp_path: Path) -> None:
    """A URL that leads nowhere is no traceback, and its password stays out of the message."""
    before = {alias: database.url for alias, database in databases.items()}
    databases.configure({"default": "postgresql://ada:geheim@127.0.0.1:1/none"})
    try:
        with pytest.raises(DatabaseUnavailable, match="cannot be reached") as caught:
            migrate([MigratedApp("blog", tmp_path)])
        assert "geheim" not in str(caught.value)
    finally:
        databases.configure(before)


def test_what_is_not_applied_is_found(project: Project) -> None:
    """Pending migrations are named in order; without any files no database is asked."""
    assert find_pending(project.apps, "no such database") == []
    project.make(shop=author)
    assert find_pending(project.apps) == ["shop.0001_initial"]
    project.migrate()
    assert find_pending(project.apps) == []

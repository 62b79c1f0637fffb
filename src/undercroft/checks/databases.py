"""Checks of the database as it is; they ask it, so they are for deployments."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from undercroft.checks.messages import CheckMessage, Error, Warning
from undercroft.checks.models import has_models
from undercroft.checks.registry import Tags, register
from undercroft.db.connections.databases import Database, databases
from undercroft.errors import DatabaseError, UndercroftError

if TYPE_CHECKING:
    from undercroft.app.application import App

#: What each pragma of SQLite should answer, and what goes wrong otherwise.
_PRAGMAS = {
    "journal_mode": (("wal",), "readers and writers wait for each other"),
    "foreign_keys": (("1",), "rows may refer to nothing"),
    "synchronous": (("1", "2", "3"), "a power cut may break the file"),
}


@register(Tags.database, deploy=True)
def check_databases(_app: "App") -> Iterator[CheckMessage]:
    """Find databases that do not answer, and roles that may do all."""
    if not has_models():
        return
    for alias, database in databases.items():
        try:
            yield from ask(database)
        except Exception as error:  # noqa: BLE001 - whatever a driver raises, it does not answer
            yield Error(
                f"The database does not answer: {type(error).__name__}.",
                "Look whether it runs where its URL says.",
                alias,
                id="database.unreachable",
            )


def ask(database: Database) -> Iterator[CheckMessage]:
    """Ask a database about itself."""
    with database.sync_engine.connect() as connection:
        if database.vendor == "sqlite":
            yield from check_pragmas(database.alias, connection)
        elif is_superuser(database.vendor, connection):
            yield Warning(
                "The application's role may do everything in the server: so may whoever gets "
                "a statement into it.",
                "Give it a role that owns its own database alone.",
                database.alias,
                id="database.superuser",
            )


def check_pragmas(alias: str, connection: Any) -> Iterator[CheckMessage]:
    """Find pragmas of SQLite that are not as we set them, and databases in memory."""
    if not connection.exec_driver_sql("PRAGMA database_list").first()[2]:
        yield Warning(
            "The database is in memory and ends with the process.",
            "Name a file: sqlite:///db.sqlite3.",
            alias,
            id="database.in-memory",
        )
        return
    for name, (wanted, consequence) in _PRAGMAS.items():
        found = str(connection.exec_driver_sql(f"PRAGMA {name}").scalar()).lower()
        if found not in wanted:
            yield Warning(
                f"SQLite's {name} is {found!r}, so that {consequence}.",
                "Keep the file on a local disk; write-ahead logs need shared memory.",
                alias,
                id="database.pragma",
            )


def is_superuser(vendor: str, connection: Any) -> bool:
    """Tell whether the role in use may do everything."""
    if vendor == "postgresql":
        question = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
        return bool(connection.exec_driver_sql(question).scalar())
    grants = [str(row[0]) for row in connection.exec_driver_sql("SHOW GRANTS")]
    return any(
        " ON *.* " in grant and grant.startswith(("GRANT ALL PRIVILEGES", "GRANT SUPER"))
        for grant in grants
    )


@register(Tags.database, Tags.models, deploy=True)
def check_migrations(app: "App") -> Iterator[CheckMessage]:
    """Find migrations that are not applied, and models that no migration follows."""
    if not has_models():
        return
    # Slow to import (Alembic).
    from undercroft.migrations.applying import find_pending  # noqa: PLC0415
    from undercroft.migrations.apps import find_apps  # noqa: PLC0415 - likewise
    from undercroft.migrations.making import MakeOptions, make_migrations  # noqa: PLC0415 - likewise

    apps = find_apps((installed.label, installed.path) for installed in app.apps)
    try:
        for name in find_pending(apps):
            yield Error(
                "The migration is not applied.",
                "Run `undercroft migrate`.",
                name,
                id="database.pending-migration",
            )
    except DatabaseError:
        pass  # `check_databases` tells of it
    try:
        made = make_migrations(apps, MakeOptions(dry_run=True, decide=lambda _rename: False))
    except UndercroftError as error:
        yield Error(error.message, error.hint, id="models.migrations")
    else:
        for each in made:
            yield Error(
                f"The models of {each.label!r} have changes that no migration makes.",
                "Run `undercroft makemigrations`.",
                each.label,
                id="models.no-migration",
            )

"""`migrate`: apply migrations to a database, one transaction each, or take them back."""

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from alembic.ddl.impl import DefaultImpl
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from undercroft.db.connections.databases import Database, databases
from undercroft.db.model import Model
from undercroft.db.signals import post_migrate
from undercroft.db.twins import run_steps
from undercroft.errors import DatabaseUnavailable, MigrationError
from undercroft.migrations import (
    mariadb,
    search_indexes,  # noqa: F401  # pyright: ignore[reportUnusedImport] - gives `op` its operations
    sqlite,
)
from undercroft.migrations.apps import MigratedApp, choose_apps
from undercroft.migrations.graph import Graph, Migration
from undercroft.migrations.internals import (
    BASE,
    HEADS,
    fake,
    plan_downgrade,
    plan_upgrade,
    use_impl,
)
from undercroft.migrations.limits import lift_limits
from undercroft.migrations.locks import hold_lock
from undercroft.migrations.sqlite import Surroundings
from undercroft.migrations.trails import Trail

#: What carries out Alembic's operations where that knows a database too little.
_IMPLS: dict[str, type[DefaultImpl]] = {
    "mariadb": mariadb.MigratingImpl,
    "sqlite": sqlite.MigratingImpl,
}

#: Alembic's own name, so that its tools understand the database too.
VERSION_TABLE = "alembic_version"

#: Target of `migrate` that takes everything back.
ZERO = "zero"


@dataclass(frozen=True, slots=True)
class AppliedStep:
    """One step of `migrate`.

    Attributes:
        label: The app.
        name: The migration.
        is_upgrade: Whether it was applied; else it was taken back.
    """

    label: str
    name: str
    is_upgrade: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrateOptions:
    """What to do.

    Attributes:
        label: Only this app, and what it depends on.
        target: Its migration to end at, by name or number; `zero` takes all back.
        database: By its name.
        fake: Record the steps without running them.
        plan_only: Run nothing and record nothing.
    """

    label: str | None = None
    target: str | None = None
    database: str = "default"
    fake: bool = False
    plan_only: bool = False


Report = Callable[[AppliedStep, bool], None]


def migrate(
    apps: Sequence[MigratedApp],
    options: MigrateOptions | None = None,
    report: Report | None = None,
) -> list[AppliedStep]:
    """Bring a database to the last migration of every app, or to the one that is named.

    Args:
        apps: All apps, whichever are to be migrated.
        options: What to do; everything when left out.
        report: Called before each step with False and after it with True.

    Returns:
        The steps, in order.

    Raises:
        MigrationError: A migration fails; those before it stay applied, it leaves nothing behind
            but what MariaDB, which stores each change of a table at once, has of it by then.
        DatabaseUnavailable: The database cannot be reached.
    """
    options = options or MigrateOptions()
    graph = Graph(apps)
    goal = Goal(graph, apps, options)
    run = _Run(graph, goal, options, report or (lambda _step, _is_done: None))
    with connect(databases[options.database]) as connection:
        run.on(connection)
        tables = frozenset(sa.inspect(connection).get_table_names())
    if not options.plan_only:
        run_steps(post_migrate.send_steps(Model, using=options.database, tables=tables))
    return run.steps


def list_migrations(
    apps: Sequence[MigratedApp], database: str = "default"
) -> dict[str, list[tuple[str, bool]]]:
    """List every app's migrations in order, each with whether it is applied.

    Raises:
        DatabaseUnavailable: The database cannot be reached.
    """
    graph = Graph(apps)
    with connect(databases[database]) as connection:
        applied = find_applied(graph, read_heads(connection))
    return {
        app.label: [(each.name, each.revision in applied) for each in graph.of_app(app.label)]
        for app in sorted(apps, key=lambda app: app.label)
    }


def find_pending(apps: Sequence[MigratedApp], database: str = "default") -> list[str]:
    """Find the migrations that are not applied, as `blog.0002_post_slug`; none without files.

    Raises:
        DatabaseUnavailable: The database cannot be reached.
        MigrationError: The files contradict each other, or the database.
    """
    if not any(app.folder.is_dir() for app in apps):
        return []
    return [
        f"{label}.{name}"
        for label, migrations in list_migrations(apps, database).items()
        for name, is_applied in migrations
        if not is_applied
    ]


@contextmanager
def connect(database: Database) -> Generator[sa.Connection]:
    """Open a connection.

    Raises:
        DatabaseUnavailable: The database cannot be reached.
    """
    with lift_limits(database) as unlimited:
        try:
            connection = unlimited.sync_engine.connect()
        except OperationalError as error:
            raise DatabaseUnavailable(
                f"Database {database.alias!r} cannot be reached: {shorten(error)}",
                hint="Check its URL, and that it is running.",
            ) from error
        with connection:
            yield connection


def read_heads(connection: sa.Connection) -> tuple[str, ...]:
    """Read which migrations the database remembers as its last ones."""
    heads = MigrationContext.configure(connection).get_current_heads()
    connection.rollback()
    return heads


def find_applied(graph: Graph, heads: Iterable[str]) -> set[str]:
    """Find the identifiers of all applied migrations.

    Raises:
        MigrationError: The database remembers a migration that has no file.
    """
    pending = {step.revision.revision for step in plan(plan_upgrade, graph, HEADS, heads)}
    return {each.revision for each in graph.in_order()} - pending


def plan(
    planner: Callable[..., list[RevisionStep]], graph: Graph, target: str, heads: Iterable[str]
) -> list[RevisionStep]:
    """Plan steps.

    Raises:
        MigrationError: The database remembers a migration that has no file.
    """
    try:
        return planner(graph.script, target, tuple(heads))
    except CommandError as error:
        raise MigrationError(
            f"The database and the migration files do not fit together: {error}",
            hint="The database remembers a migration that is not here: bring its file back, or "
            "take the migration back where the file is.",
            code="migrations.unknown-revision",
        ) from error


class Goal:
    """Where a database is to be brought.

    Args:
        graph: All migrations.
        apps: All apps.
        options: What was asked for.

    Raises:
        ImproperlyConfigured: There is no such app.
        MigrationError: There is no such migration.
    """

    def __init__(self, graph: Graph, apps: Sequence[MigratedApp], options: MigrateOptions) -> None:
        self._graph = graph
        self._label = options.label
        self._is_zero = options.target == ZERO
        self._migration: Migration | None = None
        if options.label is not None:
            choose_apps(apps, [options.label])
            if options.target is not None and not self._is_zero:
                self._migration = graph.find_named(options.label, options.target)

    def plan(self, heads: Sequence[str]) -> list[RevisionStep]:
        """Plan the steps from what the database remembers."""
        if self._label is None:
            return plan(plan_upgrade, self._graph, HEADS, heads)
        applied = find_applied(self._graph, heads)
        own = self._graph.of_app(self._label)
        if self._is_zero:
            known = any(each.revision in applied for each in own)
            target = f"{self._label}@{BASE}"
            return plan(plan_downgrade, self._graph, target, heads) if known else []
        last = self._migration or (own[-1] if own else None)
        if last is None:
            return []
        if last.revision not in applied:
            return plan(plan_upgrade, self._graph, last.revision, heads)
        later = own[own.index(last) + 1 :]
        if any(each.revision in applied for each in later):
            return plan(plan_downgrade, self._graph, last.revision, heads)
        return []


class _Run:
    """One run of `migrate`."""

    def __init__(self, graph: Graph, goal: Goal, options: MigrateOptions, report: Report) -> None:
        self._graph = graph
        self._goal = goal
        self._options = options
        self._report = report
        self._current: AppliedStep | None = None
        self._surroundings: Surroundings | None = None
        self._trail: Trail | None = None
        self.steps: list[AppliedStep] = []

    def on(self, connection: sa.Connection) -> None:
        """Run on a connection."""
        if self._options.plan_only:
            self.steps = [self._describe(step) for step in self._goal.plan(read_heads(connection))]
            return
        surroundings = self._surroundings = Surroundings(connection)
        trail = self._trail = Trail(connection)
        try:
            with hold_lock(connection), surroundings.set_aside(), trail.follow():
                make_version_table(connection)
                self._run(connection, surroundings)
        except (MigrationError, DatabaseUnavailable):
            raise
        except Exception as error:
            raise self._build_failure(trail, error) from error

    def _run(self, connection: sa.Connection, surroundings: Surroundings) -> None:
        context = MigrationContext.configure(
            connection,
            opts={
                "fn": self._take_steps,
                "script": self._graph.script,
                "transaction_per_migration": True,
                # SQLite can as well: its driver begins no transaction behind our back.
                "transactional_ddl": connection.dialect.name in ("sqlite", "postgresql"),
                "version_table": VERSION_TABLE,
                "on_version_apply": [surroundings.settle],
            },
        )
        impl = _IMPLS.get(connection.dialect.name)
        if impl is not None:
            use_impl(context, impl)
        with Operations.context(context):
            context.run_migrations()
        connection.commit()

    def _take_steps(self, heads: Sequence[str], _context: object) -> Generator[RevisionStep]:
        """Hand Alembic one step after the other; it comes back when one is committed."""
        for step in self._goal.plan(heads):
            self._current = self._describe(step)
            self._report(self._current, False)
            if self._surroundings is not None:
                self._surroundings.remember()
            if self._trail is not None:
                self._trail.begin()
            yield fake(step) if self._options.fake else step
            self.steps.append(self._current)
            self._report(self._current, True)
        self._current = None

    def _describe(self, step: RevisionStep) -> AppliedStep:
        migration = self._graph.get(step.revision.revision)
        return AppliedStep(migration.label, migration.name, step.is_upgrade)

    def _build_failure(self, trail: Trail, error: Exception) -> MigrationError:
        if self._current is None:
            return MigrationError(f"The database cannot be migrated: {shorten(error)}")
        step = self._current
        done = "applied" if step.is_upgrade else "taken back"
        return MigrationError(
            f"Migration {step.label}.{step.name} could not be {done}: {shorten(error)}",
            hint=trail.describe(),
            code="migrations.failed",
        )


def make_version_table(connection: sa.Connection) -> None:
    """Make Alembic's table, with room for identifiers that start with a long label."""
    column = sa.Column("version_num", sa.String(255), nullable=False)
    key = sa.PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc")
    with connection.begin():
        sa.Table(VERSION_TABLE, sa.MetaData(), column, key).create(connection, checkfirst=True)


def shorten(error: Any) -> str:
    """Say in one line what the database said, without the statement and its values."""
    if isinstance(error, DBAPIError):
        error = error.orig
    elif isinstance(error, SQLAlchemyError):
        error = error.args[0] if error.args else error
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__

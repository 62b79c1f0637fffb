"""Fixtures for migrations: apps on disk, tables as values, a database that starts empty."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from undercroft.db.connections.databases import databases
from undercroft.migrations.applying import AppliedStep, MigrateOptions, migrate
from undercroft.migrations.apps import MigratedApp
from undercroft.migrations.making import (
    MakeOptions,
    WrittenMigration,
    describe_metadata,
    make_migrations,
)
from undercroft.migrations.state import TableState

#: Puts the tables of one version of an app into a metadata.
Declare = Callable[[sa.MetaData], Any]


class Project:
    """A project whose models are given as tables, one function for each app and version."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.declared: dict[str, Declare] = {}

    @property
    def apps(self) -> list[MigratedApp]:
        return [
            MigratedApp(label, self.folder / label / "migrations")
            for label in sorted(self.declared)
        ]

    def make(self, **declared: Declare) -> list[WrittenMigration]:
        return self.make_with(MakeOptions(), **declared)

    def make_with(self, options: MakeOptions, **declared: Declare) -> list[WrittenMigration]:
        """Change what apps declare, and make migrations."""
        self.declared |= declared
        metadata = sa.MetaData()
        owners = {}
        for label, declare in sorted(self.declared.items()):
            declare(metadata)
            owners |= {name: label for name in metadata.tables if name not in owners}
        tables = {name: describe_metadata(metadata, label)[name] for name, label in owners.items()}
        return make_migrations(self.apps, options, tables)

    def make_of(self, table: TableState) -> list[WrittenMigration]:
        """Make migrations for an app that has one table."""
        self.declared.setdefault(table.label, lambda _metadata: None)
        return make_migrations(self.apps, MakeOptions(), {table.name: table})

    def migrate(self, label: str | None = None, target: str | None = None) -> list[AppliedStep]:
        return migrate(self.apps, MigrateOptions(label=label, target=target))

    def query(self, sql: str) -> list[Any]:
        with databases["default"].sync_engine.begin() as connection:
            result = connection.execute(sa.text(sql))
            return [tuple(row) for row in result] if result.returns_rows else []

    def inspect(self) -> sa.Inspector:
        engine = databases["default"].sync_engine
        return sa.inspect(engine.execution_options(sqlite_begin="DEFERRED"))  # only reads


@pytest.fixture
def project(tmp_path: Path, database_url: str) -> Iterator[Project]:
    """A project on an empty database, on SQLite and on PostgreSQL."""
    before = {alias: database.url for alias, database in databases.items()}
    databases.configure({"default": database_url})
    yield Project(tmp_path)
    databases["default"].dispose()
    databases.configure(before)

"""Migrations: Alembic's revision files, in Django's way of life, one folder for each app."""

from undercroft.migrations.applying import AppliedStep, MigrateOptions, list_migrations, migrate
from undercroft.migrations.apps import MigratedApp, find_apps
from undercroft.migrations.making import MakeOptions, WrittenMigration, make_migrations

__all__ = [
    "AppliedStep",
    "MakeOptions",
    "MigrateOptions",
    "MigratedApp",
    "WrittenMigration",
    "find_apps",
    "list_migrations",
    "make_migrations",
    "migrate",
]

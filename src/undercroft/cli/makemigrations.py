"""`undercroft makemigrations`: write down what has changed in the models."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from undercroft.cli.target import load_app

if TYPE_CHECKING:
    from undercroft.migrations.apps import MigratedApp


@click.command("makemigrations")
@click.argument("labels", nargs=-1, metavar="[LABEL]...")
@click.option("--app", help="The application, as for other commands.")
@click.option("-n", "--name", help="The migration's name, behind its number.")
@click.option("--empty", is_flag=True, help="One without operations, to be filled in by hand.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if there are changes.")
@click.option("--dry-run", is_flag=True, help="Write nothing; show what would be written.")
def command(
    *,
    labels: tuple[str, ...],
    app: str | None,
    name: str | None,
    empty: bool,
    check: bool,
    dry_run: bool,
) -> int:
    """Write a migration for each app whose models differ from its migrations.

    LABEL is an app's name, such as `blog`; left out, every app is looked at. No database is
    needed.
    """
    apps = load_apps(app)
    # Slow to import (SQLAlchemy and Alembic).
    from undercroft.migrations.making import MakeOptions, make_migrations  # noqa: PLC0415

    options = MakeOptions(labels=labels, name=name, empty=empty, dry_run=dry_run or check)
    made = make_migrations(apps, options)
    if not made:
        click.echo("No changes detected")
    for migration in made:
        click.secho(f"Migrations for {migration.label!r}:", bold=True)
        click.echo(f"  {shorten_path(migration.path)}")
        for change in migration.changes:
            click.echo(f"    - {change}")
        if dry_run:
            click.echo(f"\n{migration.source}")
    return 1 if check and made else 0


def load_apps(app: str | None) -> "list[MigratedApp]":
    """Load the application, and find its apps and their migrations."""
    loaded = load_app(app)
    # Slow to import (SQLAlchemy).
    from undercroft.migrations.apps import find_apps  # noqa: PLC0415

    return find_apps((installed.label, installed.path) for installed in loaded.apps)


def shorten_path(path: Path) -> str:
    """Write a path from the working directory on, where it lies below it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)

"""`undercroft makemigrations`: write down what has changed in the models."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from undercroft.cli.target import load_app
from undercroft.errors import ImproperlyConfigured

if TYPE_CHECKING:
    from undercroft.migrations.apps import MigratedApp
    from undercroft.migrations.making import WrittenMigration
    from undercroft.migrations.renaming import Decide, Rename

_RENAME = "What was renamed: blog_post.title=headline, or blog_post=blog_article."


@click.command("makemigrations")
@click.argument("labels", nargs=-1, metavar="[LABEL]...")
@click.option("--app", help="The application, as for other commands.")
@click.option("-n", "--name", help="The migration's name, behind its number.")
@click.option("--empty", is_flag=True, help="One without operations, to be filled in by hand.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if there are changes.")
@click.option("--dry-run", is_flag=True, help="Write nothing; show what would be written.")
@click.option("--rename", "renames", multiple=True, metavar="OLD=NEW", help=_RENAME)
@click.option("--no-rename", is_flag=True, help="Nothing was renamed: drop and add.")
def command(
    *,
    labels: tuple[str, ...],
    app: str | None,
    name: str | None,
    empty: bool,
    check: bool,
    dry_run: bool,
    renames: tuple[str, ...],
    no_rename: bool,
) -> int:
    """Write a migration for each app whose models differ from its migrations.

    LABEL is an app's name, such as `blog`; left out, every app is looked at. No database is
    needed.
    """
    check_labels(labels)
    apps = load_apps(app)
    # Slow to import (SQLAlchemy and Alembic).
    from undercroft.migrations.making import MakeOptions, make_migrations  # noqa: PLC0415

    decide: Decide | None = ask if sys.stdin.isatty() else None
    if no_rename or check:
        decide = deny
    options = MakeOptions(
        labels=labels,
        name=name,
        empty=empty,
        dry_run=dry_run or check,
        renames=renames,
        decide=decide,
    )
    made = make_migrations(apps, options)
    if not made:
        click.echo("No changes detected")
    for migration in made:
        show(migration)
        if dry_run:
            click.echo(f"\n{migration.source}")
    return 1 if check and made else 0


def show(migration: "WrittenMigration") -> None:
    """Show what a migration does; what destroys data stands out."""
    click.secho(f"Migrations for {migration.label!r}:", bold=True)
    click.echo(f"  {shorten_path(migration.path)}")
    for change in migration.changes:
        if change.startswith(("Drop table", "Drop column")):
            click.secho(f"    ! {change}, and all data in it", fg="red", bold=True)
        else:
            click.echo(f"    - {change}")


def ask(rename: "Rename") -> bool:
    """Ask at the terminal whether something was renamed."""
    kind = "column" if rename.column else "table"
    return click.confirm(f"Was the {kind} {rename.subject} renamed to {rename.new}?")


def deny(_rename: "Rename") -> bool:
    """Take nothing for a rename."""
    return False


def check_labels(labels: Iterable[str]) -> None:
    """Check that no application stands where an app's label belongs.

    Raises:
        ImproperlyConfigured: One does.
    """
    for label in labels:
        if label.endswith(".py") or ":" in label:
            raise ImproperlyConfigured(
                f"{label!r} is no label of an app, such as 'blog'.",
                hint=f"Name the application by `--app {label}`.",
                code="migrations.unknown-app",
            )


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

"""`undercroft inspectdb`: write models for a database that is there."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from undercroft.cli.progress import build_console, show_progress
from undercroft.cli.target import load_app
from undercroft.errors import ImproperlyConfigured

if TYPE_CHECKING:
    from undercroft.db.inspection.inspecting import Inspection, InspectOptions

_DATABASE = "Which of the databases, or a URL, which needs no application."
_LABEL = "The app they are for: class names leave it out of the tables' names."
_MANAGED = "Migrations take care of the tables from now on: keep every name and detail."


@click.command("inspectdb")
@click.argument("tables", nargs=-1, metavar="[TABLE]...")
@click.option("--app", help="The application, as for other commands.")
@click.option("--database", default="default", show_default=True, help=_DATABASE)
@click.option("--include-views", is_flag=True, help="Views as well.")
@click.option("--label", default="", help=_LABEL)
@click.option("--managed", is_flag=True, help=_MANAGED)
@click.option("-o", "--output", metavar="FILE", help="Write there; the file must not exist yet.")
def command(
    *,
    tables: tuple[str, ...],
    app: str | None,
    database: str,
    include_views: bool,
    label: str,
    managed: bool,
    output: str | None,
) -> None:
    """Write models for all tables, or those named, to FILE or standard output.

    Models of tables that others take care of say so (`managed = False`): migrations leave them
    alone.
    """
    alias = choose_database(database, app)
    target = check_output(output)
    # Slow to import (SQLAlchemy).
    from undercroft.db.inspection.inspecting import InspectOptions  # noqa: PLC0415

    found = inspect(
        InspectOptions(
            using=alias, tables=tables, include_views=include_views, label=label, managed=managed
        )
    )
    if target is None:
        click.echo(found.source, nl=False)
    else:
        target.write_text(found.source, "utf-8")
    show_summary(found, output)


def choose_database(database: str, app: str | None) -> str:
    """Choose the database: a name of the application's settings, or a URL; give its name."""
    # Light, but not needed for --help.
    from undercroft.db.connections.databases import databases  # noqa: PLC0415

    if "://" not in database:
        load_app(app)
        return database
    databases.configure({"default": database})
    return "default"


def check_output(output: str | None) -> Path | None:
    """Check that a file can be written without anything being lost.

    Raises:
        ImproperlyConfigured: It exists, or its folder does not.
    """
    if output is None:
        return None
    path = Path(output)
    if path.exists():
        raise ImproperlyConfigured(
            f"{output!r} exists: models in it would be lost.",
            hint="Give another name, and merge them by hand.",
            code="inspection.output",
        )
    if not path.parent.is_dir():
        raise ImproperlyConfigured(
            f"There is no folder {str(path.parent)!r}.", code="inspection.output"
        )
    return path


def inspect(options: "InspectOptions") -> "Inspection":
    """Inspect the database, and show how far it is."""
    # As above.
    from dataclasses import replace  # noqa: PLC0415

    from undercroft.db.inspection.inspecting import inspect_database  # noqa: PLC0415 - likewise

    with show_progress("Reading tables", 1.0) as advance:

        def notice(_name: str, count: int) -> None:
            advance(1 / count)

        return inspect_database(replace(options, on_table=notice))


def show_summary(found: "Inspection", output: str | None) -> None:
    """Say on standard error what was written, and what could not be read."""
    # As above.
    from rich.text import Text  # noqa: PLC0415

    console = build_console()
    for table, notes in found.notes.items():
        for note in notes:
            console.print(Text(f"{table}: {note}", style="yellow"), soft_wrap=True)
    noun = "model" if found.tables == 1 else "models"
    place = f" to {output}" if output else ""
    console.print(Text(f"Wrote {found.tables} {noun}{place}."), soft_wrap=True)

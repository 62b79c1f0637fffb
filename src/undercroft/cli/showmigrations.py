"""`undercroft showmigrations`: every migration, and whether it is applied."""

import click

from undercroft.cli.makemigrations import check_labels, load_apps


@click.command("showmigrations")
@click.argument("labels", nargs=-1, metavar="[LABEL]...")
@click.option("--app", help="The application, as for other commands.")
@click.option("--database", default="default", show_default=True, help="Which of the databases.")
def command(labels: tuple[str, ...], app: str | None, database: str) -> None:
    """List the migrations of every app, or of the apps LABEL; applied ones have an X."""
    check_labels(labels)
    apps = load_apps(app)
    # Slow to import (SQLAlchemy and Alembic).
    from undercroft.migrations.applying import list_migrations  # noqa: PLC0415
    from undercroft.migrations.apps import choose_apps  # noqa: PLC0415 - likewise

    wanted = {each.label for each in choose_apps(apps, labels)}
    for label, migrations in list_migrations(apps, database).items():
        if label not in wanted:
            continue
        click.secho(label, bold=True)
        for name, is_applied in migrations:
            click.echo(f" [{'X' if is_applied else ' '}] {name}")
        if not migrations:
            click.echo(" (no migrations)")

"""`undercroft migrate`: bring the database up to date, or to one migration."""

from time import perf_counter
from typing import TYPE_CHECKING

import click

from undercroft.cli.makemigrations import check_labels, deny, load_apps
from undercroft.errors import MigrationError

if TYPE_CHECKING:
    from undercroft.migrations.applying import AppliedStep
    from undercroft.migrations.apps import MigratedApp


@click.command("migrate")
@click.argument("label", required=False)
@click.argument("target", required=False)
@click.option("--app", help="The application, as for other commands.")
@click.option("--database", default="default", show_default=True, help="Which of the databases.")
@click.option("--plan", is_flag=True, help="Show what would be done.")
@click.option("--fake", is_flag=True, help="Record the migrations without running them.")
def command(
    *, label: str | None, target: str | None, app: str | None, database: str, plan: bool, fake: bool
) -> None:
    """Apply all migrations, or those of the app LABEL, or bring it to TARGET.

    TARGET is a migration's name, the start of it, or its number; later ones are taken back.
    `zero` takes all of them back.
    """
    check_labels([label] if label else [])
    apps = load_apps(app)
    # Slow to import (SQLAlchemy and Alembic).
    from undercroft.migrations.applying import MigrateOptions, migrate  # noqa: PLC0415

    options = MigrateOptions(
        label=label, target=target, database=database, fake=fake, plan_only=plan
    )
    progress = Progress(fake=fake)
    try:
        steps = migrate(apps, options, progress)
    except BaseException:
        progress.fail()
        raise
    if not steps:
        click.echo("No migrations to apply.")
    elif plan:
        for step in steps:
            click.echo(f"  {'apply' if step.is_upgrade else 'take back'} {step.label}.{step.name}")
    if label is None:
        warn_of_changes(apps)


def warn_of_changes(apps: "list[MigratedApp]") -> None:
    """Say so when the models are ahead of the migrations, which `migrate` alone cannot mend."""
    # As above.
    from undercroft.migrations.making import MakeOptions, make_migrations  # noqa: PLC0415

    try:
        options = MakeOptions(dry_run=True, decide=deny)
        changed = [each.label for each in make_migrations(apps, options)]
    except MigrationError as error:
        changed = [error.message]
    if changed:
        click.secho(
            f"Models have changes that no migration has yet: {', '.join(changed)}. "
            "Run `undercroft makemigrations`.",
            fg="yellow",
            err=True,
        )


class Progress:
    """Prints each step: its name when it begins, how it went when it is done.

    Args:
        fake: Whether steps are only recorded.
    """

    def __init__(self, *, fake: bool) -> None:
        self._fake = fake
        self._started = 0.0
        self._is_open = False

    def __call__(self, step: "AppliedStep", is_done: bool) -> None:
        """Print one end of a step."""
        self._is_open = not is_done
        if is_done:
            took = "recorded" if self._fake else f"{(perf_counter() - self._started) * 1000:.0f} ms"
            click.echo(f" {click.style('OK', fg='green')} ({took})")
            return
        self._started = perf_counter()
        verb = "Applying" if step.is_upgrade else "Taking back"
        click.echo(f"  {verb} {step.label}.{step.name}...", nl=False)

    def fail(self) -> None:
        """End the line of a step that was begun and will not be done."""
        if self._is_open:
            click.secho(" FAILED", fg="red")

"""`undercroft check`: build the application and say what is wrong with it."""

import click

from undercroft.cli.target import load_app


@click.command("check")
@click.argument("app", required=False)
def command(app: str | None) -> None:
    """Build the application, so that every mistake that can be found at start is found now."""
    loaded = load_app(app)
    click.echo(f"OK: {len(loaded.operations)} operations, no problems.")

"""`undercroft version`."""

import click


@click.command("version")
def command() -> None:
    """Print the version."""
    # Slow to import, and only this command needs it.
    from importlib.metadata import version  # noqa: PLC0415

    click.echo(version("undercroft"))

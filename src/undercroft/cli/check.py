"""`undercroft check`: build the application and say what is wrong with it."""

import sys

import click

from undercroft.cli.routes import is_ours
from undercroft.cli.target import load_app


@click.command("check")
@click.argument("app", required=False)
def command(app: str | None) -> None:
    """Build the application, so that every mistake that can be found at start is found now."""
    routes = {id(each.route) for each in load_app(app).operations if not is_ours(each.route)}
    if "undercroft.db.model" in sys.modules:
        # Loads SQLAlchemy, which an application without models never needs.
        from undercroft.db.schema import check_orderings  # noqa: PLC0415

        check_orderings()
    noun = "route" if len(routes) == 1 else "routes"
    click.echo(f"OK: {len(routes)} {noun}, no problems.")

"""`undercroft check`: build the application, look at it, and say what is wrong with it."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from undercroft.cli.routes import is_ours
from undercroft.cli.target import load_app

if TYPE_CHECKING:
    from undercroft.checks.messages import CheckMessage

_LEVELS = ("debug", "info", "warning", "error", "critical")
_COLOURS = {"debug": "dim", "info": "cyan", "warning": "yellow", "error": "red"}


@click.command("check")
@click.argument("app", required=False)
@click.option("--deploy", is_flag=True, help="Ask as well whether it may meet the world.")
@click.option("-t", "--tag", "tags", multiple=True, help="Only checks of this kind.")
@click.option("--list-tags", is_flag=True, help="List the kinds, and stop.")
@click.option(
    "--fail-level",
    type=click.Choice(_LEVELS, case_sensitive=False),
    default="error",
    show_default=True,
    help="What makes the command fail, and what is above it.",
)
def command(
    app: str | None, *, deploy: bool, tags: tuple[str, ...], list_tags: bool, fail_level: str
) -> int:
    """Build the application, and find every mistake that can be found without a request."""
    loaded = load_app(app)
    # They look at everything there is, and import that.
    from undercroft.checks.messages import LEVELS  # noqa: PLC0415
    from undercroft.checks.registry import registry  # noqa: PLC0415 - as said
    from undercroft.checks.running import run_checks  # noqa: PLC0415 - as said

    if list_tags:
        click.echo("\n".join(sorted(registry.tags_available(deploy))))
        return 0
    found = run_checks(loaded, tags, include_deployment_checks=deploy)
    found.sort(key=lambda message: -message.level)
    failures = [message for message in found if message.is_serious(LEVELS[fail_level.lower()])]
    if found:
        show(found)
    routes = {id(each.route) for each in loaded.operations if not is_ours(each.route)}
    counted = f"{len(routes)} {'route' if len(routes) == 1 else 'routes'}"
    problems = f"{len(found) or 'no'} {'problem' if len(found) == 1 else 'problems'}"
    click.echo(f"{'Failed' if failures else 'OK'}: {counted}, {problems}.")
    return 1 if failures else 0


def show(messages: Sequence["CheckMessage"]) -> None:
    """Show findings: a table at a terminal, a line for each elsewhere."""
    if not sys.stdout.isatty():
        for message in messages:
            click.echo(f"{message.level_name}: {message}")
        return
    # Slow to import, and only a terminal needs it.
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415 - likewise
    from rich.text import Text  # noqa: PLC0415 - likewise

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("level", "id", "about", "finding"):
        table.add_column(column, overflow="fold")
    for message in messages:
        name = message.level_name
        finding = Text(message.msg)
        if message.hint:
            finding.append(f"\n{message.hint}", style="dim")
        about = "" if message.obj is None else str(message.obj)
        style = _COLOURS.get(name, "bold red")
        table.add_row(Text(name, style=style), Text(message.id), Text(about), finding)
    Console().print(table)

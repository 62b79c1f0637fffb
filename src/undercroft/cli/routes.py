"""`undercroft routes`: what answers where."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from undercroft.cli.target import load_app

if TYPE_CHECKING:
    from undercroft.app.operations import Operation


@click.command("routes")
@click.argument("app", required=False)
def command(app: str | None) -> None:
    """List methods, path, name, handler and place of every route."""
    # Slow to import, and only commands that draw tables need it.
    from rich.console import Console  # noqa: PLC0415
    from rich.markup import escape  # noqa: PLC0415 - likewise
    from rich.table import Table  # noqa: PLC0415 - likewise

    rows = build_rows(load_app(app).operations)
    console = Console()
    table = Table(box=None, header_style="bold")
    for name in ("methods", "path", "name", "handler", "place"):
        # Whatever the width, a path can be read and copied whole.
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    if not console.is_terminal:
        # A pipe is no screen: one line to a route.
        console = Console(
            width=sum(max(map(len, column)) + 12 for column in zip(*rows, strict=True))
        )
    console.print(table)


def build_rows(operations: Iterable["Operation"]) -> list[tuple[str, str, str, str, str]]:
    """Build a row for each route, its methods together."""
    rows: dict[int, tuple[list[str], Operation]] = {}
    for operation in operations:
        rows.setdefault(id(operation.route), ([], operation))[0].append(operation.method)
    return [
        (
            ", ".join(sorted(methods)),
            operation.route.path,
            operation.route.name or "",
            name_handler(operation.route.handler),
            shorten_place(operation.route.source),
        )
        for methods, operation in rows.values()
    ]


def name_handler(handler: object) -> str:
    """Name a handler as it would be imported; a view by its class."""
    named = getattr(handler, "view_class", handler)
    name = getattr(named, "__qualname__", type(named).__qualname__)
    module = getattr(named, "__module__", "")
    return f"{module}.{name}".lstrip(".")


def shorten_place(source: str) -> str:
    """Write a place from the working directory on, where it lies below it."""
    path, _, line = source.rpartition(":")
    try:
        return f"{Path(path).relative_to(Path.cwd())}:{line}"
    except ValueError:
        return source

"""`undercroft routes`: what answers where."""

from collections.abc import Iterable
from inspect import isroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from undercroft.cli.failures import is_in_project
from undercroft.cli.target import load_app
from undercroft.gateways.interfaces import find_interface
from undercroft.routing.mounts import ANY, Mount

if TYPE_CHECKING:
    from undercroft.app.application import App
    from undercroft.app.operations import Operation
    from undercroft.routing.route import Route


#: Methods, path, name, handler and place.
Row = tuple[str, str, str, str, str]

#: Columns that are shown however narrow the terminal is.
_LEAST = 3


@click.command("routes")
@click.argument("app", required=False)
@click.option("--all", "shows_all", is_flag=True, help="Undercroft's own routes as well.")
def command(app: str | None, *, shows_all: bool) -> None:
    """List methods, path, name, handler and place of the project's routes."""
    # Slow to import, and only commands that draw tables need it.
    from rich.console import Console  # noqa: PLC0415
    from rich.markup import escape  # noqa: PLC0415 - likewise
    from rich.table import Table  # noqa: PLC0415 - likewise

    rows = list_rows(load_app(app), shows_all=shows_all)
    console = Console()
    columns = ["methods", "path", "name", "handler", "place"]
    widths = [max(map(len, column)) + 2 for column in zip(columns, *rows, strict=True)]
    while console.is_terminal and len(columns) > _LEAST and sum(widths) > console.width:
        # Rather nothing than words broken in two; a wider terminal or a pipe shows all.
        columns.pop()
        widths.pop()
    table = Table(box=None, header_style="bold")
    for name in columns:
        # Whatever the width, a path can be read and copied whole.
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row[: len(columns)]))
    if not console.is_terminal:
        # A pipe is no screen: one line to a route.
        console = Console(width=sum(widths) + 10)
    console.print(table)


def list_rows(app: "App", prefix: str = "", *, shows_all: bool) -> list[Row]:
    """List the rows of an application, and of what is mounted in it, below a prefix."""
    shown = [each for each in app.operations if shows_all or not is_ours(each.route)]
    rows: list[Row] = [(row[0], prefix + row[1], *row[2:]) for row in build_rows(shown)]
    for route in app.router.routes:
        # Of the two routes of a mount, the one for all that lies below.
        if not isinstance(route.handler, Mount) or not route.template.text.endswith("/"):
            continue
        place = prefix + route.template.text
        mounted = route.handler.application
        if isinstance(mounted, type(app)):
            mounted.build()
            rows += list_rows(mounted, place.removesuffix("/"), shows_all=shows_all)
        else:
            named = f"{name_application(mounted)} ({find_interface(mounted).rstrip('3')})"
            rows.append((ANY, place, route.name or "", named, shorten_place(route.source)))
    return rows


def name_application(application: object) -> str:
    """Name a mounted application: a function by itself, an object by its class."""
    return name_handler(application if isroutine(application) else type(application))


def build_rows(operations: Iterable["Operation"]) -> list[Row]:
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


def is_ours(route: "Route") -> bool:
    """Tell whether a route is undercroft's own, such as that of the API's description."""
    handler: Any = route.handler
    named: Any = getattr(handler, "view_class", handler)
    module: str = getattr(named, "__module__", "") or type(named).__module__
    is_own_code = module.partition(".")[0] == "undercroft"
    return is_own_code and not is_in_project(route.source.rpartition(":")[0])


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

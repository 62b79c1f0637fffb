"""`undercroft shell`: a Python shell with the application, its models and settings."""

import ast
import builtins
import inspect
import linecache
import sys
import traceback
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

import click

from undercroft.cli.target import load_app

if TYPE_CHECKING:
    from undercroft.app.application import App


@click.command("shell")
@click.argument("app", required=False)
@click.option("-c", "--command", "code", help="Run this code and exit.")
@click.option("--plain", is_flag=True, help="Python's own shell, even where IPython is installed.")
def command(app: str | None, code: str | None, plain: bool) -> None:
    """Open a Python shell in which `app`, `settings` and every model are at hand."""
    names = build_names(load_app(app))
    if code is not None:
        sys.exit(execute(code, "<command>", names))
    elif not sys.stdin.isatty():
        sys.exit(execute(sys.stdin.read(), "<stdin>", names))
    else:
        open_shell(names, plain=plain)


def execute(source: str, name: str, names: dict[str, Any]) -> int:
    """Run code that may `await`, and return the exit status; a traceback is the code's own."""
    # Shown in tracebacks, as lines of files are.
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    try:
        evaluate(compile(source, name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the caller's
        frames = error.__traceback__
        while frames is not None and frames.tb_frame.f_code.co_filename != name:
            frames = frames.tb_next
        traceback.print_exception(error.with_traceback(frames))
        return 1
    return 0


def evaluate(code: CodeType, names: dict[str, Any]) -> None:
    """Evaluate code; where it awaits, on an event loop, and databases are closed with that."""
    function = FunctionType(code, names)
    if not code.co_flags & inspect.CO_COROUTINE:
        function()
        return
    # Slow to import, and most code does not await.
    import asyncio  # noqa: PLC0415

    from undercroft.db.connections.databases import databases  # noqa: PLC0415 - likewise

    async def run() -> None:
        try:
            await function()
        finally:
            await databases.adispose()

    asyncio.run(run())


def build_names(app: "App") -> dict[str, Any]:
    """Build what is at hand: models by class name, then `app` and `settings`."""
    # Code in C that imports, as `date.today()` does, looks for the builtins here.
    names: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins}
    if "undercroft.db.mapping.registry" in sys.modules:
        # Loads no more than the project's models have already.
        from undercroft.db.mapping.registry import all_models  # noqa: PLC0415

        names.update({model.__name__: model for model in all_models()})
    return {**names, "app": app, "settings": app.settings}


def open_shell(names: dict[str, Any], *, plain: bool) -> None:
    """Open IPython where it is installed, else Python's own shell."""
    known = ", ".join(sorted(name for name in names if not name.startswith("_")))
    banner = f"At hand: {known}"
    if not plain:
        try:
            # Optional, and slow to import.
            from IPython import start_ipython  # type: ignore[import-not-found]  # noqa: PLC0415
        except ImportError:
            pass
        else:
            click.echo(banner)
            start_ipython(argv=["--no-banner"], user_ns=names)
            return
    # Only an interactive session needs these.
    import readline  # noqa: F401, PLC0415 - gives `input` history  # pyright: ignore[reportUnusedImport]

    from undercroft.cli.console import interact  # noqa: PLC0415 - likewise

    interact(names, banner)

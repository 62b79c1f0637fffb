"""`undercroft shell`: a Python shell with the application, its models and settings."""

import sys
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
        exec(compile(code, "<command>", "exec"), names)  # noqa: S102 - what the caller asked for
    elif not sys.stdin.isatty():
        exec(compile(sys.stdin.read(), "<stdin>", "exec"), names)  # noqa: S102 - likewise
    else:
        open_shell(names, plain=plain)


def build_names(app: "App") -> dict[str, Any]:
    """Build what is at hand: models by class name, then `app` and `settings`."""
    names: dict[str, Any] = {"__name__": "__main__"}
    if "undercroft.db.registry" in sys.modules:
        # Loads no more than the project's models have already.
        from undercroft.db.registry import all_models  # noqa: PLC0415

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
    import code  # noqa: PLC0415
    import readline  # noqa: F401, PLC0415 - gives `input` history  # pyright: ignore[reportUnusedImport]

    code.interact(banner=banner, local=names, exitmsg="")

"""`undercroft run`: development. Reload, error pages, a coloured log, readable errors."""

import gc
import os
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from undercroft.cli.target import Target, find_target, load_object
from undercroft.server.options import Options

_DEBUG = "UNDERCROFT_DEBUG"


@click.command("run")
@click.argument("app", required=False)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("-p", "--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option("--reload/--no-reload", default=True, help="Start again on change.  [default: yes]")
@click.option("--factory", is_flag=True, help="APP makes the application when called.")
@click.option("--fd", "descriptors", type=int, multiple=True, hidden=True)
def command(
    *,
    app: str | None,
    host: str,
    port: int,
    reload: bool,
    factory: bool,
    descriptors: tuple[int, ...],
) -> None:
    """Serve an application for development, on this machine.

    Debug is on unless the environment or .env says otherwise. When a file of the project changes,
    the application is started again; while it is broken, the error is shown and the next change
    waited for.
    """
    target = find_target(app)
    options = Options(host=host, port=port, access_log=True, graceful_timeout=2)
    if reload and not descriptors:
        supervise(target, options, factory=factory)
    else:
        serve_once(target, options, descriptors, factory=factory)


def supervise(target: Target, options: Options, *, factory: bool) -> None:
    """Hold the sockets, and start a child to serve on them whenever the project changes."""
    # Slow to import, and needed for reload alone.
    from undercroft.server.reload import run_with_reload  # noqa: PLC0415
    from undercroft.server.sockets import find_port, open_sockets  # noqa: PLC0415 - likewise

    sockets = open_sockets(options.host, options.port)
    greet(target, options.host, find_port(sockets))
    command_line = ["-m", "undercroft", "run", target.argument, "--host", options.host]
    command_line += ["--port", str(find_port(sockets)), *(["--factory"] if factory else [])]
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(target.folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    folders = {Path.cwd(), target.folder}
    watched = [path for path in folders if not any(other in path.parents for other in folders)]
    run_with_reload(command_line, watched, sockets, tell)


def serve_once(
    target: Target, options: Options, descriptors: tuple[int, ...], *, factory: bool
) -> None:
    """Serve until told to stop; as a child, on the supervisor's sockets."""
    # Slow to import (asyncio), and the supervisor does without.
    from undercroft.server.logs import configure_logging  # noqa: PLC0415
    from undercroft.server.sockets import adopt_sockets, find_port, open_sockets  # noqa: PLC0415 - likewise

    gc.disable()  # until it serves, as for `serve`
    if descriptors:
        # watchfiles comes with it, which a child without supervisor has no use for.
        from undercroft.server.reload import end_with_parent  # noqa: PLC0415

        end_with_parent()
    turn_debug_on()
    configure_logging(kind="development")
    sockets = (
        adopt_sockets(descriptors) if descriptors else open_sockets(options.host, options.port)
    )
    found = load_object(target, factory=factory)
    if hasattr(found, "build") and hasattr(found, "asgi"):
        found.change_settings(access_log=True)
        options = replace(options, **found.server_options, access_log=False)
        warn_of_pending_migrations(found)
        found = found.asgi
    if not descriptors:
        greet(target, options.host, find_port(sockets))
    # Slow to import: only here, when the application is known to be sound.
    from undercroft.server.runner import serve  # noqa: PLC0415

    serve(found, options, sockets)


def warn_of_pending_migrations(app: Any) -> None:
    """Say what `migrate` would apply, where the application has models and the database answers."""
    if "undercroft.db.model" not in sys.modules:
        return
    # Slow to import (Alembic), and needed only by an application that has models.
    from undercroft.errors import DatabaseError  # noqa: PLC0415
    from undercroft.migrations.applying import find_pending  # noqa: PLC0415 - as said above
    from undercroft.migrations.apps import find_apps  # noqa: PLC0415 - as said above

    try:
        pending = find_pending(find_apps((each.name, each.path) for each in app.apps))
    except DatabaseError:
        return  # the first query tells it better, and to whom it concerns
    if pending:
        names = ", ".join(pending)
        tell(f"Migrations not applied yet: {names}. Run `undercroft migrate`.")


def greet(target: Target, host: str, port: int) -> None:
    """Say what to open."""
    # Needed by whoever comes here, and slow to import for those who only want help.
    from undercroft.server.sockets import build_url  # noqa: PLC0415

    address = click.style(f"{build_url('http', host, port)}/", bold=True)
    tell(f"{target} for development: open {address}  (Ctrl+C stops it)")


def tell(message: str) -> None:
    """Say something to the developer, beside the log."""
    colour = None if not os.environ.get("NO_COLOR") else False
    click.echo(f"{click.style('undercroft', fg='magenta')} {message}", err=True, color=colour)


def turn_debug_on() -> None:
    """Turn debug on for `Settings`, unless the environment or .env says otherwise."""
    if any(name.upper() == _DEBUG for name in os.environ) or is_in_env_file(Path(".env")):
        return
    os.environ[_DEBUG] = "1"


def is_in_env_file(path: Path) -> bool:
    """Tell whether `.env` decides about debug."""
    if not path.is_file():
        return False
    text = path.read_text(encoding="utf-8", errors="replace")
    return bool(re.search(rf"(?mi)^\s*(export\s+)?{_DEBUG}\s*=", text))

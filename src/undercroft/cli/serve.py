"""`undercroft serve`: production. The flags are those people know from Gunicorn and Uvicorn."""

import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import click

from undercroft.cli.target import find_target, load_object
from undercroft.errors import ImproperlyConfigured
from undercroft.server.options import Interface, Lifespan, Options
from undercroft.server.sockets import parse_bind

if TYPE_CHECKING:
    from undercroft.app.application import App

LEVELS = ("critical", "error", "warning", "info", "debug")
#: Flags that stand for settings of the application, if it is one of ours.
SETTINGS = (
    "access_log",
    "client_timeout",
    "websocket_max_size",
    "websocket_ping_interval",
    "websocket_ping_timeout",
)
_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("serve")
@click.argument("app", required=False)
@click.option("-b", "--bind", help="HOST:PORT or unix:PATH.  [default: 127.0.0.1:8000]")
@click.option("--host", help="The address to listen on.")
@click.option("-p", "--port", type=click.IntRange(0, 65535), help="The port; 0 takes a free one.")
@click.option("--uds", "unix_socket", help="Listen on a Unix socket.")
@click.option("-w", "--workers", default=1, show_default=True, help="Worker processes.")
@click.option("--factory", is_flag=True, help="APP makes the application when called.")
@click.option("--interface", type=click.Choice(get_args(Interface)), default="auto")
@click.option("--lifespan", type=click.Choice(get_args(Lifespan)), default="auto")
@click.option("--log-level", type=click.Choice(LEVELS), default="info", show_default=True)
@click.option(
    "--access-log/--no-access-log",
    default=None,
    help="A line for each request.  [default: the setting access_log]",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    help="How the log is written.  [default: the setting log_format]",
)
@click.option(
    "--ws-max-size",
    "websocket_max_size",
    type=click.IntRange(1),
    help="The largest message of a WebSocket, in bytes.",
)
@click.option(
    "--ws-ping-interval",
    "websocket_ping_interval",
    type=click.FloatRange(0, min_open=True),
    help="Seconds between two pings.",
)
@click.option(
    "--ws-ping-timeout",
    "websocket_ping_timeout",
    type=click.FloatRange(0, min_open=True),
    help="Seconds a ping may stay unanswered.",
)
@click.option(
    "--client-timeout",
    type=click.FloatRange(0, min_open=True),
    help="Seconds a client may keep a request waiting, or its answer.",
)
@click.option("--root-path", default="", help="Where a proxy mounts the application.")
@click.option("--proxy-headers/--no-proxy-headers", help="Believe X-Forwarded-*.  [default: no]")
@click.option("--forwarded-allow-ips", default="127.0.0.1,::1", help="Whom to believe then.")
@click.option("--backlog", default=2048, help="Connections that may wait to be accepted.")
@click.option(
    "--keep-alive",
    "--timeout-keep-alive",
    default=5,
    help="Seconds an idle connection is kept.",
)
@click.option(
    "--graceful-timeout",
    "--timeout-graceful-shutdown",
    default=30,
    help="Seconds running requests get at the end.",
)
@click.option("--limit-concurrency", type=int, help="Answer 503 above so many connections.")
@click.option("--certfile", "--ssl-certfile", "certificate", type=_file, help="TLS certificate.")
@click.option("--keyfile", "--ssl-keyfile", "certificate_key", type=_file, help="Its private key.")
def command(
    *,
    app: str | None,
    bind: str | None,
    host: str | None,
    port: int | None,
    workers: int,
    factory: bool,
    log_level: str,
    log_format: Literal["text", "json"] | None,
    **flags: Any,
) -> None:
    """Serve an application for production.

    APP is any ASGI or WSGI application, `module:attribute`; SIGTERM and Ctrl+C stop it after the
    running requests.
    """
    check_workers(workers)
    # What is made while starting stays: looking through it for garbage is a tenth of the time.
    gc.disable()
    if bind is not None:
        if host is not None or port is not None:
            raise click.UsageError("Give either --bind or --host and --port.")
        host, port, unix_socket = parse_bind(bind)
        flags["unix_socket"] = unix_socket or flags["unix_socket"]
    # Before the application is imported, so that what it logs then is seen.
    from undercroft.server.logs import build_formatter, configure_logging  # noqa: PLC0415 - asyncio is slow

    handler = configure_logging(level=log_level, kind=log_format or "text")
    target = find_target(app)
    found = load_object(target, factory=factory)
    own = find_own_app(found)
    told = {name: flags.pop(name) for name in SETTINGS}
    told = {name: value for name, value in told.items() if value is not None}
    if own is None:
        flags |= told
    else:
        own.change_settings(**told)
        flags |= own.server_options
        if log_format is None:
            handler.setFormatter(build_formatter(own.settings.log_format))
    options = Options(host=host or "127.0.0.1", port=8000 if port is None else port, **flags)
    # Slow to import: only here, when the application is known to be sound.
    from undercroft.server.runner import serve  # noqa: PLC0415

    serve(own.asgi if own is not None else found, options)


def check_workers(workers: int) -> None:
    """Refuse more than one worker process.

    Raises:
        ImproperlyConfigured: More than one was asked for.
    """
    if workers != 1:
        raise ImproperlyConfigured(
            f"--workers {workers} is not possible yet: this version serves from one process.",
            hint="Start several on ports of their own behind a proxy, or run the application "
            "under Gunicorn, which it supports unchanged.",
            code="server.workers",
        )


def find_own_app(application: Any) -> "App | None":
    """Find out whether an application is ours, without importing what a foreign one lacks."""
    module = sys.modules.get("undercroft.app.application")
    if module is not None and isinstance(application, module.App):
        own: App = application
        return own
    return None

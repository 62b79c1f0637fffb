"""Runs one worker: an application on uvicorn's `Server`, from sockets to a clean exit."""

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Sequence
from typing import Any, Literal

from uvicorn import Server

from undercroft.gateways.foreign_wsgi import WSGIAdapter
from undercroft.gateways.interfaces import find_interface
from undercroft.server.access_log import ForeignAccessLog
from undercroft.server.config import ServerConfig
from undercroft.server.options import Options
from undercroft.server.protocols import BoundedHTTPProtocol
from undercroft.server.sockets import build_url, find_port, open_sockets, remove_unix_socket

logger = logging.getLogger("undercroft.server")


def serve(
    application: Any, options: Options, sockets: Sequence[socket.socket] | None = None
) -> None:
    """Serve an application until SIGINT or SIGTERM; running requests are finished first.

    Args:
        application: Speaks ASGI or WSGI.
        options: How to serve.
        sockets: Already listening; opened as the options say when left out.

    Raises:
        ImproperlyConfigured: It is no application, or the address cannot be listened on.
        SystemExit: The application refused to start.
    """
    config = build_config(application, options)
    if sockets is None and options.unix_socket is None:
        sockets = open_sockets(options.host, options.port)
    server = Server(config)

    def stop(*_signal: object) -> None:
        server.should_exit = True

    # Uvicorn raises the signal that ended it once more; here that is no news, and the exit is 0.
    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    logger.info("Serving on %s", describe_address(options, sockets or ()))
    # What is there now stays for good, and need never be looked through.
    gc.freeze()
    gc.enable()
    try:
        server.run(sockets=list(sockets) if sockets else None)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        if options.unix_socket is not None:
            remove_unix_socket(options.unix_socket)
    logger.info("Stopped")


def build_config(application: Any, options: Options) -> ServerConfig:
    """Build uvicorn's configuration: nothing is wrapped that was not asked for.

    Raises:
        ImproperlyConfigured: It is no application.
    """
    interface = find_interface(application) if options.interface == "auto" else options.interface
    spoken: Literal["asgi3", "asgi2"] = "asgi2" if interface == "asgi2" else "asgi3"
    served = WSGIAdapter(application) if interface == "wsgi" else application
    if options.access_log and spoken == "asgi3":
        served = ForeignAccessLog(served)
    config = ServerConfig(
        # As a factory, for uvicorn would else call the application to see whether it is one.
        lambda: served,
        factory=True,
        interface=spoken,
        host=options.host,
        port=options.port,
        uds=options.unix_socket,
        lifespan="off" if interface == "wsgi" else options.lifespan,
        http=BoundedHTTPProtocol,
        ws=find_socket_protocol() if options.websockets and interface != "wsgi" else "none",
        ws_max_size=options.websocket_max_size,
        ws_ping_interval=options.websocket_ping_interval,
        ws_ping_timeout=options.websocket_ping_timeout,
        log_config=None,
        access_log=False,
        server_header=False,
        root_path=options.root_path,
        proxy_headers=options.proxy_headers,
        forwarded_allow_ips=options.forwarded_allow_ips,
        backlog=options.backlog,
        timeout_keep_alive=options.keep_alive,
        timeout_graceful_shutdown=options.graceful_timeout,
        limit_concurrency=options.limit_concurrency,
        workers=1,
        ssl_certfile=options.certificate,
        ssl_keyfile=options.certificate_key,
    )
    config.client_timeout = options.client_timeout
    return config


def find_socket_protocol() -> type[asyncio.Protocol]:
    """Find what reads WebSockets."""
    # The library is slow to import, and most applications have no WebSocket.
    from undercroft.server.websockets import BoundedWebSocketProtocol  # noqa: PLC0415

    return BoundedWebSocketProtocol


def describe_address(options: Options, sockets: Sequence[socket.socket]) -> str:
    """Describe where to reach the server, for people: what they can open in a browser."""
    if options.unix_socket is not None:
        return f"unix:{options.unix_socket}"
    port = find_port(sockets) or options.port
    return build_url(options.scheme, options.host, port)

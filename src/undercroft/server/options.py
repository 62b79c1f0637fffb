"""Options: everything `undercroft serve` and `undercroft run` may be told, with safe defaults."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Interface = Literal["auto", "asgi3", "asgi2", "wsgi"]
Lifespan = Literal["auto", "on", "off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to serve an application.

    Attributes:
        host: The address to listen on.
        port: The port to listen on; 0 takes a free one.
        unix_socket: Listen on this path instead of host and port.
        interface: What the application speaks; `auto` looks at it.
        lifespan: Whether the application is told of start and end; `auto` tries.
        websockets: Whether WebSocket handshakes are passed on.
        websocket_max_size: The largest message of a WebSocket, in bytes.
        websocket_ping_interval: Seconds between two pings to a WebSocket's client; None for none.
        websocket_ping_timeout: Seconds it may take to answer one.
        access_log: Write a line for each request; an App of ours does so by itself.
        root_path: Where a proxy mounts the application, for example `/shop`.
        proxy_headers: Believe X-Forwarded-For and X-Forwarded-Proto.
        forwarded_allow_ips: Whom to believe then: addresses, networks, or `*`.
        backlog: Connections that may wait to be accepted.
        keep_alive: Seconds an idle connection is kept.
        client_timeout: Seconds in which a client that is waited for must do something: send a piece
            of its request's body, or read some of its answer; None for ever.
        graceful_timeout: Seconds running requests get when the server stops; None is for ever.
        limit_concurrency: Answer 503 when more connections than this are open.
        certificate: The TLS certificate with its chain; with it the server speaks https.
        certificate_key: Its private key, when that is in a file of its own.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    unix_socket: str | None = None
    interface: Interface = "auto"
    lifespan: Lifespan = "auto"
    websockets: bool = True
    websocket_max_size: int = 16 * 1024 * 1024
    websocket_ping_interval: float | None = 20
    websocket_ping_timeout: float | None = 20
    access_log: bool = False
    root_path: str = ""
    proxy_headers: bool = False
    forwarded_allow_ips: str = "127.0.0.1,::1"
    backlog: int = 2048
    keep_alive: int = 5
    client_timeout: float | None = 60
    graceful_timeout: int | None = 30
    limit_concurrency: int | None = None
    certificate: Path | None = None
    certificate_key: Path | None = None

    @property
    def scheme(self) -> str:
        """Either "http" or "https"."""
        return "https" if self.certificate else "http"

"""The sockets to listen on, opened before anything else so that a taken port is told at once."""

import errno
import socket
from collections.abc import Sequence
from pathlib import Path

from undercroft.errors import ImproperlyConfigured


def parse_bind(bind: str) -> tuple[str, int, str | None]:
    """Split what `--bind` takes into host, port and the path of a Unix socket.

    Forms: `host:port`, `:port`, `host`, `[::1]:8000`, `unix:/run/app.sock`.

    Raises:
        ImproperlyConfigured: The port is no number from 0 to 65535.
    """
    if bind.startswith("unix:"):
        return "127.0.0.1", 0, bind.removeprefix("unix:")
    host, separator, port = bind.rpartition(":")
    if not separator or bind.endswith("]"):
        host, port = bind, "8000"
    if not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise ImproperlyConfigured(
            f"{bind!r} is no address to listen on.",
            hint="Write host:port, for example 127.0.0.1:8000, [::1]:8000 or unix:/run/app.sock.",
            code="server.bind",
        )
    return host.strip("[]") or "0.0.0.0", int(port), None  # noqa: S104 - `:8000` means every address


def open_sockets(host: str, port: int) -> list[socket.socket]:
    """Open a listening socket for each address a host name has.

    Raises:
        ImproperlyConfigured: The host is unknown, or the port taken or forbidden.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise ImproperlyConfigured(
            f"Host {host!r} is unknown: {error}.",
            hint="Use 127.0.0.1 for this machine alone, 0.0.0.0 for every address it has.",
            code="server.bind",
        ) from error
    opened: list[socket.socket] = []
    failure: OSError | None = None
    for family, address in dict.fromkeys((entry[0], entry[4]) for entry in found):
        try:
            opened.append(open_socket(family, (address[0], port or find_port(opened))))
        except OSError as error:
            failure = error
            # A machine without IPv6 still resolves `localhost` to ::1.
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                break
    if failure is not None and (not opened or failure.errno == errno.EADDRINUSE):
        for listening in opened:
            listening.close()
        raise build_failure(host, port, failure) from failure
    return opened


def open_socket(family: int, address: tuple[str | int, int]) -> socket.socket:
    """Open one listening socket."""
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(address)
        # Two sockets may be bound to one address; only listening finds out.
        listening.listen(2048)
    except OSError:
        listening.close()
        raise
    return listening


def adopt_sockets(descriptors: Sequence[int]) -> list[socket.socket]:
    """Take over sockets that a parent process opened."""
    return [socket.socket(fileno=descriptor) for descriptor in descriptors]


def find_port(sockets: Sequence[socket.socket]) -> int:
    """Find the port sockets listen on; 0 where there is none yet."""
    return int(sockets[0].getsockname()[1]) if sockets else 0


def build_url(scheme: str, host: str, port: int) -> str:
    """Build the address to open in a browser, where 0.0.0.0 and :: lead nowhere."""
    name = host.strip("[]")
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(name, name)  # noqa: S104 - read, not bound
    return f"{scheme}://[{name}]:{port}" if ":" in name else f"{scheme}://{name}:{port}"


def build_failure(host: str, port: int, error: OSError) -> ImproperlyConfigured:
    """Build the error for an address that cannot be listened on."""
    match error.errno:
        case errno.EADDRINUSE:
            what = f"Port {port} on {host} is in use by another program."
            hint = f"Stop it, or choose another port, for example `--port {port + 1}`."
            code = "server.port-in-use"
        case errno.EACCES:
            what = f"Port {port} on {host} needs more rights than this user has."
            hint, code = "Choose a port from 1024 on, for example `--port 8000`.", "server.bind"
        case _:
            what = f"{host}:{port} cannot be listened on: {error.strerror or error}."
            hint, code = (
                "Use an address this machine has, or 0.0.0.0 for all of them.",
                "server.bind",
            )
    return ImproperlyConfigured(what, hint=hint, code=code)


def remove_unix_socket(path: str) -> None:
    """Remove the file a Unix socket leaves behind."""
    Path(path).unlink(missing_ok=True)

"""A way to a real server that may say something else, fall silent or break in between."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit


class Proxy:
    """Passes bytes between clients and a server.

    Args:
        address: Of the server; None for one that accepts connections and never says a word.
        changes: What to write for what in the server's answers; as long as it was.
    """

    def __init__(self, address: tuple[str, int] | None, changes: dict[bytes, bytes]) -> None:
        self.address = address
        self.changes = changes
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.sockets: list[socket.socket] = []
        self.clients: set[socket.socket] = set()
        #: How many bytes of answers come yet before the rest waits for `released`.
        self.limit: int | None = None
        self.released = threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                self.sockets.append(client)
                self.clients.add(client)
                if self.address is not None:
                    server = socket.create_connection(self.address)
                    self.sockets.append(server)
                    for ends in ((client, server, {}), (server, client, self.changes)):
                        threading.Thread(target=self.pass_on, args=ends, daemon=True).start()

    def pass_on(
        self, source: socket.socket, target: socket.socket, changes: dict[bytes, bytes]
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                for old, new in changes.items():
                    data = data.replace(old, new)
                if target in self.clients and self.limit is not None:
                    target.sendall(data[: self.limit])
                    data, self.limit = data[self.limit :], max(0, self.limit - len(data))
                    if data:
                        self.released.wait(20)
                target.sendall(data)
        self.close(source, target)

    def break_connections(self) -> None:
        """Close every connection, as a server does that is stopped."""
        self.close(*self.sockets)
        self.sockets.clear()

    def close(self, *sockets: socket.socket) -> None:
        for each in sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@contextlib.contextmanager
def open_proxy(
    url: str, changes: dict[bytes, bytes] | None = None, *, silent: bool = False
) -> Iterator[tuple[str, Proxy]]:
    """Open a way to a database's server; give its address and the way."""
    parts = urlsplit(url)
    server = None if silent else (parts.hostname or "127.0.0.1", parts.port or 3306)
    proxy = Proxy(server, changes or {})
    login = parts.netloc.rpartition("@")[0]
    try:
        yield urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{proxy.port}")), proxy
    finally:
        proxy.close(proxy.listener)
        proxy.break_connections()

"""WebSockets frame by frame (RFC 6455): what may come is read, what may not is named and closed."""

import socket
import struct
import sys
from collections.abc import Iterator

import pytest

from tests.server.conftest import PATIENCE, Server, find_free_port

APP = """
from undercroft import App, WebSocket

app = App()


@app.websocket("/echo")
async def echo(socket: WebSocket) -> None:
    await socket.accept(socket.choose_subprotocol(["v1"]))
    while True:
        message = await socket.receive()
        if message == "bye":
            return await socket.close(4000, "as you say")
        if isinstance(message, str):
            await socket.send_text(message)
        else:
            await socket.send_bytes(message)
"""

CONTINUED, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FIN, RESERVED = 0x80, 0x40
LARGEST = 1000

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all, told the largest message by its flag."""
    folder = tmp_path_factory.mktemp("frames")
    (folder / "main.py").write_text(APP, "utf-8")
    port = find_free_port()
    command = ["undercroft", "serve", "main:app", f"--bind=127.0.0.1:{port}"]
    command += [f"--ws-max-size={LARGEST}", "--ws-ping-interval=0.5", "--ws-ping-timeout=5"]
    server = Server([sys.executable, "-m", *command], port, folder).wait()
    yield server
    assert server.stop() == 0
    assert "Traceback" not in server.read_log()


@pytest.fixture
def client(server: Server) -> Iterator[socket.socket]:
    """A connection whose handshake, with a header beyond ASCII, is over."""
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as client:
        client.sendall(
            b"GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nX-Name: caf\xe9\r\n"
            b"Sec-WebSocket-Protocol: v2, v1\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += client.recv(1)
        assert answer.startswith(b"HTTP/1.1 101 ")
        # RFC 6455, 1.3: what the key of its example is answered with.
        assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer
        assert b"sec-websocket-protocol: v1" in answer.lower()
        yield client


def frame(first: int, payload: bytes = b"", *, mask: bool = True) -> bytes:
    size = len(payload)
    masked = FIN if mask else 0
    head = struct.pack("!BB", first, masked | min(126, size))
    head += struct.pack("!H", size) if size > 125 else b""
    if not mask:
        return head + payload
    key = b"\x37\xfa\x21\x3d"
    return head + key + bytes(byte ^ key[place % 4] for place, byte in enumerate(payload))


def read_exactly(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = client.recv(count - len(data))
        assert piece, "the connection ended within a frame"
        data += piece
    return data


def read_frame(client: socket.socket) -> tuple[int, bytes]:
    """Read the next frame that is no ping of the server's own."""
    while True:
        first, size = read_exactly(client, 2)
        size = struct.unpack("!H", read_exactly(client, 2))[0] if size == 126 else size
        payload = read_exactly(client, size)
        if first != FIN | PING:
            return first, payload


def read_code(client: socket.socket) -> int:
    """Read the frame that closes, after which the connection ends."""
    first, payload = read_frame(client)
    assert first == FIN | CLOSE
    return int.from_bytes(payload[:2], "big")


@pytest.mark.parametrize(
    "sent, answers",
    [
        ([(FIN | TEXT, b"")], [(TEXT, b"")]),
        ([(FIN | BINARY, b"")], [(BINARY, b"")]),
        ([(FIN | TEXT, b"x" * LARGEST)], [(TEXT, b"x" * LARGEST)]),
        ([(TEXT, b"a"), (CONTINUED, b""), (FIN | CONTINUED, b"b")], [(TEXT, b"ab")]),
        ([(TEXT, b"\xf0\x9f"), (FIN | CONTINUED, b"\x91\xa9")], [(TEXT, "👩".encode())]),
        (
            [(TEXT, b"a"), (FIN | PING, b"now"), (FIN | CONTINUED, b"b")],
            [(PONG, b"now"), (TEXT, b"ab")],
        ),
        ([(FIN | PING, b"p" * 125)], [(PONG, b"p" * 125)]),
        ([(FIN | PONG, b"unasked"), (FIN | TEXT, b"a")], [(TEXT, b"a")]),
    ],
)
def test_what_may_come_is_read(
    client: socket.socket, sent: list[tuple[int, bytes]], answers: list[tuple[int, bytes]]
) -> None:
    """Empty, largest and fragmented messages, split characters, and control frames in between."""
    client.sendall(b"".join(frame(first, payload) for first, payload in sent))
    for opcode, payload in answers:
        assert read_frame(client) == (FIN | opcode, payload)


@pytest.mark.parametrize(
    "sent, code",
    [
        (frame(FIN | TEXT, b"\xff"), 1007),
        (frame(FIN | TEXT, b"\xed\xa0\x80"), 1007),
        (frame(TEXT, b"\xf0\x9f") + frame(FIN | CONTINUED, b""), 1007),
        (frame(FIN | CLOSE, struct.pack("!H", 1000) + b"\xff"), 1007),
        (frame(FIN | TEXT, b"x" * (LARGEST + 1)), 1009),
        (frame(TEXT, b"x" * 600) + frame(FIN | CONTINUED, b"x" * 600), 1009),
        (frame(FIN | TEXT, b"a", mask=False), 1002),
        (frame(FIN | RESERVED | TEXT, b"a"), 1002),
        (frame(FIN | 3, b"a"), 1002),
        (frame(FIN | 11, b"a"), 1002),
        (frame(PING, b"a"), 1002),
        (frame(FIN | PING, b"a" * 126), 1002),
        (frame(FIN | CONTINUED, b"a"), 1002),
        (frame(TEXT, b"a") + frame(FIN | TEXT, b"b"), 1002),
        (frame(FIN | CLOSE, b"\x03"), 1002),
        *[(frame(FIN | CLOSE, struct.pack("!H", bad)), 1002) for bad in (0, 999, 1005, 1006, 5000)],
    ],
)
def test_what_may_not_come_closes(client: socket.socket, sent: bytes, code: int) -> None:
    """No text is 1007, too much is 1009, and what breaks the protocol is 1002."""
    client.sendall(sent)
    assert read_code(client) == code


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
def test_the_client_says_good_bye(client: socket.socket, code: int) -> None:
    """Its close is answered with the same code, and then the connection ends."""
    client.sendall(frame(FIN | CLOSE, struct.pack("!H", code) + "tschüß".encode()))
    assert read_code(client) == code
    assert client.recv(1) == b""


def test_a_good_bye_without_a_code_is_answered(client: socket.socket) -> None:
    """An empty close is answered with an empty one."""
    client.sendall(frame(FIN | CLOSE))
    assert read_frame(client) == (FIN | CLOSE, b"")


def test_the_server_says_good_bye(client: socket.socket) -> None:
    """The handler's code and reason are sent, and the end waits for the client's answer."""
    client.sendall(frame(FIN | TEXT, b"bye"))
    assert read_frame(client) == (FIN | CLOSE, struct.pack("!H", 4000) + b"as you say")
    client.sendall(frame(FIN | CLOSE, struct.pack("!H", 4000)))
    assert client.recv(1) == b""


def test_pings_come_in_their_interval(client: socket.socket) -> None:
    """The flag says how often: an idle connection is asked whether it is there."""
    for _ in range(2):
        first, size = read_exactly(client, 2)
        assert first == FIN | PING
        client.sendall(frame(FIN | PONG, read_exactly(client, size)))

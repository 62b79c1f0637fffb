"""Send BEGIN along with the statement after it: one round trip instead of two, on asyncpg.

The protocol's messages Parse, Bind and Execute without a Sync ask for no answer of their own: the
server carries them out in order and answers at the Sync that asyncpg sends behind its statement
(PostgreSQL's documentation, "Extended Query", "Pipelining"). asyncpg reads past these answers. What
of asyncpg this leans on is guarded by a contract test.
"""

import socket
import struct
from functools import lru_cache
from typing import Any

#: No parameters, no result columns, of any number of rows.
_BIND = b"B" + struct.pack("!i", 12) + b"\0\0" + struct.pack("!hhh", 0, 0, 0)
_EXECUTE = b"E" + struct.pack("!i", 9) + b"\0" + struct.pack("!i", 0)


@lru_cache(maxsize=64)
def build_messages(sql: str) -> bytes:
    """Build the messages that carry out a statement without values or rows."""
    text = b"\0" + sql.encode() + b"\0" + struct.pack("!h", 0)
    return b"P" + struct.pack("!i", len(text) + 4) + text + _BIND + _EXECUTE


#: Tells the kernel that more comes at once, so that both leave in one packet (Linux).
_MORE: int = getattr(socket, "MSG_MORE", 0)


def send_ahead(connection: Any, sql: str) -> None:
    """Send a statement ahead of the next one on an idle connection.

    Args:
        connection: asyncpg's.
        sql: A statement without values or rows.
    """
    messages = build_messages(sql)
    transport = connection._transport
    taken = _push(transport, messages) if _MORE else 0
    if taken < len(messages):
        transport.write(messages[taken:])


def _push(transport: Any, messages: bytes) -> int:
    """Hand bytes to the kernel, to leave with what is written next; tell how many it took.

    Sent by themselves they would cost a system call that wakes the server, and a second one.
    """
    if transport.get_extra_info("ssl_object") is not None or transport.get_write_buffer_size():
        return 0
    borrowed = transport.get_extra_info("socket")
    pushing = socket.socket(borrowed.family, socket.SOCK_STREAM, 0, borrowed.fileno())
    try:
        return pushing.send(messages, _MORE)
    except BlockingIOError:
        return 0
    finally:
        # The file descriptor is the transport's.
        pushing.detach()

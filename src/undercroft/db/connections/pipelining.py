"""Send BEGIN along with the statement after it: one round trip instead of two, on asyncpg.

The protocol's messages Parse, Bind and Execute without a Sync ask for no answer of their own: the
server carries them out in order and answers at the Sync that asyncpg sends behind its statement
(PostgreSQL's documentation, "Extended Query", "Pipelining"). asyncpg reads past these answers. What
of asyncpg this leans on is guarded by a contract test.
"""

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


def send_ahead(connection: Any, sql: str) -> None:
    """Send a statement ahead of the next one on an idle connection.

    uvloop writes what it is given within one turn of the loop at once, in one packet.

    Args:
        connection: asyncpg's.
        sql: A statement without values or rows.
    """
    connection._transport.write(build_messages(sql))

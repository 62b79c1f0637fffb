"""The access log of applications that are not ours, seen from without by what they send."""

from time import perf_counter
from typing import Any

from undercroft.gateways.messages import Message, Receive, Scope, Send
from undercroft.middleware.access_log import CLIENT_CLOSED_REQUEST, AccessEntry, write_entry
from undercroft.middleware.debug_values import scrub


class ForeignAccessLog:
    """Logs every request of an ASGI application when it has been answered.

    Args:
        application: What answers.
    """

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the connection on, and log it if it is a request."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        started, status, size = perf_counter(), CLIENT_CLOSED_REQUEST, 0

        async def watch(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self._application(scope, receive, watch)
        except Exception:
            status = 500 if status == CLIENT_CLOSED_REQUEST else status
            raise
        finally:
            write_entry(build_entry(scope, status, size, perf_counter() - started))


def build_entry(scope: Scope, status: int, size: int, seconds: float) -> AccessEntry:
    """Build the fields of a request."""
    client, query = scope.get("client"), scope["query_string"]
    agents = [value for name, value in scope["headers"] if name == b"user-agent"]
    return AccessEntry(
        client=client[0] if client else "-",
        method=scope["method"],
        path=scope["path"],
        query=scrub(query.decode("latin-1")) if query else "",
        route=None,
        status=status,
        bytes=size,
        duration_ms=round(seconds * 1000, 3),
        request_id=None,
        user_agent=agents[0].decode("latin-1") if agents else None,
    )

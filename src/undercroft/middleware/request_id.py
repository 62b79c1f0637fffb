"""Request id: one name for a request in every log line and in the answer.

It is made here, or taken from a trusted proxy: what anybody else sends could be chosen to be
confused with another request's.
"""

import logging
import re
import secrets
from contextlib import suppress
from contextvars import ContextVar

from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.http.websockets import WebSocket
from undercroft.middleware.pipeline import Endpoint
from undercroft.middleware.proxies import TrustedProxies
from undercroft.middleware.sockets import SocketEndpoint

_ID = re.compile(rb"[0-9A-Za-z._-]{8,128}")

#: The id of the request that is being answered; empty elsewhere.
request_id: ContextVar[str] = ContextVar("undercroft_request_id", default="")


class RequestId:
    """Name each request: in `request.state.request_id`, in the answer, for `RequestIdFilter`.

    Args:
        header_name: The header of the request and of the answer.
        trusted_proxies: Addresses and networks whose ids are taken over.
    """

    #: Around failures, so that what is logged of them has the id.
    is_outermost = True

    def __init__(
        self, header_name: str = "X-Request-ID", trusted_proxies: tuple[str, ...] | list[str] = ()
    ) -> None:
        self._name = header_name.lower().encode("ascii")
        self._proxies = TrustedProxies(trusted_proxies)

    async def __call__(self, request: Request, call_next: Endpoint) -> Response:
        """Name the request, then go on."""
        name = self.find(request) or secrets.token_hex(16)
        setattr(request.state, "request_id", name)  # noqa: B010 - the state knows no names
        token = request_id.set(name)
        try:
            response = await call_next(request)
        finally:
            with suppress(ValueError):  # moved to the loop under WSGI: its context ends with it
                request_id.reset(token)
        raw = [pair for pair in response.raw_headers if pair[0] != self._name]
        response.raw_headers = [*raw, (self._name, name.encode("ascii"))]
        return response

    async def around_socket(self, socket: WebSocket, call_next: SocketEndpoint) -> None:
        """Name a WebSocket's handshake, and all that is logged until its end."""
        name = self.find(socket.request) or secrets.token_hex(16)
        setattr(socket.state, "request_id", name)  # noqa: B010 - as above

        async def show(answer: Response) -> None:
            answer.raw_headers.append((self._name, name.encode("ascii")))

        socket.request.call_before_answer(show)
        token = request_id.set(name)
        try:
            await call_next(socket)
        finally:
            request_id.reset(token)

    def find(self, request: Request) -> str | None:
        """Find the id that a trusted proxy gave."""
        given = request.headers.find(self._name)
        if given is None or not _ID.fullmatch(given):
            return None
        host = "" if request.client is None else request.client.host
        return given.decode("ascii") if self._proxies.trusts(host) else None


class RequestIdFilter(logging.Filter):
    """Give every log record the field `request_id`, for a formatter's `%(request_id)s`."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the field."""
        record.request_id = request_id.get() or "-"
        return True

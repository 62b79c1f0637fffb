"""Limits: how long an address is, how many header fields it brings, how many requests run at once.

What is larger is refused before anything further in looks at it. Bodies have limits of their own,
which hold where they are read.
"""

from collections.abc import Awaitable
from itertools import chain

from undercroft.errors import HTTPException, ServiceUnavailable
from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.middleware.pipeline import Endpoint

#: Seconds after which a client may try again where too much is going on.
RETRY_AFTER = "1"


class RequestLimits:
    """Refuse a request whose address or header fields are too large.

    Args:
        max_url_length: Characters of path and query, decoded.
        max_header_fields: Header fields.
        max_header_size: Bytes of all their names and values.
    """

    def __init__(self, max_url_length: int, max_header_fields: int, max_header_size: int) -> None:
        self._url_length = max_url_length
        self._fields = max_header_fields
        self._size = max_header_size

    def __call__(self, request: Request, call_next: Endpoint) -> Awaitable[Response]:
        """Check, then go on; nothing here waits, so there is no frame to await."""
        self.check(request)
        return call_next(request)

    def check(self, request: Request) -> None:
        """Check address and header fields.

        Raises:
            HTTPException: 414, the address is too long; 431, there are too many fields, or they
                are too large (RFC 6585, section 5).
        """
        if len(request.path) + len(request.raw_query) > self._url_length:
            raise HTTPException(
                414,
                f"The address is longer than {self._url_length:,} characters.",
                hint="Send long values in a body, or raise max_url_length in the settings.",
                code="http.url-too-long",
            )
        raw = request.raw_headers
        if len(raw) > self._fields:
            self._refuse(
                f"There are more than {self._fields:,} header fields.", "max_header_fields"
            )
        if sum(map(len, chain.from_iterable(raw))) > self._size:
            largest = max(raw, key=lambda pair: len(pair[0]) + len(pair[1]))[0]
            name = largest[:40].decode("latin-1")
            self._refuse(
                f"The header fields are larger than {self._size:,} bytes; the largest is {name!r}.",
                "max_header_size",
            )

    def _refuse(self, detail: str, setting: str) -> None:
        raise HTTPException(
            431,
            detail,
            hint=f"Send fewer or smaller ones, or raise {setting} in the settings.",
            code="http.headers-too-large",
        )


class ConcurrencyLimit:
    """Refuse what comes while as many requests are being answered as may be.

    A request counts until its answer begins: streams, which take no thread and little memory, may
    be more.

    Args:
        most: How many may run at once.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        # A set, for under WSGI several threads come and go here: its changes are whole.
        self._running: set[Request] = set()

    async def __call__(self, request: Request, call_next: Endpoint) -> Response:
        """Go on, if there is room.

        Raises:
            ServiceUnavailable: There is none.
        """
        if len(self._running) >= self._most:
            raise ServiceUnavailable(
                "Too many requests are being answered.",
                headers={"retry-after": RETRY_AFTER},
                code="http.too-busy",
            )
        self._running.add(request)
        try:
            return await call_next(request)
        finally:
            self._running.discard(request)

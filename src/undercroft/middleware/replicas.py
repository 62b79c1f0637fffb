"""Who has just written reads what was written: by a cookie, for the seconds replicas may be behind.

Only applications whose databases have replicas have this middleware. The cookie says until when,
and nothing else; whoever forges it reads from the primary, and for no longer than the setting says.
"""

from collections.abc import Awaitable, Mapping
from functools import partial
from math import ceil
from time import monotonic, time
from typing import Any, Final

from undercroft.db.connections.replicas import recent_writes
from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.middleware.pipeline import Endpoint, Middleware

COOKIE: Final = "undercroft_primary"

#: A moment in seconds has fewer digits for some thousand years.
_MOST_DIGITS: Final = 11


class ReplicaStickiness:
    """Remember a client's writes for a while.

    Args:
        stickiness: The seconds, by database.
    """

    def __init__(self, stickiness: Mapping[str, float]) -> None:
        self._stickiness = dict(stickiness)
        self._longest = max(stickiness.values())

    def __call__(self, request: Request, call_next: Endpoint) -> Awaitable[Response]:
        """Read the cookie, and go on; nothing here waits, so there is no frame to await."""
        held = self._read(request)
        # Not taken back: each request has a context of its own, under WSGI perhaps two.
        recent_writes.set(held)
        request.call_before_answer(partial(self._remember, request, held, dict(held)))
        return call_next(request)

    async def _remember(
        self,
        request: Request,
        held: Mapping[str, float],
        before: Mapping[str, float],
        response: Response,
    ) -> None:
        """Send the cookie if something was written, also by what failed in the end."""
        if held != before:
            response.set_cookie(
                COOKIE,
                str(ceil(time() + self._longest)),
                max_age=ceil(self._longest),
                secure=request.scheme == "https",
            )

    def _read(self, request: Request) -> dict[str, float]:
        """Read until when this client reads from which primary."""
        if request.headers.find(b"cookie") is None:
            return {}
        text = request.cookies.get(COOKIE, "")
        if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
            return {}
        left = int(text) - time()
        if left <= 0:
            return {}
        now = monotonic()
        return {alias: now + min(left, sticky) for alias, sticky in self._stickiness.items()}


def build_stickiness(databases: Mapping[str, Any]) -> list[Middleware]:
    """Build the middleware, for those who have replicas."""
    found = {
        alias: database.replicas.sticky
        for alias, database in databases.items()
        if database.replicas is not None
    }
    return [ReplicaStickiness(found)] if found else []

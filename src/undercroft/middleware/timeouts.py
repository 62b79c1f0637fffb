"""Deadline: a request that takes too long is given up, and answered with 504.

The handler is cancelled where it waits, and its transaction rolled back. A `def` handler's thread
cannot be stopped: it ends by itself, and what it wrote is rolled back.
"""

import asyncio

from undercroft.errors import HTTPException
from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.middleware.pipeline import Endpoint


class RequestTimeout:
    """Give up what takes longer; the time a streamed body takes does not count.

    Args:
        seconds: How long until the answer must begin.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def __call__(self, request: Request, call_next: Endpoint) -> Response:
        """Go on, for so long.

        Raises:
            HTTPException: 504, it took longer.
        """
        deadline = asyncio.timeout(self._seconds)
        try:
            async with deadline:
                return await call_next(request)
        except TimeoutError:
            if not deadline.expired():
                raise
            raise HTTPException(
                504, "The answer took too long.", code="http.request-timeout"
            ) from None

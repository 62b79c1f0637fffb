"""How long an injected value lives, and who cleans up after it."""

from contextlib import AsyncExitStack
from enum import StrEnum
from typing import Any

from undercroft.binding.callables import describe_place
from undercroft.concurrency import ensure_loop
from undercroft.errors import ImproperlyConfigured
from undercroft.http.request import Request


class Lifetime(StrEnum):
    """How long a value lives."""

    APP = "app"
    REQUEST = "request"
    HANDLER = "handler"


def read_lifetime(told: str | None) -> Lifetime | None:
    """Read what `Depends` was told; FastAPI calls the handler's "function".

    Raises:
        ImproperlyConfigured: There is no such lifetime.
    """
    if told is None:
        return None
    if told == "function":
        return Lifetime.HANDLER
    try:
        return Lifetime(told)
    except ValueError:
        raise ImproperlyConfigured(
            f"Depends(scope={told!r}) names no lifetime.",
            hint='Write "app", "request" or "handler".',
            code="binding.lifetime",
        ) from None


def refuse_shorter(owner: Any, lifetime: Lifetime, needed: str) -> ImproperlyConfigured:
    """Build the error for a value that needs what ends before it does."""
    spans = {Lifetime.APP: "the application", Lifetime.REQUEST: "the request"}
    return ImproperlyConfigured(
        f"{describe_place(owner)} lives as long as {spans[lifetime]} and needs {needed},"
        " which ends before.",
        hint="Let what it needs live as long, or give it a shorter scope: Depends(..., scope=...).",
        code="binding.lifetime",
    )


class RequestStack(AsyncExitStack):
    """What lives until a request has been answered; its end sees what the handler raised.

    Args:
        request: Closes it at its end.
    """

    def __init__(self, request: Request) -> None:
        super().__init__()
        self.failure: BaseException | None = None
        request.call_at_end(self.finish)

    async def finish(self) -> None:
        """Clean up; that the handler failed is nobody's news."""
        await ensure_loop()
        failure = self.failure
        if failure is None:
            await self.aclose()
            return
        try:
            await self.__aexit__(type(failure), failure, failure.__traceback__)
        except BaseException as error:
            if error is not failure:
                raise

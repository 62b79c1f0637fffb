"""Streams that own what their source needs until its end."""

from collections.abc import AsyncIterable, AsyncIterator
from contextlib import AsyncExitStack


class OwningStream(AsyncIterator[bytes]):
    """A body made while it is sent, and the dependencies its maker uses.

    They are cleaned up when it ends, fails or is closed, even if it never began.

    Args:
        pieces: The body.
        stack: Cleans up.
    """

    def __init__(self, pieces: AsyncIterable[bytes], stack: AsyncExitStack) -> None:
        self._pieces = aiter(pieces)
        self._stack = stack

    async def __anext__(self) -> bytes:
        """Return the next piece; an exception is seen by the dependencies, too."""
        try:
            return await anext(self._pieces)
        except StopAsyncIteration:
            await self._stack.aclose()
            raise
        except BaseException as error:
            await self._stack.pop_all().__aexit__(type(error), error, error.__traceback__)
            raise

    async def aclose(self) -> None:
        """End the source, then what it used."""
        try:
            close = getattr(self._pieces, "aclose", None)
            if close is not None:
                await close()
        finally:
            await self._stack.aclose()

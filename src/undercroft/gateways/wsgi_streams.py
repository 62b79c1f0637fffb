"""A streamed body, iterated by a WSGI server's thread, which has no event loop.

The whole stream is one coroutine. As long as it needs no loop it is stepped in the server's
thread, piece by piece. The moment it asks for a loop, all the rest of it goes on as one task on
the background loop, so that time limits and task groups hold across pieces, and hands its pieces
to the thread through a short queue.
"""

import asyncio
from collections.abc import Awaitable, Coroutine, Generator, Iterator
from concurrent.futures import Future
from contextlib import suppress
from contextvars import Context
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

from undercroft.concurrency import (
    Rest,
    begin_on_background_loop,
    call_on_background_loop,
    check_loop_request,
    drive,
    ensure_loop,
    run_on_background_loop,
)
from undercroft.errors import ClientDisconnected
from undercroft.http.request import Request
from undercroft.http.responses import Pieces, Response

#: Pieces that wait for the server; with as many the stream waits.
_ROOM = 4

#: Seconds after which a thread that waits for a piece looks up.
_GLANCE = 0.5


class StreamIterator(Iterator[bytes]):
    """The pieces of a stream (PEP 3333: what an application returns).

    Args:
        response: An answer with a stream.
        context: The request's context variables.
        request: What is left to do at the end.
    """

    def __init__(self, response: Response, context: Context, request: Request) -> None:
        self._response = response
        self._request = request
        self._context = context
        self._pieces: Coroutine[Any, Any, None] | None = None
        self._task: _StreamTask | None = None
        self._is_done = False

    def __next__(self) -> bytes:
        """Return the next piece.

        Raises:
            StopIteration: That was all, or the client went away while its request was read.
        """
        if self._is_done:
            raise StopIteration
        try:
            return self._find_next()
        except BaseException as error:
            self._is_done = True
            if isinstance(error, ClientDisconnected):
                raise StopIteration from None
            raise

    def _find_next(self) -> bytes:
        if self._task is None:
            if self._pieces is None:
                self._pieces = self._run()
            asked = self._context.run(self._pieces.send, None)
            if isinstance(asked, _Piece):
                return asked.content
            check_loop_request(self._pieces, asked)
            self._task = _StreamTask(self._pieces)
            self._context.run(self._task.begin)
        return self._task.find_next()

    def close(self) -> None:
        """Stop the stream and close its source, begun or not; servers call this at the end."""
        try:
            self._stop()
        finally:
            if self._request.endings is not None:
                self._context.run(drive, self._request.end())

    def _stop(self) -> None:
        if self._is_done:
            return
        self._is_done = True
        if self._task is not None:
            self._task.stop()
        elif self._pieces is None:
            self._context.run(drive, self._response.close())
        else:
            self._stop_here(self._pieces)

    def _stop_here(self, pieces: Coroutine[Any, Any, None]) -> None:
        with suppress(asyncio.CancelledError):
            asked = self._context.run(pieces.throw, asyncio.CancelledError())
            check_loop_request(pieces, asked)
            self._context.run(run_on_background_loop, Rest(pieces))

    async def _run(self) -> None:
        pieces = self._response.stream
        if pieces is None:
            raise TypeError("The response has no stream.")
        try:
            if not isinstance(pieces, Pieces):
                # Put there by hand, it may wait without asking for a loop.
                await ensure_loop()
            async for content in pieces:
                piece = _Piece(content)
                await (piece if self._task is None else self._task.hand_over(piece))
        finally:
            await self._response.close()


class _Piece(Awaitable[None]):
    """Awaited where no loop runs: whoever steps the coroutine takes the content."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __await__(self) -> Generator[Any, None, None]:
        yield self


class _End(NamedTuple):
    """The end of a stream, and what ended it before its time."""

    error: BaseException | None


class _StreamTask:
    """The rest of a stream, as one task on the background loop."""

    def __init__(self, pieces: Coroutine[Any, Any, None]) -> None:
        self._pieces = pieces
        self._ready: SimpleQueue[_Piece | _End] = SimpleQueue()
        self._room = asyncio.Semaphore(_ROOM)
        self._running: Future[None] | None = None
        self._task: asyncio.Task[Any] | None = None
        self._is_stopping = False

    def begin(self) -> None:
        self._running = begin_on_background_loop(self._run())

    async def _run(self) -> None:
        self._task = asyncio.current_task()
        try:
            await Rest(self._pieces)
        except BaseException as error:  # noqa: BLE001 - handed to the waiting thread
            self._ready.put(_End(error))
        else:
            self._ready.put(_End(None))

    async def hand_over(self, piece: _Piece) -> None:
        """Give a piece to the thread; wait while it has enough of them."""
        if self._is_stopping:
            # Also for a stream that caught its cancellation and went on.
            raise asyncio.CancelledError
        await self._room.acquire()
        self._ready.put(piece)

    def find_next(self) -> bytes:
        """Wait for the next piece, in the thread."""
        piece = self._wait()
        if isinstance(piece, _End):
            raise StopIteration if piece.error is None else piece.error
        call_on_background_loop(self._room.release)
        return piece.content

    def _wait(self) -> _Piece | _End:
        while True:
            # gunicorn has signals interrupt nothing: a thread that waits without an end would not
            # let Python handle the one that stops its server.
            with suppress(Empty):
                return self._ready.get(timeout=_GLANCE)

    def stop(self) -> None:
        """Cancel the task, and wait until it has closed its source."""
        self._is_stopping = True
        call_on_background_loop(self._cancel)
        while not isinstance(end := self._ready.get(), _End):
            pass
        if end.error is not None and not isinstance(end.error, asyncio.CancelledError):
            raise end.error

    def _cancel(self) -> None:
        if self._task is None:
            # A task that is cancelled before its first step would never reach its `finally`.
            call_on_background_loop(self._cancel)
        else:
            self._task.cancel()

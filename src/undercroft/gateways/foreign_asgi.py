"""Let somebody else's ASGI application answer one of our requests.

It runs in a task beside the request. What it sends becomes a `Response`, so that middleware sees
the answer before the client does; its body is passed on piece by piece, each waiting for the
client. The task goes on after the answer, for an application's background work.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from undercroft.concurrency import ensure_loop
from undercroft.errors import ClientDisconnected, ContentTooLarge
from undercroft.gateways.asgi import ASGIRequest
from undercroft.gateways.messages import Message, Scope
from undercroft.http.headers import RawHeaders
from undercroft.http.request import Request
from undercroft.http.responses import Response

#: Messages that wait for the client; with as many the application waits.
_ROOM = 2


class ForeignResponse(Response):
    """What another application answered, passed on as it is.

    Args:
        status_code: As it said.
        raw_headers: As it said, names in lower case.
    """

    is_deferred = False

    def __init__(self, status_code: int, raw_headers: RawHeaders) -> None:
        self.status_code = status_code
        self.raw_headers = raw_headers
        self.body = b""


async def answer_by_asgi(application: Any, scope: Scope, request: Request, limit: int) -> Response:
    """Call the application and return its answer as soon as it has begun.

    Args:
        application: Speaks ASGI 3.
        scope: What it is called with.
        request: Has the body, read already or not.
        limit: The largest body, in bytes.

    Raises:
        ContentTooLarge: The body is larger, and the answer had not begun.
        Exception: What the application raised before it answered.
    """
    await ensure_loop()
    exchange = _Exchange(request, limit)
    task = asyncio.create_task(exchange.run(application, scope))
    try:
        response = await exchange.find_response()
    except BaseException:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.wait({task})
        raise
    request.call_at_end(lambda: exchange.end(task))
    return response


class _Exchange:
    """One call of the application: what it receives, and what it sends."""

    def __init__(self, request: Request, limit: int) -> None:
        self._request = request
        self._limit = limit
        self._pieces = request.stream()
        self._size = 0
        self._is_body_over = False
        self._reading = asyncio.Lock()
        self._gone = asyncio.Event()
        self._start: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._sent: asyncio.Queue[Message | None] = asyncio.Queue(_ROOM)
        self._is_complete = False
        self._error: Exception | None = None
        if isinstance(request, ASGIRequest):
            request.watch(patiently=True)

    async def run(self, application: Any, scope: Scope) -> None:
        try:
            await application(scope, self.receive, self.send)
        except Exception as error:  # noqa: BLE001 - handed to whoever waits for the answer
            self._error = error
        finally:
            if not self._start.done():
                self._start.set_exception(self._find_error())
                # Nobody may be waiting any more.
                self._start.exception()
            if not self._is_complete and not self._gone.is_set():
                await self._sent.put(None)

    def _find_error(self) -> Exception:
        return self._error or RuntimeError("The mounted application ended without an answer.")

    async def receive(self) -> Message:
        """Give the application its next message: the body, then the client's leaving."""
        async with self._reading:
            if not self._is_body_over:
                try:
                    return await self._receive_body()
                except ClientDisconnected:
                    self._is_body_over = True
                    return {"type": "http.disconnect"}
        await self._wait_until_gone()
        return {"type": "http.disconnect"}

    async def _receive_body(self) -> Message:
        piece = await anext(self._pieces, None)
        if piece is None:
            self._is_body_over = True
            return {"type": "http.request", "body": b"", "more_body": False}
        self._size += len(piece)
        if self._size > self._limit:
            self._refuse()
        return {"type": "http.request", "body": piece, "more_body": True}

    def _refuse(self) -> None:
        """Answer for the application, which sees its client leave."""
        if not self._start.done():
            self._start.set_exception(build_too_large(self._limit))
        self._gone.set()
        raise ClientDisconnected("The body is larger than is allowed.")

    async def _wait_until_gone(self) -> None:
        if isinstance(self._request, ASGIRequest):
            while (await self._request.receive())["type"] != "http.disconnect":
                pass
        else:
            await self._gone.wait()

    async def send(self, message: Message) -> None:
        """Take a message of the application.

        Raises:
            ClientDisconnected: Nobody is there to have it.
        """
        if message["type"] == "http.response.start":
            if not self._start.done():
                self._start.set_result(message)
        elif message["type"] == "http.response.body":
            await self._send_body(message)

    async def _send_body(self, message: Message) -> None:
        if self._request.method == "HEAD" or self._is_complete:
            self._is_complete = self._is_complete or not message.get("more_body", False)
            return
        if self._gone.is_set():
            raise ClientDisconnected("The client went away before its answer was complete.")
        self._is_complete = not message.get("more_body", False)
        await self._sent.put(message)

    async def find_response(self) -> Response:
        """Wait for the answer's beginning; one that is at hand as a whole is no stream."""
        start = await self._start
        headers = [(bytes(name).lower(), bytes(value)) for name, value in start.get("headers", ())]
        response = ForeignResponse(start["status"], headers)
        if self._request.method == "HEAD":
            return response
        # What most applications send at once, they have sent after one turn of the loop.
        await asyncio.sleep(0)
        if self._is_complete and self._sent.qsize() == 1:
            message = self._sent.get_nowait() or {}
            response.body = message.get("body", b"")
        else:
            response.stream = _Pieces(self)
        return response

    async def find_pieces(self) -> AsyncIterator[bytes]:
        """Yield the pieces of the body.

        Raises:
            Exception: What the application raised before its answer was complete.
        """
        while (message := await self._sent.get()) is not None:
            yield message.get("body", b"")
            if not message.get("more_body", False):
                return
        raise self._find_error()

    def leave(self) -> None:
        """Note that nobody waits for the answer any more."""
        self._gone.set()
        while not self._sent.empty():
            self._sent.get_nowait()

    async def end(self, task: asyncio.Task[None]) -> None:
        """Wait for the application to end, which may go on after its answer.

        Raises:
            Exception: What it raised then.
        """
        await ensure_loop()
        self.leave()
        watcher = getattr(self._request, "watcher", None)
        if watcher is not None:
            watcher.stop()
        await asyncio.wait({task})
        if self._is_complete and self._error is not None:
            raise self._error


class _Pieces:
    """The body of an answer, from an exchange."""

    def __init__(self, exchange: _Exchange) -> None:
        self._exchange = exchange

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._exchange.find_pieces()

    async def aclose(self) -> None:
        await ensure_loop()
        self._exchange.leave()


def build_too_large(limit: int) -> ContentTooLarge:
    """Build the refusal of a body."""
    return ContentTooLarge(
        f"The body is larger than {limit:,} bytes.",
        hint="Send less, or raise max_upload_size in the settings or max_body_size of the mount.",
    )

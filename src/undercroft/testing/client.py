"""A client that calls an application in this process, through either gateway.

It is an `httpx.Client`, so requests and answers are what they are over a network: only the
socket is missing. Through ASGI the application starts with the `with` block, through WSGI with the
first request, as servers would have it; it shuts down after the block.

    with Client(app) as client:
        assert client.get("/hello/Ada").json() == {"message": "Hello, Ada."}
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self

import httpx

from undercroft.app.application import App
from undercroft.concurrency import run_on_background_loop
from undercroft.testing.sockets import WebSocketSession
from undercroft.testing.transports import ASGITransport, WSGITransport

Through = Literal["asgi", "wsgi"]


class Client(httpx.Client):
    """Speak to an application.

    Args:
        app: An `App`, or any ASGI or WSGI application.
        through: The protocol it is called by.
        base_url: What relative addresses start with; its host must be one of the
            application's names.
        root_path: Where the application believes to be mounted.
        options: Further options of `httpx.Client`.
    """

    def __init__(
        self,
        app: Any,
        *,
        through: Through = "asgi",
        base_url: str = "http://localhost",
        root_path: str = "",
        **options: Any,
    ) -> None:
        self.app = app
        self.through = through
        self._lifespan: Lifespan | None = None
        self._root_path = root_path
        transport = (ASGITransport if through == "asgi" else WSGITransport)(app, root_path)
        super().__init__(transport=transport, base_url=base_url, **options)

    def websocket_connect(
        self, url: str, subprotocols: Sequence[str] = (), headers: Mapping[str, str] | None = None
    ) -> WebSocketSession:
        """Open a WebSocket: `with client.websocket_connect("/ws") as socket:`.

        Raises:
            TypeError: The client speaks WSGI, which has none.
        """
        if self.through != "asgi":
            raise TypeError("WSGI knows no WebSockets; make the client with through='asgi'.")
        # Cookies and the client's own headers come along, as with any other request.
        handshake = self.build_request("GET", url, headers=headers)
        return WebSocketSession(self.app, handshake, subprotocols, self._root_path)

    def __enter__(self) -> Self:
        """Start the application.

        Raises:
            RuntimeError: It refused to start.
        """
        super().__enter__()
        if self.through == "asgi":
            lifespan = Lifespan(self.app)
            try:
                run_on_background_loop(lifespan.start())
            except BaseException:
                super().__exit__()
                raise
            self._lifespan = lifespan
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """Shut the application down.

        Raises:
            RuntimeError: It could not shut down cleanly.
        """
        try:
            if self._lifespan is not None:
                run_on_background_loop(self._lifespan.stop())
            elif isinstance(self.app, App):
                self.app.close()
        finally:
            self._lifespan = None
            super().__exit__(exc_type, exc_value, traceback)


class Lifespan:
    """Speaks the lifespan protocol to an application, as a server does.

    An application that ends or raises instead of answering has no lifespan, and needs none.
    """

    def __init__(self, app: Callable[..., Any]) -> None:
        self._app = app
        self._sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the application.

        Raises:
            RuntimeError: It refused to start.
        """
        self._task = asyncio.create_task(self._call())
        if not await self._exchange(self._task, "startup"):
            # The protocol's way to say that there is no lifespan; the error says no more.
            await asyncio.wait({self._task})
            self._task.exception()
            self._task = None

    async def stop(self) -> None:
        """Shut the application down.

        Raises:
            RuntimeError: It could not shut down cleanly.
        """
        if self._task is not None:
            await self._exchange(self._task, "shutdown")
            await self._task

    async def _call(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}}
        await self._app(scope, self._sent.get, self._received.put)

    async def _exchange(self, task: asyncio.Task[None], event: str) -> bool:
        """Send an event; tell whether it was answered, for an ended task answers no more."""
        await self._sent.put({"type": f"lifespan.{event}"})
        answering = asyncio.ensure_future(self._received.get())
        await asyncio.wait({task, answering}, return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            # What was said just before the end counts.
            await asyncio.sleep(0)
        if not answering.done():
            answering.cancel()
            return False
        answer = answering.result()
        if answer["type"] == f"lifespan.{event}.failed":
            await asyncio.wait({task})
            task.exception()
            raise RuntimeError(answer.get("message") or f"The application failed at {event}.")
        return True

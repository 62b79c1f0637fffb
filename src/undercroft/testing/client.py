"""A client that calls an application in this process, through either gateway.

It is an `httpx.Client`, so requests and answers are what they are over a network: only the
socket is missing. The application starts with the `with` block and shuts down after it.

    with Client(app) as client:
        assert client.get("/hello/Ada").json() == {"message": "Hello, Ada."}
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Literal, Self

import httpx

from undercroft.concurrency import run_on_background_loop
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
        transport = (ASGITransport if through == "asgi" else WSGITransport)(app, root_path)
        super().__init__(transport=transport, base_url=base_url, **options)

    def __enter__(self) -> Self:
        """Start the application."""
        super().__enter__()
        if self.through == "asgi":
            self._lifespan = Lifespan(self.app)
            run_on_background_loop(self._lifespan.start())
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """Shut the application down."""
        if self._lifespan is not None:
            run_on_background_loop(self._lifespan.stop())
        super().__exit__(exc_type, exc_value, traceback)


class Lifespan:
    """Speaks the lifespan protocol to an application, as a server does."""

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
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}}
        call = self._app(scope, self._sent.get, self._received.put)
        self._task = asyncio.ensure_future(call)
        await self._exchange("startup")

    async def stop(self) -> None:
        """Shut the application down.

        Raises:
            RuntimeError: It could not shut down cleanly.
        """
        await self._exchange("shutdown")
        if self._task is not None:
            await self._task

    async def _exchange(self, event: str) -> None:
        await self._sent.put({"type": f"lifespan.{event}"})
        answer = await self._received.get()
        if answer["type"] == f"lifespan.{event}.failed":
            raise RuntimeError(answer.get("message", f"The application failed at {event}."))

"""The lifespan protocol, spoken to an application as a server does (asgi.readthedocs.io)."""

import asyncio
from types import TracebackType
from typing import Any, Self

from undercroft.errors import ImproperlyConfigured


class Lifespan:
    """One application's lifespan.

    An application that ends or raises instead of answering has no lifespan, and needs none.

    Args:
        app: Speaks ASGI.

    Attributes:
        state: What it left for its requests, as the extension `lifespan.state` has it.
    """

    def __init__(self, app: Any) -> None:
        self.state: dict[str, Any] = {}
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
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
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
            failure = None if task.cancelled() else task.exception()
            message = answer.get("message") or f"The application failed at {event}."
            raise RuntimeError(message) from failure
        return True


class MountedLifespan(Lifespan):
    """The lifespan of an application below a path, as a context around our own.

    Args:
        app: Speaks ASGI.
        path: Where it is mounted, for the messages.
    """

    def __init__(self, app: Any, path: str) -> None:
        super().__init__(app)
        self._path = path

    async def __aenter__(self) -> Self:
        """Start the application.

        Raises:
            ImproperlyConfigured: It refused to start; its own error is the cause.
        """
        try:
            await self.start()
        except RuntimeError as error:
            # Starlette's message is its traceback, whose last line says what happened.
            reason = (str(error).strip().splitlines() or [""])[-1].rstrip(".")
            raise ImproperlyConfigured(
                f"The application mounted at {self._path!r} could not start: {reason}.",
                hint="Mend it there, or take the mount away.",
                code="mounting.startup",
            ) from (error.__cause__ or error)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Shut the application down."""
        await self.stop()

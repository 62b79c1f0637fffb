"""Lifespan: entered when an ASGI server starts, or at the first request of a WSGI server.

WSGI knows no start and no end, so there the lifespan lives in a task on the background loop, from
the first request until the process ends.
"""

import asyncio
import atexit
import logging
import os
import threading
from collections.abc import Awaitable, Callable

from undercroft.concurrency import is_on_loop, run_on_background_loop
from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.middleware.pipeline import Endpoint

logger = logging.getLogger("undercroft.app")

#: Python's own hook for its thread pools, which `atexit` comes too late for: a lifespan's end may
#: need a thread, and none can be had once the pools are closed.
at_exit: Callable[[Callable[[], None]], object] = getattr(
    threading, "_register_atexit", atexit.register
)


class BackgroundLifespan:
    """Starts an application where the server does not.

    Args:
        startup: Starts it.
        shutdown: Ends it; both are awaited in one task, as task groups and cancel scopes want.
        is_started: Tells whether a server has started it already.
    """

    def __init__(
        self,
        startup: Callable[[], Awaitable[None]],
        shutdown: Callable[[], Awaitable[None]],
        is_started: Callable[[], bool],
    ) -> None:
        self._startup = startup
        self._shutdown = shutdown
        self._is_started = is_started
        self._lock = threading.Lock()
        self._task: asyncio.Task[None] | None = None
        self._process = 0
        self._stop = asyncio.Event()

    async def __call__(self, request: Request, call_next: Endpoint) -> Response:
        """Start the application if this is a WSGI server's first request, then go on."""
        if self._task is None and not is_on_loop():
            self.start()
        return await call_next(request)

    def start(self) -> None:
        """Start the application, once, while every thread that asks for it waits.

        Raises:
            Exception: What the lifespan raised; the next request tries again.
        """
        with self._lock:
            if self._task is None and not self._is_started():
                self._task = run_on_background_loop(self._begin())
                self._process = os.getpid()
                at_exit(self._stop_at_exit)

    def stop(self) -> None:
        """End what `start` began; nothing otherwise, nor in a process forked from that one."""
        with self._lock:
            task, self._task = self._task, None
            if task is not None and self._process == os.getpid():
                run_on_background_loop(self._end(task))

    def _stop_at_exit(self) -> None:
        try:
            self.stop()
        except Exception:
            # Raised, it would keep Python from ending the threads that others began.
            logger.exception("The application could not shut down cleanly")

    async def _begin(self) -> asyncio.Task[None]:
        self._stop = asyncio.Event()
        started = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._live(started))
        await asyncio.wait({task, started}, return_when=asyncio.FIRST_COMPLETED)
        if not started.done():
            await task
        return task

    async def _live(self, started: asyncio.Future[None]) -> None:
        await self._startup()
        started.set_result(None)
        await self._stop.wait()
        await self._shutdown()

    async def _end(self, task: asyncio.Task[None]) -> None:
        self._stop.set()
        await task

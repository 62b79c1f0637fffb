"""Tells streams without an end that their server is going to stop.

A server that stops waits for its answers to be finished, and tells the application only after
that: a stream of events would keep it for ever. What knows earlier is the server's own signal
handler, a method of the object that uvicorn and gunicorn keep their state in, so that is looked at.
"""

import asyncio
import signal
from collections.abc import Callable
from weakref import WeakKeyDictionary

#: Seconds between two looks, once for each loop, however many streams there are.
INTERVAL = 0.25

_watchers: "WeakKeyDictionary[asyncio.AbstractEventLoop, _Watcher]" = WeakKeyDictionary()


def is_stopping() -> bool:
    """Tell whether this process's server was told to stop."""
    for number in (signal.SIGTERM, signal.SIGINT):
        server = getattr(signal.getsignal(number), "__self__", None)
        # uvicorn's `Server` has the first, gunicorn's `Worker` the second.
        if getattr(server, "should_exit", False) is True or getattr(server, "alive", 1) is False:
            return True
    return False


def call_when_stopping(callback: Callable[[], None]) -> Callable[[], None]:
    """Call a function on the running loop once the server stops; returns what takes that back."""
    loop = asyncio.get_running_loop()
    watcher = _watchers.get(loop)
    if watcher is None:
        watcher = _watchers[loop] = _Watcher()
    return watcher.add(loop, callback)


class _Watcher:
    """Looks now and then, as long as somebody wants to know."""

    def __init__(self) -> None:
        self._callbacks: dict[object, Callable[[], None]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(
        self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]
    ) -> Callable[[], None]:
        key = object()
        self._callbacks[key] = callback
        if self._timer is None:
            self._timer = loop.call_later(0, self._look, loop)

        def remove() -> None:
            self._callbacks.pop(key, None)

        return remove

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        if is_stopping():
            callbacks, self._callbacks = self._callbacks, {}
            for callback in callbacks.values():
                callback()
        self._timer = loop.call_later(INTERVAL, self._look, loop) if self._callbacks else None

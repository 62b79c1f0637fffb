"""Tells streams without an end that their server is going to stop.

A server that stops waits for its answers to be finished, and tells the application only after
that: a stream of events would keep it for ever. Three signs come earlier, and are looked at:

- the object that uvicorn and gunicorn keep their state in, whose method handles the signal;
- the signal itself, where the event loop handles it for the server, as under granian;
- an object with the sign `terminated` behind the connection: hypercorn's workers get no signal.
"""

import asyncio
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

#: Seconds between two looks, once for each loop, however many streams there are.
INTERVAL = 0.25

_NUMBERS = (signal.SIGTERM, signal.SIGINT)

_watchers: "WeakKeyDictionary[asyncio.AbstractEventLoop, _Watcher]" = WeakKeyDictionary()


def is_stopping() -> bool:
    """Tell whether this process's server was told to stop."""
    if _signals.came or any(context.terminated.is_set() for context in _contexts):
        return True
    for number in _NUMBERS:
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
        _signals.listen()
    return watcher.add(loop, callback)


# ---------------------------------------------------------------------------- hypercorn

_contexts: "WeakSet[Any]" = WeakSet()


def note_connection(method: Callable[..., Any]) -> None:
    """Look at the object whose method a server gave us, for what says that it stops."""
    context = getattr(getattr(method, "__self__", None), "context", None)
    if hasattr(getattr(context, "terminated", None), "is_set"):
        _contexts.add(context)


# ---------------------------------------------------------------------------- signals


class _Signals:
    """Notes that a signal came which the event loop handles for the server.

    A loop takes signals from a file descriptor that Python writes to, and leaves a function there
    that does nothing. Ours takes its place and calls it, which changes nothing for the server.
    """

    def __init__(self) -> None:
        self.came = False

    def listen(self) -> None:
        """Listen where the main thread's loop does; no other thread may set a handler."""
        previous = signal.getsignal(signal.SIGTERM)
        server = getattr(previous, "__self__", None)
        is_known = hasattr(server, "should_exit") or hasattr(server, "alive")
        is_main = threading.current_thread() is threading.main_thread()
        if is_known or not is_main or not callable(previous):
            return

        def note(number: int, frame: FrameType | None) -> None:
            self.came = True
            previous(number, frame)

        for number in _NUMBERS:
            # Ctrl+C counts where it is handled as the other one is.
            if signal.getsignal(number) == previous:
                signal.signal(number, note)


_signals = _Signals()


# ---------------------------------------------------------------------------- looking


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

"""Keeps a stream of events alive: comments in silence, an end when the server stops."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from typing import Any

from undercroft.concurrency import ensure_loop, iterate
from undercroft.stopping import call_when_stopping

#: Seconds of silence after which something is said: less than proxies wait before they hang up.
HEARTBEAT = 15.0

#: The first words are said sooner, for some servers send the headers with them.
FIRST_HEARTBEAT = 1.0

#: A comment without words (HTML Standard, section 9.2.6).
SIGN_OF_LIFE = b":\n\n"

#: Events that are made before the client has taken the last one.
AHEAD = 1


async def encode_events(
    events: AsyncIterable[Any] | Iterable[Any],
    encode: Callable[[Any], bytes],
    heartbeat: float = HEARTBEAT,
) -> AsyncGenerator[bytes]:
    """Yield each event as it is written on the wire, and comments while there is none."""
    await ensure_loop()
    relay = _Relay(events)
    patience = min(heartbeat, FIRST_HEARTBEAT)
    try:
        while (item := await relay.find_next(patience)) is not _END:
            yield SIGN_OF_LIFE if item is _SILENCE else encode(item)
            patience = heartbeat
    finally:
        await relay.close()


_END: Any = object()
_SILENCE: Any = object()


class _Relay:
    """Makes events in one task of their own, so that waiting for one can be given up.

    One task to the end, for a generator may hold time limits and task groups across its events.
    """

    def __init__(self, events: AsyncIterable[Any] | Iterable[Any]) -> None:
        self._events = events
        self._made: asyncio.Queue[Any] = asyncio.Queue(AHEAD)
        self._is_stopped = False
        self._making = asyncio.create_task(self._make())
        self._forget = call_when_stopping(self._stop)

    async def _make(self) -> None:
        items = iterate(self._events)
        try:
            async for item in items:
                await self._made.put(item)
        finally:
            await items.aclose()
        await self._made.put(_END)

    def _stop(self) -> None:
        self._is_stopped = True
        if self._made.empty():
            self._made.put_nowait(_END)

    async def find_next(self, patience: float) -> Any:
        """Return the next event, `_SILENCE` if none came in time, or `_END`."""
        if self._is_stopped:
            return _END
        if not self._made.empty():
            return self._made.get_nowait()
        getting = asyncio.ensure_future(self._made.get())
        try:
            await asyncio.wait(
                {getting, self._making}, timeout=patience, return_when=asyncio.FIRST_COMPLETED
            )
            if getting.done():
                return getting.result()
            if self._making.done():
                # Raises what ended it; else the last event, or the end, is there by now.
                self._making.result()
                return await getting
            return _SILENCE
        finally:
            getting.cancel()

    async def close(self) -> None:
        """End the task, and with it the source."""
        self._forget()
        while not self._making.done():
            self._making.cancel()
            # A source that catches its cancellation and goes on is told again.
            await asyncio.wait({self._making}, timeout=1)
        if not self._making.cancelled():
            # Whoever waited has seen it.
            self._making.exception()

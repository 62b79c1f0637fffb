"""Broadcast: what one says, everybody in a group hears, over WebSockets and event streams alike.

Groups live in this process. What carries messages is behind the small interface `Carrier`, so that
one that reaches other processes can take its place.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from undercroft.errors import WebSocketDisconnect
from undercroft.http.json import dump_json
from undercroft.http.websockets import WebSocket, shorten_reason

#: Messages that may wait for one slow listener.
MOST_WAITING = 100

#: RFC 6455's registry: "try again later".
TRY_AGAIN_LATER = 1013

Policy = Literal["drop", "wait", "disconnect"]


class Carrier(Protocol):
    """Carries messages to groups: by memory, or one day by Redis."""

    async def publish(self, group: str, message: str) -> None:
        """Hand a message to every listener of a group."""

    def listen(self, group: str, listener: "Listener") -> None:
        """Begin to hand messages to a listener."""

    def leave(self, group: str, listener: "Listener") -> None:
        """End it."""


@dataclass(eq=False, slots=True)
class Listener:
    """One who listens, and what waits for them.

    Attributes:
        policy: What happens when too much waits: "drop" the oldest message, let the speaker
            "wait", or "disconnect" the listener.
        waiting: The messages.
        loop: Where the listener lives.
        is_over: Nothing more is delivered.
    """

    policy: Policy
    waiting: asyncio.Queue[str]
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    is_over: bool = False
    dropped: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def deliver(self, message: str) -> None:
        """Hand a message over, from whichever loop."""
        if self.loop is not asyncio.get_running_loop():
            self.loop.call_soon_threadsafe(self.deliver_now, message)
        elif self.policy == "wait":
            await self._deliver_patiently(message)
        else:
            self.deliver_now(message)

    def deliver_now(self, message: str) -> None:
        """Hand a message over without waiting."""
        if self.is_over:
            return
        if self.waiting.full():
            if self.policy == "disconnect":
                self.end()
                return
            self.waiting.get_nowait()
            self.dropped += 1
        self.waiting.put_nowait(message)

    async def _deliver_patiently(self, message: str) -> None:
        putting = asyncio.ensure_future(self.waiting.put(message))
        ending = asyncio.ensure_future(self.ended.wait())
        try:
            await asyncio.wait({putting, ending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            putting.cancel()
            ending.cancel()

    def end(self) -> None:
        """Deliver nothing more; whoever waits for the listener goes on."""
        self.is_over = True
        self.ended.set()


class MemoryCarrier:
    """Carries messages within the process."""

    def __init__(self) -> None:
        self._groups: dict[str, set[Listener]] = {}

    async def publish(self, group: str, message: str) -> None:
        """Hand a message to every listener of a group."""
        for listener in tuple(self._groups.get(group, ())):
            await listener.deliver(message)

    def listen(self, group: str, listener: Listener) -> None:
        """Begin to hand messages to a listener."""
        self._groups.setdefault(group, set()).add(listener)

    def leave(self, group: str, listener: Listener) -> None:
        """End it; an empty group is no group."""
        members = self._groups.get(group, set())
        members.discard(listener)
        if not members:
            self._groups.pop(group, None)

    def count(self, group: str) -> int:
        """Count who listens."""
        return len(self._groups.get(group, ()))


class Broadcast:
    """Groups of listeners.

    Args:
        policy: What happens to a listener who is too slow: the oldest messages are dropped
            ("drop"), whoever publishes waits ("wait"), or the connection is closed with 1013, "try
            again later" ("disconnect").
        most_waiting: Messages that may wait for one listener.
        carrier: Carries messages; within the process when left out.
    """

    def __init__(
        self,
        policy: Policy = "drop",
        most_waiting: int = MOST_WAITING,
        carrier: Carrier | None = None,
    ) -> None:
        self._policy: Policy = policy
        self._most_waiting = most_waiting
        self._carrier: Carrier = carrier if carrier is not None else MemoryCarrier()

    async def publish(self, group: str, message: Any) -> None:
        """Say something to everybody in a group.

        Args:
            group: Any name.
            message: Text as it is; anything else, models among it, becomes JSON.
        """
        text = message if isinstance(message, str) else dump_json(message).decode()
        await self._carrier.publish(group, text)

    async def listen(self, group: str) -> AsyncIterator[str]:
        """Yield what is said in a group, until the iteration is left: for event streams."""
        async with self._listening(group) as listener:
            while (message := await next_message(listener)) is not None:
                yield message

    @asynccontextmanager
    async def join(self, group: str, socket: WebSocket) -> AsyncGenerator[None]:
        """Send what is said in a group to a WebSocket, for the length of a block.

        The block goes on to receive; where it is left, or the client leaves, so is the group.
        """
        async with self._listening(group) as listener:
            sending = asyncio.create_task(send_on(listener, socket))
            try:
                yield
            finally:
                listener.end()
                sending.cancel()
                await asyncio.wait({sending})

    @asynccontextmanager
    async def _listening(self, group: str) -> AsyncGenerator[Listener]:
        listener = Listener(self._policy, asyncio.Queue(self._most_waiting))
        self._carrier.listen(group, listener)
        try:
            yield listener
        finally:
            self._carrier.leave(group, listener)
            listener.end()


async def next_message(listener: Listener) -> str | None:
    """Wait for the next message; None once the listener is over, having been too slow."""
    if listener.is_over:
        return None
    if not listener.waiting.empty():
        return listener.waiting.get_nowait()
    getting = asyncio.ensure_future(listener.waiting.get())
    ending = asyncio.ensure_future(listener.ended.wait())
    try:
        await asyncio.wait({getting, ending}, return_when=asyncio.FIRST_COMPLETED)
        return getting.result() if getting.done() else None
    finally:
        getting.cancel()
        ending.cancel()


async def send_on(listener: Listener, socket: WebSocket) -> None:
    """Send messages on to a WebSocket until it ends; who is too slow is closed."""
    try:
        sending: asyncio.Task[None] | None = None
        while (message := await next_message(listener)) is not None:
            sending = asyncio.create_task(socket.send_text(message))
            ending = asyncio.ensure_future(listener.ended.wait())
            await asyncio.wait({sending, ending}, return_when=asyncio.FIRST_COMPLETED)
            ending.cancel()
            if not sending.done():
                sending.cancel()
                break
            await sending
        await socket.close(TRY_AGAIN_LATER, shorten_reason("Too slow."))
    except WebSocketDisconnect:
        # The block that receives learns of it, too, and leaves the group.
        return

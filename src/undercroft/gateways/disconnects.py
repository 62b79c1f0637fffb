"""Who calls `receive` while an answer is sent: one watcher, for the answer may be reading too.

Somebody must wait for `http.disconnect`, and an answer may still read the request's body. Both
want the next message, and each would take what the other waits for.
"""

import asyncio

from undercroft.errors import BodyConsumedError
from undercroft.gateways.messages import Message, Receive

#: Seconds an answer that never asked for the request's body keeps the right to do so. After
#: that the body is read and dropped: the client's leaving comes behind it.
PATIENCE = 10.0


class Watcher:
    """The only caller of `receive` from the moment an answer begins.

    It reads one message ahead of the answer, so that a slow answer slows its client down.

    Args:
        receive: The server's.
        is_patient: Whether the body is kept for whoever may ask, however late.
    """

    def __init__(self, receive: Receive, *, is_patient: bool = False) -> None:
        self._receive = receive
        self._watching: asyncio.Task[None] | None = None
        self._messages: asyncio.Queue[Message] = asyncio.Queue()
        self._taken = asyncio.Event()
        self._is_wanted = is_patient
        self._is_dropped = False

    async def receive(self) -> Message:
        """Return the next message to whoever reads the body.

        Raises:
            BodyConsumedError: The answer went on for too long before it asked.
        """
        if self._is_dropped:
            raise BodyConsumedError(
                f"The body was dropped: it was first read {PATIENCE:g} seconds after the answer"
                " had begun.",
                hint="Call `await request.body()` first, before the answer begins.",
            )
        self._is_wanted = True
        message = await self._messages.get()
        if message["type"] == "http.disconnect":
            self._messages.put_nowait(message)
        self._taken.set()
        return message

    def begin(self) -> "asyncio.Task[None]":
        """Begin to watch, once, in a task that ends when the client is gone."""
        if self._watching is None:
            self._watching = asyncio.create_task(self.watch())
        return self._watching

    def stop(self) -> None:
        """Watch no longer; whoever waits for a message is told that the client is gone."""
        if self._watching is not None:
            self._watching.cancel()

    async def watch(self) -> None:
        """Pass messages on until the client is gone; whatever ends it, no reader waits on."""
        try:
            while (message := await self._receive())["type"] != "http.disconnect":
                if not self._is_dropped:
                    await self._pass_on(message)
        finally:
            self._messages.put_nowait({"type": "http.disconnect"})

    async def _pass_on(self, message: Message) -> None:
        self._taken.clear()
        self._messages.put_nowait(message)
        if message.get("more_body", False):
            await self._wait_until_taken()

    async def _wait_until_taken(self) -> None:
        try:
            async with asyncio.timeout(None if self._is_wanted else PATIENCE):
                await self._taken.wait()
        except TimeoutError:
            self._is_dropped = True

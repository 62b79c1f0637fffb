"""Server-Sent Events: the text/event-stream format of the HTML Standard, section 9.2."""

from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from dataclasses import dataclass
from typing import Any

from undercroft.concurrency import iterate
from undercroft.http.json import dump_json


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event.

    Attributes:
        data: Text as it is; anything else is written as JSON.
        event: The name a browser listens for; "message" when empty.
        id: What the browser sends back as Last-Event-ID when it reconnects.
        retry: Milliseconds to wait before reconnecting.
    """

    data: Any = ""
    event: str = ""
    id: str = ""
    retry: int | None = None

    def __post_init__(self) -> None:
        """Refuse names and ids that would end their line.

        Raises:
            ValueError: `event` or `id` holds a line break or NUL.
        """
        for part in (self.event, self.id):
            if any(character in part for character in "\r\n\0"):
                raise ValueError(f"An event's name and id are one line of text, not {part!r}.")

    def encode(self) -> bytes:
        """Write the event, its data line by line."""
        data = self.data if isinstance(self.data, str) else dump_json(self.data).decode()
        lines = [f"event: {self.event}"] if self.event else []
        lines += [f"id: {self.id}"] if self.id else []
        lines += [f"retry: {self.retry}"] if self.retry is not None else []
        normal = data.replace("\r\n", "\n").replace("\r", "\n")
        lines += [f"data: {line}" for line in normal.split("\n")]
        return ("\n".join(lines) + "\n\n").encode()


async def encode_events(
    events: AsyncIterable[ServerSentEvent] | Iterable[ServerSentEvent],
) -> AsyncGenerator[bytes]:
    """Yield each event as it is written on the wire."""
    async for event in iterate(events):
        yield event.encode()

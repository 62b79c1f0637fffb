"""Server-Sent Events: the text/event-stream format of the HTML Standard, section 9.2."""

from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from undercroft.binding.event_streams import HEARTBEAT, encode_events
from undercroft.binding.parameters import Depends, Header
from undercroft.http.json import dump_json
from undercroft.http.responses import Background, Pieces, StreamingResponse

T = TypeVar("T")

#: Neither browsers nor what lies between may keep, gather or change the pieces.
EVENT_HEADERS = {"cache-control": "no-cache, no-transform", "x-accel-buffering": "no"}


# Without slots: in Python 3.11 `ServerSentEvent[int](1)` fails with them.
@dataclass(frozen=True)
class ServerSentEvent(Generic[T]):
    """One event.

    Attributes:
        data: Text as it is; anything else is written as JSON.
        event: The name a browser listens for; "message" when empty.
        id: What the browser sends back as Last-Event-ID when it reconnects.
        retry: Milliseconds to wait before reconnecting.
        comment: What no browser shows; alone, it is no event but a sign of life.
    """

    data: T | str = ""
    event: str = ""
    id: str = ""
    retry: int | None = None
    comment: str = ""

    def __post_init__(self) -> None:
        """Refuse what would end its line, or a time that is none.

        Raises:
            ValueError: `event` or `id` holds a line break or NUL, or `retry` is no number.
        """
        for part in (self.event, self.id):
            if any(character in part for character in "\r\n\0"):
                raise ValueError(f"An event's name and id are one line of text, not {part!r}.")
        if self.retry is not None and self.retry < 0:
            raise ValueError(f"An event's retry is a number of milliseconds, not {self.retry!r}.")

    def encode(self, dump: Callable[[Any], bytes] = dump_json) -> bytes:
        """Write the event, its data line by line.

        Args:
            dump: Writes data that is no text.
        """
        lines = [f": {line}" for line in split_lines(self.comment)] if self.comment else []
        lines += [f"event: {self.event}"] if self.event else []
        lines += [f"id: {self.id}"] if self.id else []
        lines += [f"retry: {self.retry}"] if self.retry is not None else []
        data = self.data if isinstance(self.data, str) else dump(self.data).decode()
        if data or not lines or self.event:
            lines += [f"data: {line}" for line in split_lines(data)]
        return ("\n".join(lines) + "\n\n").encode()


class EventSourceResponse(StreamingResponse):
    """A stream of events, as a response of its own.

    It is neither buffered nor compressed on its way, says something now and then while nothing
    happens, and ends when the server stops.

    Args:
        events: `ServerSentEvent`s; anything else is the data of one.
        status_code: 200 unless told otherwise.
        headers: Fields by name.
        background: Awaited once the stream has ended.
        heartbeat: Seconds of silence after which a comment is sent.
        dump: Writes data that is no text.
    """

    default_media_type = "text/event-stream"

    def __init__(  # noqa: PLR0913, PLR0917 - what every response takes, and two of its own
        self,
        events: AsyncIterable[Any] | Iterable[Any],
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        background: Background | None = None,
        heartbeat: float = HEARTBEAT,
        dump: Callable[[Any], bytes] = dump_json,
    ) -> None:
        super().__init__((), status_code, {**EVENT_HEADERS, **(headers or {})}, None, background)

        def encode(item: Any) -> bytes:
            is_event = issubclass(type(item), ServerSentEvent)
            event: Any = item if is_event else ServerSentEvent[Any](item)
            written: bytes = event.encode(dump)
            return written

        self.stream = Pieces(encode_events(events, encode, heartbeat), events)


def find_last_event_id(last_event_id: Annotated[str | None, Header()] = None) -> str | None:
    """Find the id of the last event a browser has seen, which it sends in UTF-8."""
    if last_event_id is None:
        return None
    return last_event_id.encode("latin-1").decode("utf-8", "replace")


#: The id of the last event that a browser has seen, where it reconnects; None where it is new.
LastEventID = Annotated[str | None, Depends(find_last_event_id)]


def split_lines(text: str) -> list[str]:
    """Split at every line break that a browser knows."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

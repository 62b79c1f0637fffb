"""Messages that are shown once: put into the session by one request, taken out by the next.

Names are Django's, and Flask's `flash`. Each message is a value of its own in the session, so that
requests at the same time keep each other's.
"""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

from undercroft.http.request import Request

DEBUG = 10
INFO = 20
SUCCESS = 25
WARNING = 30
ERROR = 40

_TAGS = {DEBUG: "debug", INFO: "info", SUCCESS: "success", WARNING: "warning", ERROR: "error"}
_PREFIX = "_message:"


@dataclass(frozen=True, slots=True)
class Message:
    """What a visitor is told once.

    Attributes:
        message: Plain text; a template escapes it.
        tags: For a CSS class: the level's name, behind `extra_tags`.
        level: `messages.INFO` and so on; 0 where `flash` was given a category of its own.
    """

    message: str
    tags: str
    level: int

    def __str__(self) -> str:
        return self.message


def add_message(request: Request, level: int, message: object, extra_tags: str = "") -> None:
    """Tell the visitor something on the next page that shows messages."""
    tags = " ".join(filter(None, [extra_tags, _TAGS.get(level, "")]))
    _store(request, Message(str(message), tags, level))


def debug(request: Request, message: object, extra_tags: str = "") -> None:
    """Tell developers something; nothing is told unless the application runs in debug."""
    if request.app.settings.debug:
        add_message(request, DEBUG, message, extra_tags)


def info(request: Request, message: object, extra_tags: str = "") -> None:
    """Tell the visitor something."""
    add_message(request, INFO, message, extra_tags)


def success(request: Request, message: object, extra_tags: str = "") -> None:
    """Tell the visitor that something went well."""
    add_message(request, SUCCESS, message, extra_tags)


def warning(request: Request, message: object, extra_tags: str = "") -> None:
    """Tell the visitor to be careful."""
    add_message(request, WARNING, message, extra_tags)


def error(request: Request, message: object, extra_tags: str = "") -> None:
    """Tell the visitor that something went wrong."""
    add_message(request, ERROR, message, extra_tags)


def flash(request: Request, message: object, category: str = "message") -> None:
    """Tell the visitor something, in Flask's manner: the category is the message's tag."""
    levels = {tag: level for level, tag in _TAGS.items()}
    _store(request, Message(str(message), category, levels.get(category, 0)))


def get_messages(request: Request, category_filter: Sequence[str] = ()) -> list[Message]:
    """Take the messages out of the session, in the order in which they were put there.

    Args:
        request: Of the visitor.
        category_filter: Take only messages with one of these tags.
    """
    session = request.session
    taken: list[Message] = []
    for name in sorted(name for name in session if name.startswith(_PREFIX)):
        message = Message(*session[name])
        if not category_filter or set(category_filter) & set(message.tags.split()):
            del session[name]
            taken.append(message)
    return taken


def _store(request: Request, message: Message) -> None:
    name = f"{_PREFIX}{time.time_ns():020}:{secrets.token_hex(4)}"
    request.session[name] = [message.message, message.tags, message.level]

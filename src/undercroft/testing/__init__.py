"""What tests need: a client that speaks to an application without a server."""

from undercroft.db.watching import capture_queries, forbid_repeated_queries, max_queries
from undercroft.errors import ImproperlyConfigured
from undercroft.testing import mail
from undercroft.testing.mail import capture_mail

try:
    from undercroft.testing.client import Client
    from undercroft.testing.sockets import WebSocketDenied, WebSocketSession
except ModuleNotFoundError as error:
    if error.name != "httpx":
        raise
    raise ImproperlyConfigured(
        "undercroft.testing needs httpx, which is not installed.",
        hint="Run `pip install 'undercroft[testing]'`.",
        code="testing.httpx",
    ) from error

__all__ = [
    "Client",
    "WebSocketDenied",
    "WebSocketSession",
    "capture_mail",
    "capture_queries",
    "forbid_repeated_queries",
    "mail",
    "max_queries",
]

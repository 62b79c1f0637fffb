"""From a request to a handler's arguments, and from what it returns to a response."""

from undercroft.binding.events import ServerSentEvent
from undercroft.binding.parameters import Body, Cookie, Depends, Header, Path, Query
from undercroft.binding.plan import BoundHandler, Plan, compile_plan

__all__ = [
    "Body",
    "BoundHandler",
    "Cookie",
    "Depends",
    "Header",
    "Path",
    "Plan",
    "Query",
    "ServerSentEvent",
    "compile_plan",
]

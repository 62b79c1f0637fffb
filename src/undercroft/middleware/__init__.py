"""What stands around every handler, from the outside in."""

from undercroft.middleware.pipeline import Endpoint, Middleware, compose

__all__ = ["Endpoint", "Middleware", "compose"]

"""ASGI and WSGI, translated into `Request` and `Response` and back. Nothing is decided here."""

from undercroft.gateways.asgi import ASGIGateway
from undercroft.gateways.wsgi import WSGIGateway

__all__ = ["ASGIGateway", "WSGIGateway"]

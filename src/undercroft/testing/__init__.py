"""What tests need: a client that speaks to an application without a server."""

from undercroft.testing.client import Client

__all__ = ["Client"]

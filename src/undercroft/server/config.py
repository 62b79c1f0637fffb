"""Uvicorn's configuration, and what our protocols need beyond it."""

from uvicorn import Config


class ServerConfig(Config):
    """What a connection is told when it is made.

    Attributes:
        client_timeout: Seconds in which a client that is waited for must do something.
    """

    client_timeout: float | None = None

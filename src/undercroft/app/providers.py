"""What a handler is given for merely naming a type: sessions, settings, the application."""

import inspect
from typing import TYPE_CHECKING, Any

from undercroft.binding.parameters import Provider
from undercroft.settings import Settings

if TYPE_CHECKING:
    from undercroft.app.application import App


class Providers:
    """Knows the types that are injected by their name alone."""

    def __init__(self, app: "App") -> None:
        self._app = app

    def find(self, annotation: Any) -> Provider | None:
        """Find how a type is injected, or None where it is read from the request."""
        if not inspect.isclass(annotation):
            return None
        if issubclass(annotation, type(self._app)):
            return Provider(self._get_app)
        if issubclass(annotation, Settings):
            return Provider(self._get_settings)
        return find_session_provider(annotation)

    def _get_app(self) -> Any:
        return self._app

    def _get_settings(self) -> Any:
        return self._app.settings


def find_session_provider(annotation: type) -> Provider | None:
    """Find the provider of SQLAlchemy's sessions, imported only where one is asked for."""
    if not annotation.__module__.startswith("sqlalchemy."):
        return None
    # Slow to import, and a handler that names the type has paid for it already.
    from undercroft.db import sessions  # noqa: PLC0415

    if issubclass(annotation, sessions.Session):
        return Provider(sessions.provide_session, "def", "AsyncSession")
    if issubclass(annotation, sessions.AsyncSession):
        return Provider(sessions.provide_async_session, "async def", "Session")
    return None

"""What a handler is given for merely naming a type: sessions, settings, the application."""

import inspect
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any

from undercroft.background.tasks import BackgroundTasks
from undercroft.binding.calls import InjectedCalls
from undercroft.binding.container import Container, Injector
from undercroft.binding.parameters import Provider
from undercroft.http.draft import ResponseDraft
from undercroft.http.request import Request, RequestState
from undercroft.http.responses import Response
from undercroft.http.session import Session
from undercroft.settings import Settings


class Providers:
    """Knows the types that are injected by their name alone.

    Args:
        app: Given to whoever names its class.
        settings: Given to whoever names their class.
        container: Holds what lives as long as the application.
    """

    def __init__(self, app: object, settings: Settings, container: Container) -> None:
        self._app = app
        self._settings = settings
        self.find = Injector(self._find, container)
        self._calls = InjectedCalls(self.find)

    def _find(self, annotation: Any) -> Provider | None:
        """Find how a type is injected, or None where it is read from the request."""
        if not inspect.isclass(annotation):
            return None
        if issubclass(annotation, type(self._app)):
            return Provider(self._get_app)
        if issubclass(annotation, Settings):
            return Provider(self._get_settings)
        if issubclass(annotation, BackgroundTasks):
            return Provider(self._get_background_tasks, is_at_hand=True)
        if issubclass(annotation, RequestState):
            return Provider(partial(read_state, annotation), is_at_hand=True)
        if annotation is Response:
            return Provider(ResponseDraft.of, is_at_hand=True)
        if issubclass(annotation, Session):
            return Provider(load_session)
        return find_session_provider(annotation)

    def _get_app(self) -> object:
        return self._app

    def _get_settings(self) -> Settings:
        return self._settings

    def _get_background_tasks(self, request: Request) -> BackgroundTasks:
        """Get the tasks of a request; its handler and dependencies share them."""
        if request.background is None:
            request.background = BackgroundTasks(partial(self._calls.prepare, request))
            request.call_after_answer(request.background)
        tasks: BackgroundTasks = request.background
        return tasks


def read_state(kind: type[RequestState], request: Request) -> RequestState:
    """Give a request's state as its class declares it."""
    return kind.of(request)


async def load_session(request: Request) -> Session:
    """Load the visitor's session, so that any handler can use it without waiting."""
    return await request.session.aload()


def find_session_provider(annotation: type) -> Provider | None:
    """Find the provider of SQLAlchemy's sessions, imported only where one is asked for."""
    if not annotation.__module__.startswith("sqlalchemy."):
        return None
    from undercroft.db import sessions  # noqa: PLC0415 - who names the type has imported it already

    def provide_session() -> Iterator[sessions.Session]:
        with sessions.session() as session:
            yield session

    async def provide_async_session() -> AsyncIterator[sessions.AsyncSession]:
        async with sessions.async_session() as session:
            yield session

    if issubclass(annotation, sessions.Session):
        return Provider(provide_session, "def", "AsyncSession")
    if issubclass(annotation, sessions.AsyncSession):
        return Provider(provide_async_session, "async def", "Session")
    return None

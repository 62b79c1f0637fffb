"""A client that calls an application in this process, through either gateway.

It is an `httpx.Client`, so requests and answers are what they are over a network: only the
socket is missing. Through ASGI the application starts with the `with` block, through WSGI with the
first request, as servers would have it; it shuts down after the block.

    with Client(app) as client:
        assert client.get("/hello/Ada").json() == {"message": "Hello, Ada."}
"""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self

import httpx

from undercroft.app.application import App
from undercroft.concurrency import run_on_background_loop
from undercroft.gateways.lifespans import Lifespan
from undercroft.settings import Settings
from undercroft.testing.own_page import OwnPage
from undercroft.testing.sockets import WebSocketSession
from undercroft.testing.transports import ASGITransport, WSGITransport

Through = Literal["asgi", "wsgi"]


def find_settings(app: Any) -> Settings:
    """Find an application's settings; what is not ours may hold one of ours with the usual ones."""
    return app.settings if isinstance(app, App) else Settings.model_construct()


class Client(httpx.Client):
    """Speak to an application.

    Args:
        app: An `App`, or any ASGI or WSGI application.
        through: The protocol it is called by.
        base_url: What relative addresses start with; its host must be one of the
            application's names.
        root_path: Where the application believes to be mounted.
        enforce_csrf_checks: Send nothing by itself that the check of forged requests asks for.
            Else the client sends what a page of the application would: it says that an unsafe
            request with cookies comes from there, and shows a token of its cookie.
        options: Further options of `httpx.Client`.
    """

    def __init__(
        self,
        app: Any,
        *,
        through: Through = "asgi",
        base_url: str = "http://localhost",
        root_path: str = "",
        enforce_csrf_checks: bool = False,
        **options: Any,
    ) -> None:
        self.app = app
        self.through = through
        self._lifespan: Lifespan | None = None
        self._root_path = root_path
        transport: httpx.BaseTransport
        transport = (ASGITransport if through == "asgi" else WSGITransport)(app, root_path)
        if not enforce_csrf_checks:
            transport = OwnPage(transport, find_settings(app))
        super().__init__(transport=transport, base_url=base_url, **options)

    def websocket_connect(
        self, url: str, subprotocols: Sequence[str] = (), headers: Mapping[str, str] | None = None
    ) -> WebSocketSession:
        """Open a WebSocket: `with client.websocket_connect("/ws") as socket:`.

        Raises:
            TypeError: The client speaks WSGI, which has none.
        """
        if self.through != "asgi":
            raise TypeError("WSGI knows no WebSockets; make the client with through='asgi'.")
        # Cookies and the client's own headers come along, as with any other request.
        handshake = self.build_request("GET", url, headers=headers)
        return WebSocketSession(self.app, handshake, subprotocols, self._root_path)

    def __enter__(self) -> Self:
        """Start the application.

        Raises:
            RuntimeError: It refused to start.
        """
        super().__enter__()
        if self.through == "asgi":
            lifespan = Lifespan(self.app)
            try:
                run_on_background_loop(lifespan.start())
            except BaseException:
                super().__exit__()
                raise
            self._lifespan = lifespan
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """Shut the application down.

        Raises:
            RuntimeError: It could not shut down cleanly.
        """
        try:
            if self._lifespan is not None:
                run_on_background_loop(self._lifespan.stop())
            elif isinstance(self.app, App):
                self.app.close()
        finally:
            self._lifespan = None
            super().__exit__(exc_type, exc_value, traceback)

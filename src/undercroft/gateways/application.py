"""What a gateway needs of an application."""

from typing import Protocol

from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.http.websockets import WebSocket


class Application(Protocol):
    """An application, as the gateways see it."""

    async def handle(self, request: Request) -> Response:
        """Answer a request, whatever happens: failures are answers too."""
        ...

    async def handle_socket(self, socket: WebSocket) -> None:
        """Serve a WebSocket to its end, whatever happens."""
        ...

    async def startup(self) -> None:
        """Prepare everything; raise what would keep the application from serving."""
        ...

    async def shutdown(self) -> None:
        """Give back what `startup` and the requests took."""
        ...

"""The applications mounted below ours: connected at start, told of start and end with us."""

from collections.abc import Sequence
from contextlib import AsyncExitStack

from undercroft.errors import ImproperlyConfigured
from undercroft.gateways.lifespans import MountedLifespan
from undercroft.gateways.mounting import MountedApplication
from undercroft.http.websockets import WebSocket
from undercroft.routing.mounts import Mount
from undercroft.routing.route import Route


class Mounts:
    """All mounted applications.

    Args:
        max_body_size: The largest body they are sent unless a mount says otherwise, in bytes.
    """

    def __init__(self, max_body_size: int) -> None:
        self._max_body_size = max_body_size
        self._mounted: dict[Mount, MountedApplication] = {}

    def connect(self, routes: Sequence[Route]) -> None:
        """Give the routes of mounts their endpoints.

        Raises:
            ImproperlyConfigured: Something mounted is no application.
        """
        for route in routes:
            if isinstance(route.handler, Mount):
                place = route.template.text.removesuffix("/") or "/"
                try:
                    route.endpoint = self._get(route.handler, place)
                except ImproperlyConfigured as error:
                    error.add_note(f"Mounted at {place!r} at {route.source}.")
                    raise

    def _get(self, mount: Mount, path: str) -> MountedApplication:
        mounted = self._mounted.get(mount)
        if mounted is None:
            limit = mount.max_body_size or self._max_body_size
            mounted = MountedApplication(mount, path, limit)
            self._mounted[mount] = mounted
        return mounted

    @property
    def has_asgi(self) -> bool:
        """Whether there is somebody to tell of start and end, or who may serve WebSockets."""
        return any(mounted.speaks_asgi for mounted in self._mounted.values())

    async def start(self, running: AsyncExitStack) -> None:
        """Start every application once, in the order in which they were mounted.

        Raises:
            ImproperlyConfigured: One refused to start; the message names its path.
        """
        started: dict[int, MountedLifespan] = {}
        for mounted in self._mounted.values():
            if not mounted.speaks_asgi:
                continue
            lifespan = started.get(id(mounted.application))
            if lifespan is None:
                lifespan = MountedLifespan(mounted.asgi, mounted.path)
                await running.enter_async_context(lifespan)
                started[id(mounted.application)] = lifespan
            mounted.state = lifespan.state or None

    async def serve_socket(self, mount: Mount, socket: WebSocket) -> None:
        """Pass a WebSocket on to the application that its path leads to."""
        await self._mounted[mount].serve_websocket(socket)

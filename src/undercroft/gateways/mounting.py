"""Mounted applications: which interface each speaks, and how our requests reach it.

A request that arrived by the interface the application speaks goes on by it; the others are
translated. What an application is told of its place is `root_path` or `SCRIPT_NAME`; the path as
the client sent it, `raw_path`, stays whole.
"""

import io
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast
from urllib.parse import quote

from undercroft.errors import ImproperlyConfigured, PermissionDenied
from undercroft.gateways.asgi import ASGIRequest
from undercroft.gateways.asgi_sockets import ASGIWire
from undercroft.gateways.calling_wsgi import answer_by_wsgi
from undercroft.gateways.foreign_asgi import answer_by_asgi, build_too_large
from undercroft.gateways.foreign_wsgi import WSGIAdapter, encode_path
from undercroft.gateways.interfaces import find_interface
from undercroft.gateways.messages import Scope
from undercroft.gateways.unmeasured import MeasuringBody
from undercroft.gateways.wsgi import Environ, WSGIRequest
from undercroft.http.request import MOST_LENGTH_DIGITS, Request
from undercroft.http.responses import Response
from undercroft.http.url import SAFE_IN_PATH
from undercroft.http.websockets import WebSocket
from undercroft.routing.mounts import Mount


class MountedApplication:
    """An application below a path.

    Args:
        mount: Names the application, which speaks ASGI or WSGI; an `App` speaks both.
        path: Where it is mounted, for messages.
        max_body_size: The largest body it is sent, in bytes.

    Attributes:
        asgi: It, as ASGI 3.
        wsgi: It, as WSGI, if it speaks that.
        speaks_asgi: Whether it knows lifespans and may serve WebSockets.
        state: What its lifespan left for its requests.

    Raises:
        ImproperlyConfigured: It is no application.
    """

    def __init__(self, mount: Mount, path: str, max_body_size: int) -> None:
        application = mount.application
        self.path = path
        self.application = application
        self._strips_path = mount.strip_path
        self.state: dict[str, Any] | None = None
        self._limit = max_body_size
        interface = find_interface(application)
        self.speaks_asgi = interface != "wsgi"
        self.wsgi: Callable[..., Iterable[bytes]] | None = None
        if interface == "wsgi":
            self.wsgi = MeasuringBody(application)
            self.asgi: Any = WSGIAdapter(application)
        elif interface == "asgi3":
            # An App of ours speaks both.
            self.wsgi = getattr(application, "wsgi", None)
            self.asgi = application
        else:
            raise ImproperlyConfigured(
                f"The application mounted at {path!r} speaks ASGI 2, or makes applications.",
                hint="Mount an ASGI 3 or WSGI application; call a factory first.",
                code="mounting.interface",
            )

    async def __call__(self, request: Request) -> Response:
        """Answer a request; what the route's pattern left over is the application's path.

        Raises:
            ContentTooLarge: The body is larger than the application is sent.
            Exception: What the application raised before it answered.
        """
        check_announced_size(request, self._limit)
        place = find_place(request.path, request.path_params)
        if isinstance(request, WSGIRequest):
            if self.wsgi is not None:
                environ = build_mounted_environ(request, place)
                return await answer_by_wsgi(self.wsgi, environ, self._limit)
            scope = build_scope_from_environ(request)
        else:
            scope = dict(cast("ASGIRequest", request).scope)
        self._place(scope, request.root_path, place, request.path)
        # What middleware found out, from a trusted proxy for example, holds here too.
        scope["scheme"], scope["client"] = request.scheme, request.client
        scope["headers"] = request.raw_headers
        scope["extensions"] = {}
        return await answer_by_asgi(self.asgi, scope, request, self._limit)

    async def serve_websocket(self, socket: WebSocket) -> None:
        """Pass a WebSocket on, from its handshake to its end.

        Raises:
            PermissionDenied: The application speaks WSGI, which knows no WebSockets.
            Exception: What the application raised.
        """
        if not self.speaks_asgi:
            raise PermissionDenied("No WebSockets are served here.", code="websocket.unsupported")
        request = cast("ASGIRequest", socket.request)
        scope = {**request.scope, "type": "websocket"}
        del scope["method"]
        place = find_place(request.path, request.path_params)
        self._place(scope, request.root_path, place, request.path)
        scope["scheme"], scope["client"] = request.scheme, request.client
        scope["headers"] = request.raw_headers
        await cast("ASGIWire", socket.wire).hand_over(self.asgi, scope, socket)

    def _place(self, scope: Scope, root_path: str, place: str, path: str) -> None:
        """Tell where the application is: its path includes the mount, as ASGI has it, or not."""
        scope["root_path"] = root_path + place
        scope["path"] = path[len(place) :] or "/" if self._strips_path else root_path + path
        scope.pop("state", None)
        if self.state is not None:
            scope["state"] = self.state.copy()


def find_place(path: str, params: Mapping[str, Any]) -> str:
    """Find the part of a path that is the mount; what its pattern left over is `path`."""
    rest = params.get("path")
    return path if rest is None else path[: len(path) - len(rest) - 1]


def check_announced_size(request: Request, limit: int) -> None:
    """Refuse a body that announces itself as too large, before any of it is read.

    Raises:
        ContentTooLarge: It does.
    """
    announced = request.headers.find(b"content-length")
    if announced is not None and announced.isdigit():
        is_short = len(announced) < MOST_LENGTH_DIGITS
        if not is_short or int(announced) > limit:
            raise build_too_large(limit)


def build_mounted_environ(request: WSGIRequest, place: str) -> Environ:
    """Build the environ of an application below our own."""
    environ = request.environ.copy()
    prefix = encode_path(place)
    environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "").rstrip("/") + prefix
    environ["PATH_INFO"] = environ.get("PATH_INFO", "")[len(prefix) :]
    environ["wsgi.url_scheme"] = request.scheme
    if request.client is not None:
        environ["REMOTE_ADDR"] = request.client.host
    if (host := request.headers.get("host")) is not None:
        environ["HTTP_HOST"] = host
    # What was taken away because nobody vouches for it must not be believed further in.
    held = {variable_name(name) for name, _ in request.raw_headers}
    for name in [name for name in environ if name.startswith("HTTP_") and name not in held]:
        del environ[name]
    body = request.find_read_body()
    if body is not None:
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
    return environ


def variable_name(header: bytes) -> str:
    """Return the CGI variable of a header field (RFC 3875, section 4.1.18)."""
    return "HTTP_" + header.decode("latin-1").upper().replace("-", "_")


def build_scope_from_environ(request: WSGIRequest) -> dict[str, Any]:
    """Build a connection scope of a request that came by WSGI."""
    environ = request.environ
    raw = environ.get("REQUEST_URI") or environ.get("RAW_URI") or ""
    path = raw.partition("?")[0]
    if not path.startswith("/"):
        path = quote(request.root_path + request.path, safe=SAFE_IN_PATH)
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": environ.get("SERVER_PROTOCOL", "HTTP/1.1").removeprefix("HTTP/"),
        "method": request.method,
        "raw_path": path.encode("latin-1", "replace"),
        "query_string": request.raw_query,
        "server": request.server,
    }

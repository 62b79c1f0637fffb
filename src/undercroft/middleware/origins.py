"""Origin check: a WebSocket is opened by the application's own pages, or by pages it names.

A browser sends cookies with a handshake to any host, whichever page asks for it, and no rule of
CORS stands between. What is no browser sends no Origin (RFC 6455, section 10.2), and may connect.
"""

import re
from collections.abc import Sequence

from undercroft.errors import ImproperlyConfigured, PermissionDenied
from undercroft.http.request import Request

#: Scheme, host and port of an origin (RFC 6454), in lower case.
ORIGIN = re.compile(r"(https?)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?")
_PORTS = {"http": "80", "https": "443"}


class AllowedOrigins:
    """Refuse the handshake of a foreign page.

    Args:
        origins: Pages that may connect besides our own, `https://app.example.org`; `*` for all.

    Raises:
        ImproperlyConfigured: One of them is no origin.
    """

    def __init__(self, origins: Sequence[str]) -> None:
        self.origins = frozenset(origin.lower().rstrip("/") for origin in origins)
        for origin in self.origins - {"*"}:
            if not ORIGIN.fullmatch(origin):
                raise ImproperlyConfigured(
                    f"websocket_origins holds {origin!r}, which is no origin.",
                    hint="Write scheme and host, such as 'https://app.example.org'.",
                    code="settings.value",
                )

    def check(self, request: Request) -> None:
        """Check the handshake's Origin, if there is one.

        Raises:
            PermissionDenied: It is neither ours nor allowed.
        """
        named = request.headers.getlist("origin")
        if not named or "*" in self.origins:
            return
        origin = named[0].lower()
        if len(named) == 1 and (origin in self.origins or is_same_origin(origin, request)):
            return
        raise PermissionDenied(
            f"Pages of {named[0][:100]!r} may not open WebSockets here.",
            hint="Name it in the setting websocket_origins.",
            code="websocket.origin",
        )


def is_same_origin(origin: str, request: Request) -> bool:
    """Tell whether an origin in lower case is that of the address which was asked for.

    Where TLS ends before us, we see `ws` and the browser https: then host and port decide.
    """
    found = ORIGIN.fullmatch(origin)
    if found is None:
        return False
    scheme, host, port = found.groups()
    is_secure = request.scheme in {"https", "wss"}
    if is_secure and scheme != "https":
        return False
    asked_host, asked_port = split_host(request.headers.get("host", "").lower())
    default = _PORTS[scheme]
    return host == asked_host and (port or default) == (asked_port or default)


def split_host(host: str) -> tuple[str, str]:
    """Split a Host header into name and port."""
    found = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::([0-9]*))?", host)
    return (found[1], found[2] or "") if found else (host, "")

"""Where an unsafe request comes from: our own pages, those that are trusted, or a stranger's."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from undercroft.errors import ImproperlyConfigured
from undercroft.http.request import Request
from undercroft.middleware.origins import ORIGIN, is_same_origin

#: Our own page, or the person at the browser (Fetch Metadata, section 2.4).
_OWN_SITES = frozenset({b"same-origin", b"none"})


class TrustedOrigins:
    """Tells whether a request may come from where its browser says that it does.

    Args:
        origins: Pages that may send forms here besides our own, `https://app.example.org`, or
            `https://*.example.org` for all hosts below that name.

    Raises:
        ImproperlyConfigured: One of them is no origin.
    """

    def __init__(self, origins: Sequence[str]) -> None:
        self._exact: set[str] = set()
        self._below: list[tuple[str, str]] = []
        for origin in origins:
            scheme, wildcard, host = origin.lower().rstrip("/").partition("://*.")
            if not ORIGIN.fullmatch(f"{scheme}://{host}" if wildcard else scheme):
                raise ImproperlyConfigured(
                    f"csrf_trusted_origins holds {origin!r}, which is no origin.",
                    hint="Write scheme and host, such as 'https://app.example.org'.",
                    code="settings.value",
                )
            if wildcard:
                self._below.append((f"{scheme}://", f".{host}"))
            else:
                self._exact.add(scheme)

    def find_stranger(self, request: Request, fields: Mapping[bytes, bytes]) -> str | None:
        """Find the page that sent a request, if it is neither ours nor trusted; else None.

        A request that says nothing comes from no browser of these days.

        Args:
            request: Of an unsafe method.
            fields: Its header fields.
        """
        site = fields.get(b"sec-fetch-site")
        if site in _OWN_SITES:
            return None
        origin = fields.get(b"origin")
        if origin is None:
            referer = fields.get(b"referer")
            # By plain http a Referer proves nothing, for anybody on the way may write it.
            if site is None and (referer is None or request.scheme != "https"):
                return None
            origin = find_origin(referer or b"")
        named = origin.decode("latin-1").lower()
        if site is None and is_same_origin(named, request):
            return None
        return None if self.is_trusted(named) else named

    def is_trusted(self, origin: str) -> bool:
        """Tell whether an origin in lower case is named in the settings."""
        return origin in self._exact or any(
            origin.startswith(scheme) and origin.endswith(host) and ORIGIN.fullmatch(origin)
            for scheme, host in self._below
        )


def find_origin(address: bytes) -> bytes:
    """Find the origin of a page by its address; "null", as browsers say, where it has none."""
    try:
        parts = urlsplit(address.decode("latin-1"))
    except ValueError:
        return b"null"
    return f"{parts.scheme}://{parts.netloc}".encode("latin-1") if parts.netloc else b"null"

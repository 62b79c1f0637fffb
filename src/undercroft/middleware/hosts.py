"""Host check: the application answers to its own names only.

A Host header is the client's word, and addresses in e-mails, caches and redirects are made from
it; a foreign name is refused before anything else looks at the request.
"""

import re
from collections.abc import Awaitable

from undercroft.errors import BadRequest
from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.middleware.pipeline import Endpoint

#: host[:port], the host a name, an IPv4 address or an IPv6 address in brackets (RFC 3986). A name
#: may end with a dot and does not begin with one, so that it is never empty.
_HOST = re.compile(rb"(\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z_-][0-9A-Za-z._-]{0,252})(?::[0-9]{1,5})?")

#: Distinct Host values remembered as good; a client must not be able to grow the set.
_MOST_REMEMBERED = 256


class AllowedHosts:
    """Refuse a request whose Host header does not name the application.

    Args:
        hosts: Names; `.example.org` covers example.org and all below it, `*` everything.
    """

    def __init__(self, hosts: list[str]) -> None:
        self.hosts = [host.lower() for host in hosts]
        self._good: set[bytes] = set()

    def __call__(self, request: Request, call_next: Endpoint) -> Awaitable[Response]:
        """Check the header, then go on; nothing here waits, so there is no frame to await."""
        self.check_request(request)
        return call_next(request)

    def check_request(self, request: Request) -> None:
        """Check the header, if there is one.

        Raises:
            BadRequest: It is malformed, not one of ours, or there are several: who stands between
                may have read another one (RFC 9112, section 3.2).
        """
        found: bytes | None = None
        for name, value in request.raw_headers:
            if name == b"host":
                if found is not None:
                    raise build_refusal(value)
                found = value
        if found is not None and found not in self._good:
            self.check(found)

    def check(self, value: bytes) -> None:
        """Check a value that was not seen before.

        Raises:
            BadRequest: It is malformed or not one of ours.
        """
        found = _HOST.fullmatch(value)
        if found is None or not self.is_allowed(found[1].decode().lower().rstrip(".")):
            raise build_refusal(value)
        if len(self._good) < _MOST_REMEMBERED:
            self._good.add(value)

    def is_allowed(self, host: str) -> bool:
        """Tell whether a lower-case name is one of ours."""
        return any(
            pattern in ("*", host)
            or (pattern.startswith(".") and (host == pattern[1:] or host.endswith(pattern)))
            for pattern in self.hosts
        )


def build_refusal(value: bytes) -> BadRequest:
    """Build the answer to who asks by another name."""
    return BadRequest(
        f"Host {value.decode('latin-1')[:100]!r} is not one of this application's names.",
        hint="Name it in the setting allowed_hosts (UNDERCROFT_ALLOWED_HOSTS).",
        code="hosts.not-allowed",
    )

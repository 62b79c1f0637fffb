"""Security headers on every answer: what a browser must not guess or allow.

Fields that only mean something for a page are only sent with pages.
"""

from undercroft.http.headers import RawHeaders
from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.middleware.pipeline import Endpoint

NOSNIFF = (b"x-content-type-options", b"nosniff")

PAGE_HEADERS = [
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
]


async def add_security_headers(request: Request, call_next: Endpoint) -> Response:
    """Add the headers that the answer does not set itself."""
    response = await call_next(request)
    headers = response.raw_headers
    is_page = is_marked = is_personal = False
    for name, value in headers:
        if name == b"content-type":
            is_page = value[:9].lower() == b"text/html"
        elif name == b"x-content-type-options":
            is_marked = True
        elif name == b"set-cookie":
            is_personal = True
    if is_page:
        named = {name for name, _ in headers}
        headers.extend(pair for pair in PAGE_HEADERS if pair[0] not in named)
    if not is_marked:
        headers.append(NOSNIFF)
    if is_personal:
        forbid_sharing(headers)
    return response


def forbid_sharing(headers: RawHeaders) -> None:
    """Keep shared caches from an answer that sets a cookie: it would be everybody's."""
    told = [value for name, value in headers if name == b"cache-control"]
    parts = [part.strip() for part in b",".join(told).split(b",") if part.strip()]
    names = {part.partition(b"=")[0].lower() for part in parts}
    if names & {b"private", b"no-store"}:
        return
    kept = [part for part in parts if part.partition(b"=")[0].lower() not in _SHARING]
    headers[:] = [field for field in headers if field[0] != b"cache-control"]
    headers.append((b"cache-control", b", ".join([*kept, b"private"])))


#: What only speaks to shared caches (RFC 9111, section 5.2.2).
_SHARING = frozenset({b"public", b"s-maxage", b"proxy-revalidate"})

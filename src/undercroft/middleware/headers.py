"""Security headers on every answer: what a browser must not guess or allow.

Fields that only mean something for a page are only sent with pages.
"""

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
    is_page = is_marked = False
    for name, value in headers:
        if name == b"content-type":
            is_page = value[:9].lower() == b"text/html"
        elif name == b"x-content-type-options":
            is_marked = True
    if is_page:
        named = {name for name, _ in headers}
        headers.extend(pair for pair in PAGE_HEADERS if pair[0] not in named)
    if not is_marked:
        headers.append(NOSNIFF)
    return response

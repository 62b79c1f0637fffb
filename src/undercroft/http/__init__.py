"""HTTP as values: requests, responses, headers, query strings, cookies, URLs. No sockets."""

from undercroft.http.cookies import Cookies
from undercroft.http.files import FileResponse
from undercroft.http.headers import Headers, MutableHeaders
from undercroft.http.query import QueryParams
from undercroft.http.request import Address, Request, State
from undercroft.http.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from undercroft.http.url import URL

__all__ = [
    "URL",
    "Address",
    "Cookies",
    "FileResponse",
    "HTMLResponse",
    "Headers",
    "JSONResponse",
    "MutableHeaders",
    "PlainTextResponse",
    "QueryParams",
    "RedirectResponse",
    "Request",
    "Response",
    "State",
    "StreamingResponse",
]

"""The addresses of the API's description and of the pages that show it."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from undercroft.http.json import dump_json
from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.openapi.document import build_document
from undercroft.openapi.info import Info
from undercroft.openapi.operations import Described
from undercroft.openapi.pages import REDOC, SWAGGER, build_page_routes
from undercroft.routing.route import Route, build_route
from undercroft.security.schemes import SecurityScheme


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAPIOptions(Info):
    """How the API is described, and where.

    Attributes:
        url: Where the document is served; None serves nothing, and no pages either.
        docs_url: Where Swagger UI is served; None serves none.
        redoc_url: Where ReDoc is served; None serves none.
    """

    url: str | None = "/openapi.json"
    docs_url: str | None = "/docs"
    redoc_url: str | None = "/redoc"


#: Operations, webhooks, and the ways in which users are found.
GetDescribed = Callable[
    [], tuple[Sequence[Described], Sequence[Described], Sequence[SecurityScheme[Any]]]
]


def build_openapi_routes(options: OpenAPIOptions, get_described: GetDescribed) -> list[Route]:
    """Build the routes of the description.

    Args:
        options: How the API is described.
        get_described: Called at the first request, when everything is compiled.
    """
    if options.url is None:
        return []
    document = _Document(options, get_described)
    routes = [build_route(options.url, document.answer, ["GET"], {"include_in_schema": False})]
    for page, url in ((SWAGGER, options.docs_url), (REDOC, options.redoc_url)):
        if url is not None:
            routes += build_page_routes(page, url, options.title, options.url)
    return routes


class _Document:
    """The document as bytes, made at the first request and kept."""

    def __init__(self, info: Info, get_described: GetDescribed) -> None:
        self._info = info
        self._get_described = get_described
        self._body = b""

    def answer(self, request: Request) -> Response:
        """Answer with the document, or 304 to a client that has it."""
        if not self._body:
            self._body = dump_json(build_document(self._info, *self._get_described()))
        body = self._body
        if not self._info.servers:
            # Below a mount the paths start elsewhere; the rest of the document is the same.
            servers = dump_json({"servers": [{"url": request.root_path or "/"}]})
            body = servers[:-1] + b"," + body[1:]
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {"etag": etag, "cache-control": "no-cache"}
        if etag in request.headers.get("if-none-match", ""):
            return Response(b"", 304, headers)
        return Response(body, 200, headers, "application/json")

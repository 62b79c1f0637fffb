"""Swagger UI and ReDoc: pages for the document, made of files of the package `offapi`.

Nothing comes from another host, and the pages run under a strict Content-Security-Policy: no
script runs but the package's file and the one line that starts it, which carries a nonce.
"""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Final

from undercroft.errors import ServiceUnavailable
from undercroft.http.files import FileResponse
from undercroft.http.request import Request
from undercroft.http.responses import HTMLResponse
from undercroft.routing.route import Route, build_route

PACKAGE: Final = "offapi"

#: A year: the version is part of the address, so the file behind it never changes.
_FOREVER: Final = {"cache-control": "public, max-age=31536000, immutable"}


@dataclass(frozen=True, slots=True)
class Page:
    """A page that shows the document.

    Attributes:
        name: As people know it.
        files: The package's files it needs, scripts and style sheets.
        start: JavaScript that shows the document; `$url` is its address as JSON, `$script`
            that of the page's script.
        is_module: The script is an ECMAScript module, imported by `start`.
        styles: What the policy allows for styles beside the page's own.
    """

    name: str
    files: tuple[str, ...]
    start: str
    styles: str
    is_module: bool = False


SWAGGER: Final = Page(
    "Swagger UI",
    ("swagger_style.css", "swagger_bundle.js"),
    'SwaggerUIBundle({url: $url, dom_id: "#page", deepLinking: true, layout: "BaseLayout"});',
    "'self' 'nonce-{nonce}'",
)

REDOC: Final = Page(
    "ReDoc",
    ("redoc.js",),
    # ReDoc 3 reports on its readers to its maker unless told not to; the policy forbids it, too.
    "import { init } from $script;"
    ' init($url, { disableTelemetry: true }, document.getElementById("page"));',
    # ReDoc styles itself by style elements it makes at run time, which have no nonce.
    "'self' 'unsafe-inline'",
    is_module=True,
)

_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src {styles};"
    " img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_HTML: Final = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<link rel="icon" href="data:,">
<style nonce="$nonce">body { margin: 0 }</style>
$head
</head>
<body>
<div id="page"></div>
<noscript>This page needs JavaScript; see <a href="$address">the description itself</a>.</noscript>
<script$kind nonce="$nonce">$start</script>
</body>
</html>
""")


def build_page_routes(page: Page, url: str, title: str, document_url: str) -> list[Route]:
    """Build the routes of a page and of the files it needs.

    Args:
        page: Which page.
        url: Where it is served.
        title: The API's name.
        document_url: Where the document is served, below the same mount.
    """
    folder = find_package()

    def show(request: Request) -> HTMLResponse:
        check_package(page)
        return render_page(page, title, request.root_path + document_url, request.root_path + base)

    base = f"{url.rstrip('/')}/{get_version()}"
    routes = [build_route(url, show, ["GET"], {"include_in_schema": False})]
    if folder is not None:
        routes += [
            build_route(
                f"{base}/{name}",
                build_file_handler(folder / name),
                ["GET"],
                {"include_in_schema": False},
            )
            for name in page.files
        ]
    return routes


def build_file_handler(path: Path) -> Callable[[], FileResponse]:
    """Build what answers with one file of the package."""

    def answer() -> FileResponse:
        return FileResponse(path, headers=_FOREVER)

    return answer


def render_page(page: Page, title: str, address: str, base: str) -> HTMLResponse:
    """Render a page for the document at an address, with its policy."""
    nonce = secrets.token_urlsafe(16)
    styles = [name for name in page.files if name.endswith(".css")]
    scripts = [name for name in page.files if name.endswith(".js")]
    head = [f'<link rel="stylesheet" href="{escape(f"{base}/{name}")}">' for name in styles]
    if not page.is_module:
        head += [f'<script src="{escape(f"{base}/{name}")}"></script>' for name in scripts]
    start = page.start.replace("$script", to_literal(f"{base}/{scripts[0]}"))
    html = _HTML.substitute(
        title=escape(f"{title} – {page.name}"),
        nonce=nonce,
        head="\n".join(head),
        address=escape(address),
        kind=' type="module"' if page.is_module else "",
        start=start.replace("$url", to_literal(address)),
    )
    policy = _POLICY.format(nonce=nonce, styles=page.styles.format(nonce=nonce))
    return HTMLResponse(html, headers={"content-security-policy": policy})


def to_literal(address: str) -> str:
    """Write an address as a JavaScript literal for a script element.

    Nothing is escaped for us in there, so `</script>` must not occur.
    """
    return json.dumps(address).replace("<", "\\u003c").replace(">", "\\u003e")


@cache
def find_package() -> Path | None:
    """Find the package's folder without importing it: that would read all its files."""
    found = find_spec(PACKAGE)
    return Path(found.origin).parent if found is not None and found.origin else None


@cache
def get_version() -> str:
    """Return the package's version, which addresses of its files carry."""
    return version(PACKAGE) if find_package() is not None else "missing"


def check_package(page: Page) -> None:
    """Explain a page whose package is not installed.

    Raises:
        ServiceUnavailable: The hint says what to install.
    """
    if find_package() is None:
        raise ServiceUnavailable(
            f"{page.name} is not here: the package {PACKAGE!r} is not installed.",
            hint=f"Run `pip install {PACKAGE}`, or set docs_url and redoc_url to None.",
            code="openapi.no-pages",
        )

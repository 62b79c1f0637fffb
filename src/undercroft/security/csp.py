"""Content-Security-Policy: what a page may load and run, under Django's names.

@csp_override({"default-src": [CSP.SELF], "img-src": ["https://images.example.org"]})
def gallery(request: Request) -> Markup: ...
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from undercroft.errors import ImproperlyConfigured
from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.middleware.caching import mark
from undercroft.middleware.pipeline import Endpoint

H = TypeVar("H", bound=Callable[..., object])

#: The policy's directives by name, each with its sources; none for one that has no value.
Directives = Mapping[str, Sequence[str] | str]

ENFORCED, REPORTED = b"content-security-policy", b"content-security-policy-report-only"

#: Serialized policies hold no `;`, `,` or white space within a source (CSP 3, section 2.2).
_NAME = re.compile(r"[a-z-]+")
_SOURCES = re.compile(r"[\x21-\x2b\x2d-\x3a\x3c-\x7e]*( [\x21-\x2b\x2d-\x3a\x3c-\x7e]+)*")


class CSP(StrEnum):
    """Sources of a policy that are words."""

    NONE = "'none'"
    SELF = "'self'"
    #: The page's nonce, where the page asks for `csp_nonce`; else nothing.
    NONCE = "'nonce'"
    UNSAFE_INLINE = "'unsafe-inline'"
    UNSAFE_EVAL = "'unsafe-eval'"
    WASM_UNSAFE_EVAL = "'wasm-unsafe-eval'"
    UNSAFE_HASHES = "'unsafe-hashes'"
    STRICT_DYNAMIC = "'strict-dynamic'"
    REPORT_SAMPLE = "'report-sample'"


class ContentPolicy:
    """A policy, ready to be written.

    Args:
        directives: What it says.

    Raises:
        ImproperlyConfigured: A directive or source would break out of its place.
    """

    def __init__(self, directives: Directives) -> None:
        named = {name: join_sources(name, each) for name, each in directives.items()}
        self.has_ancestors = "frame-ancestors" in named
        text = "; ".join(f"{name} {sources}".rstrip() for name, sources in named.items())
        self._with_nonce = text
        # A directive of which nothing is left allows nothing.
        bare = {name: drop_nonce(sources) for name, sources in named.items()}
        plain = "; ".join(f"{name} {sources}".rstrip() for name, sources in bare.items())
        self._plain = plain.encode("ascii")

    def write(self, nonce: str | None) -> bytes:
        """Write the header's value, with the page's nonce where it has one."""
        if nonce is None:
            return self._plain
        return self._with_nonce.replace(CSP.NONCE, f"'nonce-{nonce}'").encode("ascii")


def join_sources(name: str, sources: Sequence[str] | str) -> str:
    """Join a directive's sources.

    Raises:
        ImproperlyConfigured: One of them, or the name, holds what does not belong there.
    """
    text = sources if isinstance(sources, str) else " ".join(map(str, sources))
    if not _NAME.fullmatch(name) or not _SOURCES.fullmatch(text):
        raise ImproperlyConfigured(
            f"A Content-Security-Policy has {name!r} with {text!r}, which is no directive.",
            hint='Write for example {"img-src": ["\'self\'", "https://images.example.org"]}.',
            code="settings.value",
        )
    return text


def drop_nonce(sources: str) -> str:
    """Take the place of the nonce out of a directive, which then says at least "none"."""
    kept = [source for source in sources.split() if source != CSP.NONCE]
    return " ".join(kept) if kept or not sources else CSP.NONE


def build_policy(directives: Directives | None) -> ContentPolicy | None:
    """Build a policy; None where there is none."""
    return ContentPolicy(directives) if directives else None


def csp_override(directives: Directives) -> Callable[[H], H]:
    """Send a handler's pages with another policy than `secure_csp`; an empty one sends none."""
    return _override(ENFORCED, directives)


def csp_report_only_override(directives: Directives) -> Callable[[H], H]:
    """Do the same for `secure_csp_report_only`, whose breaches are reported and not stopped."""
    return _override(REPORTED, directives)


def _override(header: bytes, directives: Directives) -> Callable[[H], H]:
    policy = build_policy(directives)

    def wrap(endpoint: Endpoint) -> Endpoint:
        def answer(request: Request) -> Awaitable[Response]:
            request.content_policies = {**request.content_policies, header: policy}
            return endpoint(request)

        return answer

    return lambda handler: mark(handler, wrap)

"""Security headers on every answer: what a browser must not guess or allow.

Fields that only mean something for a page are only sent with pages.
"""

from undercroft.http.headers import RawHeaders
from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.middleware.pipeline import Endpoint
from undercroft.security.csp import ENFORCED, REPORTED, build_policy
from undercroft.settings import Settings

NOSNIFF = (b"x-content-type-options", b"nosniff")

#: A picture that was uploaded runs no script where somebody opens it by its own address.
_PICTURE_POLICY = b"default-src 'none'; style-src 'unsafe-inline'; sandbox"

#: What X-Frame-Options says, in the policy, which browsers read first.
_ANCESTORS = {b"DENY": b"frame-ancestors 'none'", b"SAMEORIGIN": b"frame-ancestors 'self'"}

#: What only speaks to shared caches (RFC 9111, section 5.2.2).
_SHARING = frozenset({b"public", b"s-maxage", b"proxy-revalidate"})


#: What most answers are, and nothing is to be looked up for.
_NO_PAGES = frozenset({b"", b"application/json", b"text/plain; charset=utf-8"})


class SecurityHeaders:
    """Adds the headers that an answer does not set itself.

    Args:
        settings: Those named `secure_...`, and `x_frame_options`.

    Raises:
        ImproperlyConfigured: A policy is none.
    """

    def __init__(self, settings: Settings) -> None:
        self._nosniff = settings.secure_content_type_nosniff
        self._transport = build_transport(settings)
        fields = {
            b"x-frame-options": settings.x_frame_options,
            b"referrer-policy": settings.secure_referrer_policy,
            b"cross-origin-opener-policy": settings.secure_cross_origin_opener_policy,
        }
        self._page = [(name, value.encode("ascii")) for name, value in fields.items() if value]
        self._policies = {
            ENFORCED: build_policy(settings.secure_csp),
            REPORTED: build_policy(settings.secure_csp_report_only),
        }

    async def __call__(self, request: Request, call_next: Endpoint) -> Response:
        """Go on, and add the headers."""
        response = await call_next(request)
        headers = response.raw_headers
        kind = b""
        is_marked = is_personal = False
        for name, value in headers:
            if name == b"content-type":
                kind = value
            elif name == b"x-content-type-options":
                is_marked = True
            elif name == b"set-cookie":
                is_personal = True
        if kind not in _NO_PAGES and is_page(kind):
            is_personal = self._add_to_page(request, headers, kind.lower()) or is_personal
        if self._nosniff and not is_marked:
            headers.append(NOSNIFF)
        if self._transport is not None and request.scheme == "https":
            response.headers.setdefault(*self._transport)
        if is_personal:
            forbid_sharing(headers)
        return response

    def _add_to_page(self, request: Request, headers: RawHeaders, kind: bytes) -> bool:
        """Add what is for pages; tell whether the page is for this request alone."""
        held = dict(headers)
        headers.extend(pair for pair in self._page if pair[0] not in held)
        if kind.startswith(b"image/"):
            if self._policies[ENFORCED] is not None and ENFORCED not in held:
                headers.append((ENFORCED, _PICTURE_POLICY))
            return False
        nonce: str | None = vars(request).get("csp_nonce")
        ancestors = _ANCESTORS.get(dict(headers).get(b"x-frame-options", b"").upper())
        for header, policy in {**self._policies, **request.content_policies}.items():
            if policy is None or header in held:
                continue
            text: bytes = policy.write(nonce)
            if ancestors and header == ENFORCED and not policy.has_ancestors:
                text += b"; " + ancestors
            headers.append((header, text))
        # A nonce that a shared cache gives to everybody is known to everybody.
        return nonce is not None


def is_page(kind: bytes) -> bool:
    """Tell whether a browser shows this kind as a page, or a picture, that may have scripts."""
    plain = kind.lower()
    return plain.startswith(b"text/html") or b"xml" in plain


def build_transport(settings: Settings) -> tuple[str, str] | None:
    """Build Strict-Transport-Security (RFC 6797); None where it is off, as it is in debug.

    A browser holds all ports of a host to it, which is too much for a developer's `localhost`.
    """
    if settings.debug or not settings.secure_hsts_seconds:
        return None
    below = "; includeSubDomains" * settings.secure_hsts_include_subdomains
    preload = "; preload" * settings.secure_hsts_preload
    text = f"max-age={settings.secure_hsts_seconds}{below}{preload}"
    return "strict-transport-security", text


def forbid_sharing(headers: RawHeaders) -> None:
    """Keep shared caches from an answer that is for one alone: it would be everybody's."""
    told = [value for name, value in headers if name == b"cache-control"]
    parts = [part.strip() for part in b",".join(told).split(b",") if part.strip()]
    names = {part.partition(b"=")[0].lower() for part in parts}
    if names & {b"private", b"no-store"}:
        return
    kept = [part for part in parts if part.partition(b"=")[0].lower() not in _SHARING]
    headers[:] = [field for field in headers if field[0] != b"cache-control"]
    headers.append((b"cache-control", b", ".join([*kept, b"private"])))

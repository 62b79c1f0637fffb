"""Redirects to addresses that a client has sent, such as `?next=`: only to hosts that are ours."""

import re
import unicodedata
from collections.abc import Collection
from urllib.parse import urlsplit

from undercroft.http.request import Request
from undercroft.http.responses import RedirectResponse

#: What browsers take out of an address before they read it, or read as something else: control
#: characters and white space anywhere, and the backslash, which they read as a slash.
_MISREAD = re.compile(r"[\x00-\x20\x7f-\xa0\\]")


def url_has_allowed_host_and_scheme(
    url: str | None, allowed_hosts: Collection[str] = (), *, require_https: bool = False
) -> bool:
    """Tell whether an address leads to one of our hosts, by http or https.

    A path alone does. What browsers and we may read differently does not, whatever it means.

    Args:
        url: The address, from whomever.
        allowed_hosts: Hosts, with their ports where they have one.
        require_https: Refuse http.
    """
    if not url or _MISREAD.search(url) or url.startswith("//"):
        return False
    if any(unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Zs") for character in url):
        return False
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    if not parts.scheme and not parts.netloc:
        # `path//evil` stays here; a colon in a first segment was read as a scheme above.
        return True
    schemes = {"https"} if require_https else {"http", "https"}
    if parts.scheme not in schemes or not parts.netloc.isascii() or "@" in parts.netloc:
        return False
    return parts.netloc.lower() in {host.lower() for host in allowed_hosts}


def safe_redirect(
    request: Request,
    target: str | None,
    fallback: str = "/",
    *,
    allowed_hosts: Collection[str] = (),
    status_code: int = 302,
) -> RedirectResponse:
    """Redirect to an address that a client has sent, or else to one of our own.

    Args:
        request: The request being answered; its own host is allowed.
        target: The address.
        fallback: Where to go if the address leads elsewhere, or is none.
        allowed_hosts: Further hosts, with their ports where they have one.
        status_code: Of the redirect.
    """
    hosts = {request.host, *allowed_hosts}
    is_https = request.scheme == "https"
    is_safe = url_has_allowed_host_and_scheme(target, hosts, require_https=is_https)
    return RedirectResponse(target if target and is_safe else fallback, status_code)

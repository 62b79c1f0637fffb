"""Checks of the cookies of sessions and of the token against forged requests."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from undercroft.checks.messages import CheckMessage, Error, Info, Warning
from undercroft.checks.registry import Tags, register

if TYPE_CHECKING:
    from undercroft.app.application import App


@register(Tags.security, deploy=True)
def check_session_cookie(app: "App") -> Iterator[CheckMessage]:
    """Find what weakens the cookie of sessions."""
    settings = app.settings
    if settings.session_cookie_secure is False:
        yield Error(
            "The session's cookie goes over http, too, where anybody on the way reads it.",
            "Leave the setting out.",
            "session_cookie_secure",
            id="security.session-cookie-secure",
        )
    if not settings.session_cookie_httponly:
        yield Warning(
            "Scripts can read the session's cookie, also those that somebody slips into a page.",
            "Leave the setting out.",
            "session_cookie_httponly",
            id="security.session-cookie-httponly",
        )
    if settings.session_cookie_samesite == "none":
        yield Warning(
            "Requests of other sites carry the session's cookie.",
            "Write `lax`, unless your pages live in frames of others.",
            "session_cookie_samesite",
            id="security.session-cookie-samesite",
        )
    if settings.session_cookie_domain is not None or settings.session_cookie_path != "/":
        yield Info(
            "The session's cookie has no prefix `__Host-`: hosts beside this one can set it.",
            "Leave out session_cookie_domain and session_cookie_path, unless hosts share sessions.",
            "session_cookie_domain",
            id="security.session-cookie-prefix",
        )


@register(Tags.security, deploy=True)
def check_csrf_cookie(app: "App") -> Iterator[CheckMessage]:
    """Find what weakens the cookie of the token against forged requests."""
    settings = app.settings
    if settings.csrf_cookie_secure is False:
        yield Error(
            "The cookie against forged requests goes over http, too.",
            "Leave the setting out.",
            "csrf_cookie_secure",
            id="security.csrf-cookie-secure",
        )
    if settings.csrf_cookie_domain is not None or settings.csrf_cookie_path != "/":
        yield Info(
            "The cookie against forged requests has no prefix `__Host-`: hosts beside this one "
            "can set it.",
            "Leave out csrf_cookie_domain and csrf_cookie_path, unless hosts share forms.",
            "csrf_cookie_domain",
            id="security.csrf-cookie-prefix",
        )

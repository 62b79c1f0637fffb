"""Checks of what browsers are told: to keep to HTTPS, and what pages may load, show and tell."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from undercroft.checks.messages import CheckMessage, Info, Warning
from undercroft.checks.registry import Tags, register
from undercroft.middleware.https import HTTPSRedirect

if TYPE_CHECKING:
    from undercroft.app.application import App

#: Below it browsers may forget HTTPS before a visitor comes again; what preload lists ask for.
_YEAR = 365 * 24 * 3600
#: Sources of scripts that let in those of strangers.
_UNSAFE = frozenset({"'unsafe-eval'", "'unsafe-hashes'", "*", "data:", "blob:", "http:", "https:"})
#: With one of these, browsers pass over 'unsafe-inline' (CSP 3, section 6.7.3.2).
_NAMED = ("'nonce", "'sha256-", "'sha384-", "'sha512-")


@register(Tags.security, deploy=True)
def check_https(app: "App") -> Iterator[CheckMessage]:
    """Find ways to stay with http."""
    settings = app.settings
    redirects = any(isinstance(each, HTTPSRedirect) for each in app.middleware)
    if not (settings.secure_ssl_redirect or redirects):
        yield Warning(
            "Who comes by http is answered by http.",
            "Set UNDERCROFT_SECURE_SSL_REDIRECT, or silence this where the proxy redirects.",
            "secure_ssl_redirect",
            id="security.no-https-redirect",
        )
    seconds = settings.secure_hsts_seconds
    if seconds == 0:
        yield Warning(
            "Browsers are not told to keep to HTTPS (Strict-Transport-Security).",
            "Set secure_hsts_seconds, first to an hour and then to a year.",
            "secure_hsts_seconds",
            id="security.no-hsts",
        )
    elif seconds < _YEAR:
        yield Info(
            f"Browsers keep to HTTPS for {seconds:,} seconds only.",
            f"Once all of the host speaks HTTPS, write {_YEAR}, a year.",
            "secure_hsts_seconds",
            id="security.short-hsts",
        )
    elif not (settings.secure_hsts_include_subdomains and settings.secure_hsts_preload):
        yield Info(
            "Hosts below this one, or a visitor's first request, are still spoken to by http.",
            "Set secure_hsts_include_subdomains and secure_hsts_preload, once all of them speak "
            "HTTPS: it cannot be taken back soon.",
            "secure_hsts_include_subdomains",
            id="security.partial-hsts",
        )


@register(Tags.security, deploy=True)
def check_headers(app: "App") -> Iterator[CheckMessage]:
    """Find headers that were switched off."""
    settings = app.settings
    if settings.x_frame_options is None:
        yield Warning(
            "Any site may show our pages in a frame and have visitors click there.",
            "Leave the setting out.",
            "x_frame_options",
            id="security.frame-options",
        )
    if settings.secure_referrer_policy in (None, "unsafe-url", "no-referrer-when-downgrade"):
        yield Warning(
            "Other sites are told the whole address from where a visitor comes.",
            "Leave the setting out.",
            "secure_referrer_policy",
            id="security.referrer-policy",
        )
    if settings.secure_cross_origin_opener_policy in (None, "unsafe-none"):
        yield Warning(
            "Pages that open ours keep a hand on their window.",
            "Leave the setting out.",
            "secure_cross_origin_opener_policy",
            id="security.opener-policy",
        )
    if not settings.secure_content_type_nosniff:
        yield Warning(
            "Browsers guess types, so that a file somebody uploaded may run as a script.",
            "Leave the setting out.",
            "secure_content_type_nosniff",
            id="security.nosniff",
        )


@register(Tags.security, deploy=True)
def check_content_policy(app: "App") -> Iterator[CheckMessage]:
    """Find pages without a policy, and policies that let in scripts of strangers."""
    policy = app.settings.secure_csp
    if policy is None:
        yield Warning(
            "Pages have no Content-Security-Policy: a script that somebody slips in runs.",
            "Leave the setting out, or write a policy; secure_csp_report_only alone keeps nobody "
            "out.",
            "secure_csp",
            id="security.no-csp",
        )
        return
    unsafe = find_unsafe(policy)
    if unsafe:
        yield Warning(
            f"The policy of pages lets in scripts of strangers, by {', '.join(unsafe)}.",
            "Name sources, and use 'nonce' for what stands in pages.",
            "secure_csp",
            id="security.unsafe-csp",
        )


def find_unsafe(policy: Mapping[str, list[str] | str]) -> list[str]:
    """Find what in a policy lets scripts of strangers run."""
    told = policy.get("script-src", policy.get("default-src"))
    if told is None:
        return ["no script-src"]
    sources = told.split() if isinstance(told, str) else told
    found = sorted(_UNSAFE.intersection(sources))
    if "'unsafe-inline'" in sources and not any(each.startswith(_NAMED) for each in sources):
        found.append("'unsafe-inline'")
    return found

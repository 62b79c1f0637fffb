"""Checks of names, proxies and of other sites that may come in."""

from collections.abc import Iterator
from ipaddress import ip_network
from typing import TYPE_CHECKING

from undercroft.checks.messages import CheckMessage, Error, Info, Warning
from undercroft.checks.registry import Tags, register
from undercroft.middleware.cors import CORS
from undercroft.settings import LOCAL_HOSTS

if TYPE_CHECKING:
    from undercroft.app.application import App

#: Networks with fewer fixed bits are hardly those of a proxy.
_NARROW = {4: 8, 6: 7}


@register(Tags.security, deploy=True)
def check_allowed_hosts(app: "App") -> Iterator[CheckMessage]:
    """Find host names that let anybody, or nobody, in."""
    hosts = app.settings.allowed_hosts
    if "*" in hosts:
        yield Error(
            "Any host name is answered to, so links in mails can be made to lead elsewhere.",
            "Name those that are yours.",
            "allowed_hosts",
            id="security.any-host",
        )
    elif set(hosts) <= set(LOCAL_HOSTS):
        yield Warning(
            "Only this machine's own names are answered to; the world is told 400.",
            "Set UNDERCROFT_ALLOWED_HOSTS, for example to `example.org, www.example.org`.",
            "allowed_hosts",
            id="security.local-hosts",
        )


@register(Tags.security, deploy=True)
def check_proxies(app: "App") -> Iterator[CheckMessage]:
    """Find proxies that anybody can pretend to be, and none at all."""
    networks = app.settings.trusted_proxies
    for text in networks:
        if text != "unix" and is_wide(text):
            yield Error(
                f"Anybody in {text} is believed about address, scheme and host.",
                "Name the proxy's own address, or its network.",
                "trusted_proxies",
                id="security.wide-proxies",
            )
    if not networks:
        yield Info(
            "No proxy is trusted: behind one, every client has its address and speaks http.",
            "Set UNDERCROFT_TRUSTED_PROXIES where there is one.",
            "trusted_proxies",
            id="security.no-proxies",
        )


def is_wide(text: str) -> bool:
    """Tell whether a network has strangers in it."""
    network = ip_network(text, strict=False)
    return network.prefixlen < _NARROW[network.version]


@register(Tags.security, deploy=True)
def check_other_sites(app: "App") -> Iterator[CheckMessage]:
    """Find doors for pages of other sites."""
    settings = app.settings
    if "*" in settings.websocket_origins:
        yield Warning(
            "Pages of any site may open WebSockets in the name of whoever looks at them.",
            "Name the origins that are yours.",
            "websocket_origins",
            id="security.any-websocket-origin",
        )
    for origin in settings.csrf_trusted_origins:
        if origin.startswith("http://"):
            yield Warning(
                f"Pages of {origin} are trusted, and whoever is on the way can change them.",
                "Trust https:// alone.",
                "csrf_trusted_origins",
                id="security.plain-trusted-origin",
            )
    if any(isinstance(each, CORS) and each.allows_all for each in app.middleware):
        yield Info(
            "Pages of any site may read the answers, without cookies.",
            "Name the origins, unless everything here is public.",
            "CORS",
            id="security.any-cors-origin",
        )

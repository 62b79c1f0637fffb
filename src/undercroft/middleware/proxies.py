"""Proxy headers: who asked, by which scheme and name, as a trusted proxy in front says.

X-Forwarded-For, -Proto, -Host and -Port, or Forwarded (RFC 7239), are believed only where the
connection comes from a trusted network, and read from right to left: each proxy appends what it
saw, so the first address that is not a trusted proxy's is the client's, and all before it is
hearsay. From anybody else they are taken away, so that nothing further in believes them.
"""

import re
from collections.abc import Awaitable, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from undercroft.errors import BadRequest, ImproperlyConfigured
from undercroft.http.request import Address, Request
from undercroft.http.responses import Response
from undercroft.middleware.pipeline import Endpoint

#: With underscores, too: behind a CGI variable's name both are the same.
NAMES = (
    b"forwarded",
    b"x-forwarded-for",
    b"x-forwarded-proto",
    b"x-forwarded-host",
    b"x-forwarded-port",
)
_CLAIMS = frozenset(NAMES) | {name.replace(b"-", b"_") for name in NAMES}

#: More proxies than this stand in no row; what a client put before them is not looked through.
_MOST_HOPS = 50

_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}

_DEFAULT_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443"}

_PAIR = re.compile(r'\s*([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^\s;,"]*)\s*')
_HOST = re.compile(r"[0-9A-Za-z._-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")

Hop = dict[str, str]


class TrustedProxies:
    """Believe what the proxies of certain networks say of the client.

    Args:
        networks: Addresses and networks, such as `10.0.0.0/8`; `unix` for a Unix socket.

    Raises:
        ImproperlyConfigured: One of them is neither.
    """

    def __init__(self, networks: Sequence[str]) -> None:
        self._trusts_unix = "unix" in networks
        self._networks = [read_network(each) for each in networks if each != "unix"]

    def __call__(self, request: Request, call_next: Endpoint) -> Awaitable[Response]:
        """Correct the request, then go on."""
        self.correct(request)
        return call_next(request)

    def correct(self, request: Request) -> None:
        """Let client, scheme and host be those that the proxy names.

        Raises:
            BadRequest: A trusted proxy names what is no host.
        """
        claims = [pair for pair in request.raw_headers if pair[0] in _CLAIMS]
        if not claims:
            return
        client = request.client
        if not self.trusts("" if client is None else client.host):
            request.replace_headers([p for p in request.raw_headers if p[0] not in _CLAIMS])
            return
        # A name with underscores is none that a proxy sends.
        said = {name: b"" for name, _ in claims if b"_" not in name}
        for name, value in claims:
            if name in said:
                said[name] += (b"," if said[name] else b"") + value
        hops = read_forwarded(said[b"forwarded"]) if b"forwarded" in said else read_claims(said)
        self._apply(request, self.choose(hops))

    def trusts(self, host: str) -> bool:
        """Tell whether an address is one of a trusted proxy."""
        try:
            address = ip_address(host)
        except ValueError:
            return self._trusts_unix and (host == "" or host.startswith(("/", "unix:")))
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)

    def choose(self, hops: Sequence[Hop]) -> Hop:
        """Choose the hop at which the client reached our own proxies."""
        chosen: Hop = {}
        for hop in reversed(hops[-_MOST_HOPS:]):
            chosen = hop
            if not self.trusts(split_port(hop.get("for", "unknown"))[0]):
                break
        return chosen

    def _apply(self, request: Request, hop: Hop) -> None:
        host, port = split_port(hop.get("for", ""))
        if is_address(host):
            request.client = Address(host, port)
        if (scheme := _SCHEMES.get(hop.get("proto", "").lower())) is not None:
            # A WebSocket's address has a scheme of its own.
            request.scheme = scheme if request.socket is None else scheme.replace("http", "ws")
        if name := hop.get("host"):
            given = hop.get("port", "")
            if (
                given.isdigit()
                and ":" not in name
                and given
                != {"http": "80", "https": "443", "ws": "80", "wss": "443"}.get(request.scheme)
            ):
                name = f"{name}:{given}"
            if not _HOST.fullmatch(name):
                raise BadRequest(
                    f"The proxy names {name[:100]!r}, which is no host.", code="proxies.host"
                )
            rest = [pair for pair in request.raw_headers if pair[0] != b"host"]
            request.replace_headers([(b"host", name.encode("ascii")), *rest])


def read_network(text: str) -> IPv4Network | IPv6Network:
    """Read an address or a network.

    Raises:
        ImproperlyConfigured: It is neither.
    """
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"The trusted proxy {text!r} is no address and no network: {error}.",
            hint="Write for example 127.0.0.1, 10.0.0.0/8 or unix.",
            code="proxies.network",
        ) from None


def read_claims(said: dict[bytes, bytes]) -> list[Hop]:
    """Read the X-Forwarded headers into hops; the shorter lists belong to the last ones."""
    lists: dict[str, list[str]] = {}
    for key in ("for", "proto", "host", "port"):
        text = said.get(f"x-forwarded-{key}".encode(), b"").decode("latin-1")
        lists[key] = [part.strip() for part in text.split(",")[-_MOST_HOPS:]] if text else []
    count = max(map(len, lists.values()))
    # A proxy that replaces its header instead of appending says it for every hop.
    return [
        {key: each[-min(behind, len(each))] for key, each in lists.items() if each}
        for behind in range(count, 0, -1)
    ]


def read_forwarded(value: bytes) -> list[Hop]:
    """Read Forwarded (RFC 7239) into hops; what is malformed ends the reading of a hop."""
    hops: list[Hop] = []
    for element in value.decode("latin-1").split(",")[-_MOST_HOPS:]:
        hop: Hop = {}
        for part in element.split(";"):
            found = _PAIR.fullmatch(part)
            if found is None:
                break
            hop.setdefault(found[1].lower(), found[2].strip('"'))
        hops.append(hop)
    return hops


def split_port(text: str) -> tuple[str, int | None]:
    """Split `address`, `address:port`, `[address]` or `[address]:port`."""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    else:
        host, port = text, ""
    return host, int(port) if port.isascii() and port.isdigit() and len(port) < 6 else None


def is_address(host: str) -> bool:
    """Tell whether a text is an IP address."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True

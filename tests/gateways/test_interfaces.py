"""What an application speaks is found out by looking at it; addresses and log lines."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from undercroft.app.application import App
from undercroft.errors import ImproperlyConfigured
from undercroft.gateways.interfaces import find_interface
from undercroft.middleware.escaping import escape
from undercroft.server.logs import DevelopmentFormatter, ProductionFormatter
from undercroft.server.sockets import build_url, open_sockets, parse_bind


class Flask:
    def __call__(self, environ: Any, start_response: Any) -> Any: ...


class Starlette:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...


class Old:
    def __init__(self, scope: Any) -> None: ...


async def asgi(scope: Any, receive: Any, send: Any) -> None: ...


def awaitable(scope: Any, receive: Any, send: Any) -> Any: ...


@pytest.mark.parametrize(
    "application,interface",
    [
        (Flask(), "wsgi"),
        (Starlette(), "asgi3"),
        (asgi, "asgi3"),
        (awaitable, "asgi3"),
        (Old, "asgi2"),
        (Flask().__call__, "wsgi"),
    ],
)
def test_the_interface_is_recognised(application: Any, interface: str) -> None:
    """By coroutine or by the number of arguments."""
    assert find_interface(application) == interface


def test_our_own_application_is_asgi() -> None:
    """Servers ask the instance, and an App answers as an asynchronous application."""
    assert find_interface(App()) == "asgi3"


@pytest.mark.parametrize("wrong", [object(), "main:app", lambda: None])
def test_what_is_no_application_is_refused(wrong: Any) -> None:
    """A value that cannot be called, and a factory that was not said to be one."""
    with pytest.raises(ImproperlyConfigured) as caught:
        find_interface(wrong)
    assert caught.value.code == "server.no-application"


@pytest.mark.parametrize(
    "text,expected",
    [
        ("127.0.0.1:80", ("127.0.0.1", 80, None)),
        (":8080", ("0.0.0.0", 8080, None)),
        ("[::1]:8080", ("::1", 8080, None)),
        ("[::1]", ("::1", 8000, None)),
        ("example.org", ("example.org", 8000, None)),
        ("unix:/run/x.sock", ("127.0.0.1", 0, "/run/x.sock")),
    ],
)
def test_bind_takes_the_usual_forms(text: str, expected: tuple[str, int, str | None]) -> None:
    """As Gunicorn writes them."""
    assert parse_bind(text) == expected


@pytest.mark.parametrize("text", ["x:", "x:y", "x:65536", "x:-1"])
def test_bind_refuses_what_is_no_port(text: str) -> None:
    """A port is a number up to 65535."""
    with pytest.raises(ImproperlyConfigured, match="no address"):
        parse_bind(text)


def test_a_name_with_two_addresses_is_listened_on_at_both() -> None:
    """`localhost` is IPv4 and, where there is one, IPv6, at one port."""
    sockets = open_sockets("localhost", 0)
    assert len({listening.getsockname()[1] for listening in sockets}) == 1
    for listening in sockets:
        listening.close()


def test_what_a_client_sends_cannot_begin_a_line() -> None:
    """Line ends, escapes, direction marks and quotes are written out."""
    assert escape('/a\r\n\x1b[2J\u202e"\\') == '/a\\r\\n\\x1b[2J\\u202e\\"\\\\'
    assert escape("/é/日本") == "/é/日本"


@pytest.mark.parametrize(
    "build", [ProductionFormatter, lambda: DevelopmentFormatter(colours=False)]
)
def test_a_record_is_one_line_and_its_traceback_indented(
    build: Callable[[], logging.Formatter],
) -> None:
    """A message with line ends, and an exception with line ends, cannot pass for records."""
    try:
        raise ValueError("first\n2026-01-01 ERROR forged \x1b[31m")
    except ValueError as error:
        exc_info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, "", 1, "a\nb %s", ("\x1b[0m",), exc_info)
    lines = build().format(record).split("\n")
    assert lines[0].endswith("a\\nb \\x1b[0m")
    assert all(line.startswith("    ") for line in lines[1:])
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize(
    "host,shown",
    [
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "localhost"),
        ("0.0.0.0", "127.0.0.1"),
        ("::", "[::1]"),
        ("::1", "[::1]"),
        ("[::1]", "[::1]"),
        ("[::]", "[::1]"),
    ],
)
def test_the_address_shown_can_be_opened(host: str, shown: str) -> None:
    """What listens everywhere is reached at this machine; IPv6 stands in brackets."""
    assert build_url("https", host, 8000) == f"https://{shown}:8000"

"""Host check: only the application's own names are answered."""

from collections.abc import Callable

import pytest

from undercroft import App, Settings
from undercroft.errors import BadRequest
from undercroft.middleware.hosts import AllowedHosts
from undercroft.testing.client import Client


@pytest.fixture
def guarded(client: Callable[[App], Client]) -> Client:
    """A client of an application with two names."""
    app = App(Settings(allowed_hosts=["shop.example", ".wild.example"]))
    app.get("/")(lambda: "ok")
    return client(app)


@pytest.mark.parametrize(
    "host",
    ["shop.example", "SHOP.example", "shop.example:8000", "wild.example", "a.b.wild.example"],
)
def test_own_names_are_answered(guarded: Client, host: str) -> None:
    """Names match in any case, with a port, and below a dot."""
    assert guarded.get("/", headers={"host": host}).text == "ok"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "shop.example.evil",
        "evilshop.example",
        "notwild.example",
        "a/?x=shop.example",
        "shop.example@evil",
        "shop.example:80:80",
        "shop.example:x",
        "[::1",
        "",
        " ",
        ".",
        "..:80",
        ".wild.example",
        "shop.example,evil",
    ],
)
def test_foreign_and_malformed_names_are_refused(guarded: Client, host: str) -> None:
    """Any other Host answers 400 and tells how to allow it."""
    answer = guarded.get("/", headers={"host": host})
    assert answer.status_code == 400
    assert answer.json()["code"] == "hosts.not-allowed"
    assert "allowed_hosts" in answer.json()["hint"]


@pytest.mark.parametrize("hosts", [[""], ["."], ["*"]])
def test_an_empty_name_is_refused_whatever_is_allowed(hosts: list[str]) -> None:
    """A Host of dots alone is malformed, not an empty name."""
    for value in (b".", b"..", b".:80"):
        with pytest.raises(BadRequest):
            AllowedHosts(hosts).check(value)


def test_two_names_are_refused(guarded: Client) -> None:
    """A proxy may have read the other one (RFC 9112, section 3.2)."""
    headers = [("host", "shop.example"), ("host", "shop.example")]
    assert guarded.get("/", headers=headers).status_code == 400


def test_local_names_are_allowed_by_default(client: Callable[[App], Client]) -> None:
    """A new application answers at this machine's own names, and at no other."""
    app = App(Settings())
    app.get("/")(lambda: "ok")
    spoken = client(app)
    for host in ("localhost:8000", "127.0.0.1", "[::1]:8000"):
        assert spoken.get("/", headers={"host": host}).status_code == 200
    assert spoken.get("/", headers={"host": "rebound.example"}).status_code == 400

"""URL configuration: instances of an app, hosts, and the near address, over both gateways."""

from collections.abc import Callable
from pathlib import Path

import pytest

from undercroft import App, Request, Router, Settings, host, include, path, re_path
from undercroft.errors import ImproperlyConfigured, NoReverseMatch
from undercroft.routing.reverse import Reverser
from undercroft.testing import Client

MakeClient = Callable[..., Client]


def show(request: Request) -> str:
    """Show where the index of this instance lies."""
    return request.url_for("polls:index")


def show_detail(id: int) -> str:
    """Show which one this is."""
    return str(id)


polls = [path("", show, name="index"), path("{id:int}/", show_detail, name="detail")]


def test_a_name_leads_to_the_instance_that_answers(client: MakeClient) -> None:
    """Of two instances of an app the one that answers is meant, else the one called like it."""
    app = App(
        routes=[
            path("a/", include((polls, "polls"), namespace="author")),
            path("b/", include((polls, "polls"))),
            path("c/", include((polls, "polls"), namespace="reader")),
        ]
    )
    spoken = client(app)
    assert [spoken.get(f"/{each}/").text for each in "abc"] == ["/a/", "/b/", "/c/"]
    assert app.url_for("polls:index") == "/b/"
    assert app.url_for("author:detail", id=3) == "/a/3/"


def test_without_a_default_the_last_instance_is_meant() -> None:
    """Where no instance is called like the app, its name leads to the last one."""
    routes = [
        *path("a/", include((polls, "polls"), namespace="author")).routes,
        *path("c/", include((polls, "polls"), namespace="reader")).routes,
    ]
    assert Reverser(routes).url_for("polls:detail", id=1) == "/c/1/"
    with pytest.raises(NoReverseMatch, match="polls:index"):
        Reverser(routes).url_for("polls:indx")


def build_hosted() -> App:
    api = Router()

    @api.get("/")
    def show_api() -> str:
        return "api"

    @api.get("/only-api")
    def show_only_api() -> str:
        return "only api"

    def show_shop(tenant: str) -> str:
        return f"shop of {tenant}"

    def show_item(tenant: str, id: int) -> str:
        return f"{tenant} {id + 1}"

    def show_link(request: Request) -> str:
        return request.url_for("item", tenant="blue", id=7)

    shops = [path("", show_shop, name="shop"), path("items/{id:int}", show_item, name="item")]
    return App(
        Settings(allowed_hosts=[".example.org"]),
        routes=[
            host("{tenant}.example.org", shops),
            host("API.example.org", api),
            path("", lambda: "home", name="home"),
            path("about", lambda: "about"),
            path("link", show_link),
        ],
    )


def test_a_host_has_routes_of_its_own(client: MakeClient) -> None:
    """An exact host goes before a pattern, whose label is a parameter; the rest is for all."""
    spoken = client(build_hosted(), base_url="http://example.org")

    def get(name: str, address: str = "/") -> str:
        return spoken.get(address, headers={"host": name}).text

    assert get("api.example.org") == "api"
    assert get("API.Example.org.:8000") == "api"
    assert get("red.example.org") == "shop of red"
    assert get("red.example.org", "/items/3") == "red 4"
    assert get("example.org") == "home"
    assert get("red.example.org", "/about") == "about"
    assert spoken.get("/only-api", headers={"host": "red.example.org"}).status_code == 404
    assert spoken.get("/", headers={"host": "a.b.example.org"}).text == "home"


def test_a_link_to_a_host_has_the_requests_scheme_and_port(client: MakeClient) -> None:
    """An address of another host is complete; a value that is no label cannot choose the host."""
    app = build_hosted()
    spoken = client(app, base_url="http://example.org:8000")
    assert spoken.get("/link").text == "http://blue.example.org:8000/items/7"
    assert app.url_for("item", tenant="blue", id=7) == "//blue.example.org/items/7"
    for tenant in ("evil.org/", "evil.org#", "a@evil", "", "-a", "a.b"):
        with pytest.raises(NoReverseMatch):
            app.url_for("item", tenant=tenant, id=7)


def test_a_method_of_one_host_only_is_405_there(client: MakeClient) -> None:
    """What the host's routes answer for another method is 405, with Allow."""
    answer = client(build_hosted(), base_url="http://api.example.org").delete("/only-api")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize(
    "name", ["", "http://a.org", "a.org:80", "a.org/x", "{}.a.org", "{a}.{a}.org", "{a-b}.org"]
)
def test_a_wrong_host_is_refused_where_it_is_declared(name: str) -> None:
    """What is no name of a server is an error at once."""
    with pytest.raises(ImproperlyConfigured, match="host"):
        host(name, polls)


def test_a_route_has_one_host_and_no_parameter_twice() -> None:
    """A host within a host, and a path's parameter called like the host's, are refused."""
    with pytest.raises(ImproperlyConfigured, match="host already"):
        _ = host("a.org", host("b.org", polls)).routes
    with pytest.raises(ImproperlyConfigured, match="same name"):
        _ = host("{id}.org", polls).routes


def build_slashed(tmp_path: Path, **settings: bool) -> App:
    def show(request: Request) -> str:
        return request.method

    return App(
        Settings(base_dir=tmp_path, **settings),
        routes=[
            path("posts/", show),
            path("about", show),
            re_path(r"^files/(?P<name>[a-z ]+)/$", show),
            path("{rest:slug}/{other:path}/", show),
        ],
    )


def test_a_near_address_is_redirected_to(client: MakeClient, tmp_path: Path) -> None:
    """GET and HEAD go to the address with or without the slash, query and mount included."""
    spoken = client(build_slashed(tmp_path))
    for asked, told in {
        "/posts?a=1&b=%20": "/posts/?a=1&b=%20",
        "/about/": "/about",
        "/files/a%20b": "/files/a%20b/",
    }.items():
        answer = spoken.get(asked)
        assert (answer.status_code, answer.headers["location"]) == (307, told)
        assert spoken.head(asked).status_code == 307
    below = client(build_slashed(tmp_path), root_path="/site")
    assert below.get("/posts").headers["location"] == "/site/posts/"


def test_an_unsafe_method_is_told_the_near_address(client: MakeClient, tmp_path: Path) -> None:
    """A body would be lost on the way, so POST gets a 404 that names the address."""
    spoken = client(build_slashed(tmp_path))
    answer = spoken.post("/posts", json={})
    assert answer.status_code == 404
    assert answer.json()["hint"] == "There is '/posts/', with a slash at the end."
    assert "hint" not in spoken.post("/nothing").json()


def test_redirects_of_slashes_can_be_turned_off(client: MakeClient, tmp_path: Path) -> None:
    """Without the setting GET is told as well, and not sent anywhere."""
    answer = client(build_slashed(tmp_path, redirect_slashes=False)).get("/about/")
    assert (answer.status_code, answer.json()["hint"]) == (
        404,
        "There is '/about', without a slash at the end.",
    )


@pytest.mark.parametrize("asked", ["//evil.org", "//evil.org/x", "/\\evil.org/x", "/%0d%0ax: y/z"])
def test_a_near_address_never_leads_to_another_host(
    client: MakeClient, tmp_path: Path, asked: str
) -> None:
    """What a browser would read as a host, or as a header, is no address to be sent to."""
    answer = client(build_slashed(tmp_path)).get(f"http://localhost{asked}")
    location = answer.headers.get("location", "/")
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))
    assert "x" not in answer.headers


def test_a_developer_sees_the_routes_that_were_tried(client: MakeClient, tmp_path: Path) -> None:
    """In debug the 404 of a browser at this machine lists the routes; nobody else's does."""
    html = {"accept": "text/html"}
    debugging = client(build_slashed(tmp_path, debug=True))
    page = debugging.get("/abuot<b>", headers=html)
    assert page.status_code == 404
    assert "<code>/about</code>" in page.text
    assert page.text.index("<code>/about</code>") < page.text.index("<code>/posts/</code>")
    assert __file__ in page.text
    assert "&lt;b&gt;" in page.text
    assert "<b>" not in page.text
    assert __file__ not in debugging.get("/abuot").text
    assert __file__ not in client(build_slashed(tmp_path)).get("/abuot", headers=html).text

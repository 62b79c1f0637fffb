"""App: composed from parts, checked when it is built, alive between startup and shutdown."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from markupsafe import Markup

from undercroft import App, Request, Router, Settings, include, path, redirect, render
from undercroft.errors import ImproperlyConfigured, NoReverseMatch, RouteConflictError
from undercroft.testing.client import Client

MakeClient = Callable[..., Client]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder with one app, both with templates and static files."""
    app = tmp_path / "shop_under_test"
    for folder in (tmp_path, app):
        (folder / "templates").mkdir(parents=True)
        (folder / "static").mkdir()
    (app / "__init__.py").write_text("")
    (app / "templates" / "base.html").write_text(
        "<title>{% block title %}{% endblock %}</title>"
        "{{ request.path }} {{ url_for('shop:item', id=3) }}"
    )
    (app / "templates" / "both.html").write_text("app")
    (tmp_path / "templates" / "both.html").write_text("project")
    (tmp_path / "templates" / "page.html").write_text(
        "{% extends 'base.html' %}{% block title %}{{ title }}{% endblock %}"
    )
    (app / "static" / "shop.css").write_text("body {}")
    (tmp_path / "static" / "site.js").write_text("1;")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "shop_under_test", raising=False)
    return tmp_path


def test_a_project_is_composed_of_routes_templates_and_static_files(
    project: Path, client: MakeClient
) -> None:
    """Routes nest with names, templates and static files come from the project, then its apps."""

    def item(request: Request, id: int) -> Markup:
        return render(request, "page.html", {"title": "<Item>"})

    def both(request: Request) -> Markup:
        return render(request, "both.html")

    def go(request: Request, permanent: bool = False):  # type: ignore[no-untyped-def]
        return redirect(request, "shop:item", id=3, permanent=permanent)

    urls = [path("items/{id:int}", item, name="item"), path("both", both), path("go", go)]
    app = App(
        Settings(base_dir=project),
        apps=["shop_under_test"],
        routes=[path("shop/", include(urls, namespace="shop"))],
    )
    spoken = client(app, root_path="/below")
    assert spoken.get("/below/shop/items/3").text == (
        "<title>&lt;Item&gt;</title>/shop/items/3 /below/shop/items/3"
    )
    assert spoken.get("/below/shop/both").text == "project"
    for query, status in (("", 302), ("?permanent=1", 301)):
        moved = spoken.get(f"/below/shop/go{query}")
        assert (moved.status_code, moved.headers["location"]) == (status, "/below/shop/items/3")
    assert app.url_for("shop:item", id=4) == "/shop/items/4"
    assert spoken.get("/below/static/shop.css").text == "body {}"
    assert spoken.get("/below/static/site.js").text == "1;"
    assert spoken.get("/below/static/../shop_under_test/__init__.py").status_code == 404


def test_a_missing_template_says_where_it_was_looked_for(
    project: Path, client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    """A template that is nowhere is a failure whose log names the folders and the likely name."""
    app = App(Settings(base_dir=project), apps=["shop_under_test"])

    @app.get("/")
    def handler(request: Request) -> Markup:
        return render(request, "pgae.html")

    answer = client(app).get("/")
    assert answer.status_code == 500
    assert "TemplateDoesNotExist" not in answer.text
    assert "TemplateDoesNotExist" in caplog.text
    assert "page.html" in caplog.text
    assert str(project / "templates") in caplog.text


def test_redirects_stay_on_the_site() -> None:
    """A path that browsers read as another host is taken for a route's name, and is none."""
    app = App()
    app.build()
    request = Request("GET", "/")
    request.app = app
    for address in ("//evil.example", "/\\evil.example"):
        with pytest.raises(NoReverseMatch, match="evil"):
            redirect(request, address)


def test_an_unknown_app_is_named(project: Path) -> None:
    """An app that cannot be imported is a mistake found at once."""
    with pytest.raises(ImproperlyConfigured, match="'no_such_app' cannot be imported"):
        App(apps=["no_such_app"])
    with pytest.raises(ImproperlyConfigured, match=r"'no_such\.app' cannot be imported"):
        App(apps=["no_such.app"])


def test_conflicting_routes_name_both_places() -> None:
    """Two routes for the same requests are an error at start that names both lines."""
    app = App()
    app.get("/items/{id}")(lambda id: id)
    app.get("/items/{name}")(lambda name: name)
    with pytest.raises(RouteConflictError) as caught:
        app.build()
    assert str(caught.value).count("test_application.py") == 2


def test_methods_are_answered_right_by_default(client: MakeClient) -> None:
    """HEAD follows GET, OPTIONS lists the methods, anything else is 405 with Allow."""
    app = App()
    app.get("/")(lambda: "text")
    app.post("/")(lambda: "made")
    spoken = client(app)
    head = spoken.head("/")
    assert (head.status_code, head.text, head.headers["content-length"]) == (200, "", "4")
    options = spoken.options("/")
    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    wrong = spoken.delete("/")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")
    assert spoken.request("__CLASS__", "/").status_code == 405


def test_routes_added_later_are_served(client: MakeClient) -> None:
    """A route added after the first request, wherever, is there for the next."""
    app = App()
    inner, outer, listed = Router(prefix="/inner"), Router(prefix="/outer"), Router()
    outer.include(inner)
    app.include(outer)
    app.include([path("listed", include(listed))])
    spoken = client(app)
    for add, address in (
        (app.get, "/late"),
        (app.router.get, "/router"),
        (outer.get, "/outer/a"),
        (inner.get, "/outer/inner/b"),
        (listed.get, "/listed/c"),
    ):
        assert spoken.get(address).status_code == 404
        name = address.removeprefix("/outer").removeprefix("/inner").removeprefix("/listed")
        add(name)(lambda: "late")
        assert spoken.get(address).text == "late"


def test_routers_included_later_are_served(client: MakeClient) -> None:
    """A router included after the first request is there for the next, with its names."""
    app = App()
    spoken = client(app)
    assert spoken.get("/api/v1/thing").status_code == 404
    router = Router(prefix="/v1", namespace="v1")
    router.get("/thing", name="thing")(lambda: "thing")
    app.router.include(router, prefix="/api")
    assert spoken.get(app.url_for("v1:thing")).text == "thing"

"""Our application below a path of others, as their users would put it there."""

from collections.abc import Callable
from typing import Any

import fastapi
import flask
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from tests.gateways.django_site import build_django_asgi, build_django_wsgi
from undercroft import App, Request, Response, Settings, WebSocket, redirect
from undercroft.testing import Client


def build_blog() -> App:
    settings = Settings(secret_key="k" * 50, session_cookie_path="/blog/")
    app = App(settings)

    @app.get("/posts/{id:int}", name="show")
    def show(request: Request, id: int) -> str:
        return request.url_for("show", id=id)

    @app.get("/first")
    def first(request: Request) -> Response:
        return redirect(request, "show", id=1)

    @app.get("/count")
    def count(request: Request) -> int:
        request.session["n"] = request.session.get("n", 0) + 1
        return int(request.session["n"])

    @app.websocket("/echo")
    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(await socket.receive_text())

    return app


def in_starlette(app: App) -> Client:
    return Client(Starlette(routes=[Mount("/blog", app)]))


def in_fastapi(app: App) -> Client:
    api = fastapi.FastAPI()
    api.mount("/blog", app)
    return Client(api)


def in_flask(app: App) -> Client:
    site = flask.Flask("site")
    return Client(DispatcherMiddleware(site, {"/blog": app}), through="wsgi")


def beside_django(app: App, build: Callable[[], Any], through: Any) -> Client:
    project = App()
    project.mount("/blog", app)
    project.mount("/", build())
    return Client(project, through=through)


HOSTS: dict[str, Callable[[App], Client]] = {
    "starlette": in_starlette,
    "fastapi": in_fastapi,
    "flask": in_flask,
    "django-asgi": lambda app: beside_django(app, build_django_asgi, "asgi"),
    "django-wsgi": lambda app: beside_django(app, build_django_wsgi, "wsgi"),
}


@pytest.mark.parametrize("host", HOSTS)
def test_links_redirects_cookies_and_descriptions(host: str) -> None:
    """Whoever is around, our application knows its place."""
    with HOSTS[host](build_blog()) as client:
        assert client.get("/blog/posts/3").text == "/blog/posts/3"
        moved = client.get("/blog/first", follow_redirects=False)
        assert moved.headers["location"] == "/blog/posts/1"
        first = client.get("/blog/count")
        assert "path=/blog/" in first.headers["set-cookie"].lower()
        assert (first.json(), client.get("/blog/count").json()) == (1, 2)
        assert client.get("/blog/openapi.json").json()["servers"] == [{"url": "/blog"}]
        assert client.get("/blog/nowhere").status_code == 404


@pytest.mark.parametrize("host", ["starlette", "fastapi", "django-asgi"])
def test_websockets_are_served(host: str) -> None:
    """A WebSocket arrives below the path, under every ASGI host."""
    with HOSTS[host](build_blog()) as client, client.websocket_connect("/blog/echo") as socket:
        socket.send_text("hello")
        assert socket.receive_text() == "hello"


@pytest.mark.parametrize("name", ["django-asgi", "django-wsgi"])
def test_django_answers_the_rest(name: str) -> None:
    """A Django project goes on behind our application, its admin included."""
    with HOSTS[name](build_blog()) as client:
        assert client.get("/admin/login/").status_code == 200
        assert client.post("/count", content=b"12345").json() == {"size": 5, "link": "/count"}

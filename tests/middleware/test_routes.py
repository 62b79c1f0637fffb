from collections.abc import Callable
from typing import Any

import pytest
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from undercroft import App, Request, Response, Router, View, include, mount, path
from undercroft.errors import ImproperlyConfigured
from undercroft.middleware.pipeline import compose_route
from undercroft.testing import Client

MakeClient = Callable[..., Client]


def mark(name: str) -> Any:
    async def middleware(request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        response.headers["x-marks"] = f"{name} {response.headers.get('x-marks', '')}".strip()
        return response

    return middleware


def test_middleware_of_app_router_and_route_nests(client: MakeClient) -> None:
    """The application's is outermost, then that of each router from without, then the route's."""
    kept = Response("kept")
    inner = Router(prefix="/in", middleware=[mark("inner")])

    @inner.get("/it", middleware=[mark("route"), mark("last")])
    def it() -> Response:
        return kept

    @inner.get("/plain")
    def plain() -> str:
        return "plain"

    outer = Router(prefix="/out", middleware=[mark("outer")])
    outer.include(inner)
    app = App(middleware=[mark("app")], routes=[path("", include(outer))])
    speaking = client(app)
    for _ in range(2):
        marks = speaking.get("/out/in/it").headers["x-marks"]
        assert marks == "app outer inner route last"
    assert speaking.get("/out/in/plain").headers["x-marks"] == "app outer inner"
    assert "x-marks" not in kept.headers


def test_views_and_mounts_have_middleware_too(client: MakeClient) -> None:
    """What a router or route says holds for classes and for mounted applications."""

    class Page(View):
        def get(self) -> str:
            return "page"

    router = Router(middleware=[mark("router")])
    router.mount("/old", App(routes=[path("x", lambda: "x")]))
    app = App(routes=[path("page", Page.as_view(), middleware=[mark("view")])])
    app.include(router)
    assert client(app).get("/page").headers["x-marks"] == "view"
    assert client(app).get("/old/x").headers["x-marks"] == "router"


def test_a_route_without_middleware_pays_nothing() -> None:
    """Its endpoint is the very same object."""

    async def endpoint(request: Request) -> Response:
        return Response()

    assert compose_route((), endpoint) is endpoint


def not_waiting(request: Request, call_next: Any) -> Response:
    return Response()


async def too_few(request: Request) -> Response:
    return Response()


@pytest.mark.parametrize("wrong", [not_waiting, too_few, GZipMiddleware, "text"])
def test_what_is_no_middleware_is_refused_at_start(wrong: Any) -> None:
    """The error says what is wrong and how a middleware is written."""
    for app in (App(middleware=[wrong]), App(routes=[path("", lambda: "x", middleware=[wrong])])):
        with pytest.raises(ImproperlyConfigured) as caught:
            app.build()
        assert caught.value.code == "middleware.contract"


def test_middleware_of_the_protocols_wraps_the_application() -> None:
    """ASGI and WSGI middleware take the application, each seen by its own kind of server."""
    app = App()

    @app.get("/")
    def home(request: Request) -> str:
        return f"{request.scheme} " + "x" * 1000

    app.add_asgi_middleware(GZipMiddleware, minimum_size=500)
    app.add_asgi_middleware(TrustedHostMiddleware, allowed_hosts=["localhost"])
    app.add_wsgi_middleware(ProxyFix, x_proto=1)
    headers = {"x-forwarded-proto": "https"}
    with Client(app) as client:
        answer = client.get("/", headers=headers)
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.text.startswith("http ")
    with Client(app, through="wsgi") as client:
        assert client.get("/", headers=headers).text.startswith("https ")


def test_a_part_can_be_wrapped(client: MakeClient) -> None:
    """An application of ours wrapped in somebody's middleware is mounted like any other."""
    part = App()

    @part.get("/x")
    def x() -> str:
        return "x" * 1000

    app = App(routes=[path("part/", mount(GZipMiddleware(part)))])
    answer = client(app).get("/part/x")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.text == "x" * 1000

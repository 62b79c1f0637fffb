import asyncio
import io
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import fastapi
import flask
import pytest
import starlette.responses
import starlette.routing
from starlette.applications import Starlette

from undercroft import App, Request, Response, Router, Settings, include, mount, path
from undercroft.errors import ImproperlyConfigured
from undercroft.testing import Client

MakeClient = Callable[..., Client]


def tell_wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    names = ("SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "REQUEST_METHOD")
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Kind", "wsgi")])
    return ["|".join(environ[name] for name in names).encode("latin-1")]


async def tell_asgi(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        raise ValueError("Only http.")
    path = scope["path"].removeprefix(scope["root_path"])
    query = scope["query_string"].decode()
    told = f"{scope['root_path']}|{path}|{query}|{scope['method']}"
    headers = [(b"content-type", b"text/plain"), (b"x-kind", b"asgi")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": told.encode()})


@pytest.fixture(params=[tell_wsgi, tell_asgi], ids=["wsgi-app", "asgi-app"])
def telling(request: pytest.FixtureRequest) -> Any:
    """An application of each kind that answers with what it was told of its place."""
    return request.param


@pytest.mark.parametrize(
    "asked, told",
    [
        ("/old", "/old|||GET"),
        ("/old/", "/old|/||GET"),
        ("/old/a/b/?x=1", "/old|/a/b/|x=1|GET"),
        ("/old/caf%C3%A9%20x", "/old|/café x||GET"),
        ("/old//a", "/old|//a||GET"),
        ("/old/a%2Fb", "/old|/a/b||GET"),
    ],
)
def test_a_mounted_application_is_told_its_place(
    client: MakeClient, telling: Any, asked: str, told: str
) -> None:
    """Mount and rest of the path arrive as the interface wants them, slashes and escapes kept."""
    app = App()
    app.mount("/old", telling)
    answer = client(app).get(asked)
    assert answer.status_code == 200
    assert answer.content.decode() == told


def test_the_mount_stands_below_our_own_root_path(client: MakeClient, telling: Any) -> None:
    """Where we are mounted ourselves, the place is the sum of both."""
    app = App()
    app.mount("/old/", telling)
    asked = client(app, root_path="/site").get("/site/old/x")
    assert asked.text == "/site/old|/x||GET"


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "PROPFIND", "DELETE"])
def test_every_method_reaches_the_mount(client: MakeClient, telling: Any, method: str) -> None:
    """The mounted application decides about methods, also those we do not know."""
    app = App(routes=[path("old/", mount(telling))])
    assert client(app).request(method, "/old/x").text == f"/old|/x||{method}"


def test_head_has_no_body(client: MakeClient, telling: Any) -> None:
    """HEAD gives status and headers of the mounted application."""
    app = App(routes=[path("old/", mount(telling))])
    answer = client(app).head("/old/x")
    assert answer.status_code == 200
    assert answer.content == b""
    assert "x-kind" in answer.headers


def test_our_routes_come_before_a_mount_at_the_root(client: MakeClient, telling: Any) -> None:
    """A site is replaced route by route: what we do not answer, the old application does."""
    app = App()
    app.mount("/", telling)

    @app.get("/new")
    def new() -> str:
        return "new"

    speaking = client(app)
    assert speaking.get("/new").text == "new"
    assert speaking.post("/new").text == "|/new||POST"
    assert speaking.get("/").text == "|/||GET"
    assert speaking.get("/x/y").text == "|/x/y||GET"


def test_a_mount_comes_before_a_catch_all_of_ours(client: MakeClient, telling: Any) -> None:
    """The longer fixed text wins, whatever was declared first."""
    app = App()

    @app.get("/{rest:path}")
    def page(rest: str) -> str:
        return "page"

    app.mount("/old", telling)
    assert client(app).get("/old/x").text == "/old|/x||GET"
    assert client(app).get("/other").text == "page"


def test_a_mount_in_a_router_takes_its_prefix(client: MakeClient, telling: Any) -> None:
    """Prefixes of routers and includes, with parameters too, stand before a mount."""
    router = Router(prefix="/shops/{shop}")
    router.mount("/old", telling, "old")
    app = App(routes=[path("eu/", include(router, "eu"))])
    assert client(app).get("/eu/shops/7/old/x").text == "/eu/shops/7/old|/x||GET"
    assert app.url_for("eu:old", shop="7", path="x/y") == "/eu/shops/7/old/x/y"


def test_nested_apps_know_their_links(client: MakeClient) -> None:
    """Our own app in our own app, twice, writes links with every mount before them."""
    inner, middle, outer = App(), App(), App()

    @inner.get("/here/{id:int}", name="here")
    def here(request: Request, id: int) -> str:
        return request.url_for("here", id=id)

    middle.mount("/b", inner)
    outer.mount("/a", middle)
    assert client(outer).get("/a/b/here/3").text == "/a/b/here/3"


def test_middleware_of_ours_is_around_a_mount(client: MakeClient, telling: Any) -> None:
    """What guards the application guards its mounts, and sees their answers."""

    async def guard(request: Request, call_next: Any) -> Response:
        if request.path.endswith("secret"):
            return Response("no", 403)
        response: Response = await call_next(request)
        response.headers["x-seen"] = response.headers["x-kind"]
        return response

    app = App(middleware=[guard])
    app.mount("/old", telling)
    assert client(app).get("/old/secret").status_code == 403
    assert client(app).get("/old/x").headers["x-seen"] in ("asgi", "wsgi")


def build_flask() -> flask.Flask:
    site = flask.Flask("site")
    site.secret_key = "k" * 32

    @site.post("/echo")
    def echo() -> bytes:
        return flask.request.get_data()

    @site.get("/count")
    def count() -> str:
        flask.session["count"] = flask.session.get("count", 0) + 1
        return f"{flask.session['count']} {flask.url_for('count')}"

    @site.get("/stream")
    def stream() -> flask.Response:
        return flask.Response(str(n) for n in range(3))

    @site.get("/broken")
    def broken() -> str:
        raise ValueError("broken")

    return site


def build_fastapi() -> fastapi.FastAPI:
    @asynccontextmanager
    async def lifespan(app: fastapi.FastAPI) -> AsyncIterator[dict[str, Any]]:
        yield {"started": 0}

    api = fastapi.FastAPI(lifespan=lifespan)

    @api.post("/echo")
    async def echo(request: fastapi.Request) -> starlette.responses.Response:
        return starlette.responses.Response(await request.body())

    @api.get("/count")
    async def count(request: fastapi.Request) -> starlette.responses.Response:
        count = int(request.cookies.get("count", "0")) + 1
        link = request.url_for("count").path
        answer = starlette.responses.PlainTextResponse(f"{count + request.state.started} {link}")
        answer.set_cookie("count", str(count))
        return answer

    @api.get("/stream")
    async def stream() -> starlette.responses.StreamingResponse:
        async def numbers() -> AsyncIterator[str]:
            for n in range(3):
                await asyncio.sleep(0.001)
                yield str(n)

        return starlette.responses.StreamingResponse(numbers())

    @api.get("/broken")
    async def broken() -> None:
        raise ValueError("broken")

    return api


@pytest.fixture(params=[build_flask, build_fastapi], ids=["flask", "fastapi"])
def site(request: pytest.FixtureRequest) -> Any:
    """A real application of either kind, with the same addresses."""
    return request.param()


def test_real_applications_work_unchanged(client: MakeClient, site: Any) -> None:
    """Bodies, cookies, links, streams and their own error pages arrive as they are alone."""
    app = App()
    app.mount("/site", site)
    speaking = client(app)
    body = b"x" * 300_000
    assert speaking.post("/site/echo", content=body).content == body
    assert speaking.get("/site/count").text == "1 /site/count"
    assert speaking.get("/site/count").text == "2 /site/count"
    assert speaking.get("/site/stream").text == "012"
    assert speaking.get("/site/broken").status_code == 500
    assert speaking.get("/site/missing").status_code == 404
    assert speaking.delete("/site/echo").status_code == 405


def test_a_body_that_middleware_has_read_is_handed_over(client: MakeClient, site: Any) -> None:
    """A middleware may look at the body before the mounted application does."""

    async def look(request: Request, call_next: Any) -> Response:
        request.state.size = len(await request.body())
        response: Response = await call_next(request)
        return response

    app = App(middleware=[look])
    app.mount("/site", site)
    assert client(app).post("/site/echo", content=b"looked at").content == b"looked at"


def test_bodies_are_limited(client: MakeClient, site: Any) -> None:
    """A larger body than the mount takes is answered with 413 by us."""
    app = App()
    app.mount("/site", site, max_body_size=10)
    assert client(app).post("/site/echo", content=b"x" * 10).status_code == 200
    assert client(app).post("/site/echo", content=b"x" * 11).status_code == 413


@pytest.mark.parametrize("build", [build_flask, build_fastapi])
def test_bodies_without_a_length_are_limited_under_wsgi(build: Callable[[], Any]) -> None:
    """The limit counts what is read, whatever was announced."""
    app = App()
    app.mount("/site", build(), max_body_size=10)
    statuses: list[str] = []
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/site/echo",
        "HTTP_HOST": "localhost",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(b"x" * 11),
        "wsgi.input_terminated": True,
        "wsgi.errors": io.StringIO(),
    }
    answer = app.wsgi(environ, lambda status, headers: statuses.append(status))
    b"".join(answer)
    getattr(answer, "close", lambda: None)()
    app.close()
    assert statuses[0].startswith("413")


def test_bodies_without_a_length_are_limited_under_asgi() -> None:
    """The limit counts what is received, whatever was announced."""
    app = App()
    app.mount("/site", build_fastapi(), max_body_size=10)

    def pieces() -> Iterator[bytes]:
        yield b"x" * 11

    with Client(app) as client:
        assert client.post("/site/echo", content=pieces()).status_code == 413


def test_several_lifespans_are_entered_and_left() -> None:
    """Each mounted application starts once, with us, and ends with us."""
    log: list[str] = []

    def build(name: str) -> Starlette:
        @asynccontextmanager
        async def lifespan(app: Starlette) -> AsyncIterator[None]:
            log.append(f"{name} starts")
            yield
            log.append(f"{name} ends")

        return Starlette(lifespan=lifespan)

    first, second = build("first"), build("second")
    app = App()
    app.mount("/1", first)
    app.mount("/2", second)
    app.mount("/again", first)
    with Client(app):
        assert log == ["first starts", "second starts"]
    assert log[2:] == ["second ends", "first ends"]


def test_a_failure_at_start_names_the_path() -> None:
    """The message says which mount could not start, and those before it are ended."""
    ended: list[str] = []

    @asynccontextmanager
    async def good(app: Starlette) -> AsyncIterator[None]:
        yield
        ended.append("good")

    @asynccontextmanager
    async def bad(app: Starlette) -> AsyncIterator[None]:
        raise ValueError("no database")
        yield

    app = App()
    app.mount("/good", Starlette(lifespan=good))
    app.mount("/bad", Starlette(lifespan=bad))
    with pytest.raises(RuntimeError, match=r"'/bad' could not start.*no database"), Client(app):
        pass
    assert ended == ["good"]


def test_what_is_no_application_is_refused_at_start() -> None:
    """The error names the path and the place of the declaration."""
    app = App()
    app.mount("/odd", lambda: "odd")
    with pytest.raises(ImproperlyConfigured) as caught:
        app.build()
    assert "'/odd'" in "".join(caught.value.__notes__)
    assert "test_mounting.py" in "".join(caught.value.__notes__)


def test_foreign_hosts_do_not_reach_a_mount(client: MakeClient, telling: Any) -> None:
    """The check of `allowed_hosts` holds for mounts."""
    app = App(Settings(allowed_hosts=["localhost"]))
    app.mount("/old", telling)
    assert client(app).get("/old/", headers={"host": "evil.example"}).status_code == 400


def test_work_after_the_answer_is_finished(client: MakeClient) -> None:
    """What an ASGI application does after its answer is not cut off."""
    done: list[str] = []

    async def later(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body"})
            await asyncio.sleep(0.01)
            done.append("later")

    app = App()
    app.mount("/old", later)
    assert client(app).get("/old/").status_code == 204
    assert done == ["later"]


def tell_environ(environ: Any, start_response: Callable[..., Any]) -> list[bytes]:
    names = ("REMOTE_ADDR", "wsgi.url_scheme", "HTTP_HOST", "HTTP_X_FORWARDED_FOR")
    start_response("200 OK", [("content-type", "text/plain")])
    return [" ".join(str(environ.get(name)) for name in names).encode()]


@pytest.mark.parametrize(
    "trusted,headers,told",
    [
        (
            "127.0.0.1",
            {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"},
            "203.0.113.9 https localhost 203.0.113.9",
        ),
        (
            "127.0.0.1",
            {"x-forwarded-host": "shop.example"},
            "127.0.0.1 http shop.example None",
        ),
        ("10.0.0.1", {"x-forwarded-for": "203.0.113.9"}, "127.0.0.1 http localhost None"),
        ("10.0.0.1", {"x_forwarded_for": "203.0.113.9"}, "127.0.0.1 http localhost None"),
    ],
)
def test_a_mounted_wsgi_application_believes_whom_we_do(
    client: MakeClient, trusted: str, headers: dict[str, str], told: str
) -> None:
    """Client, scheme and host come from a trusted proxy; what others claim is not passed on."""
    site = App(Settings(trusted_proxies=[trusted], allowed_hosts=["localhost", "shop.example"]))
    site.mount("/old", tell_environ)
    assert client(site).get("/old", headers=headers).text == told


def test_an_alias_of_a_header_is_not_passed_on_to_wsgi() -> None:
    """`X_Forwarded_For` is another field than `X-Forwarded-For`, and the same CGI variable."""
    headers = {"x-forwarded-for": "203.0.113.9", "x_forwarded_for": "6.6.6.6"}
    site = App(Settings(trusted_proxies=["127.0.0.1"]))
    site.mount("/old", tell_environ)
    with Client(site) as http:
        told = http.get("/old", headers=headers).text
    assert told == "203.0.113.9 http localhost 203.0.113.9"

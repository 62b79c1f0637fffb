"""Applications of other frameworks, as their documentation writes them, mounted and unmodified."""

import asyncio
import io
from collections.abc import Callable, Iterator
from typing import Any

import bottle
import falcon
import falcon.asgi
import pytest

from tests.gateways.django_site import build_django_asgi, build_django_wsgi
from tests.gateways.test_asgi import build_scope
from undercroft import App
from undercroft.gateways.foreign_wsgi import WSGIAdapter
from undercroft.gateways.messages import Message
from undercroft.testing import Client

MakeClient = Callable[..., Client]


def build_bottle() -> Any:
    application = bottle.Bottle()

    @application.post("/count")
    def count() -> dict[str, Any]:
        place = bottle.request.script_name.rstrip("/")
        # Bottle keeps the file of a large body, unclosed, for as long as its thread lives.
        with bottle.request.body as body:
            return {"size": len(body.read()), "link": f"{place}/count"}

    return application


class FalconResource:
    def on_post(self, req: Any, resp: Any) -> None:
        resp.media = {"size": len(req.bounded_stream.read()), "link": req.relative_uri}


class FalconAsyncResource:
    async def on_post(self, req: Any, resp: Any) -> None:
        resp.media = {"size": len(await req.stream.read()), "link": req.relative_uri}


def build_falcon() -> Any:
    application = falcon.App()
    application.add_route("/count", FalconResource())
    return application


def build_falcon_asgi() -> Any:
    application = falcon.asgi.App()
    application.add_route("/count", FalconAsyncResource())
    return application


BUILDERS = {
    "django-wsgi": build_django_wsgi,
    "django-asgi": build_django_asgi,
    "bottle": build_bottle,
    "falcon": build_falcon,
    "falcon-asgi": build_falcon_asgi,
}


@pytest.mark.parametrize("name", BUILDERS)
def test_bodies_and_links_are_right(client: MakeClient, name: str) -> None:
    """Below a path, each reads a whole body and knows its own place."""
    app = App()
    app.mount("/old", BUILDERS[name](), strip_path=name == "falcon-asgi")
    answer = client(app).post("/old/count", content=b"x" * 100_000)
    assert answer.json() == {"size": 100_000, "link": "/old/count"}


@pytest.mark.parametrize("name", ["django-wsgi", "bottle", "falcon"])
def test_a_body_without_a_length_is_whole(name: str) -> None:
    """Also those that read what Content-Length says get all of a body that came in chunks."""
    left = [b"x" * 50_000] * 40
    sent: list[Message] = []

    async def receive() -> Message:
        if not left:
            await asyncio.Event().wait()
        piece = left.pop()
        return {"type": "http.request", "body": piece, "more_body": bool(left)}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"transfer-encoding", b"chunked")]
    scope = build_scope("/count", method="POST", headers=headers, http_version="1.1")
    asyncio.run(asyncio.wait_for(WSGIAdapter(BUILDERS[name]())(scope, receive, send), 10))
    assert b"2000000" in b"".join(message.get("body", b"") for message in sent)


def call_in_chunks(app: App, target: str, body: bytes) -> bytes:
    """Call by WSGI as gunicorn does when a body comes in chunks."""
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": target,
        "HTTP_HOST": "localhost",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": io.StringIO(),
    }
    answer = app.wsgi(environ, lambda status, headers: None)
    content = b"".join(answer)
    getattr(answer, "close", lambda: None)()
    app.close()
    return content


@pytest.mark.parametrize("name", ["django-wsgi", "bottle", "falcon"])
def test_a_body_without_a_length_is_whole_under_wsgi(name: str) -> None:
    """A WSGI server that has undone the chunks is no different."""
    app = App()
    app.mount("/old", BUILDERS[name]())
    assert b"70000" in call_in_chunks(app, "/old/count", b"x" * 70_000)


@pytest.mark.parametrize("build", [build_django_wsgi, build_django_asgi])
def test_the_admin_leads_to_its_log_in(client: MakeClient, build: Callable[[], Any]) -> None:
    """Django's admin redirects, links and sets its cookie below the mount."""
    app = App()
    app.mount("/old", build())
    speaking = client(app)
    refused = speaking.get("/old/admin/", follow_redirects=False)
    assert refused.headers["location"] == "/old/admin/login/?next=/old/admin/"
    page = speaking.get(refused.headers["location"])
    assert page.status_code == 200
    assert 'action="/old/admin/login/' in page.text
    assert "csrftoken" in page.cookies


def test_pieces_written_and_yielded_keep_their_order() -> None:
    """What goes through the callable of PEP 3333 between two pieces stands between them."""

    def application(environ: Any, start_response: Callable[..., Any]) -> Iterator[bytes]:
        write = start_response("200 OK", [])
        yield b"1"
        write(b"2")
        yield b"3"
        write(b"4")

    app = App()
    app.mount("/old", application)
    with Client(app, through="wsgi") as speaking:
        assert speaking.get("/old/").text == "1234"

"""Bodies that are not plain JSON: raw, in pieces, of other types; and JSON's limits."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated

import pytest
from pydantic import BaseModel

from undercroft import App, Body, Request, Settings
from undercroft.errors import ImproperlyConfigured
from undercroft.testing import Client


class Author(BaseModel):
    name: str


class Post(BaseModel):
    title: str
    author: Author | None = None


def build_app(settings: Settings | None = None) -> App:
    app = App(settings)

    @app.post("/raw")
    async def take_bytes(data: Annotated[bytes, Body(max_length=10)]) -> int:
        return len(data)

    @app.post("/default")
    def take_bytes_or_none(data: Annotated[bytes, Body()] = b"none") -> str:
        return data.decode()

    @app.post("/pieces")
    async def take_pieces(pieces: AsyncIterator[bytes], factor: int = 1) -> int:
        return factor * sum([len(piece) async for piece in pieces])

    @app.post("/text")
    async def take_text(text: Annotated[bytes, Body(media_type="text/plain")]) -> str:
        return text.decode()

    @app.post("/vendor")
    async def take_vendor(post: Annotated[Post, Body(media_type="application/vnd.x")]) -> str:
        return post.title

    @app.post("/anything")
    async def take_anything(post: Annotated[Post, Body(media_type="*/*")]) -> str:
        return post.title

    @app.post("/strict")
    async def take_strictly(post: Annotated[Post, Body(extra="forbid")]) -> str:
        return post.title

    @app.post("/post")
    async def take_post(post: Post) -> str:
        return post.title

    @app.post("/json")
    async def take_json(request: Request) -> bool:
        return bool(await request.json())

    return app


def test_raw_bodies_and_streams(client: Callable[..., Client]) -> None:
    """Bytes come whole or in pieces, whatever they are declared as, within their limits."""
    http = client(build_app())
    assert http.post("/raw", content=b"\x00\xff", headers={"content-type": "image/x"}).json() == 2
    assert http.post("/raw", content=b"").json() == 0
    assert http.post("/raw", content=b"x" * 11).status_code == 422
    assert http.post("/default", content=b"").text == "none"
    assert http.post("/pieces?factor=2", content=b"x" * 100_000).json() == 200_000
    assert http.post("/pieces?factor=x", content=b"x").status_code == 422


def test_a_route_may_ask_for_another_media_type(client: Callable[..., Client]) -> None:
    """JSON's strictness holds unless the route says otherwise; then that is what counts."""
    http = client(build_app())
    sent = b'{"title": "a"}'
    for path, kind, status in [
        ("/text", "text/plain; charset=utf-8", 200),
        ("/text", "application/json", 415),
        ("/vendor", "application/vnd.x", 200),
        ("/vendor", "application/json", 415),
        ("/anything", "text/plain", 200),
        ("/post", "text/plain", 415),
    ]:
        answer = http.post(path, content=sent, headers={"content-type": kind})
        assert answer.status_code == status, (path, kind)
    assert "application/vnd.x" in http.post("/vendor", json={}).json()["hint"]


def test_unknown_members_are_refused_where_that_is_asked_for(
    client: Callable[..., Client],
) -> None:
    """By the route or by the setting, at every depth, each with its place."""
    sent = {"title": "a", "titel": "b", "author": {"name": "c", "nmae": "d"}}
    http = client(build_app())
    assert http.post("/post", json=sent).status_code == 200
    answer = http.post("/strict", json=sent)
    assert answer.status_code == 422
    places = [error["location"] for error in answer.json()["errors"]]
    assert sorted(places) == [["body", "author", "nmae"], ["body", "titel"]]
    strict = client(build_app(Settings(json_unknown_fields="forbid")))
    assert strict.post("/post", json=sent).status_code == 422


@pytest.mark.parametrize("path", ["/post", "/strict", "/json"])
@pytest.mark.parametrize("opening,closing", [("[", "]"), ('{"a":', "}")])
def test_deep_json_is_a_400(
    client: Callable[..., Client], path: str, opening: str, closing: str
) -> None:
    """Nesting beyond what any message needs is refused with a hint, at once."""
    http = client(build_app())
    deep = f'{{"title": "a", "x": {opening * 100_000}1{closing * 100_000}}}'
    headers = {"content-type": "application/json"}
    answer = http.post(path, content=deep, headers=headers)
    assert (answer.status_code, answer.json()["hint"]) == (
        400,
        "Nest lists and objects less deeply.",
    )


def test_a_large_body_is_a_413_with_a_hint(client: Callable[..., Client]) -> None:
    """The limit of what is held in memory counts for raw bodies, too."""
    http = client(build_app(Settings(max_body_size=100)))
    for path in ("/raw", "/post"):
        headers = {"content-type": "application/json"}
        answer = http.post(path, content=b"x" * 101, headers=headers)
        assert (answer.status_code, "max_body_size" in answer.json()["hint"]) == (413, True)


def test_a_stream_beside_another_body_is_an_error_at_start() -> None:
    """A body can be read once."""
    app = App()

    @app.post("/")
    async def take_both(pieces: AsyncIterator[bytes], post: Post) -> None: ...

    with pytest.raises(ImproperlyConfigured) as caught:
        app.build()
    assert caught.value.code == "binding.body"

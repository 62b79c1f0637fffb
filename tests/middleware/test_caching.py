"""What caches may keep, and conditions before the handler is called."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from undercroft import (
    App,
    FileResponse,
    JSONResponse,
    Request,
    View,
    cache_control,
    condition,
    conditional_get,
    never_cache,
    path,
    vary_on,
)
from undercroft.testing.client import Client

Made = Callable[[App], Client]
PUBLIC = "public, max-age=60, s-maxage=600"


def test_handlers_say_what_caches_may_keep(client: Made, tmp_path: Path) -> None:
    """Functions of both kinds, views, files and kept responses have the fields they declare."""
    (tmp_path / "a.txt").write_text("a")
    kept = JSONResponse({}, headers={"vary": "Accept"})

    class Page(View):
        @never_cache
        def get(self) -> str:
            return "page"

    app = App(routes=[path("page", Page.as_view())])

    @app.get("/shared")
    @cache_control(public=True, max_age=60, s_maxage=600)
    @vary_on("Accept-Language", "accept")
    async def shared() -> JSONResponse:
        return kept

    @app.get("/file")
    @cache_control(max_age=5, private=False, immutable=True)
    def file() -> FileResponse:
        return FileResponse(tmp_path / "a.txt")

    @app.get("/own")
    @cache_control(max_age=5)
    def own() -> JSONResponse:
        return JSONResponse({}, headers={"cache-control": "no-store"})

    @app.get("/plain")
    def plain() -> str:
        return ""

    caller = client(app)
    for _ in range(2):
        answer = caller.get("/shared")
        assert answer.headers["cache-control"] == PUBLIC
        assert answer.headers["vary"] == "Accept, Accept-Language"
    assert caller.get("/file").headers["cache-control"] == "max-age=5, immutable"
    assert caller.get("/own").headers["cache-control"] == "no-store"
    assert "no-store" in caller.get("/page").headers["cache-control"]
    assert "cache-control" not in caller.get("/plain").headers


def test_no_cache_shares_what_is_one_clients(client: Made) -> None:
    """An answer with Set-Cookie, or to Authorization, is private, whatever was declared."""

    async def touch(request: Request, call_next):  # type: ignore[no-untyped-def]
        response = await call_next(request)
        if request.query_params.get("touch"):
            response.set_cookie("session", "1")
        return response

    app = App(middleware=[touch])

    @app.get("/shared")
    @cache_control(public=True, max_age=60, s_maxage=600)
    def shared() -> str:
        return "shared"

    @app.get("/plain")
    def plain() -> str:
        return "plain"

    caller = client(app)
    assert caller.get("/shared").headers["cache-control"] == PUBLIC
    private = "max-age=60, private"
    assert caller.get("/shared", auth=("a", "b")).headers["cache-control"] == private
    assert caller.get("/shared?touch=1").headers["cache-control"] == private
    assert caller.get("/plain?touch=1").headers["cache-control"] == "private"


def test_public_and_private_exclude_each_other() -> None:
    """The mistake is one where it is written."""
    with pytest.raises(ValueError, match="choose one"):
        cache_control(public=True, private=True)


def test_a_star_means_any_version(client: Made) -> None:
    """What is only known by its moment exists, too: nobody overwrites it unseen."""
    app, moments = App(), {1: datetime(2026, 1, 1, tzinfo=UTC)}

    def find_moment(request: Request, id: int) -> datetime | None:
        return moments.get(id)

    @app.put("/notes/{id:int}")
    @condition(last_modified_func=find_moment)
    def change(id: int) -> str:
        return "changed"

    caller = client(app)
    for id, name, status in (
        (1, "if-none-match", 412),
        (2, "if-none-match", 200),
        (1, "if-match", 200),
        (2, "if-match", 412),
    ):
        assert caller.put(f"/notes/{id}", headers={name: "*"}).status_code == status


def test_a_condition_answers_before_the_handler(client: Made) -> None:
    """Who has the version gets 304 and who missed a change 412, without the handler's work."""
    app, calls = App(), list[str]()
    versions = {1: "v1"}

    def find_version(request: Request, id: int) -> str | None:
        return versions.get(id)

    async def find_moment(request: Request, id: int) -> datetime | None:
        return datetime(2026, 1, 1, 12, 0, 0, 999, tzinfo=UTC) if id in versions else None

    @app.get("/notes/{id:int}")
    @cache_control(max_age=60)
    @condition(find_version, find_moment)
    def show(id: int) -> dict[str, int]:
        calls.append("show")
        return {"id": id}

    @app.put("/notes/{id:int}")
    @condition(find_version)
    async def change(id: int) -> str:
        calls.append("change")
        return "changed"

    caller = client(app)
    first = caller.get("/notes/1")
    assert (first.headers["etag"], first.headers["cache-control"]) == ('"v1"', "max-age=60")
    assert first.headers["last-modified"] == "Thu, 01 Jan 2026 12:00:00 GMT"
    assert calls == ["show"]
    again = caller.get("/notes/1", headers={"if-none-match": '"v1"'})
    assert (again.status_code, again.content, calls) == (304, b"", ["show"])
    assert (again.headers["etag"], again.headers["cache-control"]) == ('"v1"', "max-age=60")
    since = {"if-modified-since": first.headers["last-modified"]}
    assert caller.get("/notes/1", headers=since).status_code == 304
    for id, name, value, status in (
        (1, "if-match", '"v1"', 200),
        (1, "if-match", '"v0"', 412),
        (2, "if-match", "*", 412),
        (1, "if-none-match", "*", 412),
        (2, "if-none-match", "*", 200),
    ):
        calls.clear()
        answer = caller.put(f"/notes/{id}", headers={name: value})
        assert (answer.status_code, bool(calls)) == (status, status == 200)
    assert caller.put("/notes/1").headers.get("etag") is None


def test_a_body_is_told_by_its_hash(client: Made) -> None:
    """Without functions, and by the middleware for every handler, the body's hash is its ETag."""
    app = App()

    @app.get("/marked")
    @condition()
    def marked() -> str:
        return "same"

    everywhere = App(middleware=[conditional_get])
    everywhere.get("/plain")(lambda: "same")
    everywhere.post("/plain")(lambda: "same")
    for caller, address in ((client(app), "/marked"), (client(everywhere), "/plain")):
        etag = caller.get(address).headers["etag"]
        again = caller.get(address, headers={"if-none-match": f'"x", W/{etag}'})
        assert (again.status_code, again.content) == (304, b"")
        assert caller.head(address, headers={"if-none-match": "*"}).status_code == 304
    assert "etag" not in client(everywhere).post("/plain").headers

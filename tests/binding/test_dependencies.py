"""Dependencies: called in order, once for a request, cleaned up whatever happens."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from typing import Annotated

import pytest

from undercroft import App, Depends, Header, HTTPException, Query, Settings
from undercroft.errors import ImproperlyConfigured
from undercroft.testing.client import Client

MakeClient = Callable[[App], Client]

marker: ContextVar[str] = ContextVar("marker", default="outside")


def test_dependencies_nest_and_are_called_once(client: MakeClient) -> None:
    """A value asked for twice is made once; `use_cache=False` makes it again."""
    app = App()
    calls: list[str] = []

    def token(x_token: Annotated[str, Header()]) -> str:
        calls.append("token")
        return x_token

    async def user(token: Annotated[str, Depends(token)]) -> str:
        calls.append("user")
        return f"user of {token}"

    @app.get("/")
    async def handler(
        user: Annotated[str, Depends(user)],
        again: str = Depends(token),
        fresh: str = Depends(token, use_cache=False),
    ) -> list[str]:
        return [user, again, fresh]

    answer = client(app).get("/", headers={"x-token": "t"})
    assert answer.json() == ["user of t", "t", "t"]
    assert calls == ["token", "user", "token"]
    missing = client(app).get("/").json()["errors"]
    assert {tuple(error["location"]) for error in missing} == {("header", "x-token")}


@pytest.mark.parametrize("is_async", [True, False])
def test_generators_clean_up_in_reverse(client: MakeClient, is_async: bool) -> None:
    """What a generator yields is injected; what follows runs when the handler is done or failed."""
    app = App()
    log: list[str] = []

    def outer() -> Iterator[str]:
        log.append("open outer")
        try:
            yield "outer"
        except ValueError as error:
            log.append(f"saw {error}")
            raise
        finally:
            log.append("close outer")

    async def inner(outer: Annotated[str, Depends(outer)]) -> AsyncIterator[str]:
        log.append("open inner")
        yield f"inner of {outer}"
        log.append("close inner")

    def blocking(outer: Annotated[str, Depends(outer)]) -> Iterator[str]:
        log.append("open inner")
        yield f"inner of {outer}"
        log.append("close inner")

    if is_async:

        @app.get("/")
        async def handler(value: Annotated[str, Depends(inner)], fail: bool = False) -> str:
            if fail:
                raise ValueError("failed")
            return value
    else:

        @app.get("/")
        def handler(value: Annotated[str, Depends(blocking)], fail: bool = False) -> str:
            if fail:
                raise ValueError("failed")
            return value

    spoken = client(app)
    assert spoken.get("/").text == "inner of outer"
    assert log == ["open outer", "open inner", "close inner", "close outer"]
    log.clear()
    assert spoken.get("/?fail=1").status_code == 500
    assert log == ["open outer", "open inner", "saw failed", "close outer"]


def test_a_class_is_its_own_dependency(client: MakeClient) -> None:
    """`Annotated[Paging, Depends()]` calls the class with values from the request."""
    app = App()

    class Paging:
        def __init__(self, page: int = 1, size: int = 10) -> None:
            self.start = (page - 1) * size

    @app.get("/")
    def handler(paging: Annotated[Paging, Depends()]) -> int:
        return paging.start

    assert client(app).get("/?page=3").json() == 20


def test_the_app_and_its_settings_are_given_by_type(client: MakeClient) -> None:
    """A handler that names App or Settings is given the ones that serve it."""
    settings = Settings(static_url="/files/")
    app = App(settings)

    @app.get("/")
    def handler(here: App, settings: Settings) -> list[object]:
        return [here is app, settings.static_url]

    assert client(app).get("/").json() == [True, "/files/"]


def test_a_circle_of_dependencies_is_refused_at_start() -> None:
    """A dependency that needs itself is named with the whole circle."""

    def first(value: int = Depends(lambda: 0)) -> int:
        return value

    def second(value: Annotated[int, Depends(first)]) -> int:
        return value

    first.__defaults__ = (Depends(second),)
    app = App()

    @app.get("/")
    def handler(value: Annotated[int, Depends(second)]) -> int:
        return value

    with pytest.raises(ImproperlyConfigured, match="needs itself") as caught:
        app.build()
    assert "first" in str(caught.value)
    assert "second" in str(caught.value)


def test_one_name_may_mean_different_things(client: MakeClient) -> None:
    """A dependency's argument never replaces the handler's of the same name."""
    app = App()

    def owner(id: str = Query("me")) -> str:
        return id

    @app.get("/accounts/{id:int}")
    async def account(
        id: int, owner: Annotated[str, Depends(owner)], x: Annotated[int, Query(ge=1)] = 1
    ) -> list[object]:
        return [id, owner, x]

    def header(x: str = Header("none")) -> str:
        return x

    @app.get("/mixed")
    async def mixed(x: Annotated[int, Query(ge=1)], header: Annotated[str, Depends(header)]) -> str:
        return f"{x} {header}"

    spoken = client(app)
    assert spoken.get("/accounts/7?id=9").json() == [7, "9", 1]
    assert spoken.get("/accounts/7").json() == [7, "me", 1]
    assert spoken.get("/mixed?x=3", headers={"x": "h"}).text == "3 h"
    wrong = spoken.get("/mixed?x=abc")
    assert (wrong.status_code, wrong.json()["errors"][0]["location"]) == (422, ["query", "x"])


def test_a_dependency_of_one_s_own_beats_the_type(client: MakeClient) -> None:
    """`Depends` decides, in both styles, even where the type alone would be injected."""
    app = App()
    mine = Settings(static_url="/mine/")

    def provide() -> Settings:
        return mine

    @app.get("/default")
    def default(settings: Settings = Depends(provide)) -> str:  # noqa: B008 - the style tested
        return settings.static_url

    @app.get("/annotated")
    def annotated(settings: Annotated[Settings, Depends(provide)]) -> str:
        return settings.static_url

    @app.get("/described")
    def described(settings: Annotated[Settings, "the application's"]) -> str:
        return settings.static_url

    spoken = client(app)
    assert spoken.get("/default").text == spoken.get("/annotated").text == "/mine/"
    assert spoken.get("/described").text == "/static/"


@pytest.mark.parametrize("is_async", [True, False])
def test_a_dependency_cannot_swallow_a_failure(client: MakeClient, is_async: bool) -> None:
    """What the handler raises is answered, even if a dependency catches it."""
    app = App()

    def swallowing() -> Iterator[str]:
        try:
            yield "value"
        except HTTPException:
            pass

    if is_async:

        @app.get("/")
        async def handler(value: Annotated[str, Depends(swallowing)]) -> str:
            raise HTTPException(404, "not here")
    else:

        @app.get("/")
        def handler(value: Annotated[str, Depends(swallowing)]) -> str:
            raise HTTPException(404, "not here")

    answer = client(app).get("/")
    assert (answer.status_code, answer.json()["detail"]) == (404, "not here")


def test_a_stream_keeps_its_dependencies_until_its_end(client: MakeClient) -> None:
    """What a streaming handler depends on is open while it streams, and closed once."""
    app = App()
    log: list[str] = []

    def resource() -> Iterator[list[str]]:
        log.append("open")
        yield log
        log.append("close")

    @app.get("/async")
    async def on_loop(log: Annotated[list[str], Depends(resource)]) -> AsyncIterator[str]:
        yield "a"
        yield log[-1]

    @app.get("/sync")
    def beside_it(log: Annotated[list[str], Depends(resource)]) -> Iterator[str]:
        yield "a"
        yield log[-1]

    spoken = client(app)
    for path in ("/async", "/sync"):
        log.clear()
        assert spoken.get(path).text == "aopen"
        assert log == ["open", "close"]


def test_two_functions_may_read_the_same_body(client: MakeClient) -> None:
    """The same body asked for twice is read once, and is still the whole of it."""
    app = App()

    def total(prices: dict[str, int]) -> int:
        return sum(prices.values())

    @app.post("/")
    async def handler(total: Annotated[int, Depends(total)], prices: dict[str, int]) -> list[int]:
        return [total, len(prices)]

    assert client(app).post("/", json={"a": 1, "b": 2}).json() == [3, 2]

    def other(prices: list[dict[str, int]]) -> int:
        return len(prices)

    @app.post("/clash")
    async def clash(other: Annotated[int, Depends(other)], prices: dict[str, int]) -> None: ...

    with pytest.raises(ImproperlyConfigured, match="as different types"):
        app.build()


def test_a_blocking_dependency_keeps_one_context(client: MakeClient) -> None:
    """What a blocking generator sets and resets in its context works under an `async def`."""
    app = App()

    def mark() -> Iterator[str]:
        token = marker.set("inside")
        yield marker.get()
        marker.reset(token)

    @app.get("/")
    async def handler(mark: Annotated[str, Depends(mark)]) -> list[str]:
        return [mark, marker.get()]

    spoken = client(app)
    for _ in range(2):
        assert spoken.get("/").json() == ["inside", "inside"]
    assert marker.get() == "outside"

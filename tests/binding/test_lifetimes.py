"""How long injected values live, what takes their place, and calls without a request."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

import pytest

from undercroft import App, Depends, HTTPException, Request, Settings, StreamingResponse, WebSocket
from undercroft.errors import ImproperlyConfigured
from undercroft.testing import Client

events: list[str] = []


@pytest.fixture(autouse=True)
def forget_events() -> None:
    events.clear()


class Pool:
    """Something that is costly to make."""


def read_dsn() -> str:
    return "dsn"


async def open_pool(dsn: Annotated[str, Depends(read_dsn)]) -> AsyncIterator[Pool]:
    events.append(f"open {dsn}")
    await asyncio.sleep(0.01)
    yield Pool()
    events.append("close")


Pooled = Annotated[Pool, Depends(open_pool, scope="app")]


def build_pool_app() -> App:
    app = App()

    @app.get("/async")
    async def show(pool: Pooled) -> int:
        return id(pool)

    @app.get("/plain")
    def show_plainly(pool: Pooled, app: App) -> int:
        return id(pool)

    @app.websocket("/ws")
    async def serve(socket: WebSocket, pool: Pooled) -> None:
        await socket.accept()
        await socket.send_json(id(pool))

    return app


def test_a_value_of_the_application_is_made_once(client: Callable[..., Client]) -> None:
    """All handlers, of both kinds, and calls share it, and it is cleaned up at the end."""
    app = build_pool_app()
    with Client(app, through=client(app).through) as http:
        ids = {http.get(path).json() for path in ("/async", "/plain", "/async")}
        assert len(ids) == 1
        assert events == ["open dsn"]
    assert events == ["open dsn", "close"]


def test_sockets_and_calls_share_the_container() -> None:
    """A WebSocket, a command and a request are given the same value."""
    app = build_pool_app()

    async def count(pool: Pooled, factor: int) -> int:
        return id(pool) * factor

    def count_plainly(pool: Pooled) -> int:
        return id(pool)

    with Client(app) as http:
        with http.websocket_connect("/ws") as socket:
            found = socket.receive_json()
        assert http.get("/async").json() == found
        assert app.call(count, factor=2) == 2 * found
        assert app.call(count_plainly) == found
    assert events == ["open dsn", "close"]


def test_those_who_come_together_wait_for_one() -> None:
    """Concurrent first uses make one value."""
    app = build_pool_app()

    async def find(pool: Pooled) -> Pool:
        return pool

    async def find_all() -> set[int]:
        found = await asyncio.gather(*(app.acall(find) for _ in range(20)))
        await app.shutdown()
        return set(map(id, found))

    assert len(asyncio.run(find_all())) == 1
    assert events == ["open dsn", "close"]


def test_a_value_that_cannot_be_made_is_tried_again() -> None:
    """A failure is nobody's value: the next request makes it anew."""
    tries: list[int] = []

    async def connect() -> str:
        tries.append(1)
        if len(tries) == 1:
            raise HTTPException(503, "Not yet.")
        return "connected"

    app = App()

    @app.get("/")
    async def show(connection: Annotated[str, Depends(connect, scope="app")]) -> str:
        return connection

    with Client(app) as http:
        assert http.get("/").status_code == 503
        assert http.get("/").text == "connected"


async def open_for_handler() -> AsyncIterator[str]:
    yield "short"
    events.append("handler over")


def open_for_request() -> Iterator[str]:
    try:
        yield "long"
    except ZeroDivisionError:
        events.append("seen")
        raise
    finally:
        events.append("request over")


def test_request_and_handler_end_in_their_order(client: Callable[..., Client]) -> None:
    """A handler's value ends when it has returned, a request's when the answer has been sent."""
    app = App()

    @app.get("/")
    async def show(
        short: Annotated[str, Depends(open_for_handler, scope="function")],
        long: Annotated[str, Depends(open_for_request, scope="request")],
    ) -> StreamingResponse:
        async def stream() -> AsyncIterator[bytes]:
            events.append("stream")
            yield f"{short} {long}".encode()

        return StreamingResponse(stream())

    @app.get("/fails")
    async def fail(long: Annotated[str, Depends(open_for_request, scope="request")]) -> str:
        raise ZeroDivisionError

    http = client(app)
    assert http.get("/").text == "short long"
    assert events == ["handler over", "stream", "request over"]
    events.clear()
    assert http.get("/fails").status_code == 500
    assert events == ["seen", "request over"]


def test_what_a_longer_life_needs_lives_as_long() -> None:
    """A generator about which nothing is said lives as long as who needs it longest."""
    app = App()

    def inner() -> Iterator[str]:
        yield "inner"
        events.append("inner over")

    def outer(value: Annotated[str, Depends(inner)]) -> str:
        return value

    @app.get("/")
    async def show(
        one: Annotated[str, Depends(inner)],
        two: Annotated[str, Depends(outer, scope="request")],
        short: Annotated[str, Depends(open_for_handler)],
    ) -> str:
        return one + two + short

    with Client(app) as http:
        assert http.get("/").text == "innerinnershort"
    assert events == ["handler over", "inner over"]


def read_host(request: Request) -> str:
    return request.host


def keep_host(host: Annotated[str, Depends(read_host)]) -> str:
    return host


def keep_query(q: str) -> str:
    return q


def keep_short(short: Annotated[str, Depends(open_for_handler, scope="handler")]) -> str:
    return short


@pytest.mark.parametrize(
    "function,lifetime,named",
    [
        (keep_host, "app", ["read_host", "'request'"]),
        (keep_query, "app", ["keep_query", "'q' of the query"]),
        (keep_short, "app", ["keep_short", "open_for_handler"]),
        (keep_short, "request", ["keep_short", "open_for_handler"]),
        (read_dsn, "week", ["'week'"]),
    ],
)
def test_a_life_longer_than_what_it_needs_is_an_error_at_start(
    function: Any, lifetime: Any, named: list[str]
) -> None:
    """What the application keeps cannot need a request, nor a request's what ends before it."""
    app = App()

    @app.get("/")
    async def show(value: Annotated[str, Depends(function, scope=lifetime)]) -> str:
        return value

    with pytest.raises(ImproperlyConfigured) as caught:
        app.build()
    assert caught.value.code == "binding.lifetime"
    assert all(name in str(caught.value) for name in named)


def test_overrides_count_at_once(client: Callable[..., Client]) -> None:
    """A substitute, with a signature of its own, takes the place until it is taken away."""
    app = build_pool_app()

    def read_user(name: str) -> str:
        return name

    @app.get("/user")
    def show(user: Annotated[str, Depends(read_user)], settings: Settings) -> list[Any]:
        return [user, settings.debug]

    http = client(app)
    assert http.get("/user").status_code == 422
    app.dependency_overrides[read_user] = lambda: "tester"
    app.dependency_overrides[Settings] = lambda: Settings(debug=True)
    assert http.get("/user").json() == ["tester", True]
    first = http.get("/async").json()
    app.dependency_overrides = {read_dsn: lambda: "test dsn"}
    assert http.get("/user?name=Ada").json() == ["Ada", False]
    assert http.get("/async").json() != first
    app.dependency_overrides.clear()
    assert http.get("/async").json() == first
    assert events == ["open dsn", "open test dsn"]


def test_a_call_without_a_request_says_what_it_misses() -> None:
    """What is read from a request must be given by name; request-long values end with the call."""
    app = App()

    async def greet(
        name: str,
        host: Annotated[str, Depends(open_for_request, scope="request")],
        punctuation: str = "!",
    ) -> str:
        events.append("greet")
        return f"{name} {host}{punctuation}"

    assert app.call(greet, name="Ada") == "Ada long!"
    assert events == ["greet", "request over"]
    for function in (greet, keep_host):
        with pytest.raises(ImproperlyConfigured) as caught:
            app.call(function)
        assert caught.value.code == "binding.no-request"


def test_concurrent_requests_share_nothing_but_the_application() -> None:
    """Request-long values of requests that overlap are each one's own."""
    app = App()
    seen: list[int] = []

    async def own() -> AsyncIterator[list[str]]:
        mine: list[str] = []
        yield mine
        seen.append(len(mine))

    @app.get("/{word}")
    async def show(word: str, mine: Annotated[list[str], Depends(own, scope="request")]) -> str:
        mine.append(word)
        await asyncio.sleep(0.01)
        return "".join(mine)

    async def ask(word: str) -> bytes:
        request = Request("GET", f"/{word}")
        answer = await app.handle(request)
        await request.end()
        return answer.body

    async def ask_all() -> list[bytes]:
        return await asyncio.gather(*(ask(str(number)) for number in range(20)))

    assert asyncio.run(ask_all()) == [str(number).encode() for number in range(20)]
    assert seen == [1] * 20

"""Arguments: where each value of a signature comes from, and what wrong ones answer."""

import datetime as dt
import enum
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial, wraps
from typing import Annotated, Any, NewType

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypeAliasType, TypedDict

from undercroft import App, Body, Cookie, Header, Path, Query, Request, Settings
from undercroft.errors import ImproperlyConfigured
from undercroft.testing.client import Client

MakeClient = Callable[[App], Client]


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Line(BaseModel):
    sku: str
    quantity: Annotated[int, Field(ge=1)] = 1


class Order(BaseModel):
    customer: str
    lines: list[Line]


@dataclass
class Point:
    x: int
    y: int = 0


class Pair(TypedDict):
    left: int
    right: str


def test_scalars_of_every_kind_are_converted(client: MakeClient) -> None:
    """Path and query values become what the annotation says."""
    app = App()

    @app.get("/{number}/{key}")
    async def handler(  # noqa: PLR0917 - one of each kind
        number: int,
        key: uuid.UUID,
        when: dt.datetime,
        day: dt.date,
        price: Decimal,
        colour: Colour,
        ratio: float | None = None,
        flag: bool = False,
    ) -> dict[str, Any]:
        values = [number, key, when, day, price, colour, ratio, flag]
        return {"types": [type(value).__name__ for value in values]}

    answer = client(app).get(
        "/7/12345678-1234-5678-1234-567812345678",
        params={"when": "2026-01-02T03:04:05Z", "day": "2026-01-02", "price": "1.50",
                "colour": "red", "flag": "yes"},
    )  # fmt: skip
    kinds = ["int", "UUID", "datetime", "date", "Decimal", "Colour", "NoneType", "bool"]
    assert answer.json() == {"types": kinds}


def test_lists_take_every_value_of_a_name(client: MakeClient) -> None:
    """A list gathers repeated names; without any it is its default, fresh each time."""
    app = App()

    @app.get("/")
    async def handler(
        tags: Annotated[list[str], Query()] = [],  # noqa: B006 - what this test is about
        sizes: Annotated[set[int] | None, Query(alias="size")] = None,
    ) -> dict[str, Any]:
        tags.append("added")
        return {"tags": tags, "sizes": sorted(sizes or ())}

    spoken = client(app)
    assert spoken.get("/?tags=a&tags=b&size=2&size=1").json() == {
        "tags": ["a", "b", "added"],
        "sizes": [1, 2],
    }
    for _ in range(2):
        assert spoken.get("/").json() == {"tags": ["added"], "sizes": []}


def test_headers_and_cookies_are_read(client: MakeClient) -> None:
    """A header's name has dashes for underscores, and both kinds can be renamed."""
    app = App()

    @app.get("/")
    def handler(
        user_agent: Annotated[str, Header()],
        token: Annotated[str, Header(alias="X-Token")],
        theme: str = Cookie("light"),
        seen: Annotated[int, Cookie(alias="visits")] = 0,
    ) -> list[Any]:
        return [user_agent, token, theme, seen]

    headers = {"user-agent": "probe", "x-token": "t", "cookie": "visits=3"}
    assert client(app).get("/", headers=headers).json() == ["probe", "t", "light", 3]


@pytest.mark.parametrize(
    "annotation, body, expected",
    [
        (Order, {"customer": "Ada", "lines": [{"sku": "a"}]},
         {"customer": "Ada", "lines": [{"sku": "a", "quantity": 1}]}),
        (Point, {"x": 1}, {"x": 1, "y": 0}),
        (Pair, {"left": 1, "right": "r"}, {"left": 1, "right": "r"}),
        (dict[str, int], {"a": 1}, {"a": 1}),
        (list[Point], [{"x": 1, "y": 2}], [{"x": 1, "y": 2}]),
        (Order | None, {"customer": "Ada", "lines": []}, {"customer": "Ada", "lines": []}),
    ],
)  # fmt: skip
def test_structured_types_are_the_body(
    client: MakeClient, annotation: Any, body: Any, expected: Any
) -> None:
    """Pydantic models, dataclasses, TypedDicts, dicts and lists of them are read as JSON."""
    app = App()

    async def handler(value: Any) -> Any:
        return value

    handler.__annotations__ = {"value": annotation, "return": annotation}
    app.post("/")(handler)
    answer = client(app).post("/", json=body)
    assert (answer.status_code, answer.json()) == (200, expected)


def test_several_body_arguments_are_members_of_one_object(client: MakeClient) -> None:
    """Two body arguments, or one that is embedded, are read from an object."""
    app = App()

    @app.put("/two")
    async def two(point: Point, note: Annotated[str, Body(max_length=3)] = "-") -> dict[str, Any]:
        return {"x": point.x, "note": note}

    @app.put("/one")
    async def one(point: Annotated[Point, Body(embed=True)]) -> int:
        return point.x

    spoken = client(app)
    assert spoken.put("/two", json={"point": {"x": 4}}).json() == {"x": 4, "note": "-"}
    assert spoken.put("/one", json={"point": {"x": 5}}).json() == 5
    wrong = spoken.put("/two", json={"point": {"x": "?"}, "note": "long"}).json()["errors"]
    assert [error["location"] for error in wrong] == [["body", "point", "x"], ["body", "note"]]


def test_everything_wrong_is_told_at_once(client: MakeClient) -> None:
    """A problem lists each mistake with its place, from every part of the request."""
    app = App()

    @app.post("/{id}")
    async def handler(
        id: Annotated[int, Path(ge=1)],
        order: Order,
        limit: Annotated[int, Query(ge=1, le=100)],
        x_token: Annotated[str, Header()],
    ) -> None: ...

    answer = client(app).post("/0?limit=500", json={"lines": [{"quantity": 0}]})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "request.invalid"
    assert [error["location"] for error in problem["errors"]] == [
        ["path", "id"],
        ["query", "limit"],
        ["header", "x-token"],
        ["body", "customer"],
        ["body", "lines", 0, "sku"],
        ["body", "lines", 0, "quantity"],
    ]
    assert problem["errors"][1]["value"] == "500"
    assert "less than or equal to 100" in problem["errors"][1]["message"]


@pytest.mark.parametrize(
    "body", [b'{"a": ', b"nonsense", b'{"a": 1} x', b"\xff\xfe", b'{"a": NaN}']
)
def test_malformed_json_is_a_bad_request(client: MakeClient, body: bytes) -> None:
    """A body that is not JSON answers 400 and names the place, with the handler not called."""
    app = App()

    @app.post("/")
    async def handler(value: dict[str, int]) -> None:
        raise AssertionError("must not be called")

    answer = client(app).post("/", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["code"] == "http.malformed-json"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None, "x"])
def test_json_must_be_declared_as_json(client: MakeClient, kind: str | None) -> None:
    """A body declared as something a web page can send unasked is refused: forged requests."""
    app = App()

    @app.post("/")
    async def handler(value: dict[str, int]) -> None: ...

    headers = {"content-type": kind} if kind else {}
    answer = client(app).post("/", content=b'{"a": 1}', headers=headers)
    assert answer.status_code == 415
    assert "application/json" in answer.json()["hint"]
    good = {"content-type": "application/vnd.api+json; charset=utf-8"}
    assert client(app).post("/", content=b'{"a": 1}', headers=good).status_code == 204


def test_an_empty_body_is_told_apart(client: MakeClient) -> None:
    """No body is 400 where one is required, and the default where it is not."""
    app = App()

    @app.post("/required")
    async def required(value: Point) -> None: ...

    @app.post("/optional")
    async def optional(value: Point | None = None) -> bool:
        return value is None

    spoken = client(app)
    assert spoken.post("/required").json()["code"] == "http.empty-body"
    assert spoken.post("/optional").json() is True


def test_huge_and_strange_numbers_are_refused_cheaply(client: MakeClient) -> None:
    """Endless digits, infinities and exponents answer 422, never a failure."""
    app = App(Settings(max_url_length=100_000))

    @app.get("/")
    async def handler(n: int = 0, d: Decimal = Decimal(0)) -> str:
        return "ok"

    spoken = client(app)
    for query in ("n=" + "9" * 50_000, "n=inf", "n=1e1000000", "d=nan", "d=Infinity", "n=%D9%A3x"):
        assert spoken.get(f"/?{query}").status_code == 422, query[:20]


def test_a_body_that_is_wrong_throughout_is_answered_shortly(client: MakeClient) -> None:
    """A thousand mistakes are listed, more are counted, and a member's long name is cut."""
    app = App()

    @app.post("/numbers")
    def add(numbers: Annotated[dict[str, list[int]], Body()]) -> int:
        return len(numbers)

    speaking = client(app)
    for count, listed in ((1000, 1000), (200_000, 1)):
        answer = speaking.post("/numbers", json={"a": ["x"] * count})
        assert (answer.status_code, len(answer.json()["errors"])) == (422, listed)
    assert answer.json()["errors"] == [
        {
            "location": ["body"],
            "message": "200,000 values are not as expected, too many to be listed",
            "code": "too_many_mistakes",
        }
    ]
    answer = speaking.post("/numbers", json={"a" * 1_000_000: ["x"]})
    assert (answer.status_code, len(answer.content) < 1000) == (422, True)


def test_the_request_itself_is_given_by_type_or_name(client: MakeClient) -> None:
    """`request: Request` and a bare `request`, as Django's views have it, are the request."""
    app = App()

    @app.get("/typed/{id}")
    def typed(here: Request, id: int) -> str:
        return f"{here.method} {here.path} {id}"

    @app.get("/bare/{id}")
    def bare(request, id):  # type: ignore[no-untyped-def]
        return f"{request.url} {id}"

    spoken = client(app)
    assert spoken.get("/typed/3").text == "GET /typed/3 3"
    assert spoken.get("/bare/x?q=1").text == "http://localhost/bare/x?q=1 x"


def test_a_signature_that_cannot_be_bound_is_refused_at_start() -> None:
    """Each mistake in a signature names the function, its file and the repair."""

    async def positional(value: int, /) -> None: ...

    async def misplaced(value: Annotated[int, Path()]) -> None: ...

    async def strange(value: threading.Event) -> None: ...

    async def unknown(value: "Missing") -> None: ...  # type: ignore[name-defined]  # noqa: F821

    for handler, expected in [
        (positional, "positional-only"),
        (misplaced, "its route captures none"),
        (strange, "cannot be validated"),
        (unknown, "'Missing', which is not defined"),
    ]:
        app = App()
        app.get("/")(handler)
        with pytest.raises(ImproperlyConfigured, match=expected) as caught:
            app.build()
        assert "test_arguments.py" in str(caught.value) + "".join(caught.value.__notes__)


def test_a_mutable_default_belongs_to_one_request(client: MakeClient) -> None:
    """What a handler changes in its default is not there for the next request."""
    app = App()

    class Basket(BaseModel):
        items: list[str] = []

    @app.post("/")
    async def handler(basket: Basket = Basket()) -> list[str]:  # noqa: B008 - what this is about
        basket.items.append("x")
        return basket.items

    spoken = client(app)
    assert [spoken.post("/").json() for _ in range(2)] == [["x"], ["x"]]


def test_aliases_of_types_are_read_through(client: MakeClient) -> None:
    """A `type` statement or NewType means what it stands for, its marker included."""
    app = App()
    limit = TypeAliasType("limit", Annotated[int, Query(ge=1, le=10)])
    token = TypeAliasType("token", Annotated[str, Header(alias="x-token")])
    point = TypeAliasType("point", Point)
    number = NewType("number", int)

    async def handler(limit: Any, token: Any, point: Any, n: Any = 0) -> list[Any]:
        return [limit, token, point.x, n]

    handler.__annotations__ |= {"limit": limit, "token": token, "point": point, "n": number}
    app.post("/")(handler)
    spoken = client(app)
    headers = {"x-token": "t"}
    good = spoken.post("/?limit=3&token=forged&n=4", json={"x": 5}, headers=headers)
    assert good.json() == [3, "t", 5, 4]
    assert spoken.post("/?limit=99", json={"x": 5}, headers=headers).status_code == 422


def test_markers_that_would_be_ignored_are_refused() -> None:
    """A marker inside a union, and a second one, are mistakes found at start."""

    async def union(n: Annotated[int, Query(ge=1)] | None = None) -> None: ...

    async def double(n: Annotated[int, Query(ge=1)] = Query(5)) -> None: ...

    for handler, expected in [(union, "inside a union"), (double, "has 2 markers")]:
        app = App()
        app.get("/")(handler)
        with pytest.raises(ImproperlyConfigured, match=expected):
            app.build()


@pytest.mark.parametrize("is_async", [True, False])
def test_a_partial_keeps_what_it_has_bound(client: MakeClient, is_async: bool) -> None:
    """Types are checked behind a partial, and nobody else sets what it has filled in."""
    app = App()

    def plain(n: int, admin: bool = False) -> dict[str, Any]:
        return {"n": n, "admin": admin}

    async def waiting(n: int, admin: bool = False) -> dict[str, Any]:
        return plain(n, admin)

    app.add_route("/", partial(waiting if is_async else plain, admin=False), methods=["GET"])
    spoken = client(app)
    assert spoken.get("/?n=1&admin=yes").json() == {"n": 1, "admin": False}
    assert spoken.get("/?n=x").status_code == 422


def test_wrappers_of_either_kind_are_called_rightly(client: MakeClient) -> None:
    """A decorated handler is called as its wrapper is written, bound as what it wraps."""
    app = App()

    def waiting(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapper

    def handing_on(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapper

    @app.get("/waiting")
    @waiting
    def blocking(n: int) -> int:
        return n

    @app.get("/handing-on")
    @handing_on
    async def on_loop(n: int) -> int:
        return n

    spoken = client(app)
    for path in ("/waiting", "/handing-on"):
        assert spoken.get(f"{path}?n=3").json() == 3
        assert spoken.get(f"{path}?n=x").status_code == 422


def test_a_captured_value_that_nobody_takes_is_refused() -> None:
    """A handler whose argument is called otherwise than the path's is a mistake found at start."""
    app = App()

    @app.get("/{user_id}")
    async def handler(user: str) -> str:
        return user

    with pytest.raises(ImproperlyConfigured, match=r"does not take 'user_id'.*'user'"):
        app.build()

    fine = App()

    @fine.get("/{user_id}")
    async def takes_request(request: Request) -> str:
        return str(request.path_params["user_id"])

    fine.build()

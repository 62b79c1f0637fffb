"""Response models: what is declared leaves, nothing else, by the return type or by the route."""

from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel, Field

from undercroft import (
    App,
    EventSourceResponse,
    HTMLResponse,
    RedirectResponse,
    View,
    path,
)
from undercroft.errors import ImproperlyConfigured
from undercroft.testing.client import Client

Made = Callable[[App], Client]


class User(BaseModel):
    name: str
    nick: str | None = None
    age: int = Field(default=18, alias="Age", validation_alias="age")


class StoredUser(User):
    password: str = "secret"


@dataclass
class Row:
    name: str
    password: str = "secret"


def test_what_is_not_declared_never_leaves(client: Made) -> None:
    """Subclasses, other classes, dicts and lists of them are cut to the model's fields."""
    app = App()
    values: dict[str, Any] = {
        "subclass": StoredUser(name="Ada"),
        "row": Row("Ada"),
        "dict": {"name": "Ada", "password": "secret"},
    }

    @app.get("/declared/{kind}")
    def declared(kind: str) -> User:
        value: User = values[kind]
        return value

    @app.get("/list")
    async def declared_list() -> list[User]:
        return list(values.values())

    @app.get("/model", response_model=User)
    def by_option() -> Any:
        return values["row"]

    @app.get("/undeclared", response_model=None)
    def undeclared() -> User:
        return {"any": "thing"}  # type: ignore[return-value]

    caller = client(app)
    expected = {"name": "Ada", "nick": None, "Age": 18}
    for kind in values:
        assert caller.get(f"/declared/{kind}").json() == expected
    assert caller.get("/list").json() == [expected] * 3
    assert caller.get("/model").json() == expected
    assert caller.get("/undeclared").json() == {"any": "thing"}
    paths = caller.get("/openapi.json").json()["paths"]
    for address in ("/model", "/declared/{kind}"):
        content = paths[address]["get"]["responses"]["200"]["content"]
        assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/User"}


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"exclude_none": True}, {"name": "Ada", "Age": 18}),
        ({"exclude_unset": True}, {"name": "Ada"}),
        ({"exclude_defaults": True}, {"name": "Ada"}),
        ({"include": {"name"}}, {"name": "Ada"}),
        ({"exclude": {"name", "age"}}, {"nick": None}),
        ({"by_alias": False}, {"name": "Ada", "nick": None, "age": 18}),
    ],
)
def test_a_route_says_which_fields_leave(
    client: Made, options: dict[str, Any], expected: dict[str, Any]
) -> None:
    """FastAPI's options hold for one model, for each of a list, and for views."""
    named: Any = {f"response_model_{name}": value for name, value in options.items()}

    class Users(View):
        def get(self) -> User:
            return User(name="Ada")

    app = App(routes=[path("view", Users.as_view(), **named)])
    app.get("/one", **named)(show_one)
    app.get("/all", **named)(show_all)
    caller = client(app)
    assert caller.get("/one").json() == expected
    assert caller.get("/all").json() == [expected, expected]
    assert caller.get("/view").json() == expected


def show_one() -> User:
    return User(name="Ada")


async def show_all() -> list[User]:
    return [User(name="Ada"), StoredUser(name="Ada")]


def test_a_response_class_makes_the_answer(client: Made) -> None:
    """Pages, redirects and events are made of plain values, and described as what they are."""
    app = App()

    @app.get("/page", response_class=HTMLResponse, status_code=201)
    def page() -> str:
        return "<p>Hello</p>"

    @app.get("/old", response_class=RedirectResponse)
    async def old() -> str:
        return "/new"

    @app.get("/events", response_class=EventSourceResponse)
    async def events() -> AsyncIterable[User]:
        yield StoredUser(name="Ada")

    caller = client(app)
    answer = caller.get("/page")
    assert (answer.status_code, answer.text) == (201, "<p>Hello</p>")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert caller.get("/old").status_code == 307
    assert caller.get("/events").text == 'data: {"name":"Ada","nick":null,"Age":18}\n\n'


def test_fields_can_only_be_chosen_where_they_are_declared() -> None:
    """Options that would do nothing are an error at start that names handler and options."""
    app = App()
    app.get("/", response_model_exclude_none=True)(lambda: {"a": None})
    with pytest.raises(ImproperlyConfigured, match="response_model_exclude_none"):
        app.build()

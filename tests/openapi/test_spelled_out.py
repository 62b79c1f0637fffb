"""What routes and parameters tell OpenAPI themselves, and bodies and names of every kind."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Generic, TypeVar

import pytest
from pydantic import BaseModel, Field, computed_field

from tests.openapi.test_document import describe
from undercroft import (
    App,
    Body,
    Header,
    OpenAPIOptions,
    Query,
    Response,
    Router,
    Settings,
    host,
    path,
)
from undercroft.routing.route import Route

T = TypeVar("T")


class Item(BaseModel):
    name: str
    price: Annotated[float, Field(examples=[9.5])] = 1.0


@pytest.fixture
def app() -> App:
    """An application without routes."""
    return App(Settings())


def test_bytes_are_described_by_their_media_type(app: App) -> None:
    """A raw body or stream has no schema; JSON of another name keeps its own."""

    @app.post("/raw")
    def raw(data: Annotated[bytes, Body(description="Anything")]) -> str: ...

    @app.post("/stream")
    async def stream(pieces: Annotated[AsyncIterator[bytes], Body(media_type="text/csv")]) -> str:
        return ""

    @app.post("/json")
    def merge(item: Annotated[Item, Body(media_type="application/merge-patch+json")]) -> str: ...

    paths = describe(app)["paths"]
    assert paths["/raw"]["post"]["requestBody"] == {
        "description": "Anything",
        "content": {"application/octet-stream": {}},
        "required": True,
    }
    assert list(paths["/stream"]["post"]["requestBody"]["content"]) == ["text/csv"]
    assert "415" in paths["/stream"]["post"]["responses"]
    assert "415" not in paths["/raw"]["post"]["responses"]
    content = paths["/json"]["post"]["requestBody"]["content"]
    assert content["application/merge-patch+json"]["schema"]["$ref"].endswith("/Item")


def test_examples_stand_where_they_were_written(app: App) -> None:
    """Of fields, parameters and bodies; `openapi_examples` are named, with words beside them."""
    named = {"cheap": {"summary": "A cheap one", "value": {"name": "Pen", "price": 1}}}

    @app.post("/items")
    def add(
        item: Annotated[Item, Body(openapi_examples=named, examples=[{"name": "Cup"}])],
        q: Annotated[str, Query(examples=["tea"], openapi_examples={"tea": {"value": "tea"}})],
    ) -> Item: ...

    document = describe(app)
    operation = document["paths"]["/items"]["post"]
    content = operation["requestBody"]["content"]["application/json"]
    assert content["examples"] == named
    assert content["schema"]["examples"] == [{"name": "Cup"}]
    (parameter,) = operation["parameters"]
    assert parameter["schema"]["examples"] == ["tea"]
    assert parameter["examples"] == {"tea": {"value": "tea"}}
    assert document["components"]["schemas"]["Item"]["properties"]["price"]["examples"] == [9.5]


def test_parameters_may_be_hidden_or_deprecated(app: App) -> None:
    """`include_in_schema=False` hides one that is still read; a group's members count, too."""

    class Filters(BaseModel):
        old: Annotated[int | None, Field(deprecated=True)] = None

    @app.get("/x")
    def show(
        filters: Annotated[Filters, Query()],
        secret: Annotated[str, Query(include_in_schema=False)] = "",
        late: Annotated[int, Header(deprecated=True)] = 0,
    ) -> str: ...

    parameters = describe(app)["paths"]["/x"]["get"]["parameters"]
    assert [(each["name"], each.get("deprecated")) for each in parameters] == [
        ("old", True),
        ("late", True),
    ]


def test_a_route_has_the_last_word(app: App) -> None:
    """Id, summary, description and more are told by options; `openapi_extra` goes over all."""

    @app.get(
        "/x",
        operation_id="fetchX",
        summary="Fetch",
        description="*All* of it",
        response_description="It",
        deprecated=True,
        openapi_extra={
            "externalDocs": {"url": "https://example.org"},
            "parameters": [{"name": "X-More", "in": "header", "schema": {"type": "string"}}],
            "x-own": 1,
        },
    )
    def show(q: str = "") -> Item: ...

    operation = describe(app)["paths"]["/x"]["get"]
    assert operation["operationId"] == "fetchX"
    assert operation["summary"] == "Fetch"
    assert operation["description"] == "*All* of it"
    assert operation["deprecated"] is True
    assert operation["responses"]["200"]["description"] == "It"
    assert [each["name"] for each in operation["parameters"]] == ["q", "X-More"]
    assert (operation["x-own"], operation["externalDocs"]["url"]) == (1, "https://example.org")


def test_what_is_told_of_the_good_answer_is_put_over_it(app: App) -> None:
    """Headers and further media types stand beside the declared type."""

    @app.get(
        "/x",
        responses={
            200: {
                "headers": {"X-Total": {"schema": {"type": "integer"}}},
                "content": {"image/png": {}},
            }
        },
    )
    def show() -> Item: ...

    answer = describe(app)["paths"]["/x"]["get"]["responses"]["200"]
    assert answer["headers"]["X-Total"]["schema"] == {"type": "integer"}
    assert set(answer["content"]) == {"application/json", "image/png"}
    assert answer["content"]["application/json"]["schema"]["$ref"].endswith("/Item")
    assert answer["description"] == "OK"


def test_a_docstring_ends_at_a_form_feed(app: App) -> None:
    """What stands after it is for the readers of the code."""

    @app.get("/x")
    def show() -> str:
        return ""

    show.__doc__ = "Show it.\n\nTo everybody.\n\f\nThe cache is warm by then."

    operation = describe(app)["paths"]["/x"]["get"]
    assert (operation["summary"], operation["description"]) == ("Show it.", "To everybody.")


def test_webhooks_are_described_and_not_served(app: App) -> None:
    """What is sent to others is declared like a route, by a name."""

    @app.webhooks.post("new-item", tags=["hooks"])
    def new_item(item: Item) -> None:
        """Tell of a new item."""

    document = describe(app)
    hook = document["webhooks"]["new-item"]["post"]
    assert hook["summary"] == "Tell of a new item."
    assert hook["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/Item")
    assert document["paths"] == {}
    assert document["tags"] == [{"name": "hooks"}]


def test_ids_may_be_generated() -> None:
    """One's own function names the operations whose routes do not; they stay unique."""

    def name(route: Route) -> str:
        return f"{route.options.get('tags', ['app'])[0]}-{route.handler.__name__}"

    app = App(Settings(), openapi=OpenAPIOptions(generate_unique_id_function=name))

    @app.route("/x", methods=["GET", "PUT"], tags=["items"])
    def show() -> str: ...

    @app.get("/y", operation_id="mine")
    def other() -> str: ...

    paths = describe(app)["paths"]
    assert {each["operationId"] for each in paths["/x"].values()} == {
        "items-show_get",
        "items-show_put",
    }
    assert paths["/y"]["get"]["operationId"] == "mine"


def test_a_route_of_one_host_says_so(app: App) -> None:
    """Its host's parameters are no parameters of the operation."""

    def show(tenant: str) -> str: ...

    app.include([host("{tenant}.example.org", [path("x", show, methods=["GET"])])])
    operation = describe(app)["paths"]["/x"]["get"]
    assert "parameters" not in operation
    assert operation["description"] == "Answers at the host `{tenant}.example.org`."


def test_websockets_are_left_out(app: App) -> None:
    """OpenAPI has no words for them."""
    from undercroft import WebSocket

    @app.websocket("/ws")
    async def talk(socket: WebSocket) -> None: ...

    assert describe(app)["paths"] == {}


class Page(BaseModel, Generic[T]):
    items: list[T]


class Node(BaseModel):
    children: list["Node"] = []


class Shown(BaseModel):
    id: int = 0

    @computed_field
    @property
    def url(self) -> str:
        return f"/{self.id}"


class Branch(BaseModel):
    leaf: Shown
    branches: list["Branch"] = []


def make_namesake(module: str) -> type[BaseModel]:
    """Make a model called `Item`, as another module may have one."""
    return type("Item", (BaseModel,), {"__module__": module, "__annotations__": {"size": int}})


def list_schemas(order: int) -> list[str]:
    """Name the schemas of an application whose routes are declared in some order."""
    other: Any = make_namesake("shop.models")

    def one() -> Page[Item]: ...
    def two(node: Node) -> Node: ...
    def three(shown: Shown) -> Shown: ...
    def four() -> Any: ...
    def five(branch: Branch) -> Branch: ...

    four.__annotations__["return"] = other
    handlers = [one, two, three, four, five]
    app = App(Settings())
    router = Router()
    for handler in handlers[order:] + handlers[:order]:
        router.post(f"/{handler.__name__}")(handler)
    app.include(router)
    return list(describe(app)["components"]["schemas"])


def test_schema_names_are_stable() -> None:
    """Namesakes, generics, recursion, input and output have names that no order changes."""
    names = list_schemas(0)
    assert [name for name in names if "Problem" not in name and name != "Mistake"] == [
        "Branch-Input",
        "Branch-Output",
        "Node",
        "Page_Item_",
        "Shown-Input",
        "Shown-Output",
        "shop__models__Item",
        "tests__openapi__test_spelled_out__Item",
    ]
    assert all(list_schemas(order) == names for order in range(1, 5))


def test_file_and_plain_responses_keep_their_types(app: App) -> None:
    """A declared `Response` has no schema, and one spelled out beside it stays."""

    @app.get("/x", responses={200: {"content": {"image/gif": {}}}})
    def show() -> Response: ...

    assert describe(app)["paths"]["/x"]["get"]["responses"]["200"]["content"] == {"image/gif": {}}

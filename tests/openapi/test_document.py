"""The OpenAPI document: valid, complete, named well."""

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import pytest
from markupsafe import Markup
from openapi_spec_validator import validate
from pydantic import BaseModel

from undercroft import (
    App,
    Body,
    Cookie,
    FileResponse,
    Header,
    HTMLResponse,
    OpenAPIOptions,
    Path,
    Query,
    RedirectResponse,
    Request,
    Response,
    Router,
    ServerSentEvent,
    Settings,
    View,
    path,
    re_path,
)
from undercroft.concurrency import drive
from undercroft.errors import Conflict, ImproperlyConfigured, NotFound


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Line(BaseModel):
    sku: str
    price: Decimal


class Order(BaseModel):
    lines: list[Line]
    note: str | None = None


@dataclass
class Receipt:
    total: float


@pytest.fixture
def app() -> App:
    """An application with a handler of every kind."""
    return App(Settings(), openapi=OpenAPIOptions(title="Shop", version="2", description="*Hi*"))


def describe(app: App, root_path: str = "") -> dict[str, Any]:
    """Fetch the document, and require that it is valid."""
    request = Request("GET", "/openapi.json", b"", [(b"host", b"localhost")])
    request.root_path = root_path
    response = drive(app.handle(request))
    assert response.status_code == 200
    from undercroft.http.json import load_json

    document: dict[str, Any] = load_json(response.body)
    validate(document)
    return document


def get_parameters(operation: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(each["in"], each["name"]): each for each in operation.get("parameters", [])}


def get_content(paths: dict[str, Any], address: str, status: str = "200") -> Any:
    return paths[address]["get"]["responses"][status].get("content")


def test_the_document_says_what_it_describes(app: App) -> None:
    """Version, title and description come from the options."""
    document = describe(app)
    assert document["openapi"] == "3.1.1"
    assert document["info"] == {"title": "Shop", "version": "2", "description": "*Hi*"}
    assert document["paths"] == {}


def test_parameters_are_described(app: App) -> None:
    """Place, type, constraints, default, description, examples and deprecation all show."""

    @app.get("/items/{id:int}/{key:uuid}/{rest:path}")
    def item(
        *,
        id: int,
        key: UUID,
        rest: str,
        q: Annotated[str, Query(max_length=50, description="Words.", examples=["ink"])],
        colours: Annotated[list[Colour], Query(deprecated=True)] = [Colour.RED],  # noqa: B006 - never changed
        day: date | None = None,
        user_agent: Annotated[str, Header()] = "",
        session: Annotated[str | None, Cookie(alias="sid")] = None,
    ) -> None:
        """Show an item."""

    operation = describe(app)["paths"]["/items/{id}/{key}/{rest}"]["get"]
    found = get_parameters(operation)
    assert found["path", "id"]["schema"] == {
        "type": "integer",
        "minimum": 0,
    }
    assert found["path", "key"]["schema"]["format"] == "uuid"
    assert found["path", "rest"]["required"] is True
    assert found["query", "q"]["required"] is True
    assert found["query", "q"]["description"] == "Words."
    assert found["query", "q"]["schema"]["maxLength"] == 50
    assert found["query", "q"]["schema"]["examples"] == ["ink"]
    assert found["query", "colours"]["deprecated"] is True
    assert found["query", "colours"]["schema"]["default"] == ["red"]
    assert found["query", "colours"]["required"] is False
    assert "default" not in found["query", "day"]["schema"]
    assert found["header", "user-agent"]["schema"]["default"] == ""
    assert ("cookie", "sid") in found


def test_bodies_are_described(app: App) -> None:
    """One body argument is the body; several, or an embedded one, are its members."""

    @app.post("/orders")
    def order(order: Order) -> None: ...

    @app.post("/both")
    def both(order: Order, count: Annotated[int, Body(ge=1)] = 1) -> None: ...

    @app.post("/optional")
    def optional(order: Order | None = None) -> None: ...

    paths = describe(app)["paths"]
    whole = paths["/orders"]["post"]["requestBody"]
    assert whole["required"] is True
    assert whole["content"]["application/json"]["schema"]["$ref"].endswith("/Order")
    members = paths["/both"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert members["required"] == ["order"]
    assert members["properties"]["count"] == {"type": "integer", "minimum": 1, "default": 1}
    assert paths["/optional"]["post"]["requestBody"]["required"] is False


def test_answers_are_described_by_their_return_type(app: App) -> None:
    """JSON, text, nothing, and what is not declared each have their content."""

    @app.get("/order", status_code=202)
    def order() -> Order: ...  # type: ignore[empty-body]

    @app.get("/receipts")
    def receipts() -> list[Receipt]: ...  # type: ignore[empty-body]

    @app.get("/text")
    def text() -> str: ...  # type: ignore[empty-body]

    @app.get("/nothing")
    def nothing() -> None: ...

    @app.get("/either")
    def either() -> Order | Response: ...  # type: ignore[empty-body]

    @app.get("/undeclared")
    def undeclared(): ...  # type: ignore[no-untyped-def]

    paths = describe(app)["paths"]

    assert "application/json" in get_content(paths, "/order", "202")
    assert get_content(paths, "/receipts")["application/json"]["schema"]["type"] == "array"
    assert list(get_content(paths, "/text")) == ["text/plain"]
    assert get_content(paths, "/nothing", "204") is None
    assert get_content(paths, "/either")["application/json"]["schema"]["$ref"].endswith("/Order")
    assert get_content(paths, "/undeclared") == {"application/json": {"schema": {}}}


def test_streams_files_and_redirects_are_described(app: App) -> None:
    """What is no JSON value has the media type it is sent with."""

    @app.get("/lines")
    async def lines() -> AsyncIterator[Line]:
        yield Line(sku="a", price=Decimal(1))

    @app.get("/events")
    def events() -> Iterator[ServerSentEvent]:
        yield ServerSentEvent()

    @app.get("/file")
    def file() -> FileResponse: ...  # type: ignore[empty-body]

    @app.get("/elsewhere")
    def elsewhere() -> RedirectResponse: ...  # type: ignore[empty-body]

    paths = describe(app)["paths"]
    assert get_content(paths, "/lines")["application/jsonl"]["schema"]["$ref"].endswith("/Line")
    assert list(get_content(paths, "/events")) == ["text/event-stream"]
    assert list(get_content(paths, "/file")) == ["application/octet-stream"]
    assert "3XX" in paths["/elsewhere"]["get"]["responses"]


def test_errors_are_described_where_they_can_happen(app: App) -> None:
    """422 with anything to validate, 400 and 415 with a body, 404 with a path to look up."""

    @app.get("/plain")
    def plain() -> str: ...  # type: ignore[empty-body]

    @app.get("/query")
    def query(q: int) -> str: ...  # type: ignore[empty-body]

    @app.put("/orders/{id}")
    def put(id: int, order: Order) -> str: ...  # type: ignore[empty-body]

    document = describe(app)
    paths = document["paths"]
    assert set(paths["/plain"]["get"]["responses"]) == {"200"}
    assert set(paths["/query"]["get"]["responses"]) == {"200", "422"}
    assert set(paths["/orders/{id}"]["put"]["responses"]) == {"200", "400", "404", "415", "422"}
    responses, schemas = document["components"]["responses"], document["components"]["schemas"]
    assert set(responses) == {
        "BadRequest",
        "NotFound",
        "UnsupportedMediaType",
        "UnprocessableEntity",
    }
    assert list(responses["NotFound"]["content"]) == ["application/problem+json"]
    assert {"Problem", "ValidationProblem", "Mistake"} <= set(schemas)


def test_a_model_is_one_component_unless_its_modes_differ(app: App) -> None:
    """What goes in and out alike is written once, under its own name."""

    class Computed(BaseModel):
        day: date
        amount: Decimal

    @app.post("/orders")
    def order(order: Line) -> Line: ...  # type: ignore[empty-body]

    @app.get("/lines")
    def lines() -> list[Line]: ...  # type: ignore[empty-body]

    @app.post("/computed")
    def computed(one: Computed) -> Receipt: ...  # type: ignore[empty-body]

    schemas = describe(app)["components"]["schemas"]
    # A Decimal is read from a number too, and written as a string only.
    assert {"Line-Input", "Line-Output", "Receipt", "Computed"} <= set(schemas)
    assert "Line" not in schemas


def test_a_title_names_a_component(app: App) -> None:
    """A model may be called otherwise than its class, as long as nothing else is."""

    class OrderShape(BaseModel):
        model_config = {"title": "Parcel"}
        id: int

    class Other(BaseModel):
        model_config = {"title": "Twin"}

    class Another(BaseModel):
        model_config = {"title": "Twin"}
        name: str

    @app.post("/a")
    def a(shape: OrderShape) -> OrderShape: ...  # type: ignore[empty-body]

    @app.post("/b")
    def b(other: Other) -> Another: ...  # type: ignore[empty-body]

    schemas = describe(app)["components"]["schemas"]
    assert "Parcel" in schemas
    assert {"Other", "Another"} <= set(schemas)
    assert "Twin" not in schemas


def test_operation_ids_are_unique_and_do_not_depend_on_order(app: App) -> None:
    """Operations that share a name are told apart by namespace, then method, then path."""
    blog, shop = Router("/blog", namespace="blog"), Router("/shop", namespace="shop")

    def detail(id: int) -> str: ...  # type: ignore[empty-body]

    def save(id: int) -> str: ...  # type: ignore[empty-body]

    class Hello(View):
        def get(self) -> str: ...  # type: ignore[empty-body]
        def post(self) -> str: ...  # type: ignore[empty-body]

    blog.get("/{id}")(detail)
    shop.get("/{id}")(detail)
    app.include(blog)
    app.include(shop)
    app.route("/save/{id}", methods=["PUT", "PATCH"])(save)
    app.get("/one", operation_id="chosen")(lambda: "")
    app.add_route("/hello", Hello.as_view())
    paths = describe(app)["paths"]
    ids = {op["operationId"] for item in paths.values() for op in item.values()}
    assert ids == {
        "blog_detail",
        "shop_detail",
        "save_put",
        "save_patch",
        "chosen",
        "hello_get",
        "hello_post",
    }


def test_texts_come_from_the_docstring_or_the_route(app: App) -> None:
    """The first paragraph is the summary, the rest the description, without its sections."""

    @app.get("/a", tags=["first"])
    def documented(q: int) -> str:  # type: ignore[empty-body]
        """Do a thing in two lines.

        More of it.

        Args:
            q: Not for the reader of the API.
        """

    @app.get("/b", summary="Short", description="Long", deprecated=True)
    def told() -> str:  # type: ignore[empty-body]
        """Something else."""

    document = describe(app)
    a, b = document["paths"]["/a"]["get"], document["paths"]["/b"]["get"]
    assert (a["summary"], a["description"]) == ("Do a thing in two lines.", "More of it.")
    assert (b["summary"], b["description"], b["deprecated"]) == ("Short", "Long", True)
    assert document["tags"] == [{"name": "first"}]


def test_pages_are_left_out_unless_asked_for() -> None:
    """Markup, HTML answers, and plain views of `path()` are for people."""

    def page(request: Request) -> Markup: ...  # type: ignore[empty-body]
    def html() -> HTMLResponse: ...  # type: ignore[empty-body]
    def view(request): ...  # type: ignore[no-untyped-def]
    def data() -> dict[str, int]: ...  # type: ignore[empty-body]
    def of_year(year: str) -> dict[str, int]: ...  # type: ignore[empty-body]

    app = App(
        Settings(),
        routes=[
            path("page", page),
            path("html", html),
            path("view", view),
            path("data", data, methods=["GET"]),
            path("shown", page, include_in_schema=True, methods=["GET"]),
            path("hidden", data, include_in_schema=False),
            re_path(r"^(?P<year>[0-9]{4})/$", of_year),
        ],
    )
    assert set(describe(app)["paths"]) == {"/data", "/shown"}


def test_a_mount_is_told_as_server(app: App) -> None:
    """Below a mount, addresses start at its root path."""
    app.get("/x")(lambda: "")
    assert describe(app)["servers"] == [{"url": "/"}]
    assert describe(app, "/mounted")["servers"] == [{"url": "/mounted"}]


def test_a_client_that_has_the_document_is_told_so(app: App) -> None:
    """The document has an ETag, and answers 304 to it."""
    response = drive(app.handle(Request("GET", "/openapi.json")))
    etag = response.headers["etag"]
    again = Request("GET", "/openapi.json", b"", [(b"if-none-match", etag.encode())])
    assert drive(app.handle(again)).status_code == 304


def test_path_parameters_the_handler_leaves_out_are_described(app: App) -> None:
    """What a view reads from `self.kwargs` is still part of the address."""

    class Detail(View):
        def get(self) -> str: ...  # type: ignore[empty-body]

    app.add_route("/things/{id:int}/{slug:slug}", Detail.as_view())

    @app.get("/own/{id:int}")
    def own(number: Annotated[int, Path(alias="id", le=5)]) -> str: ...  # type: ignore[empty-body]

    paths = describe(app)["paths"]
    found = get_parameters(paths["/things/{id}/{slug}"]["get"])
    assert found["path", "id"]["schema"]["type"] == "integer"
    assert found["path", "slug"]["schema"]["pattern"]
    assert paths["/own/{id}"]["get"]["parameters"][0]["schema"]["maximum"] == 5


def test_an_iterable_is_a_list_as_it_is_sent() -> None:
    """What is answered as one JSON value is described as one, not as a stream."""
    app = App(Settings())

    @app.get("/")
    def handler() -> Iterable[int]:
        return (1, 2)

    answer = describe(app)["paths"]["/"]["get"]["responses"]["200"]
    assert answer["content"]["application/json"]["schema"]["type"] == "array"
    assert drive(app.handle(Request("GET", "/"))).body == b"[1,2]"


def test_only_headers_are_described_elsewhere() -> None:
    """A query parameter or cookie called `accept` or `authorization` is described."""
    app = App(Settings())

    @app.get("/")
    async def handler(
        accept: str,
        content_type: Annotated[str, Query(alias="Content-Type")],
        authorization: Annotated[str, Cookie()],
        also: Annotated[str, Header(alias="Authorization")],
    ) -> str:
        return ""

    found = describe(app)["paths"]["/"]["get"]["parameters"]
    assert [(each["in"], each["name"]) for each in found] == [
        ("query", "accept"),
        ("query", "Content-Type"),
        ("cookie", "authorization"),
    ]


def test_routes_that_differ_by_converter_share_one_operation() -> None:
    """The first declared is described and names the others; other methods stand beside it."""
    app = App(Settings())

    @app.get("/x/{id:int}")
    async def by_number(id: int) -> str:
        """Find by number.

        Fast.
        """
        return ""

    @app.get("/x/{id:slug}")
    async def by_name(id: str) -> str:
        return ""

    @app.post("/x/{id:slug}")
    async def post_by_name(id: str) -> str:
        return ""

    document = describe(app)
    item = document["paths"]["/x/{id}"]
    assert list(document["paths"]) == ["/x/{id}"]
    assert item["get"]["operationId"] == "by_number"
    assert item["get"]["parameters"][0]["schema"]["type"] == "integer"
    assert item["get"]["description"] == "Fast.\n\nAlso there: `GET /x/{id:slug}`."
    assert item["post"]["operationId"] == "post_by_name"
    assert "description" not in item["post"]


class OutOfStock(Conflict):
    """There are fewer left than were asked for.

    More words that nobody needs.
    """

    code = "shop.out-of-stock"


class Spoiled(Conflict):
    """It can no longer be sold."""

    code = "shop.spoiled"


def test_raised_errors_are_described(app: App) -> None:
    """`raises` names exceptions; those of one status stand together, told by their codes."""

    @app.post("/buy", raises=[OutOfStock, Spoiled, NotFound])
    def buy(order: Order) -> Receipt: ...

    document = describe(app)
    answers = document["paths"]["/buy"]["post"]["responses"]
    assert answers["404"] == {"$ref": "#/components/responses/NotFound"}
    assert "NotFound" in document["components"]["responses"]
    conflict = answers["409"]
    assert conflict["description"].splitlines()[0] == (
        "`shop.out-of-stock`: There are fewer left than were asked for."
    )
    examples = conflict["content"]["application/problem+json"]["examples"]
    assert set(examples) == {"shop.out-of-stock", "shop.spoiled"}
    assert examples["shop.spoiled"]["value"]["detail"] == "It can no longer be sold."


def test_other_answers_are_described(app: App) -> None:
    """`responses` takes types, or FastAPI's mappings, by status."""

    @app.get(
        "/item",
        responses={
            202: Receipt,
            "4XX": {"description": "Wrong"},
            300: {"model": Line, "links": {}},
        },
    )
    def show() -> Line: ...

    answers = describe(app)["paths"]["/item"]["get"]["responses"]
    assert answers["202"]["content"]["application/json"]["schema"]["$ref"].endswith("/Receipt")
    assert answers["4XX"] == {"description": "Wrong"}
    assert answers["300"]["content"]["application/json"]["schema"]["$ref"].endswith("/Line")
    assert answers["300"]["links"] == {}


@pytest.mark.parametrize(
    "options", [{"raises": [ValueError]}, {"raises": [404]}, {"responses": {"teapot": Line}}]
)
def test_wrong_declarations_of_answers_are_refused(app: App, options: Any) -> None:
    """What is no exception of HTTP, or no status, is told at start, with its route."""

    @app.get("/wrong", **options)
    def show() -> Line: ...

    with pytest.raises(ImproperlyConfigured, match="/wrong"):
        app.build()


def test_the_api_as_a_whole_is_described() -> None:
    """Contact, licence, servers, tags in their order and further documents, as OpenAPI has them."""
    app = App(
        openapi=OpenAPIOptions(
            title="Shop",
            version="3",
            summary="Sells",
            terms_of_service="https://example.org/terms",
            contact={"name": "Ada", "email": "ada@example.org"},
            license={"name": "MIT", "identifier": "MIT"},
            servers=[{"url": "https://api.example.org", "description": "here"}],
            tags=[{"name": "b", "description": "First"}, {"name": "a"}],
            external_docs={"url": "https://example.org/docs"},
        )
    )

    @app.get("/x", tags=["a", "c"])
    def show() -> int: ...

    document = describe(app, "/mount")
    assert document["info"] == {
        "title": "Shop",
        "version": "3",
        "summary": "Sells",
        "termsOfService": "https://example.org/terms",
        "contact": {"name": "Ada", "email": "ada@example.org"},
        "license": {"name": "MIT", "identifier": "MIT"},
    }
    assert [server["url"] for server in document["servers"]] == ["https://api.example.org"]
    assert [tag["name"] for tag in document["tags"]] == ["b", "a", "c"]
    assert document["externalDocs"] == {"url": "https://example.org/docs"}

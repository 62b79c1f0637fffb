"""An application with parameters, bodies and answers of every kind, for tools that read OpenAPI."""

from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AnyUrl, BaseModel, Field

from undercroft import (
    App,
    Body,
    Cookie,
    Depends,
    File,
    Form,
    Header,
    OpenAPIOptions,
    Path,
    Query,
    Router,
    Security,
    SecurityScopes,
    ServerSentEvent,
    Settings,
    UploadFile,
)
from undercroft.errors import Conflict, NotAuthenticated
from undercroft.security import (
    APIKeyCookie,
    APIKeyHeader,
    HTTPBasic,
    HTTPBasicCredentials,
    OAuth2PasswordBearer,
    OAuth2PasswordRequestForm,
)

bearer = OAuth2PasswordBearer("token", scopes={"me": "Read about yourself"})
basic = HTTPBasic(realm="Shop", description="For scripts")


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: Annotated[int, Field(ge=0, le=9)] = 9


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: list[str] = []


class Node(BaseModel):
    name: Annotated[str, Field(min_length=1, max_length=20)]
    children: Annotated[list["Node"], Field(max_length=2)] = []


class Everything(BaseModel):
    at: datetime
    on: date | None = None
    takes: timedelta = timedelta(0)
    price: Decimal = Decimal(1)
    colour: Colour = Colour.RED
    pet: Annotated[Cat | Dog | None, Field(discriminator="kind")] = None
    sizes: dict[str, float] = {}
    pair: tuple[int, str] = (1, "a")
    site: AnyUrl | None = None
    node: Node | None = None


class Filters(BaseModel):
    limit: Annotated[int, Field(ge=1, le=100)] = 10
    order: Literal["newest", "oldest"] = "newest"
    tags: list[str] = []


class Sent(BaseModel):
    title: Annotated[str, Field(min_length=1, max_length=50)]
    cover: UploadFile | None = None


class SoldOut(Conflict):
    """Nothing is left of it."""

    code = "shop.sold-out"


def get_user(scopes: SecurityScopes, token: Annotated[str, Depends(bearer)]) -> str:
    """Accept one token."""
    if token != "good":
        raise NotAuthenticated(headers={"WWW-Authenticate": "Bearer"})
    return f"{token} {scopes.scope_str}"


app = App(
    Settings(),
    openapi=OpenAPIOptions(
        title="Everything",
        description="Parameters, bodies and answers of every kind.",
        contact={"name": "Us", "url": "https://example.org", "email": "us@example.org"},
        license={"name": "MIT", "identifier": "MIT"},
        servers=[{"url": "https://api.example.org"}],
        tags=[
            {"name": "parameters", "description": "What is read beside the body"},
            {"name": "bodies", "description": "What is sent"},
            {"name": "answers", "description": "What comes back"},
            {"name": "access", "description": "Who may call"},
        ],
    ),
)
parameters = Router(prefix="/parameters", tags=["parameters"])
bodies = Router(prefix="/bodies", tags=["bodies"])
answers = Router(prefix="/answers", tags=["answers"])
access = Router(prefix="/access", tags=["access"])


@parameters.get("/path/{id:int}/{key:uuid}/{slug:slug}/{price:float}")
async def read_path(id: int, key: UUID, slug: str, price: float) -> dict[str, str]:
    """Read the path.

    Every converter has its say.
    """
    return {"key": str(key), "slug": slug, "id": str(id), "price": str(price)}


@parameters.get("/segment/{name}")
def read_segment(name: Annotated[str, Path(min_length=2, pattern="^[a-z]+$")]) -> str:
    """Read a segment.

    It is checked by a pattern.
    """
    return name


@parameters.get("/query")
async def read_query(  # noqa: PLR0917 - one of every kind
    q: Annotated[str, Query(min_length=1, max_length=10)],
    n: Annotated[int, Query(gt=0, lt=100, multiple_of=2)] = 2,
    colour: Colour | None = None,
    on: date | None = None,
    numbers: Annotated[list[int] | None, Query(max_length=3)] = None,
    flag: bool = False,
) -> list[str]:
    """Read the query.

    One value is required.
    """
    return [q, str(n), str(colour), str(on), str(numbers), str(flag)]


@parameters.get("/group")
def read_group(filters: Annotated[Filters, Query()]) -> Filters:
    """Read a group.

    The model is made of single values.
    """
    return filters


@parameters.get("/headers")
def read_headers(
    x_number: Annotated[int, Header(ge=0)], theme: Annotated[Colour, Cookie()] = Colour.BLUE
) -> dict[str, str]:
    """Read headers and cookies.

    The header must be there.
    """
    return {"number": str(x_number), "theme": theme}


@bodies.post("/json", raises=[SoldOut])
def post_json(everything: Everything) -> Everything:
    """Send JSON.

    With every type there is.
    """
    return everything


@bodies.put("/members/{id:int}")
async def put_members(id: int, node: Node, note: Annotated[str, Body(max_length=5)] = "") -> Node:
    """Send JSON by members.

    Two arguments share the object.
    """
    return node


@bodies.post("/form")
def post_form(
    name: Annotated[str, Form(min_length=1)], age: Annotated[int, Form(ge=0)] = 0
) -> dict[str, str]:
    """Send a form.

    In either encoding.
    """
    return {"name": name, "age": str(age)}


@bodies.post("/files")
async def post_files(
    one: UploadFile,
    more: Annotated[list[bytes] | None, File()] = None,
    note: Annotated[str, Form()] = "",
) -> dict[str, int]:
    """Send files.

    And a field beside them.
    """
    return {"one": one.size, "more": len(more or ())}


@bodies.post("/whole-form")
def post_whole_form(sent: Annotated[Sent, Form()]) -> str:
    """Send a whole form.

    A model is made of it.
    """
    return sent.title


@bodies.put("/raw")
async def put_raw(data: Annotated[bytes, Body(media_type="text/csv")]) -> dict[str, int]:
    """Send bytes.

    They are declared as CSV.
    """
    return {"size": len(data)}


@answers.get("/lines/{count:int}")
async def answer_lines(count: Annotated[int, Path(le=5)]) -> AsyncIterator[Node]:
    """Answer with lines.

    Each is JSON.
    """
    for n in range(count):
        yield Node(name=str(n))


@answers.get("/events")
async def answer_events(
    n: Annotated[int, Query(ge=0, le=5)] = 1,
) -> AsyncIterator[ServerSentEvent[Node]]:
    """Answer with events.

    Each carries a node.
    """
    for each in range(n):
        yield ServerSentEvent(Node(name=str(each)))


@answers.delete("/nothing/{id:int}", status_code=204)
async def answer_nothing(id: int) -> None:
    """Answer with nothing.

    It is gone.
    """


@access.post("/token")
def log_in(form: Annotated[OAuth2PasswordRequestForm, Depends()]) -> dict[str, str]:
    """Log in.

    Anybody may.
    """
    return {"access_token": "good", "token_type": "bearer", "scope": " ".join(form.scopes)}


@access.get("/me")
async def show_me(user: Annotated[str, Security(get_user, scopes=["me"])]) -> str:
    """Show the caller.

    By a token.
    """
    return user


@access.get("/basic")
def show_name(
    sent: Annotated[HTTPBasicCredentials, Depends(basic)], n: Annotated[int, Query(ge=0)] = 0
) -> str:
    """Show the name.

    By a password.
    """
    if sent.password != "right":
        raise NotAuthenticated(headers={"WWW-Authenticate": basic.challenge})
    return sent.username


@access.get("/either", raises=[NotAuthenticated])
def show_either(
    header: Annotated[str | None, Depends(APIKeyHeader(name="X-Key", auto_error=False))],
    cookie: Annotated[str | None, Depends(APIKeyCookie(name="key", auto_error=False))],
) -> str:
    """Take either.

    A header or a cookie.
    """
    if "right" not in {header, cookie}:
        raise NotAuthenticated(headers={"WWW-Authenticate": "APIKey"})
    return "in"


for router in (parameters, bodies, answers, access):
    app.include(router)

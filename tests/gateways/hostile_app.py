"""An application with a route of each kind of parameter, body and answer, to be asked anything."""

import datetime as dt
import enum
import uuid
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path as FilePath
from typing import Annotated, Any

from pydantic import BaseModel, SecretStr

from undercroft import (
    App,
    Body,
    Compression,
    Cookie,
    EventSourceResponse,
    File,
    FileResponse,
    Form,
    Header,
    HTMLResponse,
    LastEventID,
    Query,
    RedirectResponse,
    Request,
    Response,
    Settings,
    UploadFile,
    View,
    conditional_get,
    messages,
    send_file,
    send_from_directory,
)
from undercroft.middleware.cors import CORS
from undercroft.middleware.request_id import RequestId
from undercroft.templating import Templates

FOLDER = FilePath(__file__).parent


class Color(enum.Enum):
    RED = "red"


class Kinds(BaseModel):
    """A value of each kind, none of them required."""

    whole: int = 0
    fraction: float = 0.0
    decimal: Decimal = Decimal(0)
    flag: bool = False
    text: str = ""
    color: Color = Color.RED
    moment: dt.datetime | None = None
    day: dt.date | None = None
    clock: dt.time | None = None
    length: dt.timedelta | None = None
    key: uuid.UUID | None = None
    numbers: list[int] = []


class Sizes(View):
    """A view, whose methods are attributes."""

    async def get(self) -> str:
        return "get"

    async def post(self) -> str:
        return "post"


def build_hostile_app(*, debug: bool) -> App:
    """Build it, behind all middleware that reads what a client sends."""
    layers = [
        CORS(allow_origin_regex=".*", allow_methods=["*"], allow_headers=["*"]),
        RequestId(trusted_proxies=["127.0.0.1"]),
        Compression(minimum_size=1),
        conditional_get,
    ]
    settings = Settings(
        debug=debug,
        secret_key=SecretStr("k" * 50),
        trusted_proxies=["127.0.0.1"],
        allowed_hosts=["*"],
        max_upload_size=100_000,
        max_body_size=100_000,
    )
    app = App(settings, middleware=layers)
    add_parameters(app)
    add_bodies(app)
    add_answers(app)
    return app


def add_parameters(app: App) -> None:
    """Add a route for each place that a value is read from."""
    page = Templates([])

    for kind in ("int", "float", "slug", "uuid", "str", "path"):
        app.add_route(f"/{kind}/{{value:{kind}}}", show_value)

    @app.get("/day/{day}")
    def show_day(day: dt.date, color: Color = Color.RED) -> dict[str, Any]:
        return {"day": day, "color": color}

    @app.get("/query")
    async def query(kinds: Annotated[Kinds, Query()]) -> Kinds:
        return kinds

    @app.get("/header")
    async def header(
        accept: Annotated[str, Header()] = "",
        range: Annotated[list[str], Header()] = [],  # noqa: B006 - copied for each request
        since: Annotated[int, Header(alias="if-modified-since")] = 0,
    ) -> list[Any]:
        return [accept, range, since]

    @app.get("/cookie")
    def cookie(request: Request, a: Annotated[int, Cookie()] = 0) -> Any:
        signed = dict(request.signed_cookies)
        return [a, signed, request.get_signed_cookie("a", None)]

    @app.route("/session", methods=["GET", "POST"])
    async def session(request: Request) -> dict[str, Any]:
        request.session["seen"] = request.session.get("seen", 0) + 1
        messages.info(request, "Seen.")
        return {"seen": request.session["seen"]}

    @app.get("/about")
    def about(request: Request) -> HTMLResponse:
        shown = (
            "{{ request.url }} {{ request.host }} {{ request.client }} {{ request.query_params }}"
        )
        return HTMLResponse(
            page.render_string(shown + " {{ request.headers }}", {"request": request})
        )


async def show_value(request: Request) -> str:
    return repr(request.path_params)


def add_bodies(app: App) -> None:
    """Add a route for each kind of body."""

    @app.post("/json")
    async def json(kinds: Kinds) -> Kinds:
        return kinds

    @app.put("/any")
    async def anything(value: Annotated[Any, Body()]) -> Any:
        return [value]

    @app.post("/members")
    def members(numbers: Annotated[dict[str, int], Body()], text: Annotated[str, Body()]) -> Any:
        return [numbers, text]

    @app.post("/read")
    async def read(request: Request) -> Any:
        return [await request.json()]

    @app.post("/form")
    async def form(kinds: Annotated[Kinds, Form()]) -> Kinds:
        return kinds

    @app.post("/files")
    def files(
        given: Annotated[list[UploadFile], File()] = [],  # noqa: B006 - copied for each request
    ) -> list[Any]:
        return [[each.filename, each.content_type, each.size] for each in given]

    @app.post("/parts")
    async def parts(request: Request) -> list[Any]:
        return [[part.name, part.filename] async for part in request.multipart()]

    @app.post("/bytes")
    def raw(content: Annotated[bytes, Body(media_type="*/*")]) -> int:
        return len(content)

    @app.post("/stream")
    async def stream(pieces: Annotated[AsyncIterator[bytes], Body(media_type="*/*")]) -> int:
        return sum([len(piece) async for piece in pieces])


def add_answers(app: App) -> None:
    """Add a route for each kind of answer."""
    app.route("/view/", methods=["GET", "POST"])(Sizes.as_view())

    @app.get("/file")
    def file() -> FileResponse:
        return FileResponse(__file__, filename='na"me.py')

    @app.get("/held")
    def held() -> Response:
        return send_file(b"content" * 100, "text/plain", etag="v1")

    @app.get("/folder/{name:path}")
    def folder(name: str) -> Response:
        return send_from_directory(FOLDER, name)

    @app.get("/redirect")
    def redirect(to: str = "/") -> RedirectResponse:
        return RedirectResponse(to)

    @app.get("/pieces")
    async def pieces() -> AsyncIterator[bytes]:
        for number in range(3):
            yield b"%d" % number

    @app.get("/lines")
    def lines() -> Iterator[int]:
        yield from range(3)

    @app.get("/events")
    async def events(last: LastEventID) -> EventSourceResponse:
        return EventSourceResponse([last, 1])

    @app.get("/nothing")
    async def nothing() -> None:
        return None

"""Arguments from forms, files among them, and models made of several values of one source."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from undercroft import App, Body, Cookie, File, Form, Header, Query, UploadFile
from undercroft.errors import ImproperlyConfigured
from undercroft.testing.client import Client

MakeClient = Callable[..., Client]

app = App()


class Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str = Field(description="What it is called")
    pages: int = 1
    tags: list[str] = []
    cover: UploadFile | None = None


@dataclass
class Login:
    name: str
    remember: bool = False


class Filters(BaseModel):
    model_config = ConfigDict(extra="forbid")

    page: int = Field(1, ge=1, description="From 1")
    tag: list[str] = []
    q: str = Field(alias="search")


class Told(BaseModel):
    user_agent: str
    x_trace: list[int] = []


@app.post("/fields")
async def read_fields(
    name: Annotated[str, Form(min_length=2)],
    age: Annotated[int | None, Form()] = None,
    tag: Annotated[list[str], Form()] = [],  # noqa: B006 - each request has its own
) -> dict[str, Any]:
    return {"name": name, "age": age, "tag": tag}


@app.post("/login")
def log_in(login: Annotated[Login, Form()]) -> dict[str, Any]:
    return {"name": login.name, "remember": login.remember}


@app.post("/entries")
async def add_entry(entry: Annotated[Entry, Form()]) -> dict[str, Any]:
    cover = None if entry.cover is None else [entry.cover.filename, entry.cover.size]
    return {"title": entry.title, "pages": entry.pages, "tags": entry.tags, "cover": cover}


@app.post("/files")
async def read_files(
    one: UploadFile,
    rest: list[UploadFile] = [],  # noqa: B006 - each request has its own
    small: Annotated[bytes, File()] = b"",
    note: Annotated[str, Form()] = "",
) -> dict[str, Any]:
    return {
        "one": (await one.read()).decode(),
        "rest": [each.filename for each in rest],
        "small": small.decode(),
        "note": note,
    }


@app.post("/sync-file")
def read_file(file: UploadFile | None = None) -> int:
    return 0 if file is None else len(file.file.read())


@app.get("/search")
def search(filters: Annotated[Filters, Query()], page_size: int = 10) -> dict[str, Any]:
    return {**filters.model_dump(), "page_size": page_size}


@app.get("/told")
def tell(told: Annotated[Told, Header()]) -> dict[str, Any]:
    return told.model_dump()


@app.get("/crumbs")
def show_crumbs(login: Annotated[Login, Cookie()]) -> dict[str, Any]:
    return {"name": login.name, "remember": login.remember}


def test_fields_are_read_and_checked(client: MakeClient) -> None:
    """Urlencoded or multipart, with FastAPI's locations and the field's own name."""
    spoken = client(app)
    sent = {"name": "Ada", "age": "36", "tag": ["a", "b"]}
    expected = {"name": "Ada", "age": 36, "tag": ["a", "b"]}
    assert spoken.post("/fields", data=sent).json() == expected
    assert spoken.post("/fields", data=sent, files={"x": b"y"}).json() == expected
    wrong = spoken.post("/fields", data={"name": "A", "age": "old"})
    assert wrong.status_code == 422
    found = [(each["location"], each["code"]) for each in wrong.json()["errors"]]
    assert found == [(["body", "name"], "string_too_short"), (["body", "age"], "int_parsing")]


def test_an_empty_field_is_not_given(client: MakeClient) -> None:
    """A browser sends all fields: an empty number is none, an empty required text is missing."""
    spoken = client(app)
    assert spoken.post("/fields", data={"name": "Ada", "age": ""}).json()["age"] is None
    for sent in ({"name": ""}, {}):
        missing = spoken.post("/fields", data=sent)
        assert missing.status_code == 422
        assert missing.json()["errors"][0]["location"] == ["body", "name"]
        assert missing.json()["errors"][0]["code"] == "missing"


def test_whole_forms_are_models(client: MakeClient) -> None:
    """A Pydantic model or a dataclass takes the form, its files included."""
    spoken = client(app)
    assert spoken.post("/login", data={"name": "Ada", "remember": "on"}).json() == {
        "name": "Ada",
        "remember": True,
    }
    made = spoken.post(
        "/entries",
        data={"title": "T", "tags": ["x", "y"], "pages": ""},
        files={"cover": ("c.png", b"123", "image/png")},
    )
    assert made.json() == {"title": "T", "pages": 1, "tags": ["x", "y"], "cover": ["c.png", 3]}
    wrong = spoken.post("/entries", data={"pages": "x", "other": "1"})
    found = [each["location"] for each in wrong.json()["errors"]]
    assert found == [["body", "title"], ["body", "pages"], ["body", "other"]]
    text = spoken.post("/entries", data={"title": "T", "cover": "no file"})
    assert text.json()["errors"][0]["location"] == ["body", "cover"]


def test_files_are_arguments(client: MakeClient) -> None:
    """One or several, or the bytes of a small one; in `def` handlers by their `file`."""
    spoken = client(app)
    files = [
        ("one", ("1.txt", b"first")),
        ("rest", ("2.txt", b"")),
        ("rest", ("3.txt", b"x")),
        ("small", ("s.txt", b"tiny")),
    ]
    assert spoken.post("/files", data={"note": "hi"}, files=files).json() == {
        "one": "first",
        "rest": ["2.txt", "3.txt"],
        "small": "tiny",
        "note": "hi",
    }
    assert spoken.post("/sync-file", files={"file": b"x" * 3_000_000}).json() == 3_000_000
    assert spoken.post("/sync-file").json() == 0
    missing = spoken.post("/files", data={"note": "hi"})
    assert missing.json()["errors"][0] == {
        "location": ["body", "one"], "message": "Field required", "code": "missing",
    }  # fmt: skip


def test_models_group_parameters(client: MakeClient) -> None:
    """Query, headers and cookies can be read as one model, which may forbid unknown names."""
    spoken = client(app, cookies={"name": "Ada", "remember": "1"})
    found = spoken.get("/search?page=2&tag=a&tag=b&search=x").json()
    assert found == {"page": 2, "tag": ["a", "b"], "q": "x", "page_size": 10}
    wrong = spoken.get("/search?page=0&other=1")
    locations = [each["location"] for each in wrong.json()["errors"]]
    assert locations == [["query", "page"], ["query", "search"], ["query", "other"]]
    assert spoken.get("/search").json()["errors"][0]["code"] == "missing"
    headers = [("user-agent", "test"), ("x-trace", "1")]
    assert spoken.get("/told", headers=headers).json() == {"user_agent": "test", "x_trace": [1]}
    assert spoken.get("/crumbs").json() == {"name": "Ada", "remember": True}


def test_a_model_may_be_made_of_nothing(client: MakeClient) -> None:
    """Where no value is given, the members' defaults count, or each missing one is told."""
    app = App()

    class Filters(BaseModel):
        limit: int = 10

    class Wanted(BaseModel):
        q: str

    @app.get("/all")
    def show(filters: Annotated[Filters, Query()]) -> int:
        return filters.limit

    @app.get("/some")
    def search(wanted: Annotated[Wanted, Query()]) -> str:
        return wanted.q

    @app.get("/perhaps")
    def perhaps(wanted: Annotated[Wanted | None, Query()] = None) -> str:
        return "nothing" if wanted is None else wanted.q

    speaker = client(app)
    assert speaker.get("/all").json() == 10
    assert speaker.get("/some").json()["errors"][0]["location"] == ["query", "q"]
    assert speaker.get("/perhaps").text == "nothing"


def test_a_form_has_no_null_and_nothing_empty() -> None:
    """OpenAPI says so: what no form can send is no alternative."""
    app = App()

    @app.post("/")
    def send(name: Annotated[str, Form()], nick: Annotated[str | None, Form()] = None) -> None: ...

    with Client(app) as speaker:
        operation = speaker.get("/openapi.json").json()["paths"]["/"]["post"]
    schema = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    assert schema["properties"]["name"] == {"type": "string", "minLength": 1}
    assert schema["properties"]["nick"] == {"type": "string"}


def test_a_body_is_a_form_or_json() -> None:
    """Both in one handler are refused at start, with the repair."""
    mixed = App()

    @mixed.post("/")
    def handler(a: Annotated[int, Body()], b: Annotated[int, Form()]) -> None: ...

    with pytest.raises(ImproperlyConfigured, match="one or the other"):
        mixed.build()


def test_forms_are_described() -> None:
    """OpenAPI tells of the form's media types, files, and every member of a group."""
    paths = Client(app).get("/openapi.json").json()["paths"]
    fields = paths["/fields"]["post"]["requestBody"]["content"]
    assert set(fields) == {"application/x-www-form-urlencoded", "multipart/form-data"}
    schema = fields["multipart/form-data"]["schema"]
    assert schema["required"] == ["name"]
    assert schema["properties"]["name"]["minLength"] == 2
    files = paths["/files"]["post"]["requestBody"]["content"]
    assert set(files) == {"multipart/form-data"}
    one = files["multipart/form-data"]["schema"]["properties"]["one"]
    assert one["contentMediaType"] == "application/octet-stream"
    assert set(paths["/entries"]["post"]["requestBody"]["content"]) == {"multipart/form-data"}
    described = {each["name"]: each for each in paths["/search"]["get"]["parameters"]}
    assert list(described) == ["page", "tag", "search", "page_size"]
    assert described["page"]["description"] == "From 1"
    assert described["page"]["schema"]["minimum"] == 1
    assert [each["required"] for each in described.values()] == [False, False, True, False]

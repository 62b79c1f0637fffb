"""What each kind of field means in JSON: how it is described, written, read and refused."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from tests.api.newsroom import (
    Everything,
    EverythingSerializer,
    Listed,
    ListedSerializer,
    Reporter,
    Tone,
    build_app,
)

CREATE = EverythingSerializer.Create
KEY = "12345678123456781234567812345678"


def get_schema(name: str, serializer: Any = CREATE) -> dict[str, Any]:
    """The schema of a field, those it refers to put in their places."""
    schema = serializer.model_json_schema()
    found: dict[str, Any] = dict(schema["properties"][name])
    for choice in [found, *found.get("anyOf", [])]:
        reference = choice.pop("$ref", None)
        if reference is not None:
            choice.update(schema["$defs"][reference.rpartition("/")[2]])
    return found


@pytest.mark.parametrize(
    "name, expected",
    [
        ("count", {"type": "integer", "minimum": 0, "maximum": 500, "multipleOf": 5}),
        ("small", {"type": "integer", "minimum": -(2**15), "maximum": 2**15 - 1}),
        (
            "slug",
            {"type": "string", "maxLength": 50, "minLength": 1, "pattern": "^[-a-zA-Z0-9_]+$"},
        ),
        ("page", {"type": "string", "maxLength": 200, "format": "uri"}),
        ("code", {"type": "string", "maxLength": 9, "pattern": "^[a-z][0-9]*$"}),
        ("tone", {"type": "string", "enum": ["warm", "cold"], "description": "How it feels."}),
        ("raw", {"type": "string", "contentEncoding": "base64"}),
        ("day", {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}),
    ],
)
def test_json_schema_says_what_a_field_takes(name: str, expected: dict[str, Any]) -> None:
    """Type, format, limits, choices and pattern come from the column and its validators."""
    schema = get_schema(name)
    assert {word: schema.get(word) for word in expected} == expected


@pytest.mark.parametrize(
    "name, format_", [("length", "duration"), ("ip", "ipvanyaddress"), ("hour", "time")]
)
def test_json_schema_names_the_format(name: str, format_: str) -> None:
    """Text of a special form has its format, also where it may be null."""
    first, second = get_schema(name)["anyOf"]
    assert (first["format"], second) == (format_, {"type": "null"})


def test_what_is_generated_is_read_only() -> None:
    """Nobody writes it; it is described as what comes out."""
    assert "doubled" not in CREATE.model_fields
    schema = EverythingSerializer.model_json_schema(mode="serialization")
    assert schema["properties"]["doubled"]["type"] == "integer"


def test_arrays_are_described_by_their_values() -> None:
    """Lists of what the base field takes, and of lists."""
    create = ListedSerializer.Create
    tags = get_schema("tags", create)
    assert (tags["type"], tags["maxItems"]) == ("array", 3)
    assert tags["items"] == {"type": "string", "maxLength": 5, "minLength": 1}
    made = create.model_validate({"grid": [["1.5"], []], "tones": ["cold"], "tags": ["a"]})
    assert made.validated_data == {
        "grid": [[Decimal("1.5")], []],
        "tones": [Tone.COLD],
        "tags": ["a"],
    }
    for wrong in ({"tags": ["toolong"]}, {"tags": [""] * 4}, {"grid": [["12345"]]}, {"grid": [1]}):
        with pytest.raises(ValidationError):
            create.model_validate({"grid": [], **wrong})
    read = ListedSerializer.model_validate(
        Listed(tags=["a"], grid=[[Decimal(1)]], tones=[Tone.WARM], id=1)
    )
    assert read.model_dump(mode="json") == {
        "id": 1,
        "tags": ["a"],
        "grid": [["1"]],
        "tones": ["warm"],
    }


@pytest.mark.parametrize(
    "name, value, code",
    [
        ("count", 7, "step_size"),
        ("count", 505, "max_value"),
        ("count", -5, "greater_than_equal"),
        ("slug", "a b", "slug"),
        ("page", "javascript:alert(1)", "url"),
        ("code", "A1", "invalid"),
        ("ip", "192.0.2.256", "value"),
        ("tone", "hot", "enum"),
        ("raw", "not base64!", "base64"),
        ("raw", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "value"),
        ("length", "a while", "time_delta_parsing"),
    ],
)
def test_what_a_field_refuses_has_a_code(name: str, value: Any, code: str) -> None:
    """The data layer's validators speak through the API with their own codes."""
    with pytest.raises(ValidationError) as caught:
        CREATE.model_validate({"key": KEY, name: value})
    assert [(each["loc"], each["type"]) for each in caught.value.errors()] == [((name,), code)]


def test_every_kind_is_written_and_read(newsroom: Reporter, client: Any) -> None:
    """What a client sends is stored, and comes back in the one form of its kind."""
    speaker = client(build_app())
    sent = {
        "key": KEY,
        "small": 4,
        "count": 10,
        "length": "PT90M",
        "ip": "::ffff:192.0.2.1",
        "tone": "cold",
        "raw": "AP8=",
        "code": "a1",
    }
    made = speaker.post("/api/everything/", json=sent)
    assert made.status_code == 201, made.text
    assert {name: made.json()[name] for name in sent} == {
        **sent,
        "key": "12345678-1234-5678-1234-567812345678",
        "length": "PT1H30M",
        "ip": "192.0.2.1",
    }
    assert made.json()["doubled"] == 8
    (listed,) = speaker.get("/api/everything/").json()["results"]
    assert listed == made.json()
    row = Everything.objects.get()
    assert (row.length, row.tone, row.raw) == (dt.timedelta(minutes=90), Tone.COLD, b"\x00\xff")


def test_openapi_names_an_enum_once(client: Any) -> None:
    """Its values are a component of the document."""
    document = client(build_app()).get("/openapi.json").json()
    assert document["components"]["schemas"]["Tone"]["enum"] == ["warm", "cold"]

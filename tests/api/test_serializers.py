"""Model serializers: what they are made of, what they refuse, what they write."""

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, ValidationError, computed_field, field_validator

from tests.api.newsroom import (
    City,
    CitySerializer,
    EverythingSerializer,
    Reporter,
    ReporterSerializer,
    Story,
    StorySerializer,
)
from undercroft import serializers
from undercroft.errors import ImproperlyConfigured


def make(name: str = "MadeSerializer", **body: Any) -> Any:
    """Make a serializer as a class statement would."""
    annotations = body.pop("annotations", {})
    place = {"__module__": __name__, "__qualname__": f"{name}.Meta"}
    meta = type("Meta", (), {**place, **body.pop("meta")})
    place = {"__module__": __name__, "__qualname__": name}
    namespace = {**place, "__annotations__": annotations, "Meta": meta, **body}
    return type(serializers.ModelSerializer)(name, (serializers.ModelSerializer,), namespace)


def list_codes(variant: type[BaseModel], **values: Any) -> dict[str, str]:
    """List the mistakes a variant finds, by field."""
    with pytest.raises(ValidationError) as caught:
        variant.model_validate(values)
    return {str(error["loc"][0]): error["type"] for error in caught.value.errors()}


def test_a_serializer_is_a_pydantic_model() -> None:
    """Fields come from the model's columns, in the order of `Meta.fields`."""
    assert issubclass(StorySerializer, BaseModel)
    assert list(StorySerializer.model_fields) == [
        "id", "title", "reporter", "body", "status", "made", "editor",
    ]  # fmt: skip
    schema = StorySerializer.model_json_schema(mode="serialization")
    assert schema["title"] == "Story"
    assert schema["required"] == list(StorySerializer.model_fields)
    assert schema["properties"]["title"] == {
        "title": "Headline",
        "description": "In one line.",
        "type": "string",
    }
    assert schema["properties"]["editor"]["anyOf"] == [{"type": "integer"}, {"type": "null"}]


def test_all_fields_start_with_the_key() -> None:
    """`"__all__"` gives the key first, then every column; `exclude` leaves some out."""
    everything = make(meta={"model": Story, "fields": "__all__"})
    assert list(everything.model_fields) == [
        "id", "title", "body", "status", "made", "changed", "reporter", "editor",
    ]  # fmt: skip
    rest = make(meta={"model": Story, "exclude": ["body", "reporter"]})
    assert list(rest.model_fields) == ["id", "title", "status", "made", "changed", "editor"]


def test_what_is_created_has_what_a_client_may_write() -> None:
    """Keys and self-filling columns are left out; constraints come from the columns."""
    schema = StorySerializer.Create.model_json_schema()
    assert schema["title"] == "StoryCreate"
    assert list(schema["properties"]) == ["title", "reporter", "body", "status", "editor"]
    assert schema["required"] == ["title", "reporter", "body"]
    assert schema["properties"]["title"]["maxLength"] == 200
    assert schema["properties"]["title"]["minLength"] == 1
    assert schema["properties"]["status"]["enum"] == ["draft", "published"]
    assert schema["properties"]["status"]["default"] == "draft"
    assert schema["properties"]["reporter"]["type"] == "integer"
    assert "maximum" not in schema["properties"]["reporter"]


def test_what_changes_in_part_requires_nothing() -> None:
    """A field that is left out is not null, and takes no default."""
    schema = StorySerializer.PartialUpdate.model_json_schema()
    assert "required" not in schema
    assert all("default" not in field for field in schema["properties"].values())
    assert StorySerializer.PartialUpdate.model_validate({"title": "x"}).validated_data == {
        "title": "x"
    }
    assert StorySerializer.PartialUpdate.model_validate({"editor": None}).validated_data == {
        "editor_id": None
    }
    assert list_codes(StorySerializer.PartialUpdate, title=None) == {"title": "string_type"}


def test_variants_are_made_once() -> None:
    """A variant is the same class whoever asks for it."""
    assert StorySerializer.Create is StorySerializer.create_model()
    assert StorySerializer.Create is not StorySerializer.Update


@pytest.mark.parametrize(
    "field,value",
    [
        ("small", 2**15),
        ("number", -(2**31) - 1),
        ("big", 2**63),
        ("ratio", "inf"),
        ("ratio", "nan"),
        ("price", "1234567.00"),
        ("price", "1.001"),
        ("price", "1e1000000"),
        ("moment", "2026-01-01T00:00:00"),
        ("day", "2026-13-01"),
        ("slug", "a b"),
        ("slug", "a\n"),
        ("page", "javascript:alert(1)"),
        ("page", "https://"),
        ("page", "https://a.example/\n"),
        ("text", "a\x00b"),
        ("key", "no uuid"),
        ("flag", "perhaps"),
    ],
)
def test_values_that_fit_no_column_are_refused(field: str, value: Any) -> None:
    """Whatever the database could not store is found before it is asked."""
    assert field in list_codes(EverythingSerializer.Create, **{field: value})


@pytest.mark.parametrize(
    "email",
    ["ada", "ada@", "@example.org", "ada@example", "a b@example.org", "ada@example.org\n",
     "ada@-example.org", "ada@example..org", f"{'a' * 65}@example.org", "ada@1.2.3.4", "a..b@c.de",
     "ada@" + "a" * 64 + ".org"],
)  # fmt: skip
def test_what_is_no_address_is_refused(email: str) -> None:
    """An e-mail column takes addresses only."""
    assert list_codes(ReporterSerializer.Create, name="x", email=email)["email"] == "email"


@pytest.mark.parametrize(
    "email", ["ada@example.org", "a.b+c@sub.example.co.uk", "jörg@bücher.example"]
)
def test_what_is_an_address_is_taken(email: str) -> None:
    """Plus signs, subdomains and letters of any script are fine."""
    assert ReporterSerializer.Create.model_validate({"name": "x", "email": email})


def test_blank_and_null_follow_the_column() -> None:
    """`blank` allows empty text, `null` allows None; what is blank may be left out."""
    made = EverythingSerializer.Create.model_validate(
        {"key": "12345678123456781234567812345678", "page": "", "day": None}
    )
    assert made.apply({}).text == ""
    assert made.validated_data["day"] is None
    assert list_codes(StorySerializer.Create, title="", body="x", reporter=1) == {
        "title": "string_too_short"
    }


def test_own_validators_hold_for_what_is_written() -> None:
    """A field validator of the serializer checks every variant that has the field."""

    class LoudSerializer(serializers.ModelSerializer):
        class Meta:
            model = City
            fields = ["id", "name"]

        @field_validator("name")
        @classmethod
        def check_name(cls, value: str) -> str:
            if not value.isupper():
                raise ValueError("shout")
            return value

    assert list_codes(LoudSerializer.Create, name="quiet") == {"name": "value_error"}
    assert list_codes(LoudSerializer.PartialUpdate, name="quiet") == {"name": "value_error"}
    assert LoudSerializer.Create.model_validate({"name": "LOUD"})


def test_extra_kwargs_and_read_only_fields() -> None:
    """Access and constraints of single fields can be set in `Meta`."""

    class AccessSerializer(serializers.ModelSerializer):
        class Meta:
            model = Reporter
            fields = ["id", "name", "email", "city"]
            read_only_fields = ["city"]
            extra_kwargs = {
                "name": {"min_length": 3},
                "email": {"write_only": True, "required": False},
            }

    assert list(AccessSerializer.model_fields) == ["id", "name", "city"]
    assert list(AccessSerializer.Create.model_fields) == ["name", "email"]
    assert list_codes(AccessSerializer.Create, name="ab") == {"name": "string_too_short"}


def test_an_annotated_column_keeps_its_own_checks() -> None:
    """What the class annotates is read and written as annotated."""

    class ShortSerializer(serializers.ModelSerializer):
        name: Annotated[str, Field(max_length=3)]

        class Meta:
            model = City
            fields = ["id", "name"]

    assert list_codes(ShortSerializer.Create, name="Turin") == {"name": "string_too_long"}


def test_computed_fields_and_properties_are_read_only() -> None:
    """What no column holds is read, and never written."""

    class RichSerializer(serializers.ModelSerializer):
        shout: str

        class Meta:
            model = Story
            fields = ["id", "title", "shout"]

        @computed_field  # type: ignore[prop-decorator]  # Pydantic's own idiom
        @property
        def length(self) -> int:
            return len(self.title)  # type: ignore[attr-defined]  # made from the model

    assert list(RichSerializer.Create.model_fields) == ["title"]
    story = Story(id=1, title="abc", body="x", reporter_id=1)
    assert RichSerializer.model_validate(story).model_dump() == {
        "id": 1,
        "title": "abc",
        "shout": "ABC",
        "length": 3,
    }


@pytest.mark.parametrize(
    "body,code,says",
    [
        ({"meta": {"model": Story, "fields": ["titel"]}}, "api.unknown-field", "'title'"),
        ({"meta": {"model": Story, "exclude": ["titel"]}}, "api.unknown-field", "'title'"),
        ({"meta": {"model": Story}}, "api.meta", "fields"),
        ({"meta": {"fields": ["id"]}}, "api.meta", "model"),
        ({"meta": {"model": str, "fields": ["id"]}}, "api.meta", "model"),
        ({"meta": {"model": Story, "fields": "title"}}, "api.meta", '["title"]'),
        ({"meta": {"model": Story, "fields": ["id"], "ordering": []}}, "api.meta", "ordering"),
        (
            {"meta": {"model": Story, "fields": ["id"], "read_only_fields": ["body"]}},
            "api.unknown-field",
            "'body'",
        ),
        (
            {"meta": {"model": Story, "fields": ["id"]}, "annotations": {"title": str}},
            "api.unlisted-field",
            "title",
        ),
        (
            {"meta": {"model": Story, "fields": ["reporter"]},
             "annotations": {"reporter": CitySerializer}},
            "api.nested",
            "Reporter",
        ),
        (
            {"meta": {"model": Story, "fields": ["editor"]},
             "annotations": {"editor": ReporterSerializer}},
            "api.nested",
            "ReporterSerializer | None",
        ),
        (
            {"meta": {"model": City, "fields": ["id", "other"]},
             "annotations": {"other": ReporterSerializer}},
            "api.nested",
            "relation",
        ),
    ],
)  # fmt: skip
def test_mistakes_are_found_at_start(body: dict[str, Any], code: str, says: str) -> None:
    """A serializer that cannot work is refused where it is written, with the repair."""
    with pytest.raises(ImproperlyConfigured) as caught:
        make(**body)
    assert caught.value.code == code
    assert says in str(caught.value)


def test_a_field_is_never_inherited_by_accident() -> None:
    """A subclass whose `Meta` lists less than its parent's is refused, for it would send more."""
    with pytest.raises(ImproperlyConfigured) as caught:

        class LessSerializer(ReporterSerializer):
            class Meta:
                model = Reporter
                fields = ["id", "city"]

    assert caught.value.code == "api.inherited-field"


def test_a_plain_serializer_is_a_pydantic_base() -> None:
    """`Serializer` without a model is Pydantic under REST framework's name."""

    class PointSerializer(serializers.Serializer):
        x: int
        y: int = 0

    assert PointSerializer(x=1).model_dump() == {"x": 1, "y": 0}
    assert PointSerializer.model_json_schema()["title"] == "Point"


def test_saving_by_hand(newsroom: Reporter) -> None:
    """A variant saves itself, with values the server adds; bound to a row it changes that."""
    new = StorySerializer.Create.model_validate({"title": "New", "body": "x", "reporter": 1})
    story = new.save(editor_id=newsroom.id)
    assert (story.pk, story.editor_id) != (None, None)
    change = StorySerializer.PartialUpdate.model_validate({"title": "Newer"})
    change.bind(story)
    change.save()
    assert Story.objects.get(id=story.id).title == "Newer"
    assert Story.objects.get(id=story.id).body == "x"


def find_numbers(schema: Any) -> list[float]:
    """Find every number in a schema."""
    if isinstance(schema, dict):
        return [found for each in schema.values() for found in find_numbers(each)]
    if isinstance(schema, list):
        return [found for each in schema for found in find_numbers(each)]
    return [schema] if isinstance(schema, int | float) else []


def test_schemas_hold_no_number_that_javascript_rounds() -> None:
    """A page's example is a value the API takes; the bounds of 64 bits hold unseen."""
    for serializer in (StorySerializer, EverythingSerializer):
        for variant in (serializer.Create, serializer.Update, serializer.PartialUpdate):
            schema = variant.model_json_schema()
            assert all(abs(number) < 2**53 for number in find_numbers(schema))
    assert StorySerializer.Create.model_json_schema()["properties"]["reporter"]["examples"] == [1]
    numbers = EverythingSerializer.PartialUpdate.model_json_schema()["properties"]
    assert numbers["small"]["minimum"] == -(2**15)
    for wrong in (2**63, -(2**63) - 1):
        with pytest.raises(ValidationError):
            EverythingSerializer.PartialUpdate(big=wrong)
    assert EverythingSerializer.PartialUpdate(big=2**63 - 1).validated_data == {"big": 2**63 - 1}

"""What is stored leaves as it is: checks are for what clients write."""

import asyncio
import json
from typing import Annotated, Any

import pytest
from pydantic import (
    AfterValidator,
    Field,
    PlainSerializer,
    ValidationError,
    computed_field,
    field_validator,
    model_validator,
)

from tests.api.newsroom import City, Reporter, Story, StorySerializer
from undercroft import serializers
from undercroft.api import completing
from undercroft.db.connections.databases import databases


def refuse(value: str) -> str:
    raise ValueError(f"{value!r} is not wanted")


class StrictCitySerializer(serializers.ModelSerializer):
    name: Annotated[str, Field(min_length=40), AfterValidator(refuse), PlainSerializer(str.upper)]

    class Meta:
        model = City
        fields = ["id", "name"]


class StrictReporterSerializer(serializers.ModelSerializer):
    """Checks of every kind, which no stored row passes."""

    city: StrictCitySerializer | None
    mail: str = Field(validation_alias="email", serialization_alias="e-mail")
    shown: str = Field(validation_alias="name")

    class Meta:
        model = Reporter
        fields = ["id", "name", "mail", "shown", "city"]

    @field_validator("name")
    @classmethod
    def check_name(cls, value: str) -> str:
        return refuse(value)

    @field_validator("*")
    @classmethod
    def check_all(cls, value: Any) -> Any:
        return f"<{value}>" if value == "ada@example.org" else value

    @field_validator("shown", mode="before")
    @classmethod
    def quote(cls, value: str) -> str:
        return f"«{value}»"

    @model_validator(mode="after")
    def check_whole(self) -> "StrictReporterSerializer":
        raise ValueError("never")

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorated properties
    @property
    def initial(self) -> str:
        return self.name[0]  # type: ignore[attr-defined,no-any-return]  # made from the model


def test_stored_rows_are_read_without_write_checks(newsroom: Reporter) -> None:
    """Rows and instances come out, nested ones too, with computed fields, aliases and writers."""
    plan = StrictReporterSerializer.get_load_plan()
    rows = Reporter.objects.order_by("id")
    for value in (rows, list(rows)):
        answer = json.loads(plan.render_many(value))  # type: ignore[arg-type]  # no loop: bytes
        assert answer[0] == {
            "id": 1,
            "name": "Ada",
            "e-mail": "<ada@example.org>",
            "shown": "«Ada»",
            "city": {"id": 1, "name": "TURIN"},
            "initial": "A",
        }
        assert answer[1]["city"] is None
    with pytest.raises(ValidationError, match="is not wanted"):
        StrictReporterSerializer.Create(name="Ada")
    with pytest.raises(ValidationError, match="at least 40"):
        StrictCitySerializer.Create(name="Turin")


def test_a_serializer_s_own_object_is_written_as_it_is(newsroom: Reporter) -> None:
    """A handler may return what it has read by itself."""
    made = StrictCitySerializer.model_construct(id=1, name="short")
    rendered = StrictCitySerializer.get_load_plan().render_one(made)
    assert json.loads(rendered) == {"id": 1, "name": "SHORT"}  # type: ignore[arg-type]  # no loop


def test_a_list_s_relations_are_loaded_once_each(
    newsroom: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Instances returned from async code cost a query for a relation, not one for each row."""
    for number in range(20):
        who = Reporter.objects.create(name=f"R{number}", email=f"r{number}@example.org")
        Story.objects.create(title="t", body="b", reporter=who)
    loads: list[int] = []
    load_targets = completing.load_targets

    async def count(relation: Any, keys: Any, *others: Any) -> Any:
        # No database tells how many queries it was asked in a way all of them share.
        loads.append(len(keys))
        return await load_targets(relation, keys, *others)

    monkeypatch.setattr(completing, "load_targets", count)

    async def run() -> bytes:
        try:
            rows = await Story.objects.order_by("id")
            return await StorySerializer.get_load_plan().render_many(rows)  # type: ignore[misc]  # on a loop
        finally:
            await databases.adispose()

    loaded = json.loads(asyncio.run(run()))
    assert [row["reporter"]["name"] for row in loaded[2:5]] == ["Ada", "R0", "R1"]
    assert loaded[0]["reporter"]["city"] == {"id": 1, "name": "Turin"}
    assert loads == [21]

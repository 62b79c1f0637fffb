"""The load plan: what is selected, and that its JSON is the same whichever way a row takes."""

import asyncio
import json
import random
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, field_serializer

from tests.api.newsroom import (
    City,
    Everything,
    EverythingSerializer,
    Reporter,
    ReporterSerializer,
    Story,
    StorySerializer,
)
from undercroft import App, Settings, serializers
from undercroft.api.loading import LoadPlan, dump
from undercroft.db.queries.selection import Selection
from undercroft.errors import SerializationError
from undercroft.testing.client import Client

MakeClient = Callable[..., Client]


class HookedSerializer(StorySerializer):
    """The same fields, and a hook that changes one of them."""

    @field_serializer("title")
    def write_title(self, value: str) -> str:
        return value.upper()


class ShoutSerializer(serializers.ModelSerializer):
    """A field that no column holds."""

    shout: str
    reporter: ReporterSerializer

    class Meta:
        model = Story
        fields = ["id", "shout", "reporter"]


def render(plan: LoadPlan, rows: Any) -> Any:
    """Render rows in async code, as a handler's answer is."""

    async def run() -> Any:
        rendered = plan.render_many(rows)
        return rendered if isinstance(rendered, bytes) else await rendered

    from undercroft.db.connections.databases import databases

    async def run_and_close() -> Any:
        try:
            return await run()
        finally:
            await databases.adispose()

    return json.loads(asyncio.run(run_and_close()))


def test_a_plan_selects_what_is_needed_and_nothing_else() -> None:
    """Columns and relations follow the serializers, three levels deep."""
    plan = StorySerializer.get_load_plan()
    assert plan.selection == Selection(
        ("id", "title", "body", "status", "made", "editor_id"),
        (
            (
                "reporter",
                Selection(("id", "name", "email"), (("city", Selection(("id", "name"))),)),
            ),
        ),
    )
    assert plan.is_plain
    assert not plan.needs_instances
    assert plan.related == ("reporter__city",)


def test_hooks_send_rows_through_pydantic() -> None:
    """A hook on a class, or on one nested in it, ends the short way."""
    assert not HookedSerializer.get_load_plan().is_plain

    class OuterSerializer(serializers.ModelSerializer):
        reporter: ReporterSerializer

        class Meta:
            model = Story
            fields = ["id", "reporter"]

    assert OuterSerializer.get_load_plan().is_plain
    assert ShoutSerializer.get_load_plan().needs_instances


def build_values(seed: int) -> dict[str, Any]:
    """Build a row of odd values for every kind of column."""
    draw = random.Random(seed)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
        seconds=draw.randrange(4_000_000_000), microseconds=draw.choice([0, 1, 120_000, 999_999])
    )
    ratios = [0.0, -0.0, 0.1, 1e16, 1e22, 1e-7, 123456789.123, draw.uniform(-1e6, 1e6), 5e-324]
    texts = ["", "a", "\u2028", '"\\/', "👩‍🚀 né", "\x7f\x1f", "<script>"]
    data = [None, 1, 1.5, "x", [1, {"b": [None, True]}], {"k": "\u00e9", "n": 2**53}, [2**63]]
    return {
        "key": uuid.UUID(int=draw.getrandbits(128)),
        "flag": draw.random() < 0.5,
        "small": draw.choice([0, -(2**15), 2**15 - 1]),
        "number": draw.choice([0, -(2**31), 2**31 - 1]),
        "big": draw.choice([0, -(2**63), 2**63 - 1, 2**53 + 1]),
        "ratio": draw.choice(ratios),
        "price": Decimal(draw.randrange(-99_999_999, 99_999_999)).scaleb(-2),
        "day": draw.choice([None, date(1, 1, 1), date(9999, 12, 31), moment.date()]),
        "hour": draw.choice([None, time(0), time(23, 59, 59, 120_000), moment.time()]),
        "moment": draw.choice([None, moment, moment.replace(microsecond=0)]),
        "data": draw.choice(data),
        "text": draw.choice(texts),
        "page": "",
    }


def test_json_is_the_same_either_way(newsroom: Reporter) -> None:
    """Rows to bytes, instances to bytes, and Pydantic's own writing agree to the byte."""
    for seed in range(60):
        Everything.objects.create(**build_values(seed))
    rows = Everything.objects.order_by("key")
    plan = EverythingSerializer.get_load_plan()
    assert plan.is_plain
    by_rows = plan.render_many(rows)
    by_instances = plan.render_many(list(rows))
    adapter: TypeAdapter[Any] = TypeAdapter(list[EverythingSerializer])
    read = adapter.validate_python(list(rows), from_attributes=True)
    assert by_rows == by_instances == adapter.dump_json(read)


def test_nested_rows_are_the_same_either_way(newsroom: Reporter) -> None:
    """Order of members, missing relations and keys of relations agree, too."""
    bo = Reporter.objects.get(name="Bo")
    Story.objects.create(title="By Bo", body="x", reporter=bo, editor=newsroom)
    rows = Story.objects.order_by("id")
    plan = StorySerializer.get_load_plan()
    adapter: TypeAdapter[Any] = TypeAdapter(list[StorySerializer])
    read = adapter.validate_python(list(rows), from_attributes=True)
    by_rows = plan.render_many(rows)
    assert by_rows == plan.render_many(list(rows)) == adapter.dump_json(read)
    last = json.loads(by_rows)[-1]  # type: ignore[arg-type]  # bytes, for no loop runs here
    assert list(last) == list(StorySerializer.model_fields)
    assert (last["editor"], last["reporter"]["city"]) == (newsroom.id, None)
    assert render(plan, rows) == json.loads(by_rows)  # type: ignore[arg-type]  # as above


def test_hooks_change_the_answer(newsroom: Reporter) -> None:
    """Computed, serialized and foreign fields come out as their hooks make them."""
    rows = Story.objects.order_by("id")
    hooked = render(HookedSerializer.get_load_plan(), rows)
    assert hooked[0]["title"] == "STORY 0"
    shouted = render(ShoutSerializer.get_load_plan(), rows)
    assert shouted[0]["shout"] == "STORY 0"
    assert shouted[0]["reporter"]["city"]["name"] == "Turin"


def test_handlers_answer_with_a_declared_serializer(newsroom: Reporter, client: MakeClient) -> None:
    """One row, a list and a queryset leave through the serializer, from both kinds of handler."""
    app = App(Settings())

    @app.get("/one")
    async def one() -> StorySerializer:
        return await Story.objects.afirst()  # type: ignore[return-value]  # the point of it

    @app.get("/blocking/one")
    def blocking_one() -> StorySerializer:
        return Story.objects.first()  # type: ignore[return-value]  # the point of it

    @app.get("/rows")
    async def rows() -> list[StorySerializer]:
        return Story.objects.order_by("id")  # type: ignore[return-value]  # the point of it

    @app.get("/blocking/rows")
    def blocking_rows() -> list[StorySerializer]:
        return Story.objects.order_by("id")  # type: ignore[return-value]  # the point of it

    @app.get("/list")
    async def listed() -> list[StorySerializer]:
        return await Story.objects.order_by("id")  # type: ignore[return-value]  # the point of it

    @app.post("/made", status_code=201)
    async def made(story: StorySerializer.Create) -> StorySerializer:  # type: ignore[valid-type]  # made at run time
        saved: StorySerializer = await story.asave()
        return saved

    speaker = client(app)
    for kind in ("", "/blocking"):
        assert speaker.get(f"{kind}/one").json()["reporter"]["city"] == {"id": 1, "name": "Turin"}
        assert [row["id"] for row in speaker.get(f"{kind}/rows").json()] == [1, 2, 3]
    assert speaker.get("/list").json() == speaker.get("/rows").json()
    answer = speaker.post("/made", json={"title": "Made", "body": "x", "reporter": newsroom.id})
    assert answer.status_code == 201
    assert answer.json()["reporter"]["name"] == "Ada"
    wrong = speaker.post("/made", json={"title": "", "body": 1, "reporter": "x"})
    assert {error["location"][-1] for error in wrong.json()["errors"]} == {
        "title",
        "body",
        "reporter",
    }


def test_rows_of_another_model_are_refused(newsroom: Reporter) -> None:
    """A serializer never writes rows it was not made for."""
    with pytest.raises(SerializationError):
        StorySerializer.get_load_plan().render_many(City.objects.all())
    with pytest.raises(SerializationError):
        StorySerializer.get_load_plan().render_many([City(name="x")])


def test_a_bare_row_still_needs_a_serializer(newsroom: Reporter, client: MakeClient) -> None:
    """Without a declaration no column leaves, from a row or from a queryset."""
    app = App(Settings())

    @app.get("/row")
    def row():  # type: ignore[no-untyped-def]
        return Story.objects.first()

    @app.get("/rows")
    def rows():  # type: ignore[no-untyped-def]
        return Story.objects.all()

    speaker = client(app)
    assert speaker.get("/row").status_code == 500
    assert speaker.get("/rows").status_code == 500


def test_numbers_beyond_64_bits_are_written() -> None:
    """A JSON column may hold what the fast writer refuses."""
    assert json.loads(dump({"n": 2**70})) == {"n": 2**70}

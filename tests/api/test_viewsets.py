"""Viewsets: five actions over real databases, through both gateways, and their hooks."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.api.newsroom import (
    City,
    CityViewSet,
    Reporter,
    ReporterSerializer,
    Story,
    StorySerializer,
    StoryViewSet,
    build_app,
)
from undercroft import serializers, viewsets
from undercroft.errors import ImproperlyConfigured, PermissionDenied
from undercroft.testing.client import Client

MakeClient = Callable[..., Client]


def test_a_row_goes_through_its_whole_life(newsroom: Reporter, client: MakeClient) -> None:
    """Created, shown, listed, changed, replaced and deleted, and gone afterwards."""
    speaker = client(build_app())
    body = {"title": "Né à 東京", "body": "Text.", "reporter": newsroom.id}
    made = speaker.post("/api/stories/", json=body)
    assert made.status_code == 201, made.text
    shown = made.json()
    assert shown["reporter"] == {
        "id": 1, "name": "Ada", "email": "ada@example.org", "city": {"id": 1, "name": "Turin"},
    }  # fmt: skip
    assert (shown["status"], shown["editor"]) == ("draft", None)
    address = f"/api/stories/{shown['id']}/"
    assert speaker.get(address).json() == shown
    listed = speaker.get("/api/stories/").json()
    assert (listed["count"], listed["results"][0]) == (4, shown)
    changed = speaker.patch(address, json={"status": "published"})
    assert changed.json() == {**shown, "status": "published"}
    replaced = speaker.put(address, json={**body, "title": "New"})
    assert replaced.status_code == 200
    # As in REST framework, what may be left out and is left out stays as it is.
    assert replaced.json() == {**shown, "status": "published", "title": "New"}
    assert speaker.head(address).status_code == 200
    deleted = speaker.delete(address)
    assert (deleted.status_code, deleted.content) == (204, b"")
    for method in ("GET", "DELETE"):
        assert speaker.request(method, address).status_code == 404
    assert speaker.patch(address, json={"title": "x"}).status_code == 404
    assert speaker.post(address).status_code == 405


def get_errors(answer: Any) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    return {str(error["location"][-1]): error["code"] for error in answer.json()["errors"]}


def test_a_reference_to_no_row_names_its_field(newsroom: Reporter, client: MakeClient) -> None:
    """An unknown key is the client's mistake, and stores nothing."""
    speaker = client(build_app())
    body = {"title": "x", "body": "x", "reporter": 999_999}
    assert get_errors(speaker.post("/api/stories/", json=body)) == {"reporter": "foreign"}
    assert get_errors(speaker.patch("/api/stories/1/", json={"editor": 999})) == {
        "editor": "foreign"
    }
    assert speaker.get("/api/stories/").json()["count"] == 3
    assert speaker.get("/api/stories/1/").json()["editor"] is None


def test_a_value_that_is_taken_names_its_field(newsroom: Reporter, client: MakeClient) -> None:
    """A unique column's second value is a 422 that says which column."""
    speaker = client(build_app())
    again = {"name": "Eve", "email": "ada@example.org", "city": None}
    assert get_errors(speaker.post("/api/reporters/", json=again)) == {"email": "unique"}
    changed = speaker.patch("/api/reporters/2/", json={"email": "ada@example.org"})
    assert get_errors(changed) == {"email": "unique"}
    assert "another reporter" in changed.json()["errors"][0]["message"].lower()


def test_a_row_others_refer_to_is_protected(newsroom: Reporter, client: MakeClient) -> None:
    """What a constraint protects cannot be deleted: 409, and it stays."""
    speaker = client(build_app())
    answer = speaker.delete("/api/cities/1/")
    assert answer.status_code == 409
    assert answer.json()["code"] == "api.protected"
    assert speaker.get("/api/cities/1/").status_code == 200


def test_wrong_input_is_told_all_at_once(newsroom: Reporter, client: MakeClient) -> None:
    """Every wrong field is listed, malformed JSON is 400, another media type 415."""
    speaker = client(build_app())
    wrong = speaker.post("/api/stories/", json={"title": "x" * 201, "body": 7, "status": "odd"})
    assert set(get_errors(wrong)) == {"title", "body", "status", "reporter"}
    headers = {"content-type": "application/json"}
    assert speaker.post("/api/stories/", content=b"{", headers=headers).status_code == 400
    assert speaker.post("/api/stories/", data={"title": "x"}).status_code == 415
    assert get_errors(speaker.post("/api/stories/", json=[])) != {}


def test_a_key_of_the_client_cannot_be_changed(newsroom: Reporter, client: MakeClient) -> None:
    """A client names a new row's key where the model lets it, and never another's."""
    speaker = client(build_app())
    key = str(uuid4())
    assert speaker.post("/api/everything/", json={"key": key}).status_code == 201
    address = f"/api/everything/{key}/"
    moved = speaker.patch(address, json={"key": str(uuid4()), "number": 3})
    assert (moved.json()["key"], moved.json()["number"]) == (key, 3)
    assert get_errors(speaker.post("/api/everything/", json={"key": key})) == {"key": "unique"}


@pytest.mark.parametrize("key", ["x", "-1", "9223372036854775808", "1.5", "%00", "1%0a"])
def test_an_address_of_no_row_is_not_found(
    newsroom: Reporter, client: MakeClient, key: str
) -> None:
    """Whatever stands for the key, it is a row or a 404."""
    assert client(build_app()).get(f"/api/stories/{key}/").status_code == 404


def test_what_is_read_only_cannot_be_forged(newsroom: Reporter, client: MakeClient) -> None:
    """Keys and self-filling columns in a body are passed over, in every kind of write."""
    speaker = client(build_app())
    forged = {"id": 77, "made": "2000-01-01T00:00:00Z", "changed": None, "reporter_id": 2}
    body = {"title": "x", "body": "x", "reporter": newsroom.id, **forged}
    made = speaker.post("/api/stories/", json=body).json()
    assert made["id"] != 77
    assert made["reporter"]["id"] == newsroom.id
    assert not made["made"].startswith("2000")
    address = f"/api/stories/{made['id']}/"
    for answer in (speaker.put(address, json=body), speaker.patch(address, json=forged)):
        assert {**answer.json()} == made
    assert speaker.get("/api/stories/77/").status_code == 404


ODD: list[Any] = [
    None, True, 0, -1, 1.5, 2**31, 2**63, 2**70, -(2**70), 1e308, "", "x", " ", "0", "1e5", "1e999",
    "nan", "-0", "a" * 300, "\x00", "\u2028", "👩‍🚀", "'; --", [], {}, [1], {"a": [None]}, [[[]]],
    "2026-02-30", "2026-01-01", "2026-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59", "24:00", "12:30", "12:30:00+05:00", "https://a.example/", "a-b",
    "PT1H", "-P1DT0.000001S", "P999999999D", "192.0.2.1", "192.0.2.01", "::1", "::ffff:1.2.3.4",
    "cold", "AP8=", "a1\n", 5, 7,
]  # fmt: skip
KINDS = [
    "flag", "small", "number", "big", "ratio", "price", "day", "hour", "moment", "data", "slug",
    "page", "text", "key", "count", "length", "ip", "tone", "raw", "code",
]  # fmt: skip


@pytest.mark.parametrize("field", KINDS)
def test_odd_values_are_stored_or_refused(
    newsroom: Reporter, client: MakeClient, field: str
) -> None:
    """Whatever a client sends is a 201 or a 422, and what was stored reads back the same."""
    speaker = client(build_app())
    for value in ODD:
        answer = speaker.post("/api/everything/", json={"key": str(uuid4()), field: value})
        assert answer.status_code in {201, 422}, (value, answer.text)
        if answer.status_code == 201:
            stored = answer.json()
            read = speaker.get(f"/api/everything/{stored['key']}/").json()
            if field == "data" and isinstance(value, float):
                # PostgreSQL keeps the decimal digits: a whole number comes back without exponent.
                read["data"] = float(read["data"])
            assert read == stored, value


@pytest.mark.parametrize(
    "raw", [b"NaN", b"Infinity", b"1e400", b"[" * 300 + b"]" * 300, b"9" * 5000]
)
def test_what_is_no_plain_json_is_refused(
    newsroom: Reporter, client: MakeClient, raw: bytes
) -> None:
    """A JSON column takes no NaN, no infinity and no endless nesting or digits."""
    body = b'{"key": "12345678-1234-5678-1234-567812345678", "data": ' + raw + b"}"
    headers = {"content-type": "application/json"}
    answer = client(build_app()).post("/api/everything/", content=body, headers=headers)
    assert answer.status_code in {400, 422}, answer.text


class BlockingHooks(StoryViewSet):
    def perform_create(self, serializer: Any) -> None:
        serializer.save(status="published")

    def perform_update(self, serializer: Any) -> None:
        serializer.save(title=serializer.validated_data["title"] + "!")

    def perform_destroy(self, instance: Any) -> None:
        instance.title = "deleted"
        instance.save()


class AsyncHooks(StoryViewSet):
    async def perform_create(self, serializer: Any) -> None:
        await serializer.asave(status="published")

    async def perform_update(self, serializer: Any) -> None:
        await serializer.asave(title=serializer.validated_data["title"] + "!")

    async def perform_destroy(self, instance: Any) -> None:
        instance.title = "deleted"
        await instance.asave()


@pytest.mark.parametrize("viewset", [BlockingHooks, AsyncHooks])
def test_hooks_of_either_kind_run(newsroom: Reporter, client: MakeClient, viewset: Any) -> None:
    """`perform_*` may be `def` or `async def`, and share the request's transaction."""
    speaker = client(build_app(stories=viewset))
    body = {"title": "x", "body": "x", "reporter": newsroom.id}
    made = speaker.post("/api/stories/", json=body).json()
    assert made["status"] == "published"
    address = f"/api/stories/{made['id']}/"
    assert speaker.patch(address, json={"title": "New"}).json()["title"] == "New!"
    assert speaker.delete(address).status_code == 204
    assert speaker.get(address).json()["title"] == "deleted"


def test_a_failing_hook_leaves_nothing_written(newsroom: Reporter, client: MakeClient) -> None:
    """What was saved before the failure is rolled back."""

    class Refusing(StoryViewSet):
        def perform_create(self, serializer: Any) -> None:
            serializer.save()
            raise PermissionDenied("No.")

    class Forgetting(CityViewSet):
        def perform_create(self, serializer: Any) -> None:
            """Save nothing."""

    speaker = client(build_app(stories=Refusing, cities=Forgetting))
    body = {"title": "x", "body": "x", "reporter": newsroom.id}
    assert speaker.post("/api/stories/", json=body).status_code == 403
    assert speaker.get("/api/stories/").json()["count"] == 3
    assert speaker.post("/api/cities/", json={"name": "Oslo"}).status_code == 500


def test_hooks_of_both_kinds_in_one_action_are_refused() -> None:
    """One blocks, the other must be awaited: they could not share a transaction."""

    class Mixed(StoryViewSet):
        def get_object(self) -> Any:
            return Story.objects.get(id=1)

        async def perform_update(self, serializer: Any) -> None:
            await serializer.asave()

    with pytest.raises(ImproperlyConfigured) as caught:
        build_app(stories=Mixed).build()
    assert caught.value.code == "api.mixed-hooks"


def test_rows_can_be_narrowed_and_found_otherwise(newsroom: Reporter, client: MakeClient) -> None:
    """`get_queryset` and `lookup_field` decide which rows there are and by what they are found."""

    class Narrow(viewsets.ReadOnlyModelViewSet):
        queryset = Reporter.objects.all()
        serializer_class = ReporterSerializer
        lookup_field = "email"

        def get_queryset(self) -> Any:
            wanted = self.request.query_params.get("name", "Ada")
            return super().get_queryset().filter(name=wanted)

    speaker = client(build_app(reporters=Narrow))
    assert speaker.get("/api/reporters/").json()["count"] == 1
    assert speaker.get("/api/reporters/ada@example.org/").json()["name"] == "Ada"
    assert speaker.get("/api/reporters/bo@example.org/").status_code == 404
    assert speaker.get("/api/reporters/bo@example.org/?name=Bo").status_code == 200
    assert speaker.delete("/api/reporters/ada@example.org/").status_code == 405


def test_a_serializer_for_each_action(newsroom: Reporter, client: MakeClient) -> None:
    """`get_serializer_class` may choose by the action."""

    class Choosing(StoryViewSet):
        def get_serializer_class(self) -> Any:
            if self.action == "list":
                return TitleSerializer
            return StorySerializer

    class TitleSerializer(serializers.ModelSerializer):
        class Meta:
            model = Story
            fields = ["title"]

    speaker = client(build_app(stories=Choosing))
    assert speaker.get("/api/stories/").json()["results"][0] == {"title": "Story 2"}
    assert "body" in speaker.get("/api/stories/1/").json()


def test_extra_actions_have_addresses(newsroom: Reporter, client: MakeClient) -> None:
    """`@action` routes a method, whose own signature is bound."""

    class Acting(StoryViewSet):
        @viewsets.action(detail=True, methods=["post"], url_path="publish-now")
        async def publish(self, loud: bool = False) -> StorySerializer:
            """Publish a story."""
            story = await self.get_object()
            story.status = "published"
            story.title = story.title.upper() if loud else story.title
            await story.asave()
            return story  # type: ignore[no-any-return]  # the row, sent by its serializer

        @viewsets.action(detail=False)
        def titles(self) -> list[str]:
            return list(Story.objects.order_by("id").values_list("title", flat=True))

    app = build_app(stories=Acting)
    speaker = client(app)
    assert speaker.post("/api/stories/1/publish-now/?loud=1").json()["title"] == "STORY 0"
    assert speaker.get("/api/stories/titles/").json() == ["STORY 0", "Story 1", "Story 2"]
    assert app.url_for("story-publish-now", pk=1) == "/api/stories/1/publish-now/"


def test_an_action_may_be_overridden(newsroom: Reporter, client: MakeClient) -> None:
    """An action written anew is bound by its own signature, and may call ours."""

    class Own(CityViewSet):
        async def list(self, q: str = "") -> list[dict[str, str]]:  # type: ignore[override]  # bound anew
            return [{"q": q}]

        async def retrieve(self) -> Any:
            response = await super().retrieve()
            response.headers["x-own"] = "yes"
            return response

    speaker = client(build_app(cities=Own))
    assert speaker.get("/api/cities/?q=x").json() == [{"q": "x"}]
    assert speaker.get("/api/cities/1/").headers["x-own"] == "yes"


def test_own_objects_are_shown(newsroom: Reporter, client: MakeClient) -> None:
    """An overridden `get_object` decides what is shown, changed and deleted."""

    class First(CityViewSet):
        def get_object(self) -> Any:
            return City.objects.order_by("id").first()

    speaker = client(build_app(cities=First))
    assert speaker.get("/api/cities/999/").json() == {"id": 1, "name": "Turin"}
    assert speaker.patch("/api/cities/999/", json={"name": "Oslo"}).json()["name"] == "Oslo"


@pytest.mark.parametrize(
    "actions,options,code",
    [
        (None, {}, "api.no-actions"),
        ({"get": "lits"}, {}, "api.unknown-action"),
        ({"get": "list"}, {"colour": "red"}, "api.unknown-action"),
    ],
)
def test_mistakes_in_routing_a_viewset_are_found(
    actions: dict[str, str] | None, options: dict[str, str], code: str
) -> None:
    """A viewset must be told actions and options it has."""
    with pytest.raises(ImproperlyConfigured) as caught:
        StoryViewSet.as_view(actions, **options)
    assert caught.value.code == code


def test_a_viewset_without_rows_or_serializer_says_so() -> None:
    """What is missing is named when the application is built."""

    class Bare(viewsets.ModelViewSet):
        queryset = City.objects.all()

    with pytest.raises(ImproperlyConfigured) as caught:
        build_app(cities=Bare).build()
    assert caught.value.code == "api.no-serializer"

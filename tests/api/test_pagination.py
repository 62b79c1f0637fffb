"""Pages: their rows, their links, their limits."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from tests.api.newsroom import Reporter, Story, StoryViewSet, build_app
from undercroft import pagination
from undercroft.testing.client import Client

MakeClient = Callable[..., Client]


class Pairs(pagination.PageNumberPagination):
    page_size = 2
    page_size_query_param = "size"
    max_page_size = 3


class Stories(StoryViewSet):
    queryset = Story.objects.order_by("id")
    pagination_class = Pairs


def test_pages_lead_to_each_other(newsroom: Reporter, client: MakeClient) -> None:
    """Links keep the rest of the query, and end at both ends."""
    speaker = client(build_app(stories=Stories))
    first = speaker.get("/api/stories/?x=%C3%A9&page=1").json()
    assert [row["id"] for row in first["results"]] == [1, 2]
    assert (first["count"], first["previous"]) == (3, None)
    assert first["next"] == "http://localhost/api/stories/?x=%C3%A9&page=2"
    second = speaker.get(first["next"]).json()
    assert [row["id"] for row in second["results"]] == [3]
    assert second["next"] is None
    assert second["previous"] == "http://localhost/api/stories/?x=%C3%A9"


def test_a_page_beyond_the_last_is_not_found(newsroom: Reporter, client: MakeClient) -> None:
    """A page that is none is a 404; what is no page number is a 422 that says where."""
    speaker = client(build_app(stories=Stories))
    beyond = speaker.get("/api/stories/?page=3")
    assert (beyond.status_code, beyond.json()["code"]) == (404, "api.no-page")
    assert speaker.get("/api/stories/?page=2147483647").status_code == 404
    for wrong in ("0", "-1", "x", "9" * 30, "1.5", ""):
        answer = speaker.get("/api/stories/", params={"page": wrong})
        assert answer.status_code == 422, wrong
        assert answer.json()["errors"][0]["location"] == ["query", "page"]


def test_an_empty_list_has_one_page(client: MakeClient, newsroom: Reporter) -> None:
    """Nothing to list is no error."""
    Story.objects.delete()
    answer = client(build_app(stories=Stories)).get("/api/stories/")
    assert answer.json() == {"count": 0, "next": None, "previous": None, "results": []}


def test_clients_choose_a_size_within_limits(newsroom: Reporter, client: MakeClient) -> None:
    """A size is taken up to the limit, where the viewset allows one."""
    speaker = client(build_app(stories=Stories))
    assert len(speaker.get("/api/stories/?size=3").json()["results"]) == 3
    assert speaker.get("/api/stories/?size=4").status_code == 422
    assert len(client(build_app()).get("/api/stories/?size=1").json()["results"]) == 3


def test_an_envelope_of_ones_own(newsroom: Reporter, client: MakeClient) -> None:
    """The envelope and its description are replaced together."""

    class Short(pagination.PageNumberPagination):
        page_size = 1

        def get_paginated_response(self, page: pagination.Page) -> dict[str, Any]:
            return {"count": page.count, "page": page.number, "results": page.results}

        def get_envelope_fields(self, item: Any) -> dict[str, Any]:
            return {"count": int, "page": int, "results": list[item]}

    class Numbered(Stories):
        pagination_class = Short

    speaker = client(build_app(stories=Numbered))
    assert speaker.get("/api/stories/?page=3").json()["page"] == 3
    schemas = speaker.get("/openapi.json").json()["components"]["schemas"]
    assert list(schemas["StoryPage"]["properties"]) == ["count", "page", "results"]


def test_a_list_without_pages_has_a_limit(
    newsroom: Reporter, client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Without pagination a list is sent whole, up to a hard limit that the log tells of."""

    class Whole(Stories):
        pagination_class = None

    class Cut(Whole):
        max_rows = 2

    assert len(client(build_app(stories=Whole)).get("/api/stories/").json()) == 3
    with caplog.at_level(logging.WARNING, "undercroft.api"):
        assert len(client(build_app(stories=Cut)).get("/api/stories/").json()) == 2
    assert "more than 2 rows" in caplog.text


def test_rows_in_no_order_are_ordered_by_key(newsroom: Reporter, client: MakeClient) -> None:
    """Without an order, pages could repeat rows or lose them."""

    class Unordered(Stories):
        queryset = Story.objects.all()

    Story.objects.filter(id=1).update(title="touched")
    speaker = client(build_app(stories=Unordered))
    seen = [
        row["id"]
        for page in (1, 2)
        for row in speaker.get(f"/api/stories/?page={page}").json()["results"]
    ]
    assert seen == [1, 2, 3]

"""Routers: addresses and names of viewsets, and how they are described."""

from typing import Any

import pytest
from openapi_spec_validator import validate

from tests.api.newsroom import CityViewSet, Everything, EverythingViewSet, StoryViewSet, build_app
from undercroft import App, Request, Settings, include, path, routers, viewsets
from undercroft.concurrency import drive
from undercroft.errors import ImproperlyConfigured
from undercroft.http.json import load_json


def fetch(app: App, address: str) -> Any:
    response = drive(app.handle(Request("GET", address, b"", [(b"host", b"localhost")])))
    assert response.status_code == 200
    return load_json(response.body)


def test_addresses_and_names_are_rest_frameworks() -> None:
    """A list and a row, with a slash at the end, named after the model."""
    app = build_app(stories=StoryViewSet)
    assert app.url_for("story-list") == "/api/stories/"
    assert app.url_for("story-detail", pk=3) == "/api/stories/3/"
    assert app.url_for("api-root") == "/api/"


def test_slashes_can_be_left_out() -> None:
    """`trailing_slash=False` gives addresses without a slash at the end."""
    router = routers.DefaultRouter(trailing_slash=False)
    router.register("stories", StoryViewSet)
    app = App(Settings(), routes=[path("api/", include(router.urls, namespace="v1"))])
    assert app.url_for("v1:story-list") == "/api/stories"
    assert app.url_for("v1:story-detail", pk=3) == "/api/stories/3"


def test_the_root_lists_what_there_is() -> None:
    """A default router has a root that links to each list; a simple one has none."""
    assert fetch(build_app(), "/api/")["stories"] == "http://localhost/api/stories/"
    simple = routers.SimpleRouter()
    simple.register("stories", StoryViewSet)
    app = App(Settings())
    app.include(simple, "/api")
    assert {route.name for route in app.router.routes} == {"story-list", "story-detail"}


def test_a_viewset_registered_late_is_served() -> None:
    """A viewset that joins an included router after the first request has its addresses."""
    router = routers.DefaultRouter()
    app = App(Settings(), routes=[path("api/", include(router))])
    assert fetch(app, "/api/") == {}
    router.register("stories", StoryViewSet)
    assert fetch(app, "/api/") == {"stories": "http://localhost/api/stories/"}


def test_a_key_is_converted_by_its_type() -> None:
    """The address of a row takes what its key can be."""
    app = build_app(everything=EverythingViewSet, stories=StoryViewSet)
    paths = {route.name: route.path for route in app.router.routes}
    assert paths["everything-detail"] == "/api/everything/{pk:uuid}/"
    assert paths["story-detail"] == "/api/stories/{pk:int}/"


def test_mistakes_in_registering_are_found() -> None:
    """A basename is unique and known, and rows are found by a field there is."""
    router = routers.SimpleRouter()
    router.register("stories", StoryViewSet)
    with pytest.raises(ImproperlyConfigured, match="basename"):
        router.register("tales", StoryViewSet)

    class Rowless(viewsets.GenericViewSet):
        pass

    with pytest.raises(ImproperlyConfigured, match="queryset"):
        router.register("rowless", Rowless)

    class Lost(CityViewSet):
        lookup_field = "nmae"

    router.register("lost", Lost)
    with pytest.raises(ImproperlyConfigured) as caught:
        _ = router.urls
    assert "'name'" in str(caught.value)


def test_only_actions_there_are_get_routes() -> None:
    """A viewset that only lists has no rows' addresses."""

    class Listing(viewsets.ListModelMixin):
        queryset = Everything.objects.all()
        serializer_class = EverythingViewSet.serializer_class

    router = routers.SimpleRouter()
    router.register("everything", Listing)
    assert [(route.name, set(route.methods)) for route in router.urls] == [
        ("everything-list", {"GET"})
    ]


def test_a_router_can_stand_below_parameters() -> None:
    """A prefix may have parameters of its own, which the viewset finds in `kwargs`."""
    router = routers.SimpleRouter()
    router.register("reporters/{reporter:int}/stories", StoryViewSet)
    app = App(Settings())
    app.include(router)
    assert app.url_for("story-detail", reporter=1, pk=2) == "/reporters/1/stories/2/"
    document = fetch(app, "/openapi.json")
    operation = document["paths"]["/reporters/{reporter}/stories/"]["get"]
    assert operation["operationId"] == "reporters_stories_list"


def test_a_viewset_is_described() -> None:
    """Ids, tags, pages, variants and errors of the five actions are in a valid document."""
    document = fetch(build_app(), "/openapi.json")
    validate(document)
    rows, row = document["paths"]["/api/stories/"], document["paths"]["/api/stories/{pk}/"]
    ids = [operation["operationId"] for item in (rows, row) for operation in item.values()]
    assert ids == [
        "stories_list",
        "stories_create",
        "stories_retrieve",
        "stories_update",
        "stories_partial_update",
        "stories_destroy",
    ]
    assert rows["get"]["summary"] == "List storys."
    assert rows["get"]["tags"] == ["stories"]
    assert rows["get"]["parameters"][0]["name"] == "page"
    assert set(rows["post"]["responses"]) == {"201", "400", "409", "415", "422"}
    assert set(row["get"]["responses"]) == {"200", "404"}
    assert set(row["delete"]["responses"]) == {"204", "404", "409"}
    assert {"Story", "StoryCreate", "StoryUpdate", "StoryPartialUpdate", "StoryPage"} <= set(
        document["components"]["schemas"]
    )
    body = row["patch"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/StoryPartialUpdate"}
    assert "/api/" not in document["paths"]

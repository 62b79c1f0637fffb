"""Violated constraints as answers, on whichever database they were violated."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.api.newsroom import Reporter, ReporterSerializer, Story, StorySerializer
from undercroft import App, Settings, models, routers, viewsets
from undercroft.db.connections.databases import databases
from undercroft.testing.client import Client

MakeClient = Callable[..., Client]


class ArchivedStories(viewsets.ModelViewSet):
    """Stories of another database than the default one."""

    queryset = Story.objects.using("archive")
    serializer_class = StorySerializer

    def perform_create(self, serializer: StorySerializer) -> None:
        serializer.instance = self.queryset.create(**serializer.validated_data)  # type: ignore[attr-defined]


class ArchivedReporters(viewsets.ModelViewSet):
    """As `ArchivedStories`."""

    queryset = Reporter.objects.using("archive")
    serializer_class = ReporterSerializer

    def perform_create(self, serializer: ReporterSerializer) -> None:
        serializer.instance = self.queryset.create(**serializer.validated_data)  # type: ignore[attr-defined]


@pytest.fixture
def app(newsroom: Reporter, tmp_path: Path) -> Iterator[App]:
    """An application with a second database, which has one reporter, unlike the first."""
    urls = {alias: known.url for alias, known in databases.items()}
    archive = f"sqlite:///{tmp_path / 'archive.sqlite3'}"
    app = App(Settings(databases={**urls, "archive": archive}))
    models.create_all("archive")
    Reporter.objects.using("archive").create(id=7, name="Old", email="old@example.org")
    router = routers.DefaultRouter()
    router.register("stories", ArchivedStories)
    router.register("reporters", ArchivedReporters)
    app.include(router)
    yield app
    databases.dispose()


def test_what_another_database_refuses_names_its_field(app: App, client: MakeClient) -> None:
    """Which reference leads nowhere is looked up in the database that refused it."""
    spoken = client(app)
    body = {"title": "x", "body": "x", "reporter": 7, "editor": 1}
    answer = spoken.post("/stories/", json=body)
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert (error["location"], error["code"]) == (["body", "editor"], "foreign")
    taken = {"name": "New", "email": "old@example.org", "city": None}
    (error,) = spoken.post("/reporters/", json=taken).json()["errors"]
    assert (error["location"], error["code"]) == (["body", "email"], "unique")

"""The request's transaction: what its commit refuses is an answer."""

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from undercroft import App, Settings, models, routers, serializers, viewsets
from undercroft.concurrency import run_on_background_loop
from undercroft.db.connections.databases import databases
from undercroft.testing.client import Client

MakeClient = Callable[..., Client]


class Promise(models.Model):
    """A row that refers to another, which the database checks at commit."""

    kept_by = models.BigIntegerField()

    class Meta:
        db_table = "deferred_promise"


TABLE = """
CREATE TABLE deferred_promise (id {key}, kept_by BIGINT NOT NULL
    REFERENCES deferred_promise (id) DEFERRABLE INITIALLY DEFERRED)
"""
KEYS = {"sqlite": "INTEGER PRIMARY KEY", "postgresql": "BIGSERIAL PRIMARY KEY"}


class PromiseSerializer(serializers.ModelSerializer):
    class Meta:
        model = Promise
        fields = ["id", "kept_by"]


class PromiseViewSet(viewsets.ModelViewSet):
    queryset = Promise.objects.all()
    serializer_class = PromiseSerializer


@pytest.fixture
def database(database_url: str) -> Iterator[str]:
    """A database with a foreign key that is checked at commit, on SQLite and on PostgreSQL."""
    before = {alias: known.url for alias, known in databases.items()}
    databases.configure({"default": database_url})
    engine = databases["default"].sync_engine
    with engine.begin() as connection:
        connection.execute(sa.text(TABLE.format(key=KEYS[engine.dialect.name])))
    yield database_url
    run_on_background_loop(databases.adispose())
    databases.dispose()
    databases.configure(before)


def test_what_the_commit_refuses_is_a_conflict(client: MakeClient, database: str) -> None:
    """A constraint that is checked at commit answers 409, and nothing is left behind."""
    router = routers.DefaultRouter()
    router.register("promises", PromiseViewSet)
    app = App(Settings(databases={"default": database}))
    app.include(router)

    @app.post("/by-hand")
    def promise_by_hand() -> int:
        return Promise.objects.create(kept_by=99).id

    speaker = client(app)
    for answer in (
        speaker.post("/promises/", json={"kept_by": 99}),
        speaker.post("/by-hand"),
    ):
        assert answer.status_code == 409, answer.text
        assert answer.json()["code"] == "api.conflict"
    assert speaker.get("/promises/").json()["results"] == []

"""The request's transaction: which requests have one, and what its commit refuses."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from undercroft import App, Settings, View, models, routers, serializers, transaction, viewsets
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


# MariaDB checks every constraint at once.
@pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
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


class Note(models.Model):
    """A row to write."""

    text = models.CharField(max_length=20)

    class Meta:
        db_table = "middleware_notes"


class NoteSerializer(serializers.ModelSerializer):
    class Meta:
        model = Note
        fields = ["id", "text"]


class NoteViewSet(viewsets.ModelViewSet):
    queryset = Note.objects.all()
    serializer_class = NoteSerializer

    @transaction.non_atomic_requests
    def perform_create(self, serializer: Any) -> None:
        """Marked where it has no meaning: only what is routed counts."""
        serializer.save()
        raise ZeroDivisionError

    @viewsets.action(detail=False, methods=["post"])
    @transaction.non_atomic_requests
    def keep(self) -> str:
        return write()

    @viewsets.action(detail=False, methods=["post"])
    def drop(self) -> str:
        return write()


class Mixed(View):
    """One method in the request's transaction, one outside of it."""

    def post(self) -> str:
        return write()

    @transaction.non_atomic_requests
    def put(self) -> str:
        return write()


@transaction.non_atomic_requests
class Outside(View):
    """A view of which no method is in the transaction."""

    def post(self) -> str:
        return write()


def write() -> str:
    """Write a row, and fail."""
    Note.objects.create(text="x")
    raise ZeroDivisionError


@pytest.fixture
def notes(database_url: str) -> Iterator[str]:
    """A database with an empty table."""
    before = {alias: known.url for alias, known in databases.items()}
    databases.configure({"default": database_url})
    tables = [Note.__options__.table]
    models.Model.metadata.create_all(databases["default"].sync_engine, tables=tables)
    yield database_url
    run_on_background_loop(databases.adispose())
    databases.dispose()
    databases.configure(before)


def build_app(url: str, **settings: bool) -> App:
    """Build an application whose routes write and fail, some of them in autocommit."""
    app = App(Settings(databases={"default": url}, **settings))  # type: ignore[arg-type]
    router = routers.DefaultRouter()
    router.register("notes", NoteViewSet)
    app.include(router)
    app.add_route("/mixed", Mixed.as_view())
    app.add_route("/outside", Outside.as_view())
    app.add_route("/outside-too", transaction.non_atomic_requests(Mixed.as_view()))
    app.add_route("/option", Mixed.as_view(), atomic=False)
    app.add_route("/option-in", Outside.as_view(), atomic=True)

    @app.post("/plain")
    @app.get("/plain")
    def plain() -> str:
        return write()

    @app.route("/both", methods=["GET", "POST"])
    async def both() -> str:
        await Note.objects.acreate(text="x")
        raise ZeroDivisionError

    @app.post("/marked")
    @transaction.non_atomic_requests
    async def marked() -> str:
        await Note.objects.acreate(text="x")
        raise ZeroDivisionError

    @app.post("/retried")
    @transaction.non_atomic_requests
    @transaction.atomic(retry=2)
    def retried() -> int:
        Note.objects.create(text="x")
        if Note.objects.count() == 1 and not tries:
            tries.append(1)
            raise transaction.TransactionConflict("once")
        return Note.objects.count()

    tries: list[int] = []
    app.add_route("/reading", plain, methods=["GET"], atomic=True)
    return app


#: Each request, and whether its row stays although the handler failed.
CASES = {
    "POST /plain": False,
    "GET /plain": True,
    "GET /reading": False,
    "POST /both": False,
    "GET /both": True,
    "HEAD /both": True,
    "POST /marked": True,
    "POST /mixed": False,
    "PUT /mixed": True,
    "POST /outside": True,
    "POST /outside-too": True,
    "POST /option": True,
    "POST /option-in": False,
    "POST /notes/": False,
    "POST /notes/keep/": True,
    "POST /notes/drop/": False,
}


@pytest.mark.parametrize("case", CASES)
def test_a_route_may_leave_the_transaction_out(client: MakeClient, notes: str, case: str) -> None:
    """By a mark on function, view or method, or an option of the route; others are unchanged."""
    method, path = case.split()
    answer = client(build_app(notes)).request(method, path, json={"text": "x"})
    assert answer.status_code == 500, answer.text
    assert Note.objects.count() == CASES[case]


@pytest.mark.parametrize("case", ["POST /plain", "POST /option-in", "GET /reading"])
def test_the_whole_application_may_leave_it_out(client: MakeClient, notes: str, case: str) -> None:
    """With `atomic_requests` off only those routes have a transaction that say so."""
    method, path = case.split()
    app = build_app(notes, atomic_requests=False)
    assert client(app).request(method, path).status_code == 500
    assert Note.objects.count() == (case == "POST /plain")


def test_a_handler_may_be_run_again(client: MakeClient, notes: str) -> None:
    """Outside of the request's transaction a handler is a block of its own, with `retry`."""
    assert client(build_app(notes)).post("/retried").json() == 1

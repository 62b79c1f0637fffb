"""SQLAlchemy's sessions by type: in the request's transaction, or refused with what to ask for."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from tests.conftest import create_tables
from undercroft import App, Settings, models
from undercroft.db.connections.databases import databases
from undercroft.errors import ImproperlyConfigured
from undercroft.testing.client import Client

MakeClient = Callable[[App], Client]


class Note(models.Model):
    """A row written by the lane and by a session."""

    text = models.CharField(max_length=20)

    class Meta:
        db_table = "app_test_notes"


@pytest.fixture
def app(database_url: str) -> Iterator[App]:
    """An application whose handlers write both ways."""
    app = App(Settings(database_url=database_url))
    create_tables("app_test_notes")

    @app.post("/sync")
    def sync(session: Session, fail: bool = False) -> list[str]:
        Note.objects.create(text="lane")
        session.add(Note(text="session"))
        session.commit()
        if fail:
            raise ValueError
        return sorted(session.scalars(select(Note.text)))

    @app.post("/async")
    async def on_loop(session: AsyncSession, fail: bool = False) -> list[str]:
        await Note.objects.acreate(text="lane")
        session.add(Note(text="session"))
        await session.flush()
        if fail:
            raise ValueError
        return sorted(await session.scalars(select(Note.text)))

    @app.get("/")
    def read(session: Session) -> int:
        return len(session.scalars(select(Note)).all())

    yield app
    databases.dispose()


def test_a_session_shares_the_request_s_transaction(app: App, client: MakeClient) -> None:
    """Session and querysets see each other's rows; a failure undoes both, a commit included."""
    spoken = client(app)
    assert spoken.post("/sync?fail=1").status_code == 500
    assert spoken.get("/").json() == 0
    assert spoken.post("/sync").json() == ["lane", "session"]
    assert spoken.get("/").json() == 2


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_an_async_session_shares_it_too(app: App, client: MakeClient) -> None:
    """An `async def` is given an AsyncSession in the same transaction."""
    spoken = client(app)
    assert spoken.post("/async?fail=1").status_code == 500
    assert spoken.get("/").json() == 0
    assert spoken.post("/async").json() == ["lane", "session"]
    assert spoken.get("/").json() == 2


def test_the_wrong_kind_of_session_is_refused_at_start() -> None:
    """A blocking session in an `async def`, and the other way round, names the right one."""

    async def blocking(session: Session) -> None: ...

    def waiting(session: AsyncSession) -> None: ...

    for handler, instead in [(blocking, "Ask for AsyncSession"), (waiting, "Ask for Session")]:
        app = App()
        app.get("/")(handler)
        with pytest.raises(ImproperlyConfigured, match=instead):
            app.build()

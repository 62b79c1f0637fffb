"""A Flask and a FastAPI application with engines and models of their own, mounted in ours."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.server.conftest import Start
from undercroft.db.connections.databases import Database

NEIGHBOURS = """
import os

import flask
import sqlalchemy as sa
from fastapi import Depends, FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import (
    DeclarativeBase, Mapped, mapped_column, relationship, scoped_session, selectinload, sessionmaker
)

from undercroft import App, models
from undercroft.db import databases

URL = os.environ["UNDERCROFT_DATABASE_URL"]
DRIVER = URL.replace("postgresql://", "postgresql+psycopg://").replace("mysql://", "mysql+pymysql://")
ASYNC = URL.replace("postgresql://", "postgresql+asyncpg://").replace("mysql://", "mysql+asyncmy://")


# ---- ours

class Note(models.Model):
    text = models.CharField(max_length=50)

    class Meta:
        db_table = "our_note"
        app_label = "main"

ours = App()

@ours.post("/ours")
def write_ours(text: str, session: sa.orm.Session) -> int:
    Note.objects.create(text=text)
    session.add(Note(text=text))
    session.flush()
    if text == "fails":
        raise ValueError(text)
    return Note.objects.filter(text=text).count()

models.create_all()


# ---- a Flask application, as its documentation writes them

class FlaskBase(DeclarativeBase):
    pass

class FlaskNote(FlaskBase):
    __tablename__ = "flask_note"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(sa.String(50))

FlaskNote.__name__ = "Note"
flask_engine = sa.create_engine(DRIVER, connect_args={"timeout": 30} if "sqlite" in URL else {})
flask_session = scoped_session(sessionmaker(flask_engine))
FlaskBase.query = flask_session.query_property()
FlaskBase.metadata.create_all(flask_engine)
flask_app = flask.Flask("neighbour")

@flask_app.teardown_appcontext
def remove_session(error=None):
    flask_session.remove()

@flask_app.post("/notes")
def write_flask():
    text = flask.request.args["text"]
    flask_session.add(FlaskNote(text=text))
    flask_session.flush()
    if text == "fails":
        raise ValueError(text)
    flask_session.commit()
    return flask.jsonify(FlaskNote.query.filter_by(text=text).count())


# ---- a FastAPI application, with an async engine where there is a driver for it

class FastBase(DeclarativeBase):
    pass

class FastNote(FastBase):
    __tablename__ = "fast_note"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(sa.String(50))
    lines: Mapped[list["Line"]] = relationship(back_populates="note")

class Line(FastBase):
    __tablename__ = "fast_line"
    id: Mapped[int] = mapped_column(primary_key=True)
    note_id: Mapped[int] = mapped_column(sa.ForeignKey("fast_note.id"))
    note: Mapped[FastNote] = relationship(back_populates="lines")

fast_app = FastAPI()
FastBase.metadata.create_all(flask_engine)

if "sqlite" in URL:
    fast_engine = sa.create_engine(DRIVER, connect_args={"timeout": 30})

    def get_session():
        with sessionmaker(fast_engine)() as session:
            yield session

    @fast_app.post("/notes")
    def write_fast(text: str, session: sa.orm.Session = Depends(get_session)) -> int:
        session.add(FastNote(text=text, lines=[Line()]))
        session.flush()
        if text == "fails":
            raise ValueError(text)
        session.commit()
        statement = sa.select(FastNote).filter_by(text=text).options(selectinload(FastNote.lines))
        return sum(len(note.lines) for note in session.scalars(statement))
else:
    fast_engine = create_async_engine(ASYNC)

    async def get_async_session():
        async with async_sessionmaker(fast_engine)() as session:
            yield session

    @fast_app.post("/notes")
    async def write_fast(text: str, session: AsyncSession = Depends(get_async_session)) -> int:
        session.add(FastNote(text=text, lines=[Line()]))
        await session.flush()
        if text == "fails":
            raise ValueError(text)
        await session.commit()
        statement = sa.select(FastNote).filter_by(text=text).options(selectinload(FastNote.lines))
        return sum(len(note.lines) for note in await session.scalars(statement))


# ---- all of them

@ours.get("/state")
def show_state() -> dict[str, object]:
    engines = [flask_engine, getattr(fast_engine, "sync_engine", fast_engine)]
    own = databases["default"]
    mine = [own.sync_engine, *(each.sync_engine for each in own._async_engines.values())]
    return {
        "theirs in use": sum(engine.pool.checkedout() for engine in engines),
        "ours in use": sum(engine.pool.checkedout() for engine in mine),
        "our tables": sorted(models.Model.metadata.tables),
        "their pools": sorted({type(engine.pool).__module__ for engine in engines}),
        "models": [model.__name__ for model in models.all_models()],
    }

app = ours
app.mount("/flask", flask_app)
app.mount("/fastapi", fast_app)
"""

PATHS = ("/ours", "/flask/notes", "/fastapi/notes")


@pytest.mark.slow
def test_others_work_unharmed_beside_ours(start: Start, project: Path, database_url: str) -> None:
    """Each has its own metadata, pool and transactions, under load and when handlers fail."""
    (project / "main.py").write_text(NEIGHBOURS, "utf-8")
    server = start(
        *("undercroft", "serve", "main:app", "--bind", "127.0.0.1:{port}"),
        UNDERCROFT_DATABASE_URL=database_url,
    ).wait()

    def ask(number: int) -> int:
        path = PATHS[number % 3]
        text = "fails" if number % 5 == 0 else f"n{number}"
        return server.ask("POST", f"{path}?text={text}").status_code

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(60)))
    assert answers == [500 if number % 5 == 0 else 200 for number in range(60)]
    for path, count in zip(PATHS, (2, 1, 1), strict=True):
        assert server.ask("POST", f"{path}?text=last").json() == count
    state = server.get("/state").json()
    assert (state["theirs in use"], state["ours in use"]) == (0, 0)
    assert (state["our tables"], state["models"]) == (["our_note"], ["Note"])
    assert all(module.startswith("sqlalchemy.pool") for module in state["their pools"])
    database = Database("test", database_url)
    with database.sync_engine.connect() as connection:
        for table, each in (("our_note", 2), ("flask_note", 1), ("fast_note", 1)):
            found = connection.scalar(sa.text(f"SELECT count(*) FROM {table}"))
            assert found == 17 * each, table
            failed = sa.text(f"SELECT count(*) FROM {table} WHERE text = 'fails'")
            assert connection.scalar(failed) == 0
    database.dispose()
    server.stop()

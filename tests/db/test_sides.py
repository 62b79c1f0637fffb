"""The other sides of relations in SQLAlchemy's statements: joined, asked for, loaded."""

import copy
import pickle
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import aliased, contains_eager, joinedload, selectinload, subqueryload

from tests.db.conftest import Run
from tests.db.music_models import Album, Artist, Genre, Sleeve, Track, fill
from undercroft.db.connections.transactions import atomic
from undercroft.db.queries.shape import Call
from undercroft.db.sessions import async_session, session
from undercroft.errors import FieldError

pytestmark = pytest.mark.usefixtures("rows")

#: Type checkers know no other side that its model does not annotate.
ARTIST: Any = Artist
ALBUM: Any = Album
GENRE: Any = Genre


@pytest.fixture
def rows(database: str) -> dict[str, Any]:
    """A small collection."""
    return fill()


def test_statements_join_them() -> None:
    """`join`, `any`, `has` and aliases take them, of foreign keys and of many to many."""
    by_artist = sa.select(Artist.name).join(ARTIST.albums).where(Album.title == "First")
    by_genre = sa.select(Genre.name).join(GENRE.albums).where(Album.title == "First")
    by_album = sa.select(Album.title).join(Album.genres).where(Genre.name == "Punk")
    by_sleeve = sa.select(Album.title).where(ALBUM.sleeve.has(Sleeve.text == "gold"))
    lacking = sa.select(Artist.name).where(~ARTIST.albums.any())
    other: Any = aliased(Artist)
    named = sa.select(other.name).join(other.albums).where(Album.title == "Blue")
    children = sa.select(Genre.name).where(GENRE.children.any(Genre.name == "Punk"))
    narrow = sa.select(Artist.name).join(ARTIST.albums.and_(Album.title == "Empty"))
    with session() as alone:
        for statement, expected in (
            (by_artist, ["Ann"]),
            (by_genre.order_by(Genre.name), ["Punk", "Rock"]),
            (by_album, ["First"]),
            (by_sleeve, ["First"]),
            (lacking, ["Çyd"]),
            (named, ["Bob"]),
            (children, ["Rock"]),
            (narrow, ["Bob"]),
        ):
            assert alone.scalars(statement).all() == expected, str(statement)
    assert Artist.objects.filter(ARTIST.albums.any(Album.title == "Blue")).get().name == "Bob"


@pytest.mark.parametrize("load", [selectinload, joinedload, subqueryload])
def test_loaders_bring_what_managers_give(load: Any, asked: list[Call]) -> None:
    """What a loader brought is what `all`, `count` and `exists` answer, without another query."""
    options = [load(ARTIST.albums).options(load(Album.genres), load(ALBUM.sleeve))]
    with session() as alone:
        found = alone.scalars(sa.select(Artist).order_by(Artist.id).options(*options)).unique()
        ann, bob, cyd = found.all()
    before = len(asked)
    assert sorted(album.title for album in ann.albums.all()) == ["First", "Second"]
    first = next(album for album in ann.albums.all() if album.title == "First")
    assert sorted(genre.name for genre in first.genres.all()) == ["Punk", "Rock"]
    assert first.sleeve.text == "gold"
    assert (bob.albums.count(), cyd.albums.count(), cyd.albums.exists()) == (2, 0, False)
    assert not hasattr(bob.albums.all()[0], "sleeve")
    for copied in (copy.copy(ann), pickle.loads(pickle.dumps(ann))):
        assert len(copied.albums.all()) == 2
    assert len(asked) == before
    assert ann.albums.filter(title="First").get() == first


def test_what_was_loaded_is_forgotten_when_it_changes() -> None:
    """Writes of the manager, `refresh_from_db` and an expired Session let rows be read anew."""
    with session() as alone:
        ann = alone.scalars(sa.select(Artist).options(selectinload(ARTIST.albums))).first()
        assert ann is not None
        ann.albums.create(title="Third")
        assert ann.albums.count() == 3
    with session() as alone:
        ann = alone.scalars(sa.select(Artist).options(selectinload(ARTIST.albums))).first()
        assert ann is not None
        Album.objects.create(title="Fourth", artist_id=ann.id)
        assert ann.albums.count() == 3
        alone.rollback()  # its end lets it see what others wrote
        assert ann.albums.count() == 4
        statement = sa.select(Artist).join(ARTIST.albums).options(contains_eager(ARTIST.albums))
        narrowed = alone.scalars(
            statement.where(Album.title == "Third").execution_options(populate_existing=True)
        )
        assert [album.title for album in narrowed.unique().one().albums.all()] == ["Third"]
    ann.refresh_from_db()
    assert ann.albums.count() == 4


def test_they_only_read() -> None:
    """A Session writes nothing for them, and neither constructor nor assignment takes them."""
    with session() as alone:
        ann = alone.scalars(sa.select(Artist).options(selectinload(ARTIST.albums))).first()
        assert ann is not None
        ann.name = "Anna"
        alone.commit()
        alone.delete(alone.get_one(Artist, Artist.objects.get(name="Çyd").id))
        alone.commit()
    assert Artist.objects.get(name="Anna").albums.count() == 2
    with pytest.raises(FieldError, match="cannot be assigned to"):
        ann.albums = []
    with pytest.raises(FieldError, match="other rows"):
        ARTIST(name="x", albums=[])
    assert Album.genres.through.__name__ == "Album_genres"


def test_async_sessions_load_them(run: Run, database: str) -> None:
    """On the event loop, what was loaded is there without another wait."""
    if database == "sqlite":
        return  # It has no async driver.

    async def main() -> None:
        async with atomic(), async_session() as shared:
            statement = sa.select(Album).options(selectinload(ALBUM.track_set))
            albums = (await shared.scalars(statement.where(Album.title == "First"))).all()
            assert [track.seconds for track in albums[0].track_set.all()] == [100, 200, 300]
            assert await albums[0].track_set.acount() == 3
            assert await Track.objects.acount() == 6

    run(main())

"""Rows locked until the end of the transaction: waited for, skipped, or refused at once."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.db.conftest import Run
from tests.db.music_models import Album, Artist, Genre, Track, fill, names
from undercroft.db.connections.transactions import atomic
from undercroft.errors import DatabaseError, FieldError, LockTimeout

#: The databases that lock rows; SQLite lets one write at a time.
LOCKING = pytest.mark.parametrize(
    "database",
    [
        pytest.param("postgresql", marks=pytest.mark.postgres),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
    ],
    indirect=True,
)

pytestmark = pytest.mark.usefixtures("database")


def meanwhile(act: Callable[[], Any]) -> Any:
    """Do something in another thread, on another connection; give its answer or error."""
    found: list[Any] = []

    def start() -> None:
        try:
            found.append(act())
        except BaseException as error:  # noqa: BLE001 - of a thread
            found.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join(timeout=20)
    assert found, "still waiting for a lock"
    return found[0]


def lock(queryset: Any) -> list[str]:
    """Lock the rows of a queryset in a block of its own, and name them."""
    with atomic():
        return names(queryset.all())


@LOCKING
def test_locked_rows_are_skipped() -> None:
    """`skip_locked` gives the rows that nobody holds."""
    fill()
    genres = Genre.objects.order_by("id")
    with atomic():
        assert names(genres.select_for_update()[:1]) == ["Rock"]
        free = genres.select_for_update(skip_locked=True)
        assert meanwhile(lambda: lock(free)) == ["Punk", "Jazz"]
        assert meanwhile(lambda: lock(free[:1])) == ["Punk"]
        assert names(Genre.objects.order_by("id")) == ["Rock", "Punk", "Jazz"]
    assert meanwhile(lambda: lock(free)) == ["Rock", "Punk", "Jazz"]


@LOCKING
def test_locked_rows_are_refused_at_once() -> None:
    """`nowait` fails when another holds a row."""
    fill()
    with atomic():
        rock = Genre.objects.select_for_update().get(name="Rock")
        refused = meanwhile(lambda: lock(Genre.objects.select_for_update(nowait=True)))
        assert isinstance(refused, LockTimeout)
        free = Genre.objects.filter(name="Jazz").select_for_update(nowait=True)
        assert meanwhile(lambda: lock(free)) == ["Jazz"]
        rock.name = "Rock'n'Roll"
        rock.save()
    assert meanwhile(lambda: lock(Genre.objects.select_for_update(nowait=True)[:1])) != []


@LOCKING
def test_who_waits_sees_what_was_written() -> None:
    """A row locked by another is waited for, and read as it was left."""
    fill()
    started = threading.Event()
    found: list[Any] = []

    def wait() -> None:
        with atomic():
            started.set()
            found.append(Genre.objects.select_for_update().get(pk=key).name)

    with atomic():
        rock = Genre.objects.select_for_update().get(name="Rock")
        key = rock.pk
        thread = threading.Thread(target=wait)
        thread.start()
        assert started.wait(5)
        thread.join(timeout=0.3)
        assert found == []
        rock.name = "Changed"
        rock.save()
    thread.join(timeout=20)
    assert found == ["Changed"]


@LOCKING
def test_counters_are_exact() -> None:
    """Read, change, write: with a lock, no increment is lost."""
    fill()
    track = Track.objects.get(title="First 0")

    def increment() -> None:
        for _ in range(5):
            with atomic():
                each = Track.objects.select_for_update().get(pk=track.pk)
                each.plays = each.plays + 1
                each.save()

    threads = [threading.Thread(target=increment) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    track.refresh_from_db()
    assert track.plays == 30


@LOCKING
def test_joined_rows_are_locked_or_not(database: str) -> None:
    """Of rows loaded along, those of the queryset itself are locked; `of` names others."""
    fill()
    albums = Album.objects.select_related("artist", "sleeve").filter(title="First")
    anns = Artist.objects.filter(name="Ann")
    with atomic():
        assert names(albums.select_for_update()) == ["First"]
        free = Album.objects.select_for_update(skip_locked=True).filter(artist__name="Ann")
        assert meanwhile(lambda: lock(free.order_by("id"))) in (["Second"], [])
    if database != "postgresql":
        with atomic(), pytest.raises(FieldError, match="expected PostgreSQL"):
            names(albums.select_for_update(of=("self",)))
        return
    with atomic():
        names(albums.select_for_update(of=("self",)))
        assert meanwhile(lambda: lock(anns.select_for_update(skip_locked=True))) == ["Ann"]
    with atomic():
        names(albums.select_for_update(of=("self", "artist")))
        assert meanwhile(lambda: lock(anns.select_for_update(skip_locked=True))) == []
    with atomic():
        names(anns.select_for_update(no_key=True))
        made = meanwhile(lambda: Album.objects.create(title="New", artist=anns[0]))
        assert made.pk is not None


def test_locks_need_a_transaction(run: Run) -> None:
    """Outside of a block a lock would end at once: every way to fetch says so."""
    fill()
    genres = Genre.objects.select_for_update()
    for fetch in (
        lambda: list(genres),
        genres.first,
        lambda: genres.get(name="Rock"),
        lambda: genres[0],
        lambda: list(genres.values("name")),
        lambda: list(genres.iterator()),
    ):
        with pytest.raises(DatabaseError, match=r"with atomic\(\)"):
            fetch()
    assert genres.count() == 3
    assert genres.exists()

    async def main() -> None:
        with pytest.raises(DatabaseError, match=r"with atomic\(\)"):
            await genres
        async with atomic():
            assert len(await genres) == 3

    run(main())


def test_locks_within_a_block() -> None:
    """In a block every form of the query works, on SQLite as well, which has one writer anyway."""
    fill()
    with atomic():
        genres = Genre.objects.order_by("id").select_for_update()
        assert names(genres) == ["Rock", "Punk", "Jazz"]
        assert names(genres.filter(name="Rock")) == ["Rock"]
        assert genres.get(name="Rock").name == "Rock"
        assert list(genres.values_list("name", flat=True)[:1]) == ["Rock"]
        assert names(genres.select_related("parent")) == ["Rock", "Punk", "Jazz"]
        assert names(Genre.objects.select_for_update(skip_locked=True).order_by("id")[:1]) == [
            "Rock"
        ]
        assert genres.count() == 3


def test_options_are_checked() -> None:
    """`nowait` with `skip_locked`, and unknown relations in `of`."""
    with pytest.raises(FieldError, match="exclude each other"):
        Genre.objects.select_for_update(nowait=True, skip_locked=True)
    with pytest.raises(FieldError, match="Did you mean 'artist'"):
        Album.objects.select_for_update(of=("artst",))


@LOCKING
def test_locks_in_async_code(run: Run) -> None:
    """Tasks take rows from a queue, each row once."""
    fill()
    taken: list[str] = []

    async def work() -> None:
        async with atomic():
            track = await Track.objects.select_for_update(skip_locked=True).order_by("id").afirst()
            assert track is not None
            taken.append(track.title)
            await asyncio.sleep(0.2)
            await track.adelete()

    async def main() -> None:
        await asyncio.gather(*(work() for _ in range(3)))
        assert await Track.objects.acount() == 3

    run(main())
    assert sorted(taken) == ["First 0", "First 1", "First 2"]

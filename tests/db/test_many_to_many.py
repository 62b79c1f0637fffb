"""Relations of many to many: changed from both sides, with rows between that have values."""

import threading
from typing import Any

import pytest

from tests.db.conftest import Run
from tests.db.music_models import Album, Artist, Entry, Genre, Playlist, Track, fill, names
from undercroft import models
from undercroft.db.queries.shape import Call
from undercroft.db.signals import m2m_changed, post_save
from undercroft.errors import FieldError, FieldValueError, IntegrityError

pytestmark = pytest.mark.usefixtures("database")


def test_rows_are_put_in_and_taken_out() -> None:
    """`add`, `remove`, `clear` and `set` change the relation and nothing else."""
    rows = fill()
    first, rock, punk, jazz = (rows[name] for name in ("first", "rock", "punk", "jazz"))
    first.genres.add(jazz)
    assert names(first.genres.all()) == ["Jazz", "Punk", "Rock"]
    first.genres.add(jazz, rock)
    assert first.genres.count() == 3
    first.genres.remove(rock, punk)
    assert names(first.genres.all()) == ["Jazz"]
    first.genres.remove(rock)
    first.genres.set([rock, punk])
    assert names(first.genres.all()) == ["Punk", "Rock"]
    first.genres.set([])
    assert not first.genres.exists()
    first.genres.set([jazz], clear=True)
    assert names(first.genres.all()) == ["Jazz"]
    first.genres.clear()
    first.genres.add()
    assert first.genres.count() == 0
    assert Genre.objects.count() == 3
    assert names(rows["blue"].genres.all()) == ["Jazz", "Rock"]


def test_both_sides_change_the_same_relation() -> None:
    """What is put in on one side is there on the other."""
    rows = fill()
    rows["punk"].albums.add(rows["second"], rows["blue"])
    assert names(rows["second"].genres.all()) == ["Jazz", "Punk"]
    assert names(rows["punk"].albums.order_by("id")) == ["First", "Second", "Blue"]
    rows["rock"].albums.clear()
    assert names(rows["blue"].genres.all()) == ["Jazz", "Punk"]
    rows["jazz"].albums.set([rows["empty"]])
    assert names(rows["empty"].genres.all()) == ["Jazz"]
    assert names(rows["second"].genres.all()) == ["Punk"]


def test_keys_do_for_rows() -> None:
    """Keys are taken in place of instances, text that is a number as well."""
    rows = fill()
    empty = rows["empty"]
    empty.genres.add(rows["rock"].pk, str(rows["jazz"].pk))
    assert names(empty.genres.all()) == ["Jazz", "Rock"]
    empty.genres.remove(rows["rock"].pk)
    empty.genres.set([rows["punk"].pk, rows["jazz"]])
    assert names(empty.genres.all()) == ["Jazz", "Punk"]


def test_a_new_row_is_made_within_the_relation() -> None:
    """`create`, `get_or_create` and `update_or_create` put the row in."""
    rows = fill()
    empty = rows["empty"]
    folk = empty.genres.create(name="Folk")
    assert folk.pk is not None
    assert names(folk.albums.all()) == ["Empty"]
    found, is_new = empty.genres.get_or_create(name="Folk")
    assert (found, is_new) == (folk, False)
    made, is_new = empty.genres.get_or_create(name="Soul", defaults={"parent": rows["jazz"]})
    assert is_new
    assert made.parent == rows["jazz"]
    assert names(empty.genres.all()) == ["Folk", "Soul"]
    changed, is_new = empty.genres.update_or_create(name="Soul", defaults={"parent": None})
    assert (changed.parent_id, is_new) == (None, False)
    _, is_new = empty.genres.update_or_create(name="Ska", defaults={"parent": rows["rock"]})
    assert is_new
    assert names(empty.genres.all()) == ["Folk", "Ska", "Soul"]
    with pytest.raises(IntegrityError):
        empty.genres.create(name="Rock")
    assert names(empty.genres.all()) == ["Folk", "Ska", "Soul"]


def test_the_relation_is_a_queryset() -> None:
    """It is filtered, ordered, counted and aggregated, and its rows are changed together."""
    rows = fill()
    first = rows["first"]
    assert names(first.genres.filter(name__startswith="R")) == ["Rock"]
    assert names(first.genres.order_by("-name")) == ["Rock", "Punk"]
    assert first.genres.exclude(parent=None).get() == rows["punk"]
    assert first.genres.values_list("name", flat=True)[0] == "Punk"
    assert first.genres.contains(rows["rock"])
    assert first.genres.filter(name="Punk").update(name="Punk rock") == 1
    assert first.genres.filter(albums=rows["blue"]).count() == 1
    assert first.genres.aggregate(n=models.Count("*")) == {"n": 2}
    assert rows["punk"].albums.cheap().count() == 1
    assert first.genres.filter(name="Rock").delete().total > 1
    assert names(first.genres.all()) == ["Punk rock"]


def test_few_queries_do_for_many_rows(asked: list[Call]) -> None:
    """Adding a thousand rows takes a look and a few statements; adding them again only a look."""
    fill()
    album = Album.objects.get(title="Empty")
    genres = Genre.objects.bulk_create([Genre(name=f"g{number}") for number in range(1000)])
    asked.clear()
    album.genres.add(*genres)
    assert len(asked) < 10
    assert album.genres.count() == 1000
    asked.clear()
    album.genres.add(*genres)
    assert len(asked) == 1


def test_symmetrical_relations_hold_both_ways() -> None:
    """A friend's friend list has the friend; taking one out takes both out."""
    rows = fill()
    ann, bob, cyd = rows["ann"], rows["bob"], rows["cyd"]
    ann.friends.add(bob, cyd)
    assert names(bob.friends.all()) == names(cyd.friends.all()) == ["Ann"]
    bob.friends.remove(ann)
    assert names(ann.friends.all()) == ["Çyd"]
    cyd.friends.set([bob])
    assert not ann.friends.exists()
    assert names(bob.friends.all()) == ["Çyd"]
    bob.friends.clear()
    assert Artist.friends.through.objects.count() == 0
    ann.friends.add(ann)
    assert names(ann.friends.all()) == ["Ann"]
    assert Artist.friends.through.objects.count() == 1
    assert names(Artist.objects.filter(friends__name="Ann")) == ["Ann"]


def test_relations_to_oneself_have_two_sides() -> None:
    """Influences and those they influenced are the two sides of one relation."""
    rows = fill()
    rows["ann"].influences.add(rows["bob"])
    assert names(rows["bob"].influenced.all()) == ["Ann"]
    assert not rows["ann"].influenced.exists()
    assert names(Artist.objects.filter(influences__name="Bob")) == ["Ann"]
    assert names(Artist.objects.filter(influenced__name="Ann")) == ["Bob"]
    rows["cyd"].influenced.set([rows["ann"], rows["bob"]])
    assert names(rows["ann"].influences.order_by("id")) == ["Bob", "Çyd"]


def test_rows_between_have_values_of_their_own() -> None:
    """`through_defaults` fills a model between, and look-ups go through it."""
    fill()
    mix = Playlist.objects.create(name="Mix")
    one, two, three = Track.objects.order_by("id")[:3]
    positions = iter(range(10))
    mix.tracks.add(one, two, through_defaults={"position": lambda: next(positions)})
    assert sorted(Entry.objects.values_list("position", flat=True)) == [0, 1]
    mix.tracks.add(two, three, through_defaults={"position": 9})
    assert Entry.objects.filter(track=two).count() == 1
    assert Entry.objects.get(track=three).position == 9
    made = mix.tracks.create(title="New", album=one.album, through_defaults={"position": 5})
    assert Entry.objects.get(track=made).position == 5
    mix.tracks.set([made, one], through_defaults={"position": 1})
    assert set(Entry.objects.values_list("track", flat=True)) == {made.pk, one.pk}
    assert Entry.objects.get(track=made).position == 5
    assert names(Playlist.objects.filter(entry__position=5)) == [str(mix)]
    assert names(mix.tracks.order_by("-entry__position")[:1]) == ["New"]
    assert Playlist.tracks.through is Entry
    assert mix.tracks.through is Entry


def test_rows_between_may_come_several_times() -> None:
    """Without a constraint a track may be in a list twice, and `remove` takes both out."""
    fill()
    mix = Playlist.objects.create(name="Mix")
    track = Track.objects.order_by("id")[0]
    for position in (1, 2):
        Entry.objects.create(playlist=mix, track=track, position=position)
    assert len(mix.tracks.all()) == 2
    assert mix.tracks.distinct().count() == 1
    mix.tracks.remove(track)
    assert Entry.objects.count() == 0


def test_whoever_listens_hears_of_every_change() -> None:
    """`m2m_changed` tells what was put in and taken out, from which side."""
    rows = fill()
    heard: list[Any] = []

    def listen(
        sender: Any, instance: Any, action: str, pk_set: Any, reverse: bool, **more: Any
    ) -> None:
        assert sender is Album.genres.through
        keys = None if pk_set is None else names(Genre.objects.filter(pk__in=pk_set))
        heard.append((str(instance), action, keys if not reverse else len(pk_set), reverse))

    m2m_changed.connect(listen, sender=Album.genres.through)
    try:
        first = rows["first"]
        first.genres.add(rows["rock"], rows["jazz"])
        first.genres.add(rows["jazz"])
        first.genres.remove(rows["jazz"])
        first.genres.set([rows["punk"]])
        first.genres.clear()
        rows["jazz"].albums.add(first)
    finally:
        m2m_changed.disconnect(listen, sender=Album.genres.through)
    assert heard == [
        ("First", "pre_add", ["Jazz"], False),
        ("First", "post_add", ["Jazz"], False),
        ("First", "pre_remove", ["Jazz"], False),
        ("First", "post_remove", ["Jazz"], False),
        ("First", "pre_remove", ["Rock"], False),
        ("First", "post_remove", ["Rock"], False),
        ("First", "pre_clear", None, False),
        ("First", "post_clear", None, False),
        ("Jazz", "pre_add", 1, True),
        ("Jazz", "post_add", 1, True),
    ]
    rows["first"].genres.clear()
    assert len(heard) == 10


def test_a_failing_receiver_takes_the_change_back() -> None:
    """All of `set` happens or nothing of it."""
    rows = fill()

    def refuse(action: str, **more: Any) -> None:
        if action == "post_add":
            raise ValueError("no")

    m2m_changed.connect(refuse)
    try:
        with pytest.raises(ValueError, match="no"):
            rows["first"].genres.set([rows["jazz"]])
    finally:
        m2m_changed.disconnect(refuse)
    assert names(rows["first"].genres.all()) == ["Punk", "Rock"]


def test_many_put_the_same_rows_in_at_once() -> None:
    """Concurrent adds of the same rows leave each of them in the relation once."""
    rows = fill()
    album_key = rows["empty"].pk
    genres = [rows["rock"], rows["punk"], rows["jazz"]]
    barrier, errors = threading.Barrier(8), list[BaseException]()

    def add(turn: int) -> None:
        try:
            album = Album.objects.get(pk=album_key)
            barrier.wait()
            for _ in range(5):
                album.genres.add(*(genres if turn % 2 else reversed(genres)))
        except BaseException as error:  # noqa: BLE001 - of a thread
            errors.append(error)

    threads = [threading.Thread(target=add, args=(turn,)) for turn in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert names(rows["empty"].genres.all()) == ["Jazz", "Punk", "Rock"]


def test_rows_go_with_either_side() -> None:
    """Deleting a row takes it out of its relations."""
    rows = fill()
    deleted = rows["rock"].delete()
    assert deleted.by_model["db.Album_genres"] == 2
    assert names(rows["first"].genres.all()) == ["Punk"]
    rows["second"].delete()
    assert names(rows["jazz"].albums.all()) == ["Blue"]


def test_mistakes_are_named() -> None:
    """Rows of another model, rows never saved, assignment, and None are refused."""
    rows = fill()
    first = rows["first"]
    with pytest.raises(FieldValueError, match="expected a Genre"):
        first.genres.add(rows["ann"])
    with pytest.raises(FieldValueError, match="save it first"):
        first.genres.add(Genre(name="new"))
    with pytest.raises(FieldError, match="None is no Genre"):
        first.genres.add(None)
    with pytest.raises(FieldError, match=r"Use \.genres\.set"):
        first.genres = [rows["rock"]]
    with pytest.raises(FieldError, match="never saved"):
        _ = Album(title="x").genres
    with pytest.raises(FieldError, match="Did you mean 'position'"):
        Playlist.objects.create(name="x").tracks.add(
            Track.objects.first(), through_defaults={"positon": 1}
        )
    with pytest.raises(IntegrityError):
        first.genres.add(999_999)
    assert first.genres.count() == 2


def test_bulk_changes_send_no_signals_of_rows_between() -> None:
    """The rows between are made without `post_save`, as `bulk_create` has it."""
    rows = fill()
    heard: list[Any] = []
    post_save.connect(heard.append, sender=Album.genres.through)
    rows["empty"].genres.add(rows["rock"])
    post_save.disconnect(heard.append, sender=Album.genres.through)
    assert heard == []


def test_many_to_many_in_async_code(run: Run) -> None:
    """Every change has a twin that is awaited, whose receivers may be coroutines."""
    rows = fill()
    heard: list[str] = []

    async def listen(action: str, **more: Any) -> None:
        heard.append(f"{action} {await Genre.objects.acount()}")

    async def main() -> None:
        empty = rows["empty"]
        await empty.genres.aadd(rows["rock"], rows["jazz"].pk)
        await empty.genres.aremove(rows["rock"])
        assert names(await empty.genres.all()) == ["Jazz"]
        await empty.genres.aset([rows["punk"]])
        folk = await empty.genres.acreate(name="Folk")
        assert [each async for each in empty.genres.all()] == [folk, rows["punk"]]
        _, is_new = await empty.genres.aget_or_create(name="Soul")
        assert is_new
        assert await empty.genres.acount() == 3
        await empty.genres.aclear()
        assert not await empty.genres.aexists()

    m2m_changed.connect(listen)
    try:
        run(main())
    finally:
        m2m_changed.disconnect(listen)
    assert heard[:2] == ["pre_add 3", "post_add 3"]
    assert heard[-1] == "post_clear 5"

"""Signals: who listens is called before and after rows are saved and deleted."""

from typing import Any

import pytest

from tests.db.conftest import Run
from tests.db.music_models import Album, Artist, Genre, Sleeve, Track, fill
from undercroft import models
from undercroft.db.connections.transactions import atomic
from undercroft.db.signals import Signal, post_delete, post_save, pre_delete, pre_save, receiver
from undercroft.errors import IntegrityError

pytestmark = pytest.mark.usefixtures("database")

SIGNALS = (pre_save, post_save, pre_delete, post_delete)


class Ear:
    """Listens to all signals of a model, and notes what it hears."""

    def __init__(self, sender: type[models.Model] | None = Genre) -> None:
        self.sender = sender
        self.heard: list[tuple[str, str]] = []
        self.details: list[dict[str, Any]] = []

    def listen(self, **given: Any) -> None:
        name = given["signal"].name
        if "created" in given:
            name += " new" if given["created"] else " old"
        self.heard.append((name, str(given["instance"])))
        self.details.append(given)

    def __enter__(self) -> "Ear":
        for signal in SIGNALS:
            signal.connect(self.listen, sender=self.sender)
        return self

    def __exit__(self, *_error: object) -> None:
        for signal in SIGNALS:
            assert signal.disconnect(self.listen, sender=self.sender)


def test_saving_and_deleting_is_told() -> None:
    """Before and after; whether the row is new; and no longer after `disconnect`."""
    with Ear() as ear:
        genre = Genre.objects.create(name="Rock")
        genre.name = "Punk"
        genre.save()
        genre.save(update_fields=["name"])
        genre.delete()
    Genre.objects.create(name="unheard")
    assert ear.heard == [
        ("pre_save", "Rock"),
        ("post_save new", "Rock"),
        ("pre_save", "Punk"),
        ("post_save old", "Punk"),
        ("pre_save", "Punk"),
        ("post_save old", "Punk"),
        ("pre_delete", "Punk"),
        ("post_delete", "Punk"),
    ]
    assert [each.get("update_fields") for each in ear.details[2:6:2]] == [None, ["name"]]
    assert {each["using"] for each in ear.details} == {"default"}
    assert {each["sender"] for each in ear.details} == {Genre}


def test_every_way_to_save_one_row_is_told() -> None:
    """`create`, `get_or_create`, `update_or_create` and related managers."""
    rock = Genre.objects.create(name="Rock")
    with Ear() as ear:
        Genre.objects.get_or_create(name="Rock")
        Genre.objects.get_or_create(name="Jazz")
        Genre.objects.update_or_create(name="Jazz", defaults={"parent": rock})
        Genre.objects.update_or_create(name="Soul", defaults={"parent": rock})
        rock.children.create(name="Ska")
    assert [each for each in ear.heard if each[0] != "pre_save"] == [
        ("post_save new", "Jazz"),
        ("post_save old", "Jazz"),
        ("post_save new", "Soul"),
        ("post_save new", "Ska"),
    ]


def test_writes_of_many_rows_are_not_told() -> None:
    """`bulk_create`, `bulk_update` and `update` call nobody, as in Django."""
    with Ear() as ear:
        genres = Genre.objects.bulk_create([Genre(name="a"), Genre(name="b")])
        Genre.objects.bulk_update(genres, ["parent"])
        Genre.objects.update(parent=None)
    assert ear.heard == []


def test_deleting_a_queryset_tells_of_each_row() -> None:
    """Where somebody listens, rows are deleted one by one."""
    fill()
    with Ear() as ear:
        deleted = Genre.objects.filter(name__in=["Rock", "Jazz"]).delete()
    assert deleted.by_model["db.Genre"] == 2
    assert sorted(ear.heard) == [
        ("post_delete", "Jazz"),
        ("post_delete", "Rock"),
        ("pre_delete", "Jazz"),
        ("pre_delete", "Rock"),
    ]
    assert Genre.objects.count() == 1


def test_a_receiver_sees_the_row_before_and_after() -> None:
    """What `pre_save` sets is saved; in `post_save` the row is there with its key."""
    seen: list[Any] = []

    def shout(instance: Genre, **_more: Any) -> None:
        instance.name = instance.name.upper()

    def look(instance: Genre, **_more: Any) -> None:
        seen.append(Genre.objects.get(pk=instance.pk).name)

    def miss(instance: Genre, **_more: Any) -> None:
        seen.append(Genre.objects.filter(name="ROCK").exists())

    pre_save.connect(shout, sender=Genre)
    post_save.connect(look, sender=Genre)
    post_delete.connect(miss, sender=Genre)
    try:
        genre = Genre.objects.create(name="Rock")
        genre.delete()
    finally:
        pre_save.disconnect(shout, sender=Genre)
        post_save.disconnect(look, sender=Genre)
        post_delete.disconnect(miss, sender=Genre)
    assert seen == ["ROCK", False]


def test_an_error_of_a_receiver_is_the_callers() -> None:
    """It comes out of `save` and `delete`; a deletion that failed is taken back."""

    def refuse(**_more: Any) -> None:
        raise ValueError("no")

    pre_save.connect(refuse, sender=Genre)
    with pytest.raises(ValueError, match="no"):
        Genre.objects.create(name="Rock")
    pre_save.disconnect(refuse, sender=Genre)
    assert not Genre.objects.exists()
    genre = Genre.objects.create(name="Rock")
    post_delete.connect(refuse, sender=Genre)
    with pytest.raises(ValueError, match="no"):
        genre.delete()
    post_delete.disconnect(refuse, sender=Genre)
    assert Genre.objects.count() == 1


def test_one_sender_every_sender_and_the_same_one_twice() -> None:
    """Receivers are called once, for the models they asked for, general ones first."""
    heard: list[str] = []

    def all_models(sender: Any, **_more: Any) -> None:
        heard.append(f"all {sender.__name__}")

    @receiver(post_save, sender=Genre)
    def genres(sender: Any, **_more: Any) -> None:
        heard.append(f"genres {sender.__name__}")

    post_save.connect(all_models)
    post_save.connect(all_models)
    post_save.connect(genres, sender=Genre)
    post_save.connect(lambda **_more: heard.append("first"), sender=Genre, dispatch_uid="x")
    post_save.connect(lambda **_more: heard.append("second"), sender=Genre, dispatch_uid="x")
    try:
        Genre.objects.create(name="Rock")
        Artist.objects.create(name="Ann")
    finally:
        assert post_save.disconnect(all_models)
        assert post_save.disconnect(genres, sender=Genre)
        assert post_save.disconnect(sender=Genre, dispatch_uid="x")
    assert heard == ["all Genre", "genres Genre", "second", "all Artist"]
    assert not post_save.disconnect(all_models)
    assert not post_save.listens(Genre)


def test_several_signals_at_once() -> None:
    """`receiver` takes a list of signals."""
    heard: list[str] = []

    @receiver([pre_save, post_save], sender=Genre)
    def note(signal: Signal, **_more: Any) -> None:
        heard.append(signal.name)

    Genre.objects.create(name="Rock")
    pre_save.disconnect(note, sender=Genre)
    post_save.disconnect(note, sender=Genre)
    assert heard == ["pre_save", "post_save"]
    assert repr(pre_save) == "<Signal pre_save>"


def test_a_failed_insert_is_not_told_as_saved() -> None:
    """Nobody hears `post_save` of a row that a constraint refused."""
    Genre.objects.create(name="Rock")
    with Ear() as ear, pytest.raises(IntegrityError):
        Genre.objects.create(name="Rock")
    assert ear.heard == [("pre_save", "Rock")]


@atomic
def make_and_fail(**values: Any) -> None:
    Album.objects.create(**values)
    assert Sleeve.objects.count() == 1
    raise RuntimeError


def test_receivers_run_within_the_transaction() -> None:
    """What a receiver writes is taken back with the block around."""

    def log(instance: Album, **_more: Any) -> None:
        Sleeve.objects.create(album=instance)

    artist = Artist.objects.create(name="Ann")
    post_save.connect(log, sender=Album)
    try:
        with pytest.raises(RuntimeError):
            make_and_fail(title="x", artist=artist)
        assert Sleeve.objects.count() == 0
        Album.objects.create(title="y", artist=artist)
    finally:
        post_save.disconnect(log, sender=Album)
    assert Sleeve.objects.count() == 1


def test_cascades_are_the_databases_and_not_told() -> None:
    """Rows that go with another are counted, and no signal is sent for them."""
    rows = fill()
    with Ear(Track) as ear:
        deleted = rows["ann"].delete()
    assert deleted.by_model["db.Track"] == 4
    assert ear.heard == []


def test_coroutines_are_receivers(run: Run) -> None:
    """A coroutine function is awaited in async code, and driven to its end in sync code."""
    heard: list[str] = []

    async def listen(instance: Genre, created: bool, **_more: Any) -> None:
        heard.append(f"{instance.name} {created} {await Genre.objects.acount()}")

    async def note(instance: Genre, **_more: Any) -> None:
        heard.append(instance.name)

    async def main() -> None:
        genre = await Genre.objects.acreate(name="Rock")
        genre.name = "Punk"
        await genre.asave()
        await Genre.objects.aget_or_create(name="Jazz")
        await Genre.objects.filter(name="Jazz").adelete()

    post_save.connect(listen, sender=Genre)
    try:
        run(main())
    finally:
        post_save.disconnect(listen, sender=Genre)
    post_save.connect(note, sender=Genre)
    Genre.objects.create(name="Soul")
    post_save.disconnect(note, sender=Genre)
    assert heard == ["Rock True 1", "Punk False 1", "Jazz True 2", "Soul"]

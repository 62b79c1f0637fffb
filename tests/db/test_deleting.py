"""Deletions, and their report of what went along: trees, diamonds, cycles, and what stays."""

from typing import Any

import pytest

from tests.db.conftest import Run
from tests.db.family_models import Bottom, Egg, Friend, Guard, Hen, Left, Node, Right
from tests.db.music_models import Album, Artist, Chair, Genre, Track, fill
from undercroft.db.connections.transactions import atomic
from undercroft.db.deleting import Deletion
from undercroft.db.queries.shape import Call
from undercroft.db.signals import post_delete
from undercroft.errors import FieldError, IntegrityError, ProtectedError
from undercroft.models import Count

pytestmark = pytest.mark.usefixtures("database")


def plant() -> dict[str, Node]:
    """A tree: root, two branches, two leaves on the first of them."""
    root = Node.objects.create(name="root")
    first = Node.objects.create(name="first", parent=root)
    second = Node.objects.create(name="second", parent=root)
    leaves = [Node.objects.create(name=f"leaf{number}", parent=first) for number in range(2)]
    return {str(each): each for each in (root, first, second, *leaves)}


def test_a_deletion_tells_what_went_along() -> None:
    """The report counts rows by model, those that the database deleted by itself included."""
    rows = fill()
    deleted = rows["ann"].delete()
    assert deleted == Deletion(
        11,
        {"db.Artist": 1, "db.Album": 2, "db.Sleeve": 1, "db.Track": 4, "db.Album_genres": 3},
    )
    total, by_model = deleted
    assert (total, by_model["db.Track"]) == (11, 4)
    assert Track.objects.count() == 2
    assert Artist.objects.count() == 2
    assert Genre.objects.count() == 3


def test_a_queryset_tells_what_went_along() -> None:
    """Likewise for many rows at once, whatever they are found by."""
    fill()
    deleted = Album.objects.filter(artist__name="Bob").delete()
    assert deleted == Deletion(6, {"db.Album": 2, "db.Track": 2, "db.Album_genres": 2})
    assert Track.objects.filter(seconds__gt=100).delete().by_model == {"db.Track": 3}
    assert Track.objects.none().delete() == (0, {})
    assert Track.objects.filter(seconds=-1).delete() == (0, {})


def test_trees_go_from_their_root() -> None:
    """Rows of the same model that go along are counted once, at any depth."""
    rows = plant()
    assert rows["first"].delete() == (3, {"family.Node": 3})
    assert sorted(map(str, Node.objects.all())) == ["root", "second"]
    rows = plant()
    assert Node.objects.filter(name__in=["root", "first", "leaf0"]).delete() == (
        7,
        {"family.Node": 7},
    )
    assert Node.objects.count() == 0


def test_diamonds_are_counted_once() -> None:
    """A row that goes by two ways is one row."""
    root = Node.objects.create(name="root")
    left, right = Left.objects.create(top=root), Right.objects.create(top=root)
    Bottom.objects.create(left=left, right=right)
    Bottom.objects.create(left=left, right=right)
    assert root.delete() == (
        5,
        {"family.Node": 1, "family.Left": 1, "family.Right": 1, "family.Bottom": 2},
    )


def test_cycles_end() -> None:
    """Rows that refer to each other in a circle go together; a row that is its own parent, too."""
    hen = Hen.objects.create()
    egg = Egg.objects.create(hen=hen)
    hen.egg = egg
    hen.save()
    other = Hen.objects.create(egg=egg)
    assert hen.delete() == (3, {"family.Hen": 2, "family.Egg": 1})
    assert not Hen.objects.filter(pk=other.pk).exists()
    own = Node.objects.create(name="own")
    own.parent = own
    own.save()
    assert own.delete() == (1, {"family.Node": 1})
    first, second = Node.objects.create(name="a"), Node.objects.create(name="b")
    first.parent, second.parent = second, first
    first.save()
    second.save()
    assert Node.objects.filter(name="a").delete() == (2, {"family.Node": 2})


def test_what_is_set_to_null_stays() -> None:
    """Rows with SET_NULL lose their reference and are not counted."""
    root = Node.objects.create(name="root")
    friend = Friend.objects.create(node=root)
    assert root.delete() == (1, {"family.Node": 1})
    friend.refresh_from_db()
    assert friend.node is None


def test_what_is_protected_keeps_everything() -> None:
    """A row that others hold on to stays, and so does all that would have gone with it."""
    rows = plant()
    Guard.objects.create(node=rows["leaf0"])
    for act in (rows["root"].delete, Node.objects.filter(name="first").delete):
        with pytest.raises(ProtectedError) as caught, atomic():
            act()
        assert caught.value.model is Guard
    assert Node.objects.count() == 5
    assert rows["second"].delete().total == 1
    Guard.objects.all().delete()
    assert rows["root"].delete().total == 4


def test_a_deleted_instance_is_a_new_one() -> None:
    """It has no key and can be saved again; deleting it twice is refused."""
    rows = plant()
    leaf = rows["leaf0"]
    leaf.delete()
    assert leaf.pk is None
    with pytest.raises(FieldError, match="never saved"):
        leaf.delete()
    leaf.save()
    assert Node.objects.get(pk=leaf.pk).name == "leaf0"
    gone = Node.objects.get(name="leaf1")
    Node.objects.filter(name="leaf1").delete()
    assert gone.delete() == (0, {})


def test_few_queries_do(asked: list[Call]) -> None:
    """A row without dependants is one statement; a tree one query for each level."""
    rows = plant()
    track = Guard.objects.create(node=rows["leaf1"])
    asked.clear()
    track.delete()
    assert [call.shape.kind for call in asked] == ["delete"]
    asked.clear()
    rows["root"].delete()
    assert len(asked) <= 4 * 3 + 1
    Genre.objects.bulk_create([Genre(name=str(number)) for number in range(3000)])
    asked.clear()
    assert Genre.objects.filter(name__startswith="1").delete().total > 1000
    assert len(asked) <= 12


def test_slices_unions_and_joins() -> None:
    """The rows of a slice and of a join are deleted once; those of a union are refused."""
    fill()
    assert Track.objects.order_by("-seconds")[:2].delete().total == 2
    assert Track.objects.order_by("id")[1:3].delete().total == 2
    assert Track.objects.count() == 2
    assert Artist.objects.filter(albums__price__gt=0).delete().by_model["db.Artist"] == 2
    with pytest.raises(FieldError, match="rows of a union"):
        Track.objects.union(Track.objects.all()).delete()


def test_groups_choose_rows() -> None:
    """Rows may be found by what was aggregated of them."""
    fill()
    busy = Artist.objects.annotate(n=Count("albums__track")).filter(n__gt=2)
    assert busy.delete().by_model["db.Artist"] == 1
    assert sorted(map(str, Artist.objects.all())) == ["Bob", "Çyd"]


def test_rows_of_composite_keys_are_counted() -> None:
    """Rows whose key has several columns go along, too."""
    artist = Artist.objects.create(name="Ann")
    for number in range(3):
        Chair.objects.create(hall="A", number=number, holder=artist)
    assert artist.delete() == (4, {"db.Artist": 1, "db.Chair": 3})


def test_a_deletion_taken_back_leaves_everything() -> None:
    """Rolled back, all rows are there again."""
    rows = fill()

    @atomic
    def delete_and_fail() -> None:
        rows["ann"].delete()
        assert Track.objects.count() == 2
        raise RuntimeError

    with pytest.raises(RuntimeError):
        delete_and_fail()
    assert Track.objects.count() == 6
    assert rows["ann"].pk is not None
    rows["ann"].refresh_from_db()


def test_listeners_do_not_change_the_report() -> None:
    """With receivers connected, rows are deleted one by one and counted alike."""
    fill()
    heard: list[Any] = []

    def listen(instance: Any, **_more: Any) -> None:
        heard.append(instance.pk)

    post_delete.connect(listen, sender=Album)
    try:
        deleted = Album.objects.filter(artist__name="Bob").delete()
    finally:
        post_delete.disconnect(listen, sender=Album)
    assert deleted == Deletion(6, {"db.Album": 2, "db.Track": 2, "db.Album_genres": 2})
    assert len(heard) == 2
    assert None not in heard


def test_deletions_in_async_code(run: Run) -> None:
    """The twins give the same report."""
    rows = fill()

    async def main() -> None:
        assert (await rows["ann"].adelete()).by_model["db.Track"] == 4
        assert await Album.objects.filter(title="Blue").adelete() == Deletion(
            5, {"db.Album": 1, "db.Track": 2, "db.Album_genres": 2}
        )
        root = await Node.objects.acreate(name="root")
        await Guard.objects.acreate(node=root)
        with pytest.raises(IntegrityError):
            await root.adelete()

    run(main())

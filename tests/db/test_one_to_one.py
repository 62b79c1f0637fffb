"""One-to-one relations: `sleeve.album` and the row on the other side, `album.sleeve`."""

import pytest

from tests.db.conftest import Run
from tests.db.music_models import Album, Sleeve, fill, names
from undercroft.db.queries.shape import Call
from undercroft.errors import FieldError, FieldValueError, SynchronousOnlyOperation, UniqueViolation

pytestmark = pytest.mark.usefixtures("database")


def test_both_sides_are_one_row() -> None:
    """Each side gives the other instance, not a manager."""
    rows = fill()
    album = Album.objects.get(title="First")
    assert album.sleeve.text == "gold"
    assert album.sleeve.album is album
    sleeve = Sleeve.objects.get()
    assert sleeve.album == rows["first"]
    assert sleeve.album.sleeve is sleeve or sleeve.album.sleeve == sleeve


def test_a_row_without_counterpart_says_so() -> None:
    """The other model's DoesNotExist is raised, which is an AttributeError to `hasattr`."""
    fill()
    album = Album.objects.get(title="Blue")
    with pytest.raises(Sleeve.DoesNotExist, match="This Album has no Sleeve"):
        _ = album.sleeve
    assert getattr(album, "sleeve", None) is None
    assert not hasattr(album, "sleeve")
    with pytest.raises(Sleeve.DoesNotExist):
        _ = Album(title="new").sleeve


def test_a_counterpart_is_assigned_and_saved() -> None:
    """Assigning sets the foreign key on the other side; saving that row stores it."""
    rows = fill()
    blue = rows["blue"]
    blue.sleeve = Sleeve(text="blue")
    assert blue.sleeve.album_id == blue.pk
    blue.sleeve.save()
    assert Album.objects.get(pk=blue.pk).sleeve.text == "blue"
    made = Sleeve.objects.create(album=rows["empty"], text="none")
    assert rows["empty"].sleeve == made
    with pytest.raises(FieldValueError, match="expected a Sleeve"):
        blue.sleeve = rows["ann"]


def test_there_is_one_at_most() -> None:
    """A second row for the same one is a violation the database finds."""
    rows = fill()
    with pytest.raises(UniqueViolation):
        Sleeve.objects.create(album=rows["first"])
    assert Sleeve.objects.count() == 1


def test_it_is_loaded_along_from_both_sides(asked: list[Call]) -> None:
    """`select_related` follows it in both directions, to nothing as well."""
    fill()
    asked.clear()
    albums = list(Album.objects.select_related("sleeve", "artist").order_by("id"))
    assert [getattr(each, "sleeve", None) and each.sleeve.text for each in albums] == [
        "gold",
        None,
        None,
        None,
    ]
    assert albums[0].sleeve.album is albums[0]
    (sleeve,) = Sleeve.objects.select_related("album__artist")
    assert sleeve.album.artist.name == "Ann"
    assert len(asked) == 2
    found = Sleeve.objects.select_related("album__sleeve").get()
    assert found.album.sleeve == found


def test_it_is_looked_up_from_both_sides() -> None:
    """Conditions, order and columns go through it."""
    fill()
    assert names(Album.objects.filter(sleeve__text__startswith="g")) == ["First"]
    assert names(Album.objects.exclude(sleeve__text="gold").order_by("id")) == [
        "Second",
        "Blue",
        "Empty",
    ]
    assert Sleeve.objects.filter(album__artist__name="Ann").count() == 1
    assert Album.objects.filter(sleeve__isnull=True).count() == 3
    assert (
        Album.objects.order_by("sleeve__text", "id")
        .values_list("sleeve__text", flat=True)[:4]
        .count()
        == 4
    )
    assert Album.objects.filter(sleeve=Sleeve.objects.get()).get().title == "First"


def test_it_goes_with_its_counterpart() -> None:
    """Deleting the row it refers to deletes it; deleting it leaves the other."""
    rows = fill()
    assert rows["first"].delete().by_model["db.Sleeve"] == 1
    made = Sleeve.objects.create(album=rows["blue"])
    assert made.delete() == (1, {"db.Sleeve": 1})
    assert Album.objects.filter(title="Blue").exists()


def test_it_is_created_through_update_or_create() -> None:
    """The counterpart is found or made by its relation."""
    rows = fill()
    sleeve, is_new = Sleeve.objects.update_or_create(
        album=rows["first"], defaults={"text": "silver"}
    )
    assert (sleeve.text, is_new) == ("silver", False)
    sleeve, is_new = Sleeve.objects.get_or_create(album=rows["blue"], defaults={"text": "b"})
    assert (sleeve.text, is_new) == ("b", True)


def test_the_loop_refuses_to_load_it(run: Run) -> None:
    """In async code it has to be loaded along."""
    fill()

    async def main() -> None:
        album = await Album.objects.aget(title="First")
        with pytest.raises(SynchronousOnlyOperation, match=r'select_related\("sleeve"\)'):
            _ = album.sleeve
        album = await Album.objects.select_related("sleeve").aget(title="First")
        assert album.sleeve.text == "gold"
        album = await Album.objects.select_related("sleeve").aget(title="Blue")
        with pytest.raises(Sleeve.DoesNotExist):
            _ = album.sleeve

    run(main())


def test_the_other_side_is_a_name_of_the_class() -> None:
    """On the class it is a descriptor, and it cannot be told to the constructor."""
    assert "sleeve" in Album.__options__.reverses
    with pytest.raises(FieldError, match="sleeve"):
        Album(title="x", sleeve=None)

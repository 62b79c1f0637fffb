"""Primary keys of several columns: found, changed, deleted and written in numbers."""

from typing import Any

import pytest

from tests.db.conftest import Run
from tests.db.music_models import Artist, Chair
from undercroft.errors import (
    FieldError,
    FieldValueError,
    ImproperlyConfigured,
    IntegrityError,
    UndercroftError,
)
from undercroft.models import CompositePrimaryKey, Count, F, OuterRef, Q, Subquery

pytestmark = pytest.mark.usefixtures("database")


def seat() -> list[Chair]:
    """Fill two halls: A with 1, 2, 3 and B with 1, 2."""
    return [
        Chair.objects.create(hall=hall, number=number)
        for hall, count in (("A", 3), ("B", 2))
        for number in range(1, count + 1)
    ]


def keys(queryset: Any) -> list[tuple[str, int]]:
    """The keys of rows in their order."""
    return [row.pk for row in queryset]


def test_a_key_of_several_columns_is_a_tuple() -> None:
    """`pk` reads and sets the columns together; rows with the same key are equal."""
    chair = Chair.objects.create(hall="A", number=1)
    assert chair.pk == ("A", 1)
    assert Chair.objects.get(hall="A", number=1) == chair
    assert len({chair, Chair.objects.get(number=1)}) == 1
    assert Chair(hall="A").pk is None
    other = Chair()
    other.pk = ("B", 7)
    assert (other.hall, other.number) == ("B", 7)
    assert Chair(pk=("C", 2)).hall == "C"
    assert str(chair) == "Chair object (('A', 1))"
    with pytest.raises(IntegrityError):
        Chair.objects.create(hall="A", number=1)


def test_rows_are_found_by_it() -> None:
    """`pk=`, `pk__in=`, and instances in both."""
    chairs = seat()
    assert Chair.objects.get(pk=("A", 2)) == chairs[1]
    assert Chair.objects.get(pk=["A", "2"]) == chairs[1]
    assert Chair.objects.get(pk=chairs[3]).pk == ("B", 1)
    ordered = Chair.objects.order_by("pk")
    assert keys(ordered.filter(pk__in=[("A", 1), ("B", 2), ("C", 1)])) == [("A", 1), ("B", 2)]
    assert keys(ordered.filter(pk__in=chairs[:2])) == [("A", 1), ("A", 2)]
    assert keys(ordered.filter(pk__in=[])) == []
    assert keys(ordered.exclude(pk=("A", 1))) == [("A", 2), ("A", 3), ("B", 1), ("B", 2)]
    assert keys(ordered.exclude(pk__in=[("A", 1), ("A", 2), ("B", 1)])) == [("A", 3), ("B", 2)]
    assert keys(ordered.filter(Q(pk=("A", 1)) | Q(hall="B"))) == [("A", 1), ("B", 1), ("B", 2)]
    assert keys(ordered.filter(pk__in=Chair.objects.filter(number=2))) == [("A", 2), ("B", 2)]
    assert keys(ordered.exclude(pk__in=Chair.objects.filter(number=2))) == [
        ("A", 1),
        ("A", 3),
        ("B", 1),
    ]
    assert keys(ordered.filter(pk__in=Chair.objects.order_by("-number")[:1])) == [("A", 3)]
    with pytest.raises(Chair.DoesNotExist):
        Chair.objects.get(pk=("Z", 1))


def test_rows_are_ordered_by_it() -> None:
    """`order_by("pk")`, backwards, and where nothing is said."""
    seat()
    assert keys(Chair.objects.order_by("-pk")) == [
        ("B", 2),
        ("B", 1),
        ("A", 3),
        ("A", 2),
        ("A", 1),
    ]
    first, last = Chair.objects.first(), Chair.objects.last()
    assert first is not None
    assert last is not None
    assert (first.pk, last.pk) == (("A", 1), ("B", 2))
    assert keys(Chair.objects.order_by("pk").reverse()[:1]) == [("B", 2)]


def test_rows_are_saved_refreshed_and_deleted() -> None:
    """An instance writes to and reads from its own row only."""
    ann = Artist.objects.create(name="Ann")
    chairs = seat()
    chairs[0].holder = ann
    chairs[0].save()
    assert keys(Chair.objects.filter(holder=ann)) == [("A", 1)]
    assert keys(ann.chair_set.all()) == [("A", 1)]
    Chair.objects.filter(pk=("A", 1)).update(holder=None)
    chairs[0].refresh_from_db()
    assert chairs[0].holder is None
    assert chairs[1].delete() == (1, {"db.Chair": 1})
    assert Chair.objects.count() == 4
    chairs[1].save()
    assert Chair.objects.count() == 5
    assert Chair.objects.filter(hall="B").delete() == (2, {"db.Chair": 2})
    with pytest.raises(Chair.DoesNotExist):
        chairs[3].refresh_from_db()


def test_a_changed_key_moves_the_row() -> None:
    """Saving a new value of a key's column changes the row it was read from."""
    chair = seat()[0]
    chair.number = 99
    chair.save()
    assert keys(Chair.objects.filter(hall="A").order_by("pk")) == [("A", 2), ("A", 3), ("A", 99)]
    chair.holder = Artist.objects.create(name="Ann")
    chair.save()
    assert Chair.objects.get(pk=("A", 99)).holder is not None


def test_many_rows_are_written_at_once() -> None:
    """`bulk_create`, `bulk_update`, `in_bulk`, and conflicts on the key."""
    ann = Artist.objects.create(name="Ann")
    made = Chair.objects.bulk_create([Chair(hall="A", number=number) for number in range(50)])
    assert Chair.objects.count() == 50
    for chair in made[:20]:
        chair.holder = ann
    assert Chair.objects.bulk_update(made[:20], ["holder"]) == 20
    assert Chair.objects.filter(holder=ann).count() == 20
    again = [Chair(hall="A", number=number, holder=ann) for number in range(48, 52)]
    Chair.objects.bulk_create(again, ignore_conflicts=True)
    assert Chair.objects.count() == 52
    assert Chair.objects.get(pk=("A", 48)).holder is None
    Chair.objects.bulk_create(again, update_conflicts=True, update_fields=["holder"])
    assert Chair.objects.get(pk=("A", 48)).holder == ann
    found = Chair.objects.in_bulk([("A", 1), ("A", 2), ("Z", 9)])
    assert found == {("A", 1): made[1], ("A", 2): made[2]}


def test_rows_are_got_or_created_by_it() -> None:
    """The key's columns are look-ups, and values of the new row."""
    chair, is_new = Chair.objects.get_or_create(hall="A", number=1)
    assert is_new
    assert Chair.objects.get_or_create(hall="A", number=1) == (chair, False)
    ann = Artist.objects.create(name="Ann")
    changed, is_new = Chair.objects.update_or_create(hall="A", number=1, defaults={"holder": ann})
    assert (changed.holder, is_new) == (ann, False)
    assert Chair.objects.get_or_create(pk=("A", 1)) == (chair, False)
    made, is_new = Chair.objects.get_or_create(pk=("A", 2))
    assert (made.pk, is_new) == (("A", 2), True)


def test_queries_of_all_kinds_know_it() -> None:
    """Joins, groups, aggregates, exclusions, iteration and deferred columns."""
    ann = Artist.objects.create(name="Ann")
    bob = Artist.objects.create(name="Bob")
    chairs = seat()
    for chair in chairs[:2]:
        chair.holder = ann
        chair.save()
    assert list(
        Artist.objects.annotate(n=Count("chair")).order_by("id").values_list("n", flat=True)
    ) == [
        2,
        0,
    ]
    assert Artist.objects.filter(chair=chairs[0]).get() == ann
    assert list(Artist.objects.filter(chair__isnull=True)) == [bob]
    assert list(Artist.objects.exclude(chair__in=[("A", 1)])) == [bob]
    assert list(Artist.objects.exclude(chair__in=Chair.objects.filter(number=1))) == [bob]
    assert list(Artist.objects.filter(chair__in=Chair.objects.filter(number=1))) == [ann]
    assert Chair.objects.values("hall").annotate(n=Count("*")).get(hall="A") == {
        "hall": "A",
        "n": 3,
    }
    assert (
        Chair.objects.annotate(n=Count("holder")).order_by("pk").values_list("n", flat=True)[0] == 1
    )
    assert Chair.objects.select_related("holder").get(pk=("A", 1)).holder == ann
    assert keys(Chair.objects.order_by("pk").iterator(2)) == keys(chairs)
    assert Chair.objects.contains(chairs[0])
    assert Chair.objects.order_by("pk")[:2].contains(chairs[0])
    assert not Chair.objects.order_by("pk")[:2].contains(chairs[4])
    (found, _) = Artist.objects.prefetch_related("chair_set").order_by("id")
    assert keys(sorted(found.chair_set.all(), key=lambda each: each.number)) == [("A", 1), ("A", 2)]
    next_one = Chair.objects.filter(hall=OuterRef("hall"), number=OuterRef("number") + 1)
    linked = Chair.objects.annotate(follower=Subquery(next_one.values("number")))
    assert list(linked.order_by("pk").values_list("follower", flat=True)) == [2, 3, None, 2, None]
    assert Chair.objects.filter(number__gt=1).update(number=F("number") + 10) == 3
    assert Chair.objects.filter(pk__in=Chair.objects.filter(hall="A")).delete().total == 3
    assert Chair.objects.distinct().count() == 2


def test_wrong_keys_are_named() -> None:
    """Too few values, values of a wrong type, and look-ups that such keys lack."""
    seat()
    for wrong in ("A", 1, ("A",), ("A", 1, 2), None):
        with pytest.raises((FieldValueError, Chair.DoesNotExist)):
            Chair.objects.get(pk=wrong)
    with pytest.raises(FieldValueError, match="number"):
        Chair.objects.get(pk=("A", "x"))
    with pytest.raises(FieldError, match="no look-up 'gt'"):
        Chair.objects.filter(pk__gt=("A", 1))
    with pytest.raises(FieldError, match="Name its columns one by one"):
        Chair.objects.annotate(x=F("pk"))
    with pytest.raises(FieldError, match="several columns"):
        Artist.objects.annotate(n=Count("chair", distinct=True))
    with pytest.raises(FieldError, match="has 1 column"):
        Chair.objects.filter(pk__in=Chair.objects.values("hall"))
    with pytest.raises(ValueError, match=r"zip|argument"):
        Chair().pk = ("A",)


def test_declarations_are_checked() -> None:
    """A key needs two different fields."""
    for names in ((), ("hall",), ("hall", "hall")):
        with pytest.raises(ImproperlyConfigured, match="two or more different fields"):
            CompositePrimaryKey(*names)


def test_composite_keys_in_async_code(run: Run) -> None:
    """The same through the drivers of async code."""

    async def main() -> None:
        chair = await Chair.objects.acreate(hall="A", number=1)
        assert await Chair.objects.aget(pk=("A", 1)) == chair
        await Chair.objects.abulk_create([Chair(hall="B", number=number) for number in range(3)])
        assert [each.pk async for each in Chair.objects.order_by("-pk")] == [
            ("B", 2),
            ("B", 1),
            ("B", 0),
            ("A", 1),
        ]
        found = Chair.objects.filter(pk__in=Chair.objects.filter(hall="B"))
        assert await found.acount() == 3
        chair.number = 5
        await chair.asave()
        await chair.arefresh_from_db()
        assert chair.pk == ("A", 5)
        assert (await chair.adelete()).total == 1

    run(main())


def test_such_keys_have_no_serializer_by_themselves() -> None:
    """A serializer of a model with such a key says clearly what it cannot do."""
    from undercroft import serializers

    with pytest.raises(UndercroftError, match=r"key|pk"):

        class ChairSerializer(serializers.ModelSerializer):
            class Meta:
                model = Chair
                fields = ["pk", "hall", "number"]

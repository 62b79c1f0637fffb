"""A `save` or `delete` of a model's own counts, whoever saves and in whichever code."""

from typing import Any

import pytest

from tests.db.conftest import Run
from undercroft import models
from undercroft.db import atomic, transaction

pytestmark = pytest.mark.usefixtures("database")


class Shelf(models.Model):
    name = models.CharField(max_length=20)
    labels: models.RelatedManager["Label"]

    class Meta:
        app_label = "overriding"


class Label(models.Model):
    text = models.CharField(max_length=20, unique=True)
    shelf = models.ForeignKey(Shelf, on_delete=models.CASCADE, null=True, related_name="labels")
    shelves = models.ManyToManyField(Shelf, related_name="tags")

    class Meta:
        app_label = "overriding"

    def save(self, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]  # as Django's are
        self.text = self.text.upper()
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]  # as above
        Shelf.objects.create(name=f"without {self.text}")
        return super().delete(*args, **kwargs)


class Note(models.Model):
    text = models.CharField(max_length=20)

    class Meta:
        app_label = "overriding"

    async def asave(self, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]  # as above
        self.text = self.text.title()
        await super().asave(*args, **kwargs)


def test_every_way_to_save_one_row_calls_it() -> None:
    """`create` and its kin, and those of relations, save as the class says."""
    shelf = Shelf.objects.create(name="a")
    made = [
        Label.objects.create(text="a"),
        Label.objects.get_or_create(text="b")[0],
        Label.objects.update_or_create(text="c")[0],
        Label.objects.update_or_create(text="C", defaults={"shelf": shelf, "text": "d"})[0],
        shelf.labels.create(text="e"),
        shelf.tags.create(text="f"),
    ]
    assert [label.text for label in made] == ["A", "B", "C", "D", "E", "F"]
    assert Label.objects.get_or_create(text="A") == (made[0], False)
    assert sorted(Label.objects.values_list("text", flat=True)) == ["A", "B", "D", "E", "F"]
    made[0].delete()
    assert Shelf.objects.filter(name="without A").exists()


def test_async_code_calls_it_as_well(run: Run) -> None:
    """Where only the blocking method is overridden, the async one calls it in a thread."""

    async def main() -> None:
        label = await Label.objects.acreate(text="a")
        label.text = "b"
        await label.asave()
        assert (await Label.objects.aget()).text == "B"
        await label.adelete()
        assert await Shelf.objects.filter(name="without B").aexists()
        assert (await Note.objects.acreate(text="my note")).text == "My Note"

    run(main())


def test_it_takes_part_in_the_transaction(run: Run) -> None:
    """What an overridden method wrote goes back with the block around, in async code too."""

    async def main() -> None:
        async with atomic():
            await Label.objects.acreate(text="a")
            assert await Label.objects.acount() == 1
            transaction.set_rollback(True)
        assert await Label.objects.acount() == 0

    run(main())

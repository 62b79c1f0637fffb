"""Formsets of rows: changed, added and deleted, and nothing that a page did not offer."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import create_tables
from tests.forms.test_formsets import send
from undercroft import forms, models
from undercroft.db import databases
from undercroft.errors import ImproperlyConfigured, SynchronousOnlyOperation
from undercroft.testing import capture_queries


class Tool(models.Model):
    name = models.CharField(max_length=10)

    class Meta:
        app_label = "kitchens"

    def __str__(self) -> str:
        return self.name


class Dish(models.Model):
    name = models.CharField(max_length=20)
    price = models.IntegerField(default=5)

    class Meta:
        app_label = "kitchens"


class Step(models.Model):
    dish = models.ForeignKey(Dish, on_delete=models.CASCADE, related_name="steps")
    text = models.CharField(max_length=20)
    number = models.IntegerField(default=1)
    secret = models.CharField(max_length=10, default="kept")
    tools = models.ManyToManyField(Tool, blank=True)

    class Meta:
        app_label = "kitchens"
        unique_together = (("dish", "text"),)


Dishes = forms.modelformset_factory(Dish, fields=["name", "price"], can_delete=True)
Steps = forms.inlineformset_factory(Dish, Step, fields=["text", "number"])


@pytest.fixture(autouse=True)
def dish(tmp_path: Path) -> Iterator[Dish]:
    before = {alias: known.url for alias, known in databases.items()}
    databases.configure({"default": f"sqlite:///{tmp_path / 'dishes.sqlite3'}"})
    create_tables("kitchens_")
    soup = Dish.objects.create(name="Soup")
    Dish.objects.create(name="Cake", price=7)
    for text in ("Boil", "Stir"):
        Step.objects.create(dish=soup, text=text)
    yield soup
    databases.dispose()
    databases.configure(before)


def list_dishes() -> list[tuple[str, int]]:
    return [(dish.name, dish.price) for dish in Dish.objects.order_by("name")]


def steps_of(dish: Dish) -> list[Step]:
    return list(Step.objects.filter(dish=dish).order_by("pk"))


def row_of(step: Step, **changes: str) -> dict[str, str]:
    return {"id": str(step.pk), "text": step.text, "number": str(step.number), **changes}


def test_rows_are_changed_added_and_deleted(dish: Dish) -> None:
    """Each row goes by its key, whatever its place; what was not touched is not written."""
    cake = Dish.objects.get(name="Cake")
    page = Dishes().__html__()
    assert f'<input type="hidden" name="form-0-id" id="id_form-0-id" value="{dish.pk}">' in page
    assert "<legend>Dish 3 (new)</legend>" in page
    rows = Dishes(
        send(
            {"name": "Tart", "price": "3"},
            {"id": str(cake.pk), "name": "Cake", "price": "7", "DELETE": "on"},
            {"id": str(dish.pk), "name": "Soup", "price": "6"},
        )
    )
    assert rows.is_valid(), rows.errors
    assert [row.name for row in rows.save()] == ["Soup", "Tart"]
    assert list_dishes() == [("Soup", 6), ("Tart", 3)]
    assert rows.changed_objects == [(Dish.objects.get(pk=dish.pk), ["price"])]
    assert [row.name for row in rows.new_objects + rows.deleted_objects] == ["Tart", "Cake"]


def test_a_formset_takes_few_queries(dish: Dish) -> None:
    """The rows are found with one query however many they are, and rows untouched are not saved."""
    sent = send(*(row_of(step) for step in steps_of(dish)), prefix="steps")
    with capture_queries() as seen:
        rows = Steps(sent, instance=dish)
        assert rows.is_valid(), rows.errors
        rows.save()
    kinds = [(each.model.rpartition(".")[2], each.kind) for each in seen.queries]
    # One for both rows; then each is compared with the others for what must be unique together.
    assert kinds == [("Step", "instances"), ("Step", "exists"), ("Step", "exists")]


def test_a_key_outside_of_the_queryset_is_refused(dish: Dish) -> None:
    """A forged key reaches no row that the page did not have, and the whole page is not saved."""
    cake = Dish.objects.get(name="Cake")
    cheap = Dish.objects.filter(price__lt=6)
    for key in (str(cake.pk), "999", "x", "-1", "9" * 5000, "1\x00", f"0{cake.pk}"):
        forged = send({"id": key, "name": "Stolen", "price": "1"})
        rows = Dishes(forged, queryset=cheap)
        assert not rows.is_valid(), key
        assert rows.errors[0]["__all__"] == ["This row is not here any more."]
        with pytest.raises(ValueError, match="not valid"):
            rows.save()
    marked = send({"id": str(cake.pk), "name": "Cake", "price": "7", "DELETE": "on"})
    Dishes(marked, queryset=cheap).save()
    assert list_dishes() == [("Cake", 7), ("Soup", 5)]


def test_the_same_key_twice_is_refused(dish: Dish) -> None:
    """One row cannot be sent as two, of which the second would win."""
    row = {"id": str(dish.pk), "name": "Soup", "price": "1"}
    assert Dishes(send(row, {**row, "price": "2"})).errors[1] == {
        "__all__": ["This row is not here any more."]
    }


def test_rows_of_another_parent_are_out_of_reach(dish: Dish) -> None:
    """An inline row of somebody else's is neither changed, deleted nor taken over."""
    cake = Dish.objects.get(name="Cake")
    (boil, _) = steps_of(dish)
    for forged in (row_of(boil, text="Burn"), row_of(boil, DELETE="on")):
        rows = Steps(send(forged, prefix="steps"), instance=cake)
        if rows.is_valid():
            rows.save()
        assert boil in Step.objects.filter(dish=dish, text="Boil")
    moved = row_of(boil, dish=str(cake.pk), dish_id=str(cake.pk), secret="known")
    rows = Steps(send(moved, prefix="steps"), instance=dish)
    assert rows.is_valid(), rows.errors
    rows.save()
    kept = Step.objects.get(pk=boil.pk)
    assert (kept.dish, kept.secret) == (dish, "kept")


def test_a_form_that_asks_for_the_parent_does_not_get_it(dish: Dish) -> None:
    """Even a form whose `Meta` has the foreign key leaves it to the server."""
    cake = Dish.objects.get(name="Cake")
    made = forms.inlineformset_factory(Dish, Step, fields=["text", "number", "dish"])
    (boil, _) = steps_of(dish)
    moved = row_of(boil, dish=str(cake.pk), number="4")
    rows = made(send(moved, prefix="steps"), instance=dish)
    assert 'name="steps-0-dish"' not in rows.__html__()
    rows.save()
    kept = Step.objects.get(pk=boil.pk)
    assert (kept.dish, kept.number) == (dish, 4)


def test_no_row_is_added_where_none_may_be(dish: Dish) -> None:
    """With `edit_only` a forged further row is refused, whatever the counts claim."""
    made = forms.inlineformset_factory(Dish, Step, fields=["text", "number"], edit_only=True)
    assert "(new)" not in made(instance=dish).__html__()
    for counts in ({}, {"INITIAL_FORMS": "1"}, {"INITIAL_FORMS": "3", "MAX_NUM_FORMS": "99"}):
        rows = made(
            send({"text": "Forged", "number": "1"}, prefix="steps", **counts), instance=dish
        )
        assert not rows.is_valid()
        assert rows.errors == [{"__all__": ["Rows cannot be added here."]}]


def test_rows_that_were_not_sent_count_for_the_limit(dish: Dish) -> None:
    """A client that leaves out the rows there are cannot add more than `max_num` allows."""
    made = forms.inlineformset_factory(Dish, Step, fields=["text"], max_num=3)
    one, two = {"text": "Salt"}, {"text": "Serve"}
    assert made(send(one, prefix="steps"), instance=dish).is_valid()
    assert not made(send(one, two, prefix="steps"), instance=dish).is_valid()
    (boil, _) = steps_of(dish)
    gone = {"id": str(boil.pk), "text": "Boil", "DELETE": "on"}
    assert made(send(gone, one, two, prefix="steps"), instance=dish).is_valid()


def test_rows_of_a_new_parent_are_saved_with_it() -> None:
    """A parent that is not saved yet has no rows, and gets them once it has a key."""
    parent = Dish(name="Stew")
    rows = Steps(send({"text": "Cut", "number": "1"}, prefix="steps"), instance=parent)
    assert rows.is_valid(), rows.errors
    parent.save()
    (made,) = rows.save()
    assert made.dish == parent
    assert [step.text for step in steps_of(parent)] == ["Cut"]


def test_rows_alike_are_told_before_the_database_does(dish: Dish) -> None:
    """What must be unique is compared with the table, and among the rows of the page."""
    row = {"text": "Salt", "number": "1"}
    twice = Steps(send(row, {**row, "number": "2"}, prefix="steps"), instance=dish)
    assert not twice.is_valid()
    assert "same dish, text" in str(twice.errors[1])
    stored = Steps(send({"text": "Boil", "number": "3"}, prefix="steps"), instance=dish)
    assert not stored.is_valid()
    assert Steps(
        send({"text": "Boil", "number": "3"}, prefix="steps"),
        instance=Dish.objects.get(name="Cake"),
    ).is_valid()


def test_commit_false_leaves_saving_to_the_caller(dish: Dish) -> None:
    """Rows come back unsaved, those to delete are listed, relations follow by `save_m2m`."""
    whisk = Tool.objects.create(name="Whisk")
    made = forms.inlineformset_factory(Dish, Step, fields=["text", "number", "tools"])
    boil, stir = steps_of(dish)
    rows = made(
        send(
            row_of(boil, DELETE="on"),
            row_of(stir, tools=str(whisk.pk)),
            prefix="steps",
        ),
        instance=dish,
    )
    assert rows.is_valid(), rows.errors
    assert rows.save(commit=False) == [stir]
    assert Step.objects.count() == 2
    assert rows.deleted_objects == [boil]
    rows.save_m2m()
    assert [tool.name for tool in stir.tools.all()] == ["Whisk"]


def test_everything_has_an_async_twin(dish: Dish) -> None:
    """On an event loop the twins do it all, and a blocking call names the one to await."""

    async def work() -> None:
        shown = Steps(instance=dish)
        with pytest.raises(SynchronousOnlyOperation, match=r"await formset\.aload"):
            shown.__html__()
        await shown.aload()
        assert 'value="Boil"' in shown.__html__()
        boil = await Step.objects.aget(text="Boil")
        sent = send(row_of(boil, number="9"), {"text": "Eat", "number": "2"}, prefix="steps")
        rows = Steps(sent, instance=dish)
        assert await rows.ais_valid(), rows.errors
        assert len(await rows.asave()) == 2

    asyncio.run(work())
    assert [step.number for step in steps_of(dish)] == [9, 1, 2]


def test_saving_is_all_or_nothing(dish: Dish) -> None:
    """Where one row cannot be stored, none of the page is."""

    class Fragile(forms.ModelForm):
        class Meta:
            model = Dish
            fields = ("name", "price")

        def clean(self) -> dict[str, Any]:
            if self.cleaned_data.get("name") == "Bad":
                self.instance.save = None  # what cannot be stored
            return self.cleaned_data

    rows = forms.modelformset_factory(Dish, Fragile)(
        send({"id": str(dish.pk), "name": "Soup", "price": "1"}, {"name": "Bad", "price": "1"})
    )
    assert rows.is_valid(), rows.errors
    with pytest.raises(TypeError):
        rows.save()
    assert ("Soup", 5) in list_dishes()


def test_more_rows_than_are_read_are_not_shown() -> None:
    """A queryset longer than the formset reads is an error that says what to do."""
    made = forms.modelformset_factory(Dish, fields=["name"], max_num=1, absolute_max=1)
    with pytest.raises(ImproperlyConfigured, match="more rows than the 1"):
        made().__html__()
    assert "Soup" in made(queryset=Dish.objects.filter(name="Soup")).__html__()


def test_the_foreign_key_must_be_clear() -> None:
    """No foreign key to the parent, and a name that is none, are errors at start."""
    for parent, name in ((Tool, None), (Dish, "tools")):
        with pytest.raises(ImproperlyConfigured, match="needs one foreign key"):
            forms.inlineformset_factory(parent, Step, fk_name=name, fields=["text"])

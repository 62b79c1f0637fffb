"""Forms of models with relations: what they look up, what they list, and what they save."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import create_tables
from undercroft import forms, models
from undercroft.db import databases
from undercroft.errors import SynchronousOnlyOperation
from undercroft.testing import capture_queries


class Label(models.Model):
    name = models.CharField(max_length=20)
    open = models.BooleanField(default=True)

    class Meta:
        app_label = "records"

    def __str__(self) -> str:
        return self.name


class Record(models.Model):
    title = models.CharField(max_length=20)
    plays = models.IntegerField(default=3)
    loud = models.BooleanField(default=True)
    label = models.ForeignKey(Label, on_delete=models.CASCADE, null=True, blank=True)
    also = models.ManyToManyField(Label, related_name="others", blank=True, help_text="Or more.")

    class Meta:
        app_label = "records"


class RecordForm(forms.ModelForm):
    """All of it."""

    class Meta:
        model = Record
        fields = "__all__"


@pytest.fixture(autouse=True)
def labels(tmp_path: Path) -> Iterator[list[Label]]:
    before = {alias: known.url for alias, known in databases.items()}
    databases.configure({"default": f"sqlite:///{tmp_path / 'records.sqlite3'}"})
    create_tables("records_")
    yield [Label.objects.create(name=name) for name in ("A", "B", "C")]
    databases.dispose()
    databases.configure(before)


def names_of(record: Any) -> list[str]:
    return sorted(label.name for label in record.also.all())


def test_relations_of_many_are_chosen_and_saved(labels: list[Label]) -> None:
    """The rows are the values, saved with the instance; what is chosen is shown again."""
    first, second, third = labels
    form = RecordForm({"title": "X", "also": [str(first.pk), str(third.pk)], "loud": "on"})
    assert form.is_valid(), form.errors
    assert form.cleaned_data["also"] == [first, third]
    record = form.save()
    assert names_of(record) == ["A", "C"]
    again = RecordForm(instance=Record.objects.get(pk=record.pk)).__html__()
    assert f'<option value="{first.pk}" selected>A</option>' in again
    assert f'<option value="{second.pk}">B</option>' in again
    assert '<p class="help" id="id_also-help">Or more.</p>' in again
    changed = RecordForm({"title": "X", "also": [str(second.pk)]}, instance=record)
    assert changed.changed_data == ["plays", "loud", "also"]
    changed.save()
    assert names_of(record) == ["B"]
    RecordForm({"title": "X"}, instance=record).save()
    assert names_of(record) == []


def test_commit_false_leaves_relations_to_save_m2m(labels: list[Label]) -> None:
    """The instance is changed before it is saved, its relations after."""
    form = RecordForm({"title": "X", "also": [str(labels[0].pk)]})
    record = form.save(commit=False)
    assert record.pk is None
    record.plays = 9
    record.save()
    assert names_of(record) == []
    form.save_m2m()
    assert (names_of(record), record.plays) == (["A"], 9)


def test_only_rows_of_the_queryset_can_be_chosen(labels: list[Label]) -> None:
    """Other rows, keys that are none, and keys that only look alike are no choice."""
    labels[1].open = False
    labels[1].save()

    class Choosing(RecordForm):
        label = forms.ModelChoiceField(Label.objects.filter(open=True), required=False)
        also = forms.ModelMultipleChoiceField(Label.objects.filter(open=True), required=False)

    good, closed = str(labels[0].pk), str(labels[1].pk)
    wrong = (closed, "99", "x", "-1", "1.0", "9" * 5000, f"{good}\x00", f"{good} OR 1=1", "None")
    for key in wrong:
        assert list(Choosing({"title": "X", "label": key}).errors) == ["label"], key
        assert list(Choosing({"title": "X", "also": [good, key]}).errors) == ["also"], key
    # Two texts that mean one row are more than rows were found.
    assert list(Choosing({"title": "X", "also": [good, f"0{good}"]}).errors) == ["also"]
    assert Choosing({"title": "X", "label": good, "also": [good, good]}).is_valid()


def test_a_choice_is_one_query_and_no_list(labels: list[Label]) -> None:
    """What was sent is looked up by its key; the list is fetched only to be shown, and once."""
    form = RecordForm({"title": "X", "label": str(labels[0].pk)})
    with capture_queries() as seen:
        assert form.is_valid(), form.errors
    assert len(seen.queries) == 1
    rows = forms.modelformset_factory(Record, RecordForm, extra=5)(queryset=Record.objects.none())
    with capture_queries() as seen:
        assert rows.__html__().count(">A</option>") == 10
    # One for the rows, and one for each of the two lists, however many rows show them.
    assert [each.model.rpartition(".")[2] for each in seen.queries] == ["Record", "Label", "Label"]


def test_a_long_list_asks_for_the_key(labels: list[Label]) -> None:
    """Beyond `max_options`, and with a `RawIdInput`, the page has no list; keys go as well."""

    class Long(RecordForm):
        label = forms.ModelChoiceField(Label.objects, max_options=2)
        also = forms.ModelMultipleChoiceField(Label.objects, widget=forms.RawIdInput)

    first, second, _ = (str(label.pk) for label in labels)
    with capture_queries() as seen:
        page = Long(initial={"also": labels[:2]}).__html__()
    assert len(seen.queries) == 1
    assert "<option" not in page
    assert '<input type="text" name="label" id="id_label" required="required">' in page
    assert f'value="{first}, {second}"' in page
    form = Long({"title": "X", "label": first, "also": f"{first}, {second}"})
    assert form.is_valid(), form.errors
    assert form.cleaned_data["also"] == labels[:2]


def test_labels_of_options_are_escaped_and_ones_own(labels: list[Label]) -> None:
    """`label_from_instance` says what a row is called, and `to_field_name` what is sent."""
    Label.objects.create(name="<b>&")

    class Named(forms.ModelChoiceField):
        def label_from_instance(self, row: Any) -> str:
            return f"<i>{row.name}</i>"

    class Ask(forms.Form):
        label = Named(Label.objects, to_field_name="name", empty_label="<none>")

    page = Ask({"label": "<b>&"}).__html__()
    assert (
        '<option value="&lt;b&gt;&amp;" selected>&lt;i&gt;&lt;b&gt;&amp;&lt;/i&gt;</option>' in page
    )
    assert "&lt;none&gt;" in Ask().__html__()
    assert "<i>" not in page
    assert Ask({"label": "B"}).is_valid()
    assert not Ask({"label": str(labels[0].pk)}).is_valid()
    # PostgreSQL would raise on a NUL, and no key is that long: neither is asked for.
    with capture_queries() as seen:
        assert not Ask({"label": "B\x00"}).is_valid()
        assert not Ask({"label": "B" * 256}).is_valid()
    assert seen.queries == []


def test_what_a_page_did_not_ask_keeps_the_models_default() -> None:
    """A field that was not sent keeps its default; an unchecked box sends nothing, and is no."""
    record = RecordForm({"title": "X"}).save()
    assert (record.plays, record.loud) == (3, False)


def test_relations_work_on_an_event_loop(labels: list[Label]) -> None:
    """The async twins look up, list and save; what would block says which one to await."""

    async def work() -> None:
        with pytest.raises(SynchronousOnlyOperation, match=r"await form\.aload"):
            RecordForm().__html__()
        with pytest.raises(SynchronousOnlyOperation, match=r"await form\.ais_valid"):
            RecordForm({"title": "X", "label": "1"}).is_valid()
        form = RecordForm({"title": "X", "also": [str(labels[0].pk)]})
        record = await form.asave()
        assert [label.name for label in await record.also.all()] == ["A"]
        wrong = RecordForm({"title": "", "label": "77"}, instance=record)
        assert not await wrong.ais_valid()
        assert ">C</option>" in wrong.__html__()

    asyncio.run(work())

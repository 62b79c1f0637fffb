"""Formsets: several forms on a page, bounded, with rows to order and to delete."""

from typing import Any

import pytest

from undercroft import forms
from undercroft.errors import ImproperlyConfigured, ValidationError


class Line(forms.Form):
    """A line of an order."""

    what = forms.CharField(max_length=10)
    count = forms.IntegerField(min_value=1, initial=1)


Lines = forms.formset_factory(Line, extra=2)


def send(*rows: dict[str, str], prefix: str = "form", **management: str) -> dict[str, str]:
    """Build what a page of such rows sends."""
    counts = {"TOTAL_FORMS": str(len(rows)), "INITIAL_FORMS": "0", **management}
    sent = {f"{prefix}-{name}": value for name, value in counts.items()}
    for index, row in enumerate(rows):
        sent |= {f"{prefix}-{index}-{name}": value for name, value in row.items()}
    return sent


JAM, TEA = {"what": "Jam", "count": "2"}, {"what": "Tea", "count": "1"}
BLANK = {"what": "", "count": "1"}


def test_rows_that_are_filled_in_have_values() -> None:
    """Rows left as they were shown are no rows; the others are checked each by itself."""
    rows = Lines(send(JAM, BLANK, TEA))
    assert rows.is_valid(), rows.errors
    assert rows.cleaned_data == [{"what": "Jam", "count": 2}, {"what": "Tea", "count": 1}]
    wrong = Lines(send(JAM, {"what": "", "count": "5"}, {"what": "x" * 11, "count": "0"}))
    assert not wrong.is_valid()
    assert [list(errors) for errors in wrong.errors] == [[], ["what"], ["what", "count"]]
    assert wrong.total_error_count() == 3


def test_a_page_says_how_many_rows_it_has() -> None:
    """The hidden fields, the rows with their names, and one that a script copies."""
    page = Lines(initial=[{"what": "Jam", "count": 3}]).__html__()
    for part in (
        'name="form-TOTAL_FORMS" id="id_form-TOTAL_FORMS" value="3"',
        'name="form-INITIAL_FORMS" id="id_form-INITIAL_FORMS" value="1"',
        '<fieldset class="form-row" id="id_form-0-row" tabindex="-1">\n<legend>Row 1</legend>',
        '<label for="id_form-2-what">What</label>',
        'name="form-0-what" id="id_form-0-what" maxlength="10" aria-required="true" value="Jam"',
    ):
        assert part in page
    assert 'name="form-__prefix__-what"' in Lines().empty_form.__html__()


@pytest.mark.parametrize(
    "options, rows, valid",
    [
        ({"max_num": 2}, [JAM, TEA], True),
        ({"max_num": 2}, [JAM, TEA, JAM], False),
        ({"max_num": 2}, [JAM, BLANK, TEA], True),
        ({"max_num": 2, "validate_max": False}, [JAM, TEA, JAM], True),
        ({"max_num": 2, "absolute_max": 2, "validate_max": False}, [JAM, TEA, JAM], False),
        ({"min_num": 2}, [JAM, TEA], True),
        ({"min_num": 2}, [JAM], False),
        ({"min_num": 2}, [JAM, BLANK], False),
    ],
)
def test_the_number_of_rows_is_checked(options: Any, rows: list[Any], valid: bool) -> None:
    """Too many and too few rows are refused, counted are those that are filled in."""
    assert forms.formset_factory(Line, **options)(send(*rows)).is_valid() is valid


@pytest.mark.parametrize("total", ["1000000", "999999999999", "9" * 5000, "-1", "x", "1e9", ""])
def test_a_number_of_rows_is_not_believed(total: str) -> None:
    """Whatever number a client claims, no more rows are made than may be, and it is a mistake."""
    rows = Lines(send(JAM, TOTAL_FORMS=total))
    assert not rows.is_valid()
    assert len(rows) <= 4
    assert rows.non_form_errors()


def test_rows_cost_no_more_than_was_sent() -> None:
    """Who sends two fields gets no thousand rows, and nobody gets more than are read."""
    bare = Lines({"form-TOTAL_FORMS": "1000", "form-INITIAL_FORMS": "1000"})
    assert len(bare) == 2
    full = Lines(send(*[JAM] * 1200))
    assert len(full) == 1100
    assert full.non_form_errors() == ["Rows: at most 1000."]
    assert Lines(send(BLANK, JAM, TOTAL_FORMS="2")).is_valid()


def test_a_page_without_its_hidden_fields_is_refused() -> None:
    """Rows of which nobody said how many there are, are none, and that is told."""
    rows = Lines({"form-0-what": "Jam"})
    assert not rows.is_valid()
    assert "number of its rows" in rows.__html__()


def test_rows_are_deleted_and_ordered() -> None:
    """A row that goes is not checked; the others stand in the order that was asked for."""
    made = forms.formset_factory(Line, can_delete=True, can_order=True)
    gone = {"what": "", "count": "no", "DELETE": "on"}
    rows = made(send({**JAM, "ORDER": "2"}, gone, {**TEA, "ORDER": "1"}, {**JAM, "ORDER": ""}))
    assert rows.is_valid(), rows.errors
    assert [form.cleaned_data["what"] for form in rows.ordered_forms] == ["Tea", "Jam", "Jam"]
    assert rows.deleted_forms == [rows[1]]
    with pytest.raises(ImproperlyConfigured, match="can_order=True"):
        _ = Lines(send(JAM)).ordered_forms


def test_a_row_cannot_be_deleted_where_that_is_not_offered() -> None:
    """A forged box counts for nothing: not in a formset without it, not in a new row without it."""
    forged = send({**JAM, "DELETE": "on"})
    for options in ({}, {"can_delete": True, "can_delete_extra": False}):
        rows = forms.formset_factory(Line, **options)(forged)  # type: ignore[arg-type]  # either of them
        assert rows.is_valid()
        assert (len(rows.cleaned_data), rows.deleted_forms) == (1, [])


def test_what_was_shown_is_the_servers_word() -> None:
    """Initial values that a client sends do not decide whether a row was changed."""
    forged = send({**JAM, "count": "9"}) | {
        "initial-form-0-count": "9",
        "initial-form-0-what": "Jam",
    }
    assert Lines(forged).has_changed()
    assert len(Lines(forged | {"form-INITIAL_FORMS": "1000"}).cleaned_data) == 1


def test_rows_are_checked_together() -> None:
    """`clean` of the formset sees all rows, and its mistakes stand above them."""

    class Different(forms.BaseFormSet):
        def clean(self) -> None:
            names = [values.get("what") for values in self.cleaned_data]
            if len(set(names)) < len(names):
                raise ValidationError("One line for each thing.")

    made = forms.formset_factory(Line, formset=Different)
    rows = made(send(JAM, JAM))
    assert not rows.is_valid()
    assert rows.non_form_errors() == ["One line for each thing."]
    assert "<li>One line for each thing.</li>" in rows.__html__()


def test_prefixes_keep_rows_apart() -> None:
    """Two formsets of a page, and rows 1 and 10 of one, never read each other's values."""
    sent = send(JAM, prefix="a") | send(TEA, prefix="a-0") | {"a-10-what": "Ten", "what": "None"}
    assert Lines(sent, prefix="a").cleaned_data == [{"what": "Jam", "count": 2}]
    assert Lines(sent, prefix="a-0").cleaned_data == [{"what": "Tea", "count": 1}]
    more = Lines(sent | {"a-TOTAL_FORMS": "2"}, prefix="a")
    assert more[1].read("what") is None


def test_options_are_checked_when_the_class_is_made() -> None:
    """A misspelt option, and limits that contradict each other, are errors at start."""
    with pytest.raises(ImproperlyConfigured, match="'extras'"):
        forms.formset_factory(Line, extras=2)  # type: ignore[call-arg]  # what is tested
    with pytest.raises(ImproperlyConfigured, match="reads 2 rows"):
        forms.formset_factory(Line, max_num=3, absolute_max=2)

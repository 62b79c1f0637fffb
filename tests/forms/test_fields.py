"""Fields: what strangers send in place of values, and that none of it costs or breaks anything."""

from datetime import datetime, time, timedelta, timezone
from decimal import Decimal
from time import perf_counter
from typing import Any

import pytest

from undercroft import forms
from undercroft.errors import ImproperlyConfigured, ValidationError
from undercroft.http.forms import FormData
from undercroft.validators import RegexValidator

HOSTILE = "\"'><script>alert(1)</script>{{ 7*7 }}&"


def clean(field: forms.Field, value: Any) -> Any:
    """Check a value as a form does; the messages where it is wrong."""

    class Asking(forms.Form):
        it = field

    form = Asking(value if isinstance(value, FormData) else {"it": value})
    return form.cleaned_data["it"] if form.is_valid() else form.errors["it"]


@pytest.mark.parametrize("kind", [forms.IntegerField, forms.DecimalField, forms.FloatField])
@pytest.mark.parametrize(
    "text",
    [
        *("1e1000000", "-1E999999999", "1e-1000000", "inf", "-Infinity", "nan", "sNaN", "0x10"),
        *("9" * 41, "9" * 1_000_000, "1_000", "1,5", "--1", "1\x00", "\u0663", "\u0661e5"),
    ],
)
def test_numbers_that_are_none_are_refused_at_once(kind: type[forms.Field], text: str) -> None:
    """Endless, infinite and foreign numbers are a mistake, told in no time."""
    begin = perf_counter()
    if (kind, text) == (forms.FloatField, "1e-1000000"):
        assert clean(kind(), text) == 0
        return
    assert isinstance(clean(kind(), text), list)
    assert perf_counter() - begin < 0.5


def test_numbers_are_read_as_browsers_write_them() -> None:
    """Exponents that stay small are numbers, and decimals are shown without any."""
    assert clean(forms.FloatField(), " 1e-7 ") == 1e-7
    assert clean(forms.DecimalField(), "1e3") == Decimal(1000)
    assert forms.DecimalField().prepare(Decimal("1E+3")) == "1000"
    price = forms.DecimalField(max_digits=5, decimal_places=2)
    assert clean(price, "123.45") == Decimal("123.45")
    assert clean(price, "1234.5") == ["At most 3 digits before the point."]
    assert clean(price, "1.234") == ["At most 2 digits after the point."]
    assert clean(price, "1.2300") == Decimal("1.2300")


@pytest.mark.parametrize(
    "kind, text",
    [
        (forms.DateField, "2026-02-30"),
        (forms.DateField, "10000-01-01"),
        (forms.DateField, "0000-01-01"),
        (forms.DateField, "9" * 100_000),
        (forms.DateTimeField, "0001-01-01T00:00+14:00"),
        (forms.DateTimeField, "9999-12-31T23:59-14:00"),
        (forms.DateTimeField, "2026-01-01T24:61"),
        (forms.TimeField, "12:30+02:00"),
        (forms.TimeField, "25:00"),
        (forms.UUIDField, "g" * 32),
        (forms.UUIDField, "0" * 100_000),
        (forms.SlugField, "a b"),
        (forms.EmailField, "a@b"),
        (forms.EmailField, "ada@example.org\nbcc: x@example.org"),
        (forms.URLField, "javascript:alert(1)"),
        (forms.URLField, "https://example.org/\n.evil"),
        (forms.CharField, "half \ud800 a character"),
    ],
)
def test_dates_addresses_and_texts_that_are_none(kind: type[forms.Field], text: str) -> None:
    """What no database would take, or would read as another, is a mistake at the field."""
    assert isinstance(clean(kind(), text), list)


def test_a_newline_at_the_end_passes_no_validator() -> None:
    r"""`$` of a validator is the very end, also where a field keeps the spaces around."""
    digits = forms.CharField(strip=False, validators=[RegexValidator(r"^\d+$")])
    assert clean(digits, "12") == "12"
    assert isinstance(clean(digits, "12\n"), list)
    assert isinstance(clean(forms.SlugField(strip=False), "ada\n"), list)
    assert isinstance(clean(forms.EmailField(strip=False), "ada@example.org\n"), list)


@pytest.mark.parametrize(
    "field",
    [
        forms.EmailField(),
        forms.URLField(),
        forms.SlugField(),
        forms.UUIDField(),
        forms.DateTimeField(),
        forms.CharField(max_length=5, validators=[RegexValidator(r"^(a+)+$")]),
    ],
    ids=lambda field: type(field).__name__,
)
def test_long_texts_cost_little(field: forms.Field) -> None:
    """A megabyte of what patterns stumble over is refused in a moment, by its length first."""
    for text in ("a" * 1_000_000 + "!", "a@" * 500_000, "a." * 500_000, "-" * 1_000_000 + "\n!"):
        begin = perf_counter()
        assert isinstance(clean(field, text), list)
        assert perf_counter() - begin < 0.5


def test_choices_are_those_of_the_server() -> None:
    """No value is taken that was not offered, nor one that only looks alike."""
    one = forms.ChoiceField(choices=[(1, "One"), ("", "None"), ("a", HOSTILE)])
    assert clean(one, "1") == 1
    for wrong in ("One", "01", "1 ", "A", HOSTILE, ["1", "2"], {"1": 1}):
        assert clean(one, wrong) == ["Choose one from the list."]
    many = forms.MultipleChoiceField(choices=[(1, "One"), (2, "Two")])
    assert clean(many, FormData([("it", "2"), ("it", "1"), ("it", "2")])) == [2, 1]
    assert clean(many, FormData([("it", "2"), ("it", "3")])) == ["Choose one from the list."]


def test_whatever_is_said_or_sent_is_escaped() -> None:
    """Labels, help, messages, attributes, choices, legends and values become no markup."""

    def refuse(value: object) -> None:
        raise ValidationError(HOSTILE)

    class Page(forms.Form):
        text = forms.CharField(
            label=HOSTILE,
            help_text=HOSTILE,
            validators=[refuse],
            widget=forms.TextInput({"placeholder": HOSTILE, "data-x": HOSTILE}),
        )
        area = forms.CharField(widget=forms.Textarea, initial=HOSTILE)
        some = forms.MultipleChoiceField(
            label=HOSTILE, choices=[(HOSTILE, HOSTILE)], widget=forms.CheckboxSelectMultiple
        )
        file = forms.FileField(allowed_extensions=[HOSTILE], error_messages={"required": HOSTILE})

    class Rows(forms.BaseFormSet):
        def clean(self) -> None:
            raise ValidationError(HOSTILE)

    made = forms.formset_factory(Page, formset=Rows, row_name=HOSTILE)
    sent = {"a-TOTAL_FORMS": "1", "a-0-text": HOSTILE, "a-0-area": HOSTILE, "a-0-some": HOSTILE}
    pages = [
        Page(),
        Page({"text": HOSTILE, "some": [HOSTILE]}, prefix=HOSTILE),
        made(sent, prefix="a"),
    ]
    for page in pages:
        shown = page.__html__()
        assert "<script" not in shown
        assert "'><" not in shown
        assert "49" not in shown
        assert shown.count("&lt;script&gt;") > 5


def test_an_attribute_has_no_name_that_is_markup() -> None:
    """Neither at start nor later does a space or a bracket get into an attribute's name."""
    for name in ("a b", "a>", "a/b", "a=b", "a\tb", "", 'a"'):
        with pytest.raises(ImproperlyConfigured, match="no name of an HTML attribute"):
            forms.TextInput({name: "x"})

    class Late(forms.Form):
        text = forms.CharField()

    form = Late()
    form.fields["text"].widget.attrs["x onclick=alert(1)"] = "y"
    with pytest.raises(ValueError, match="Invalid character in attribute name"):
        form.__html__()


def test_one_form_changes_nothing_of_another() -> None:
    """Fields, widgets and attributes that a form changes are its own, and no other request's."""

    class Ask(forms.Form):
        text = forms.CharField()

    mine, other = Ask(), Ask()
    mine.fields["text"].widget.attrs["class"] = "mine"
    mine.fields["text"].required = False
    assert "mine" in mine.__html__()
    assert "mine" not in other.__html__() + Ask().__html__()
    assert other.fields["text"].required


def test_has_changed_compares_values_not_texts() -> None:
    """Another way to write what was shown is no change; what is no value is one."""
    zone = timezone(timedelta(hours=2))

    class Shown(forms.Form):
        when = forms.DateTimeField(required=False)
        at = forms.TimeField(required=False)
        price = forms.DecimalField(required=False)
        many = forms.MultipleChoiceField(choices=[(1, "a"), (2, "b")], required=False)
        text = forms.CharField(required=False)

    initial = {
        "when": datetime(2026, 5, 1, 14, 30, tzinfo=zone),
        "at": time(9, 0),
        "price": Decimal("1.50"),
        "many": [1, 2],
        "text": None,
    }
    same: dict[str, Any] = {
        "when": "2026-05-01T12:30",
        "at": "09:00",
        "price": "1.5",
        "many": ["2", "1"],
        "text": "",
    }
    assert Shown(same, initial=initial).changed_data == []
    for name, value in {"when": "x", "at": "", "price": "2", "many": ["1"], "text": "a"}.items():
        assert Shown({**same, name: value}, initial=initial).changed_data == [name]

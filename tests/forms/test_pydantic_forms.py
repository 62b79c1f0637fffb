"""Forms of Pydantic models: what is asked for, and whose mistakes are told where."""

from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, HttpUrl, SecretStr, field_validator, model_validator

from undercroft import forms, models
from undercroft.errors import ImproperlyConfigured
from undercroft.http.uploads import UploadFile


class Colour(Enum):
    DEEP_RED = "r"
    GREEN = "g"


class Plan(models.TextChoices):
    FREE = "free", "Free of charge"
    PAID = "paid", "With everything"


class SignUp(BaseModel):
    """What someone says who signs up."""

    name: Annotated[str, Field(min_length=2, max_length=20, title="Your name")]
    age: int = Field(ge=18, le=120, description="In years.")
    password: SecretStr
    again: SecretStr
    born: date | None = None
    budget: Decimal = Field(default=Decimal("1.50"), max_digits=5, decimal_places=2)
    site: HttpUrl | None = None
    size: Literal["small", "very_large"] = "small"
    colour: Colour = Colour.GREEN
    plan: Plan = Plan.FREE
    colours: list[Colour] = []
    news: bool = True
    terms: Literal[True]
    nickname: str = Field("anon", alias="nick-name", pattern="^[a-z]*$")

    @field_validator("name")
    @classmethod
    def check_name(cls, name: str) -> str:
        if name == "Nobody":
            raise ValueError("Who is <that>?")
        return name.title()

    @model_validator(mode="after")
    def check_passwords(self) -> "SignUp":
        if self.password != self.again:
            raise ValueError("The passwords differ.")
        return self


class SignUpForm(forms.PydanticForm):
    """A form of it."""

    class Meta:
        model = SignUp
        labels = {"news": "Send me news"}


GOOD = {
    "name": "ada",
    "age": "36",
    "password": " x ",
    "again": " x ",
    "terms": "on",
    "size": "small",
    "colour": "g",
    "plan": "free",
}


def test_the_model_is_made_of_what_was_sent() -> None:
    """Values have the model's types, what was left empty its defaults."""
    sent = {**GOOD, "born": "1815-12-10", "colours": ["r"], "plan": "paid"}
    form = SignUpForm({**sent, "site": "https://example.org/"})
    assert form.is_valid(), form.errors
    made = form.instance
    assert isinstance(made, SignUp)
    assert (made.name, made.age, made.born) == ("Ada", 36, date(1815, 12, 10))
    assert (made.colours, made.colour, made.plan) == ([Colour.DEEP_RED], Colour.GREEN, Plan.PAID)
    assert (made.budget, made.nickname, made.news) == (Decimal("1.50"), "anon", False)
    assert made.password.get_secret_value() == " x "
    assert form.cleaned_data["name"] == "Ada"


@pytest.mark.parametrize(
    "wrong, told",
    [
        ({"name": "a"}, {"name": ["At least 2 characters."]}),
        ({"name": "Nobody"}, {"name": ["Who is <that>?"]}),
        ({"age": "17"}, {"age": ["At least 18."]}),
        ({"age": ""}, {"age": ["Enter a value."]}),
        ({"age": "many"}, {"age": ["Enter a whole number."]}),
        ({"size": "huge"}, {"size": ["Choose one from the list."]}),
        ({"again": "y"}, {"__all__": ["The passwords differ."]}),
        ({"terms": ""}, {"terms": ["Check this box to go on."]}),
        ({"budget": "1.234"}, {"budget": ["At most 2 digits after the point."]}),
        ({"nickname": "Ada"}, {"nickname": ["String should match pattern '^[a-z]*$'."]}),
        ({"site": "javascript:alert(1)"}, {"site": None}),
    ],
)
def test_mistakes_are_told_at_their_fields(wrong: dict[str, str], told: dict[str, Any]) -> None:
    """The form's and the model's mistakes stand at their fields, each once."""
    form = SignUpForm({**GOOD, **wrong})
    assert not form.is_valid()
    assert list(form.errors) == list(told)
    assert form.instance is None
    for name, messages in told.items():
        assert messages in (None, form.errors[name])
    assert "<that>" not in form.__html__()


def test_the_page_says_what_the_model_says() -> None:
    """Titles, descriptions, limits, labels of choices, defaults; passwords are never shown."""
    page = SignUpForm().__html__()
    for part in (
        '<label for="id_name">Your name</label>',
        'maxlength="20" minlength="2" required="required"',
        '<p class="help" id="id_age-help">In years.</p>',
        'min="18" max="120"',
        'type="password" name="password"',
        '<option value="very_large">Very large</option>',
        '<option value="r">Deep red</option>',
        '<option value="g" selected>Green</option>',
        ">With everything</option>",
        'step="0.01" value="1.50"',
        '<label for="id_news">Send me news</label>',
        'name="news" id="id_news" value="on" checked',
    ):
        assert part in page
    assert 'value=" x "' not in SignUpForm(GOOD | {"age": "1"}).__html__()


def test_an_instance_is_shown_and_replaced() -> None:
    """The values of a model are shown at first; a new one is made of what comes back."""

    class Place(BaseModel):
        name: str
        rank: int | None

    class PlaceForm(forms.PydanticForm):
        class Meta:
            model = Place

    before = Place(name="Rome", rank=3)
    assert 'value="Rome"' in PlaceForm(instance=before).__html__()
    form = PlaceForm({"name": "Roma", "rank": ""}, instance=before)
    assert form.is_valid(), form.errors
    assert (form.instance, before.name) == (Place(name="Roma", rank=None), "Rome")


def test_fields_are_chosen_declared_and_left_out() -> None:
    """What a form leaves out cannot be sent; what has no control must be declared."""

    class Inner(BaseModel):
        x: int

    class Outer(BaseModel):
        name: str
        inner: Inner | None = None
        is_admin: bool = False
        picture: UploadFile | None = None

    with pytest.raises(ImproperlyConfigured, match=r"no control for Outer\.inner"):
        type("F", (forms.PydanticForm,), {"Meta": type("Meta", (), {"model": Outer})})
    meta = type("Meta", (), {"model": Outer, "fields": ["nmae"]})
    with pytest.raises(ImproperlyConfigured, match="'nmae'"):
        type("F", (forms.PydanticForm,), {"Meta": meta})

    class OuterForm(forms.PydanticForm):
        name = forms.CharField(widget=forms.Textarea)

        class Meta:
            model = Outer
            exclude = ("inner", "is_admin")

    form = OuterForm({"name": "x", "is_admin": "on", "inner": "1"})
    assert form.is_valid(), form.errors
    assert form.instance == Outer(name="x")
    assert form.is_multipart
    assert "<textarea" in form.__html__()

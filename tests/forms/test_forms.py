"""Forms: what is read, what is refused, and what a page shows, escaped and for everybody."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.conftest import create_tables
from undercroft import App, Request, Settings, forms, models, render
from undercroft.db import databases
from undercroft.errors import ImproperlyConfigured, ValidationError
from undercroft.forms.rendering import TEMPLATES
from undercroft.templating import Markup
from undercroft.templating.engine import Templates
from undercroft.templating.forms import build_form_globals
from undercroft.testing import Client

MakeClient = Callable[..., Client]
HOSTILE = "</textarea></select><script>alert(1)</script>\" onfocus='x'&amp;"


class Shelf(models.Model):
    name = models.CharField(max_length=20)

    class Meta:
        app_label = "forms"

    def __str__(self) -> str:
        return self.name


class Jar(models.Model):
    label = models.CharField(max_length=10, unique=True, help_text="What is in it.")
    notes = models.TextField(blank=True, default="")
    size = models.IntegerField(default=1)
    kind = models.CharField(max_length=5, choices=[("a", "Small"), ("b", "Large")], default="a")
    shelf = models.ForeignKey(Shelf, on_delete=models.CASCADE, related_name="jars")
    secret = models.CharField(max_length=10, default="kept")

    class Meta:
        app_label = "forms"


class JarForm(forms.ModelForm):
    """A form of some of the fields."""

    class Meta:
        model = Jar
        fields = ("label", "notes", "size", "kind", "shelf")


class Contact(forms.Form):
    """A form with a control of each kind."""

    name = forms.CharField(max_length=40, help_text="As on your passport.")
    mail = forms.EmailField()
    age = forms.IntegerField(min_value=0, required=False)
    born = forms.DateField(required=False)
    text = forms.CharField(widget=forms.Textarea, required=False)
    colour = forms.ChoiceField(choices=[("r", "Red"), ("g", HOSTILE)], widget=forms.RadioSelect)
    pets = forms.MultipleChoiceField(
        choices=[(1, "Cat"), (2, "Dog")], required=False, widget=forms.CheckboxSelectMultiple
    )
    size = forms.ChoiceField(choices=[("s", "Small"), ("l", HOSTILE)], required=False)
    picture = forms.FileField(required=False, max_size=3)
    password = forms.CharField(widget=forms.PasswordInput, required=False)
    token = forms.CharField(widget=forms.HiddenInput, required=False)
    fixed = forms.CharField(disabled=True, initial="fixed", required=False)
    agreed = forms.BooleanField(label="I agree")

    def clean_name(self) -> str:
        """Refuse one name."""
        name: str = self.cleaned_data["name"]
        if name == "Nobody":
            raise ValidationError("Who is that?")
        return name


GOOD: dict[str, Any] = {"name": " Ada ", "mail": "a@example.org", "colour": "r", "agreed": "on"}


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    before = {alias: known.url for alias, known in databases.items()}
    databases.configure({"default": f"sqlite:///{tmp_path / 'jars.sqlite3'}"})
    create_tables("forms_")
    yield Shelf.objects.create(name="Top <b>")
    databases.dispose()
    databases.configure(before)


def test_values_are_converted() -> None:
    """What was sent becomes a value of the field's type; what was not is empty."""
    form = Contact({**GOOD, "age": "7", "pets": ["1", "2"], "born": "2026-05-01", "fixed": "mine"})
    assert form.is_valid(), form.errors
    cleaned = form.cleaned_data
    assert (cleaned["name"], cleaned["age"], cleaned["pets"]) == ("Ada", 7, [1, 2])
    assert (cleaned["born"].isoformat(), cleaned["agreed"]) == ("2026-05-01", True)
    assert (cleaned["fixed"], cleaned["text"], cleaned["picture"]) == ("fixed", "", None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "x" * 41},
        {"name": "a\x00b"},
        {"name": "Nobody"},
        {"mail": "a"},
        {"age": "-1"},
        {"age": "9" * 5000},
        {"age": "1_0"},
        {"age": "\u0661"},
        {"born": "yesterday"},
        {"colour": "x"},
        {"pets": ["1", "3"]},
        {"picture": "text"},
        {"agreed": ""},
    ],
)
def test_wrong_values_are_told(wrong: dict[str, Any]) -> None:
    """Each mistake is at its field, and nothing else is wrong."""
    form = Contact({**GOOD, **wrong})
    assert not form.is_valid()
    assert list(form.errors) == list(wrong)
    assert not form.cleaned_data.keys() & wrong.keys()


def test_hostile_values_are_escaped_everywhere() -> None:
    """In attributes, text, options, labels, mistakes and the summary nothing becomes markup."""
    fields = ("name", "text", "token", "mail", "size", "colour", "born")
    form = Contact(dict.fromkeys(fields, HOSTILE) | {"password": "hunter2"})
    assert not form.is_valid()
    form.add_error(None, HOSTILE)
    form.add_error("name", HOSTILE)
    page = form.__html__()
    assert "<script" not in page
    assert "onfocus='" not in page
    assert page.count("&lt;script&gt;") > 8
    assert "hunter2" not in page


def test_a_screen_reader_is_told_everything() -> None:
    """Labels, help and mistakes belong to their controls, groups have legends, links lead there."""
    page = Contact({"name": "", "colour": "x"}).__html__()
    for part in (
        '<label for="id_name">Name</label>',
        'aria-describedby="id_name-help id_name-error" aria-invalid="true"',
        '<p class="help" id="id_name-help">As on your passport.</p>',
        '<p class="error" id="id_name-error">Enter a value.</p>',
        '<fieldset id="id_colour" aria-describedby="id_colour-error" aria-invalid="true">',
        "<legend>Colour</legend>",
        '<label for="id_colour_0">Red</label>',
        '<div class="form-errors" role="alert"',
        '<a href="#id_name">Name: Enter a value.</a>',
        '<a href="#id_colour_0">Colour: Choose one from the list.</a>',
    ):
        assert part in page
    fresh = Contact(initial={"name": "Ada"}).__html__()
    assert 'value="Ada"' in fresh
    assert "error" not in fresh


def test_a_models_form_has_its_fields_and_no_others(shelf: Shelf) -> None:
    """Only what `Meta` names is shown and set; the model's checks count, uniqueness too."""
    sent = {"label": "Jam", "size": "2", "kind": "b", "shelf": str(shelf.pk), "secret": "stolen"}
    form = JarForm({**sent, "id": "99"})
    assert form.is_valid(), form.errors
    jar = form.save()
    assert (jar.secret, jar.size, jar.kind, jar.shelf_id) == ("kept", 2, "b", shelf.pk)
    assert "Top &lt;b&gt;" in form.__html__()
    assert list(JarForm(sent).errors) == ["label"]
    assert JarForm({**sent, "size": "3"}, instance=jar).save().size == 3
    for wrong in ({"shelf": "77"}, {"kind": "c"}, {"size": str(2**40)}, {"label": "x" * 11}):
        assert list(JarForm({**sent, **wrong}, instance=jar).errors) == list(wrong)
    assert 'value="Jam"' in JarForm(instance=Jar.objects.get(pk=jar.pk)).__html__()


def test_which_fields_may_be_set_is_always_said() -> None:
    """A form without `fields` or `exclude`, or with a field that is none, is an error at once."""
    with pytest.raises(ImproperlyConfigured, match="does not say which"):
        type("Open", (forms.ModelForm,), {"Meta": type("Meta", (), {"model": Jar})})
    meta = type("Meta", (), {"model": Jar, "fields": ["lable"]})
    with pytest.raises(ImproperlyConfigured, match="'lable'"):
        type("Wrong", (forms.ModelForm,), {"Meta": meta})
    with pytest.raises(ImproperlyConfigured, match="no name of an HTML attribute"):
        forms.TextInput(attrs={"x onclick=alert(1)": "y"})


def build_app(folder: Path) -> App:
    templates = folder / "templates"
    (templates / "forms").mkdir(parents=True)
    templates.joinpath("page.html").write_text(
        '<form method="post" enctype="multipart/form-data">{{ render_form(form) }}</form>'
    )
    app = App(Settings(base_dir=folder))

    @app.get("/")
    def show(request: Request) -> Markup:
        return render(request, "page.html", {"form": Contact(), "csrf_input": Markup("<i></i>")})

    @app.post("/")
    async def receive(request: Request) -> str:
        form = Contact(await request.form())
        if await form.ais_valid():
            picture = form.cleaned_data["picture"]
            return f"Thank you, {form.cleaned_data['name']}: {picture and picture.size}"
        return render(request, "page.html", {"form": form})

    return app


def test_a_form_goes_over_the_wire(client: MakeClient, tmp_path: Path) -> None:
    """A page shows it with the place against forgery, and what comes back is checked."""
    spoken = client(build_app(tmp_path))
    assert "<i></i>" in spoken.get("/").text
    sent = spoken.post("/", data=GOOD, files={"picture": ("a.png", b"123")})
    assert sent.text == "Thank you, Ada: 3"
    wrong = spoken.post("/", data=GOOD | {"name": ""}, files={"picture": ("a.png", b"1234")})
    assert "At most 3 bytes." in wrong.text
    assert 'value="a@example.org"' in wrong.text


def test_a_project_overrides_the_templates(client: MakeClient, tmp_path: Path) -> None:
    """A template of the project goes before the package's, for every form of its pages."""
    app = build_app(tmp_path)
    tmp_path.joinpath("templates/forms/field.html").write_text("[{{ field.label }}]")
    assert "[Name][Mail][Age]" in client(app).get("/").text.replace("\n", "")


def test_the_place_against_forgery_is_the_contexts() -> None:
    """The hidden field comes once, and escaped unless it is markup; strict templates do without."""
    strict = Templates([TEMPLATES], strict=True, globals=build_form_globals())
    page = strict.environment.from_string("{{ render_form(form) }}")
    form, rows = Contact(), forms.formset_factory(Contact)()
    hidden = Markup('<input type="hidden" name="csrf">')
    for each in (form, rows):
        assert "csrf" not in page.render(form=each)
        assert page.render(form=each, csrf_input=hidden).count(hidden) == 1
        assert "&lt;i&gt;" in page.render(form=each, csrf_input="<i>")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_a_form(chromium: Browser, tmp_path: Path, scheme: Any) -> None:
    """In Chromium each control has its name, and the summary's links lead to the controls."""
    page = chromium.new_page(color_scheme=scheme)
    page.set_content(
        '<!doctype html><html lang="en"><meta name="color-scheme" content="light dark">'
        f"<title>Contact</title><main><form>{Contact({'name': ''}).__html__()}</form></main>"
    )
    assert page.get_by_role("textbox", name="Name").get_attribute("aria-invalid") == "true"
    assert page.get_by_role("group", name="Colour").is_visible()
    assert page.get_by_role("link", name="Mail: Enter a value.").get_attribute("href") == "#id_mail"
    page.screenshot(path=tmp_path / "form.png", full_page=True)

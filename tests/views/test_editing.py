"""Views of forms: rows are made, changed and deleted, over both gateways."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import create_tables
from undercroft import App, Response, Settings, forms, models, path
from undercroft.db import databases
from undercroft.testing import Client
from undercroft.views import CreateView, DeleteView, FormView, ModelFormSetView, UpdateView

MakeClient = Callable[..., Client]


class Seed(models.Model):
    name = models.CharField(max_length=10, unique=True)
    owner = models.CharField(max_length=10, default="us")

    class Meta:
        app_label = "seeds"


class Sprout(models.Model):
    seed = models.ForeignKey(Seed, on_delete=models.CASCADE, related_name="sprouts")
    height = models.IntegerField(unique=True)

    class Meta:
        app_label = "seeds"


Sprouts = forms.inlineformset_factory(Seed, Sprout, fields=["height"], extra=1)
Seeds = forms.modelformset_factory(Seed, fields=["name"], extra=0)


class Word(forms.Form):
    """One word."""

    word = forms.CharField(max_length=5)


class WordView(FormView):
    """Say where the word leads."""

    form_class = Word
    template_name = "form.html"
    success_url = "/done"

    async def form_valid(self, form: Any) -> Response:
        """Remember the word in the answer."""
        response = await super().form_valid(form)
        response.headers["x-word"] = form.cleaned_data["word"]
        return response


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    folder = tmp_path / "templates"
    (folder / "seeds").mkdir(parents=True)
    for name in ("form.html", "seeds/seed_form.html"):
        (folder / name).write_text("{{ render_form(form) }}")
    (folder / "seeds/both.html").write_text(
        "{{ render_form(form) }}{% for each in formsets %}{{ render_form(each) }}{% endfor %}"
    )
    (folder / "seeds/seed_formset.html").write_text("{{ render_form(form) }}")
    (folder / "seeds/seed_confirm_delete.html").write_text("Delete {{ seed.name }}?")
    both = {
        "model": Seed,
        "fields": ["name"],
        "inlines": [Sprouts],
        "template_name": "seeds/both.html",
        "success_url": "done",
    }
    mine = Seed.objects.filter(owner="us")
    before = {alias: known.url for alias, known in databases.items()}
    yield App(
        Settings(base_dir=tmp_path, database_url=f"sqlite:///{tmp_path / 'seeds.sqlite3'}"),
        routes=[
            path("word", WordView.as_view()),
            path(
                "new", CreateView.as_view(model=Seed, fields=["name"], success_url="/{id}/{name}")
            ),
            path("{pk:int}", UpdateView.as_view(model=Seed, fields=["name"], success_url="done")),
            path("{pk:int}/delete", DeleteView.as_view(model=Seed, success_url="done")),
            path("with", CreateView.as_view(**both)),
            path("{pk:int}/with", UpdateView.as_view(**both)),
            path(
                "all",
                ModelFormSetView.as_view(queryset=mine, form_class=Seeds, success_url="done"),
            ),
            path("done", lambda: "done", name="done"),
        ],
    )
    databases.dispose()
    databases.configure(before)


@pytest.fixture
def seed(app: App) -> Seed:
    create_tables("seeds_")
    return Seed.objects.create(name="Rye")


def test_a_form_view_shows_checks_and_leads_on(client: MakeClient, app: App) -> None:
    """A wrong form is shown again, a right one goes to `form_valid` and on."""
    spoken = client(app)
    assert '<label for="id_word">' in spoken.get("/word").text
    assert "At most 5 characters." in spoken.post("/word", data={"word": "toolong"}).text
    answer = spoken.post("/word", data={"word": "rye"})
    assert (answer.status_code, answer.headers["location"]) == (302, "/done")
    assert answer.headers["x-word"] == "rye"


def test_rows_are_made_changed_and_deleted(client: MakeClient, app: App, seed: Seed) -> None:
    """Only the fields that are named are set; what is missing is a 404."""
    spoken = client(app)
    made = spoken.post("/new", data={"name": "a b", "owner": "me", "id": "77"})
    new = Seed.objects.get(name="a b")
    assert made.headers["location"] == f"/{new.pk}/a%20b"
    assert (new.owner, new.pk == 77) == ("us", False)
    assert "has this name already" in spoken.post("/new", data={"name": "Rye"}).text
    assert 'value="Rye"' in spoken.get(f"/{seed.pk}").text
    assert spoken.post(f"/{seed.pk}", data={"name": "Oat"}).headers["location"] == "/done"
    assert Seed.objects.get(pk=seed.pk).name == "Oat"
    assert spoken.get(f"/{seed.pk}/delete").text == "Delete Oat?"
    assert spoken.post(f"/{seed.pk}/delete").status_code == 302
    assert spoken.post(f"/{seed.pk}/delete").status_code == 404
    assert Seed.objects.count() == 1


def test_a_row_is_made_and_changed_with_what_belongs_to_it(
    client: MakeClient, app: App, seed: Seed
) -> None:
    """Both are checked before either is saved, every mistake is told, and both are saved."""
    spoken = client(app)
    assert "<legend>Sprout 1 (new)</legend>" in spoken.get("/with").text
    sent = {"name": "Oat", "sprouts-TOTAL_FORMS": "1", "sprouts-0-height": "x"}
    wrong = spoken.post("/with", data=sent).text
    assert "Sprout 1 (new): Height: Enter a whole number." in wrong
    assert "has this name already" in spoken.post("/with", data={**sent, "name": "Rye"}).text
    assert "without the number of its rows" in spoken.post("/with", data={"name": "Oat"}).text
    assert Seed.objects.count() == 1
    assert spoken.post("/with", data={**sent, "sprouts-0-height": "3"}).status_code == 302
    oat = Seed.objects.get(name="Oat")
    sprout = Sprout.objects.get(seed=oat, height=3)
    moved = {**sent, "sprouts-0-id": str(sprout.pk), "sprouts-0-height": "4"}
    stolen = spoken.post(f"/{seed.pk}/with", data={**moved, "name": "Rye"})
    assert "not here any more" in stolen.text
    assert spoken.post(f"/{oat.pk}/with", data={**moved, "name": "Oats"}).status_code == 302
    assert (Sprout.objects.get().height, Seed.objects.get(pk=oat.pk).name) == (4, "Oats")


def test_several_rows_are_changed_on_one_page(client: MakeClient, app: App, seed: Seed) -> None:
    """The rows of the view's queryset are changed, and no others."""
    other = Seed.objects.create(name="Theirs", owner="them")
    spoken = client(app)
    page = spoken.get("/all").text
    assert 'value="Rye"' in page
    assert "Theirs" not in page
    sent = {"form-TOTAL_FORMS": "1", "form-0-id": str(seed.pk), "form-0-name": "Oat"}
    assert spoken.post("/all", data=sent).headers["location"] == "/done"
    assert "not here any more" in spoken.post("/all", data={**sent, "form-0-id": other.pk}).text
    assert sorted(each.name for each in Seed.objects.all()) == ["Oat", "Theirs"]

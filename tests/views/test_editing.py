"""Views of forms: rows are made, changed and deleted, over both gateways."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from undercroft import App, Response, Settings, forms, models, path
from undercroft.db import databases
from undercroft.testing import Client
from undercroft.views import CreateView, DeleteView, FormView, UpdateView

MakeClient = Callable[..., Client]


class Seed(models.Model):
    name = models.CharField(max_length=10, unique=True)
    owner = models.CharField(max_length=10, default="us")

    class Meta:
        app_label = "seeds"


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
    (folder / "seeds/seed_confirm_delete.html").write_text("Delete {{ seed.name }}?")
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
            path("done", lambda: "done", name="done"),
        ],
    )
    databases.dispose()
    databases.configure(before)


@pytest.fixture
def seed(app: App) -> Seed:
    models.create_all()
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

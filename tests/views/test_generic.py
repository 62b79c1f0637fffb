"""Django's generic views, and shortcuts around them, over both gateways."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import create_tables
from undercroft import (
    App,
    DetailView,
    ListView,
    RedirectView,
    Request,
    RequestState,
    Settings,
    TemplateView,
    abort,
    get_list_or_404,
    models,
    path,
)
from undercroft.db import databases
from undercroft.errors import NotFound
from undercroft.testing import Client

MakeClient = Callable[..., Client]


class Plant(models.Model):
    name = models.CharField(max_length=20)
    slug = models.SlugField(max_length=20)

    class Meta:
        app_label = "garden"
        ordering = ["name"]


class PlantList(ListView[Plant]):
    """Plants, two on a page; a `def` hook asks the database."""

    model = Plant
    paginate_by = 2

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add how many there are in all."""
        return super().get_context_data(total=Plant.objects.count(), **kwargs)


class PlantDetail(DetailView[Plant]):
    """One plant; an `async def` hook asks the database."""

    queryset = Plant.objects.exclude(name="Yew")
    context_object_name = "it"

    async def get_context_data(self, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]  # hooks may be either
        """Add how many there are in all."""
        return super().get_context_data(total=await Plant.objects.acount(), **kwargs)


TEMPLATES = {
    "about.html": "{{ word }} {{ section }} {{ request.path }}",
    "garden/plant_list.html": "{% for p in plant_list %}{{ p.name }},{% endfor %}"
    "{{ page_obj.number }}/{{ paginator.num_pages }} {{ total }} {{ page_obj.has_next() }}",
    "garden/plant_detail.html": "{{ object.name }} {{ it.name }} {{ total }}",
}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    """A garden with three plants."""
    for name, text in TEMPLATES.items():
        file = tmp_path / "templates" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    before = {alias: known.url for alias, known in databases.items()}
    yield App(
        Settings(base_dir=tmp_path, database_url=f"sqlite:///{tmp_path / 'garden.sqlite3'}"),
        routes=[
            path(
                "about/{section}",
                TemplateView.as_view(template_name="about.html", extra_context={"word": "<b>"}),
            ),
            path("plants/", PlantList.as_view(), name="plants"),
            path(
                "all/", ListView.as_view(model=Plant, ordering="-name", template_name="about.html")
            ),
            path("none/", ListView.as_view(queryset=Plant.objects.filter(pk=0), allow_empty=False)),
            path("plants/{pk:int}", PlantDetail.as_view(), name="plant"),
            path("slugs/{slug}", PlantDetail.as_view()),
            path(
                "old/{pk:int}",
                RedirectView.as_view(pattern_name="plant", query_string=True, permanent=True),
            ),
            path("go/{name}", RedirectView.as_view(url="/x/{name}")),
            path("gone", RedirectView.as_view()),
        ],
    )
    databases.dispose()
    databases.configure(before)


@pytest.fixture
def plants(app: App) -> list[Plant]:
    create_tables("garden_")
    names = ["Ash", "Yew", "Oak"]
    return [Plant.objects.create(name=name, slug=name.lower()) for name in names]


def test_a_template_view_shows_what_the_path_captured(client: MakeClient, app: App) -> None:
    """Its context has `extra_context`, the path's values and the request, escaped."""
    assert client(app).get("/about/team").text == "&lt;b&gt; team /about/team"


def test_a_list_comes_in_pages(client: MakeClient, app: App, plants: list[Plant]) -> None:
    """Each page has its rows and knows of the others; what is no page is a 404."""
    spoken = client(app)
    assert spoken.get("/plants/").text == "Ash,Oak,1/2 3 True"
    assert spoken.get("/plants/?page=2").text == "Yew,2/2 3 False"
    assert spoken.get("/plants/?page=last").text == "Yew,2/2 3 False"
    for page in ("3", "0", "-1", "x", "9" * 5000, "\u0661", ""):
        assert spoken.get("/plants/", params={"page": page}).status_code == 404
    assert spoken.get("/none/").status_code == 404
    assert spoken.get("/all/").status_code == 200


def test_one_row_is_found_by_key_or_slug(client: MakeClient, app: App, plants: list[Plant]) -> None:
    """Of the view's own rows; another is a 404, and the queryset is none the worse for use."""
    spoken = client(app)
    ash, yew, _ = plants
    assert spoken.get(f"/plants/{ash.pk}").text == "Ash Ash 3"
    assert spoken.get("/slugs/oak").text == "Oak Oak 3"
    assert spoken.get(f"/plants/{yew.pk}").status_code == 404
    assert spoken.get("/slugs/elm").status_code == 404


def test_a_redirect_view_leads_on(client: MakeClient, app: App) -> None:
    """By a route's name or an address, whose values cannot lead to another place."""
    spoken = client(app)
    answer = spoken.get("/old/3?a=1")
    assert (answer.status_code, answer.headers["location"]) == (301, "/plants/3?a=1")
    assert spoken.post("/go/a b").headers["location"] == "/x/a%20b"
    assert spoken.get("/go/%3Fa=1").headers["location"] == "/x/%3Fa%3D1"
    assert spoken.get("/gone").status_code == 410


def test_abort_and_typed_state(client: MakeClient) -> None:
    """`abort` answers by status, and a state's class gives what a hook has left there."""

    class State(RequestState):
        user: str

    app = App()

    @app.before_request
    def log_in(request: Request) -> None:
        State.of(request).user = request.query_params.get("user", "")

    @app.get("/")
    def greet(state: State) -> str:
        if not state.user:
            abort(403, "Who are you?")
        return state.user

    spoken = client(app)
    assert spoken.get("/?user=Ada").text == "Ada"
    assert spoken.get("/").json()["detail"] == "Who are you?"
    with pytest.raises(NotFound):
        abort(404)


def test_a_list_or_404(plants: list[Plant]) -> None:
    """Rows come as a list; none is a 404."""
    assert [each.name for each in get_list_or_404(Plant, name="Ash")] == ["Ash"]
    with pytest.raises(NotFound):
        get_list_or_404(Plant, name="Elm")

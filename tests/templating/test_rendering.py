"""Templates of an application: context processors, blocks, messages, names that do not exist."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
import pytest

from undercroft import App, Request, Settings, messages, render
from undercroft.errors import ImproperlyConfigured, TemplateDoesNotExist
from undercroft.templating import Markup
from undercroft.testing.client import Client

MakeClient = Callable[..., Client]

BASE = "<title>{{ site }}</title>{% block body %}{% endblock %}"
PAGE = """{% extends "base.html" %}
{% block body %}{% for m in get_messages() %}<i class="{{ m.tags }}">{{ m }}</i>{% endfor %}
{% block list %}<ul>{% for x in items %}<li>{{ x }}</li>{% endfor %}</ul>{% endblock %}
{% endblock %}"""
PARTS = (
    """{% macro card(title) %}<section><h2>{{ title }}</h2>{{ caller() }}</section>{% endmacro %}"""
)


@pytest.fixture
def app(tmp_path: Path) -> App:
    """An application with templates."""
    for name, text in {"base.html": BASE, "page.html": PAGE, "parts.html": PARTS}.items():
        (tmp_path / "templates").mkdir(exist_ok=True)
        (tmp_path / "templates" / name).write_text(text, "utf-8")
    app = App(Settings(base_dir=tmp_path, secret_key="k" * 40))

    @app.get("/")
    def page(request: Request, part: bool = False) -> Markup:
        return render(request, "page.html", {"items": ["<a>"]}, block="list" if part else None)

    @app.post("/tell")
    def tell(request: Request) -> str:
        messages.success(request, "<Saved>")
        return "told"

    return app


def test_processors_give_names_to_every_page(app: App, client: MakeClient) -> None:
    """They are given the request; what the handler says comes before them."""

    @app.templates.context_processor
    def add_site(request: Request) -> dict[str, Any]:
        return {"site": f"site at {request.path}", "items": ["never seen"]}

    assert "<title>site at /</title>" in (text := client(app).get("/").text)
    assert "<li>&lt;a&gt;</li>" in text


def test_settings_name_processors(tmp_path: Path) -> None:
    """A dotted name is imported; one that leads nowhere is an error."""
    app = App(Settings(base_dir=tmp_path, context_processors=["tests.templating.processors.add"]))
    context = app.templates.build_context(Request("GET", "/"))
    assert context["added"] == "/"
    for wrong in ("no.such.module", "tests.templating.processors.missing", "x"):
        with pytest.raises(ImproperlyConfigured, match="Name a function"):
            _ = App(Settings(base_dir=tmp_path, context_processors=[wrong])).templates


def test_a_block_is_rendered_alone(app: App, client: MakeClient) -> None:
    """For a page that is updated in parts; a wrong name says which was probably meant."""
    assert client(app).get("/?part=1").text == "<ul><li>&lt;a&gt;</li></ul>"
    with pytest.raises(TemplateDoesNotExist, match="Did you mean 'list'") as caught:
        app.templates.render_block("page.html", "lst")
    assert caught.value.code == "templates.block"


def test_messages_are_shown_once_and_escaped(app: App, client: MakeClient) -> None:
    """`get_messages()` in a template takes them; the page is one visitor's."""
    visitor = client(app)
    visitor.post("/tell")
    answer = visitor.get("/")
    assert '<i class="success">&lt;Saved&gt;</i>' in answer.text
    assert answer.headers["vary"] == "Cookie"
    assert "Saved" not in visitor.get("/").text


def test_components_have_slots(app: App) -> None:
    """A macro takes what stands between `call` and `endcall`; its arguments are escaped."""
    source = (
        '{% from "parts.html" import card %}{% call card(title) %}<b>{{ title }}</b>{% endcall %}'
    )
    shown = app.templates.render_string(source, {"title": "<x>"})
    assert shown == "<section><h2>&lt;x&gt;</h2><b>&lt;x&gt;</b></section>"


@pytest.mark.parametrize("settings", [{"debug": True}, {"strict_templates": True}])
def test_to_show_what_does_not_exist_is_an_error(tmp_path: Path, settings: dict[str, bool]) -> None:
    """In debug, and where the settings say so; to ask for it is not."""
    templates = App(Settings(base_dir=tmp_path, **settings)).templates
    asked = "{% if missing %}1{% endif %}{{ missing|default('d') }}{{ missing == 1 }}"
    assert templates.render_string(asked) == "dFalse"
    for source in ("{{ missing }}", "{% for x in missing %}{% endfor %}", "{{ missing.part }}"):
        with pytest.raises(jinja2.UndefinedError, match="missing"):
            templates.render_string(source)


def test_now_is_there(app: App) -> None:
    """The present, as a moment or in a format."""
    assert int(app.templates.render_string("{{ now('Y') }}")) >= 2026
    assert app.templates.render_string("{{ now()|date('Y') }}").isdigit()

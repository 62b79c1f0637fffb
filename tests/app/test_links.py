"""Links that are written out are checked when the application starts."""

from pathlib import Path

import pytest

from undercroft import App, RedirectResponse, Request, Settings, View, path, redirect
from undercroft.errors import ImproperlyConfigured


def show(id: int) -> str:
    """Stand for a page."""
    return str(id)


def go(request: Request) -> RedirectResponse:
    """Lead to a page, by a name that is right."""
    return redirect(request, "page", id=1, permanent=True)


def go_wrong(request: Request) -> RedirectResponse:
    """Lead nowhere."""
    if request.query_params:
        return redirect(request, "/fine/by/path")
    return redirect(request, "pgae", id=1)


def link_wrong(request: Request) -> str:
    """Name a parameter that is none."""
    return request.url_for("page", key=1)


class Done(View):
    """A view with an address to go to."""

    success_url = "/fine/"

    def get(self) -> str:
        """Answer."""
        return self.request.url_for("page", id=1)


def build(tmp_path: Path, *routes: object) -> None:
    known = [path("pages/{id:int}", show, name="page"), path("go", go)]
    App(Settings(base_dir=tmp_path), routes=[*known, *routes]).build()  # type: ignore[list-item]  # routes all


def test_links_in_handlers_are_checked(tmp_path: Path) -> None:
    """A wrong name or parameter is an error at start that names function, file and line."""
    build(tmp_path, path("done", Done.as_view()))
    with pytest.raises(ImproperlyConfigured, match=r"go_wrong .*test_links.py:\d+.*'page'"):
        build(tmp_path, path("wrong", go_wrong))
    with pytest.raises(ImproperlyConfigured, match="given key; expected id"):
        build(tmp_path, path("wrong", link_wrong))
    with pytest.raises(ImproperlyConfigured, match=r"Done\.success_url"):
        build(tmp_path, path("done", Done.as_view(success_url="pages")))


def test_links_in_templates_are_checked(tmp_path: Path) -> None:
    """So is `url_for` in a template, unless the name is of an app whose routes are not there."""
    folder = tmp_path / "templates"
    folder.mkdir()
    page = folder / "page.html"
    page.write_text("{{ url_for('page', id=1) }} {{ url_for(name) }} {{ url_for('shop:item') }}")
    build(tmp_path)
    page.write_text("\n{% if x %}{{ url_for('page') }}{% endif %}")
    with pytest.raises(ImproperlyConfigured, match=r"page.html:2: .*given none; expected id"):
        build(tmp_path)
    page.write_text("{{ url_for('pgae', **params) }}")
    with pytest.raises(ImproperlyConfigured, match="Did you mean 'page'"):
        build(tmp_path)
    page.write_text("{% if %}")
    build(tmp_path)

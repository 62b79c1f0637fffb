import os
import traceback
from pathlib import Path

import jinja2
import pytest

from undercroft.errors import TemplateDoesNotExist, UndercroftError
from undercroft.templating import Markup, Templates, build_links


def write(folder: Path, **files: str) -> Path:
    """Write templates, `a__b` standing for `a/b.html`."""
    for name, text in files.items():
        file = folder / f"{name.replace('__', '/')}.html"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


HOSTILE = "<script>\"'&</script>"
ESCAPED = "&lt;script&gt;&#34;&#39;&amp;&lt;/script&gt;"


@pytest.mark.parametrize("name", ["a.html", "a.xml", "a.txt", "a.js", "a", "a.HTML.j2"])
def test_every_value_is_escaped_whatever_the_file_is_called(tmp_path: Path, name: str) -> None:
    """Escaping does not hang on the name of the file."""
    (tmp_path / name).write_text('<p title="{{ x }}">{{ x }}</p>')
    rendered = Templates([tmp_path]).render(name, {"x": HOSTILE})
    assert rendered == f'<p title="{ESCAPED}">{ESCAPED}</p>'
    assert isinstance(rendered, Markup)


def test_markup_is_not_escaped_again_and_macros_escape() -> None:
    """What says it is HTML stays HTML; a macro's arguments are escaped."""
    templates = Templates([])
    assert templates.render_string("{{ x }}", {"x": Markup("<b>")}) == "<b>"
    macro = "{% macro m(a) %}<i>{{ a }}</i>{% endmacro %}{{ m(x) }}"
    assert templates.render_string(macro, {"x": HOSTILE}) == f"<i>{ESCAPED}</i>"


def test_attribute_names_of_xmlattr_cannot_break_out() -> None:
    """Keys with spaces, slashes or `>` are refused by the xmlattr filter."""
    for key in ("a b", "a/b", "a>b", "a=b"):
        with pytest.raises(ValueError, match="attribute"):
            Templates([]).render_string("<p{{ x|xmlattr }}>", {"x": {key: "1"}})


def test_the_project_comes_before_its_apps(tmp_path: Path) -> None:
    """The first folder that has a file gives it, so a project can replace an app's template."""
    project = write(
        tmp_path / "project", blog__list="project", base="[{% block b %}{% endblock %}]"
    )
    app = write(
        tmp_path / "app",
        blog__list="app",
        blog__detail='{% extends "base.html" %}{% block b %}app{% endblock %}',
    )
    templates = Templates([project, app])
    assert templates.render("blog/list.html") == "project"
    assert templates.render("blog/detail.html") == "[app]"
    assert templates.list_templates() == ["base.html", "blog/detail.html", "blog/list.html"]


def test_a_missing_template_names_folders_and_near_names(tmp_path: Path) -> None:
    """The error lists every folder that was tried and what may have been meant."""
    write(tmp_path / "a", blog__list="")
    templates = Templates([tmp_path / "a", tmp_path / "b"])
    with pytest.raises(TemplateDoesNotExist, match=r"Did you mean 'blog/list\.html.") as caught:
        templates.render("blog/lst.html")
    assert str(tmp_path / "a") in str(caught.value)
    assert str(tmp_path / "b") in str(caught.value)
    with pytest.raises(TemplateDoesNotExist, match=r"Did you mean 'blog/list\.html."):
        templates.render("list.html")


@pytest.mark.parametrize("source", ['{% extends "bas.html" %}', '{% include "bas.html" %}'])
def test_a_template_missing_in_a_template_names_the_line(tmp_path: Path, source: str) -> None:
    """When a template wants another that is missing, the error says where."""
    write(tmp_path, page=f"\n{source}", base="")
    with pytest.raises(TemplateDoesNotExist, match=r"page\.html:2") as caught:
        Templates([tmp_path]).render("page.html")
    assert "'bas.html'" in str(caught.value)
    assert "Did you mean 'base.html'" in str(caught.value)


@pytest.mark.parametrize("name", ["../secret.html", "/etc/passwd", "a/../../secret.html", "a\x00"])
def test_no_name_leads_out_of_the_folders(tmp_path: Path, name: str) -> None:
    """A name with `..`, an absolute one or one with NUL is not found."""
    write(tmp_path, secret="secret")
    inner = write(tmp_path / "inner", a="")
    with pytest.raises(TemplateDoesNotExist):
        Templates([inner]).render(name)


def test_a_syntax_error_keeps_its_file_and_line(tmp_path: Path) -> None:
    """What cannot be read says in which file and on which line."""
    write(tmp_path, page="one\n{% if %}\n")
    with pytest.raises(jinja2.TemplateSyntaxError) as caught:
        Templates([tmp_path]).render("page.html")
    assert (caught.value.filename, caught.value.lineno) == (str(tmp_path / "page.html"), 2)


def test_an_error_while_rendering_shows_the_templates_line(tmp_path: Path) -> None:
    """The traceback of an error in a template leads to its file and line."""
    write(tmp_path, page="one\n\n{{ 1 // x }}")
    with pytest.raises(ZeroDivisionError) as caught:
        Templates([tmp_path]).render("page.html", {"x": 0})
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert (last.filename, last.lineno) == (str(tmp_path / "page.html"), 3)


def test_unknown_names_are_empty_unless_strict() -> None:
    """A name that does not exist prints nothing, and is an error when asked for."""
    assert Templates([]).render_string("[{{ nothing }}]") == "[]"
    with pytest.raises(jinja2.UndefinedError, match="'nothing' is undefined"):
        Templates([], strict=True).render_string("{{ nothing }}")


def test_changes_are_seen_in_debug_only(tmp_path: Path) -> None:
    """In production a file is read once; in development each change counts."""
    file = write(tmp_path, page="old") / "page.html"
    debug, production = Templates([tmp_path], debug=True), Templates([tmp_path])
    assert debug.render("page.html") == production.render("page.html") == "old"
    file.write_text("new")
    os.utime(file, (1, 1))
    assert debug.render("page.html") == "new"
    assert production.render("page.html") == "old"


class Request:
    """The two parts of a request that links are made with."""

    root_path = "/mounted"

    def url_for(self, name: str, /, **params: object) -> str:
        """Build a path below the mount."""
        return f"/mounted/{name}/{params}"


def test_links_are_made_in_templates_with_and_without_a_request() -> None:
    """`url_for` asks the request when there is one, `static` quotes; the result is escaped."""
    links = build_links(lambda name, **params: f"/{name}?a&b{params['id']}", "/files/")
    templates = Templates([], globals=links)
    source = "{{ url_for('detail', id=1) }} {{ static('/a b&.css') }}"
    assert templates.render_string(source) == "/detail?a&amp;b1 /files/a%20b%26.css"
    rendered = templates.render_string(source, {"request": Request()})
    assert rendered == "/mounted/detail/{&#39;id&#39;: 1} /mounted/files/a%20b%26.css"


def test_a_coroutine_is_refused_where_its_result_is_meant() -> None:
    """Of a forgotten `await` a template would show nothing at all, and nobody would know why."""

    async def find_post() -> str:
        return "found"

    waiting = find_post()
    with pytest.raises(UndercroftError, match=r"as 'post', made by .*find_post") as caught:
        Templates([]).render_string("{{ post.title }}", {"post": waiting})
    assert caught.value.code == "templates.coroutine"
    waiting.close()

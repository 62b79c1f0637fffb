"""Pages that are sent while they are rendered."""

from collections.abc import Callable, Iterator
from pathlib import Path

import jinja2
import pytest

from undercroft import App, Request, Settings, StreamingResponse, stream_template
from undercroft.errors import TemplateDoesNotExist, UndercroftError
from undercroft.testing.client import Client

MakeClient = Callable[..., Client]

ROWS = "<ul>{% for row in rows %}<li>{{ row }} of {{ request.path }}</li>{% endfor %}</ul>"


@pytest.fixture
def app(tmp_path: Path) -> App:
    """An application with a template that loops."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "rows.html").write_text(ROWS, "utf-8")
    return App(Settings(base_dir=tmp_path))


def test_a_page_is_streamed_and_escaped(app: App, client: MakeClient) -> None:
    """It is the page that `render` would give, as HTML, without a length."""

    @app.get("/")
    def page(request: Request) -> StreamingResponse:
        return stream_template(request, "rows.html", {"rows": ["<a>", "b"]})

    answer = client(app).get("/")
    assert answer.text == "<ul><li>&lt;a&gt; of /</li><li>b of /</li></ul>"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "content-length" not in answer.headers


def test_rows_are_made_while_the_page_is_read(app: App) -> None:
    """Nothing of the page waits for its end: a thousand rows are never there at once."""
    made: list[int] = []

    def count() -> Iterator[int]:
        for number in range(1000):
            made.append(number)
            yield number

    pieces = app.templates.stream("rows.html", {"rows": count(), "request": Request("GET", "/")})
    assert "<li>0 of /</li>" in next(pieces)
    assert 0 < len(made) < 100
    assert "<li>999 of /</li></ul>" in "".join(pieces)


def test_mistakes_are_told_before_the_page_begins(app: App) -> None:
    """A template that is missing, or a value that was not awaited, still gives an error page."""

    async def fetch() -> list[str]:
        return []

    with pytest.raises(TemplateDoesNotExist, match=r"rows\.html"):
        app.templates.stream("row.html")
    forgotten = fetch()
    with pytest.raises(UndercroftError, match="coroutine"):
        app.templates.stream("rows.html", {"rows": forgotten})
    forgotten.close()
    (app.templates.directories[0] / "wrong.html").write_text("{% if %}", "utf-8")
    with pytest.raises(jinja2.TemplateSyntaxError):
        app.templates.stream("wrong.html")

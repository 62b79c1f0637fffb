import sys
import time
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from undercroft.errors import FieldError, TemplateDoesNotExist
from undercroft.middleware.debug_page import render_debug_page, render_debug_text
from undercroft.templating import Templates

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


class Outline(HTMLParser):
    """Collect the elements and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: dict[str, set[str]] = {}
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.append(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, set()).add(value or "")

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text += data


def catch(function: Any, *args: Any) -> BaseException:
    """Call what fails and give what it raised."""
    try:
        function(*args)
    except BaseException as error:  # noqa: BLE001 - any failure is wanted
        return error
    pytest.fail("nothing was raised")


def render(error: BaseException, headers: list[tuple[str, str]] | None = None) -> Outline:
    """Render the page and parse it."""
    page = render_debug_page(error, method="GET", path="/a", headers=headers or [], nonce="n0nce")
    page.encode("utf-8")
    return Outline(page)


def fail_with(value: object) -> None:
    """Raise with locals worth looking at."""
    label = f"label {value}"
    raise ValueError(f"cannot use {label}")


def test_the_page_tells_what_where_and_how_to_mend_it() -> None:
    """Type, message, hint, code, request, file, line, source and local values are there."""

    def find(column: str) -> None:
        raise FieldError("Field 'titel' does not exist.", hint="Did you mean 'title'?")

    page = render(catch(find, "titel"), [("accept", "text/html")])
    for wanted in (
        *("FieldError", "Field 'titel' does not exist.", "Did you mean 'title'?"),
        *("db.unknown-field", "GET /a", "accept", "text/html", "column", "'titel'"),
        *("test_debug_page.py:", "raise FieldError(", "def find(column: str)", sys.executable),
    ):
        assert wanted in page.text
    assert "n0nce" in page.attributes["nonce"]


def test_nothing_that_is_shown_can_be_markup() -> None:
    """Text of exceptions, notes, locals, names, headers and the request is escaped everywhere."""
    error = catch(fail_with, {EVIL: EVIL})
    error.add_note(EVIL)
    error.__cause__ = FieldError(EVIL, hint=EVIL, code=EVIL)
    type(error.__cause__).statement = EVIL  # type: ignore[attr-defined]
    try:
        html = render_debug_page(
            error, method=EVIL, path=f"/{EVIL}", headers=[(EVIL, EVIL)], nonce=EVIL
        )
    finally:
        del type(error.__cause__).statement  # type: ignore[attr-defined]
    page = Outline(html)
    assert not {"script", "img"} & set(page.tags)
    assert "onerror" not in page.attributes
    assert "src" not in page.attributes
    assert page.text.count(EVIL) >= 6


def test_odd_class_and_function_names_are_escaped() -> None:
    """A class or function made at run time can be called anything, also markup."""
    odd = type(EVIL, (Exception,), {"__module__": EVIL})
    space: dict[str, Any] = {"odd": odd}
    exec(compile("def run():\n raise odd('x')", f"{EVIL}.py", "exec"), space)
    space["run"].__code__ = space["run"].__code__.replace(co_name=EVIL, co_qualname=EVIL)
    page = render(catch(space["run"]))
    assert not {"script", "img"} & set(page.tags)
    assert EVIL in page.text


def test_the_page_needs_no_script_and_loads_nothing() -> None:
    """One style with the nonce and no other active or loaded part, so a strict policy holds."""
    page = render(catch(fail_with, 1))
    assert page.tags.count("style") == 1
    assert not {"script", "link", "img", "iframe", "form", "a"} & set(page.tags)
    assert not [name for name in page.attributes if name.startswith("on") or name == "style"]
    plain = Outline(render_debug_page(catch(fail_with, 1), method="GET", path="/", headers=[]))
    assert "nonce" not in plain.attributes


SECRET = "hunter2"  # a fixed secret to look for


class Account:
    """An object whose repr tells its secret."""

    def __repr__(self) -> str:
        """Tell."""
        return f"Account(name='ada', api_key='{SECRET}', session={SECRET})"


def fail_with_secrets(password: str) -> None:
    """Raise with secrets in locals of every form."""
    account = Account()
    data = {"name": "ada", "Secret_Key": password, "deep": [{"token": password}]}
    raw = [(b"authorization", password), (b"x", b"Bearer " + password.encode())]
    url = f"postgresql://ada:{password}@db/blog"
    text = f"session={password}; csrf-token: '{password}'"
    raise ValueError(f"cannot connect to {url} with {len([account, data, raw, text])} values")


def test_secrets_are_withheld_by_their_names() -> None:
    """Variables, keys, attributes, headers and URLs called like secrets show no value."""
    error = catch(lambda: fail_with_secrets(SECRET))
    names = ["Cookie", "authorization", "X-Api-Key", "x-csrf-token", "proxy-authorization"]
    headers = [(name, SECRET) for name in names] + [("referer", f"http://u:{SECRET}@h/")]
    page = Outline(render_debug_page(error, method="GET", path="/", headers=headers)).text
    text = render_debug_text(error, method="GET", path="/", headers=headers)
    for shown in (page, text):
        assert SECRET not in shown
        assert "'name': 'ada'" in shown
        assert "cannot connect to postgresql://ada:‹redacted›@db/blog" in shown


def test_own_frames_are_open_and_library_frames_folded() -> None:
    """A reader sees the project's frames; those of libraries wait behind one line."""
    import json

    page = render_debug_page(
        catch(lambda: json.loads("{")), method="GET", path="/", headers=[], nonce=None
    )
    folded = page.index('<details class="folded">')
    assert "library frames" in page[folded:]
    assert '<details class="frame">\n<summary><b>JSONDecoder.decode</b>' in page[folded:]
    assert "<b>test_own_frames_are_open_and_library_frames_folded" in page


def test_an_exception_of_a_library_alone_opens_its_last_frame() -> None:
    """Where the project has no frame, the place of the failure is shown all the same."""
    import json

    error = catch(json.loads, "{")
    error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
    page = render_debug_page(error, method="GET", path="/", headers=[])
    assert page.count('<details class="frame" open>') == 1


def test_causes_contexts_and_groups_are_told() -> None:
    """The chain is followed, each exception once, even where it bites its own tail."""

    def chain() -> None:
        try:
            try:
                raise KeyError("first")
            except KeyError as error:
                raise ValueError("second") from error
        except ValueError:
            raise ExceptionGroup("third", [TypeError("part"), OSError("other part")])  # noqa: B904

    error = catch(chain)
    text = render(error).text
    for wanted in ("third", "second", "'first'", "part", "other part", "The cause:"):
        assert wanted in text
    assert "It happened while this was being handled:" in text
    error.__cause__, cause = ValueError("loop"), error
    error.__cause__.__cause__ = cause
    assert "loop" in render(error).text
    quiet = ValueError("quiet")
    quiet.__context__, quiet.__suppress_context__ = KeyError("hidden"), True
    assert "hidden" not in render(quiet).text


class Hostile(Exception):
    """An exception, and a value, that fail when they are shown."""

    def __repr__(self) -> str:
        """Fail."""
        raise RuntimeError("no repr")

    def __str__(self) -> str:
        """Fail."""
        raise RuntimeError("no str")


def test_values_and_exceptions_that_cannot_be_shown_do_not_hide_the_error() -> None:
    """A `__repr__` or `__str__` that raises is named, and the page still comes."""

    def fail() -> None:
        value = Hostile()
        deep: list[Any] = []
        deep.append(deep)
        raise Hostile(len(deep), value)

    text = render(catch(fail)).text
    assert "Hostile" in text
    assert "repr() raised RuntimeError" in text
    assert "__str__ raised RuntimeError" in text


def test_values_are_bounded_in_length_and_time() -> None:
    """Huge texts, containers, numbers and recursion make a page of bounded size at once."""

    def fail(depth: int) -> None:
        text, number = "a" * 5_000_000, 10**6000
        many = {n: list(range(1000)) for n in range(1000)}
        if depth:
            fail(depth - 1)
        raise ValueError("b" * 5_000_000, number, len(many), len(text))

    for error in (catch(fail, 0), catch(fail, 3), catch(recurse)):
        started = time.thread_time()
        page = render_debug_page(error, method="GET", path="/", headers=[("x", "c" * 100_000)])
        assert len(page) < 1_000_000
        assert time.thread_time() - started < 5


def recurse() -> None:
    """Fail by depth."""
    recurse()


def test_hidden_characters_are_written_out() -> None:
    """Terminal codes, text-turning marks and lone surrogates are shown as what they are."""
    error = ValueError("\x1b[31mred\u202e\ud800")
    options = {"method": "GET", "path": "/\x1b[2J\r\n", "headers": [("x", "\x1b[0m")]}
    for text in (
        render_debug_page(error, **options),  # type: ignore[arg-type]
        render_debug_text(error, **options),  # type: ignore[arg-type]
    ):
        text.encode("utf-8")
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert r"\x1b[31mred\u202e\ud800" in text


def test_a_failing_template_is_shown_at_its_own_line(tmp_path: Path) -> None:
    """An error inside a template leads to the template's source and values."""
    (tmp_path / "page.html").write_text("<p>\n{{ 1 // divisor }}\n</p>")
    error = catch(Templates([tmp_path]).render, "page.html", {"divisor": 0})
    text = render(error).text
    assert "page.html:2" in text
    assert "{{ 1 // divisor }}" in text
    assert "divisor" in text


def test_a_missing_or_broken_template_gives_a_page_too(tmp_path: Path) -> None:
    """The page does not need templates to work."""
    (tmp_path / "page.html").write_text("{% if %}")
    missing = catch(Templates([tmp_path]).render, "pag.html")
    assert isinstance(missing, TemplateDoesNotExist)
    assert "Did you mean 'page.html'?" in render(missing).text
    assert "page.html:1" in render(catch(Templates([tmp_path]).render, "page.html")).text


def test_the_statement_a_database_refused_is_shown() -> None:
    """An exception that carries SQL shows it, without its room importing any database."""
    error = RuntimeError("refused")
    error.statement = "SELECT '<b>' FROM posts"  # type: ignore[attr-defined]
    assert "SELECT '<b>' FROM posts" in render(error).text
    assert "SQL: SELECT" in render_debug_text(error, method="GET", path="/", headers=[])


def test_modules_and_pythons_own_names_are_left_out_of_values() -> None:
    """Imports and dunder names are noise beside the values of a frame."""
    space: dict[str, Any] = {"kept": 12345, "noise": ModuleType("noise")}
    error = catch(lambda: exec("1 / 0", space))
    text = render_debug_text(error, method="GET", path="/", headers=[])
    assert "kept = 12345" in text
    assert "noise" not in text
    assert "__builtins__" not in text

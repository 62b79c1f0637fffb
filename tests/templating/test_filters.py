"""Filters under Django's names: what they give, that they escape, and that they take no time."""

import json
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest

from undercroft.templating import Templates

#: Marks of two classes in turn, which sorting by class would go through again and again.
MARKS = "\u0316\u0301"

HOSTILE = "</script><script>alert(1)</script>\"'&<!--"
MOMENT = datetime(2026, 3, 5, 15, 7, 9, 12, tzinfo=UTC)


def show(expression: str, **context: Any) -> str:
    return str(Templates([]).render_string("{{ " + expression + " }}", context))


@pytest.mark.parametrize(
    "expression, value, shown",
    [
        ("x|date", MOMENT, "March 5, 2026"),
        ("x|date('Y-m-d H:i:s.u')", MOMENT, "2026-03-05 15:07:09.000012"),
        ("x|date('D j. F y, jS')", date(2026, 11, 23), "Mon 23. November 26, 23rd"),
        ("x|date('\\\\Y\\\\e\\\\a\\\\r Y')", MOMENT, "Year 2026"),
        ("x|time", MOMENT, "3:07 p.m."),
        ("x|time('H:i')", MOMENT.time(), "15:07"),
        ("x|date", None, ""),
        ("x|floatformat", 34.26, "34.3"),
        ("x|floatformat", 34.0, "34"),
        ("x|floatformat(2)", Decimal("2.345"), "2.35"),
        ("x|floatformat(-2)", 3, "3"),
        ("x|floatformat", "no number", ""),
        ("x|floatformat", "1e1000000", "1e1000000"),
        ("x|floatformat(3)", "9" * 100, "9" * 100 + ".000"),
        ("x|floatformat", float("inf"), "inf"),
        ("x|intcomma", 1234567, "1,234,567"),
        ("x|intcomma", -1234.5, "-1,234.5"),
        ("x|intcomma", "abc", "abc"),
        ("x|filesizeformat", 2_000_000, "2.0 MB"),
        ("x|truncatechars(5)", "abcdefgh", "abcd…"),
        ("x|truncatechars(5)", "abcde", "abcde"),
        ("x|truncatewords(2)", "one  two three", "one two …"),
        ("x|linebreaks", "a\nb\r\n\r\n<c>", "<p>a<br>b</p>\n\n<p>&lt;c&gt;</p>"),
        ("x|linebreaksbr", "a\n<b>", "a<br>&lt;b&gt;"),
        ("x|pluralize", 1, ""),
        ("x|pluralize", 0, "s"),
        ("x|pluralize('y,ies')", [1], "y"),
        ("x|pluralize('y,ies')", [1, 2], "ies"),
        ("x|slugify", "  Grüße & Küsse -- 5_a ", "grue-kusse-5_a"),
        ("x|default_if_none('n')", None, "n"),
        ("x|default('d', true)", "", "d"),
        ("x|yesno('a,b,c')", None, "c"),
        ("x|yesno", True, "yes"),
    ],
)
def test_a_filter_gives_what_django_gives(expression: str, value: Any, shown: str) -> None:
    """Values and edges of each filter."""
    assert show(expression, x=value) == shown


@pytest.mark.parametrize(
    "ago, since, natural",
    [
        (timedelta(), "0 minutes", "now"),
        (timedelta(seconds=20), "0 minutes", "20 seconds ago"),
        (timedelta(days=9, hours=3), "1 week, 2 days", "1 week ago"),
        (timedelta(days=800), "2 years, 2 months", "2 years ago"),
        (-timedelta(hours=2), "0 minutes", "2 hours from now"),
    ],
)
def test_spans_are_told_as_people_do(ago: timedelta, since: str, natural: str) -> None:
    """The two largest neighbouring units, or the largest with its direction."""
    assert show("x|timesince(now)", x=MOMENT - ago, now=MOMENT) == since
    assert show("x|naturaltime(now)", x=MOMENT - ago, now=MOMENT) == natural
    assert show("x|timeuntil(now)", x=MOMENT + abs(ago), now=MOMENT).split(",")[0]


class Reader(HTMLParser):
    """Reads what a browser would: elements with their attributes, and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    "source",
    [
        *("x", "x|truncatechars(500)", "x|truncatewords(50)", "x|linebreaksbr", "x|intcomma"),
        *("x|default_if_none", "x|yesno(x)", "x|pluralize(x)", "none|default_if_none(x)"),
    ],
)
def test_text_stays_text(source: str) -> None:
    """Whatever goes through a filter, no element comes out of it."""
    read = Reader(str(Templates([]).render_string("<p>{{ " + source + " }}</p>", {"x": HOSTILE})))
    assert [tag for tag, _ in read.elements] == ["p"]


def test_values_stay_in_their_attributes() -> None:
    """In attributes and by `xmlattr` the value is the value, and nothing more."""
    source = "<a title=\"{{ x }}\" class='{{ x }}'{{ {'id': x}|xmlattr }}></a>"
    read = Reader(str(Templates([]).render_string(source, {"x": HOSTILE})))
    assert read.elements == [("a", {"title": HOSTILE, "class": HOSTILE, "id": HOSTILE})]


def test_a_url_parameter_stays_one() -> None:
    """`urlencode` keeps a value within its parameter."""
    assert show("x|urlencode", x="a&b=c\"'<#") == "a%26b%3Dc%22%27%3C%23"


def test_json_stays_within_its_script() -> None:
    """By `json_script` and `tojson` a script holds the value, and cannot be ended by it."""
    value = {"text": HOSTILE, "more": ["\u2028", None, 1.5]}
    read = Reader(show("x|json_script(i)", x=value, i='a"b'))
    assert read.elements == [("script", {"id": 'a"b', "type": "application/json"})]
    assert json.loads(read.text) == value
    inside = Templates([]).render_string("<script>let x = {{ x|tojson }}</script>", {"x": value})
    read = Reader(str(inside))
    assert len(read.elements) == 1
    assert json.loads(read.text.removeprefix("let x = ")) == value


@pytest.mark.parametrize("text", ["javascript:alert(1)", "data:text/html,x", "vbscript:x"])
def test_urlize_makes_no_link_that_runs(text: str) -> None:
    """Only addresses of pages and mail become links, and quotes do not end them."""
    assert "<a" not in show("x|urlize", x=text)
    read = Reader(show("x|urlize", x="https://example.org/\"onmouseover='x' <b>"))
    assert [tag for tag, _ in read.elements] == ["a"]
    assert set(read.elements[0][1]) == {"href", "rel"}


@pytest.mark.parametrize(
    "piece", ["&", "[", "</", "<a", "a@", "\n", "- ", "ä", "(", "http://", MARKS]
)
@pytest.mark.parametrize(
    "name", ["linebreaks", "slugify", "truncatewords(3)", "urlize", "intcomma", "floatformat"]
)
def test_long_texts_take_no_time(name: str, piece: str) -> None:
    """A hundred thousand of any piece are read in one go."""
    started = time.perf_counter()
    show(f"x|{name}", x=piece * 100_000)
    assert time.perf_counter() - started < 5

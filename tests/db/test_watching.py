"""Queries that are watched: how many, and which one a loop repeats."""

import asyncio
import logging
from typing import Literal

import pytest

from tests.db.conftest import Run
from tests.db.shop_models import Author, Book, make_author
from undercroft import App, Settings
from undercroft.errors import RepeatedQueryError, TooManyQueriesError
from undercroft.testing import Client, capture_queries, forbid_repeated_queries, max_queries

pytestmark = pytest.mark.usefixtures("database")


def ask_twice() -> None:
    with max_queries(1):
        Author.objects.get()
        Author.objects.count()


def count_in_a_loop() -> None:
    for author in Author.objects.all():
        Book.objects.filter(author=author).count()


def test_more_queries_than_allowed_are_listed_with_their_lines() -> None:
    """`max_queries` fails at the end of its block and says what was asked where."""
    make_author()
    with max_queries(1):
        Author.objects.get()
    with pytest.raises(TooManyQueriesError, match=r"2 queries.*test_watching\.py:\d+"):
        ask_twice()


def test_a_loop_that_repeats_a_query_is_refused() -> None:
    """The fifth time a line asks the same query is an error, whatever values it has."""
    for number in range(6):
        make_author(f"A{number}")
    with forbid_repeated_queries(), pytest.raises(RepeatedQueryError, match="5th time"):
        count_in_a_loop()
    with forbid_repeated_queries():
        for author in Author.objects.all():
            list(author.books.all())


def test_queries_of_threads_and_of_the_loop_are_counted_once(run: Run) -> None:
    """A call from the loop that hops to a thread is one query."""

    async def main() -> None:
        await Author.objects.acreate(name="Ada", email="a@example.org")
        await Author.objects.aget()

    with capture_queries() as seen:
        run(main())
    assert [each.kind for each in seen.queries] == ["insert", "instances"]
    assert {each.file for each in seen.queries} == {__file__}


def test_a_request_in_development_logs_what_it_repeats(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The warning names the handler's file and line, and how to mend it."""
    for number in range(6):
        make_author(f"A{number}")
    app = App(Settings(debug=True))

    @app.get("/")
    def count() -> int:
        return sum(Book.objects.filter(author=each).count() for each in Author.objects.all())

    with caplog.at_level(logging.WARNING, "undercroft.db"), Client(app) as client:
        assert client.get("/").json() == 0
    assert "test_watching.py" in caplog.text
    assert "prefetch_related" in caplog.text


@pytest.mark.parametrize("through", ["asgi", "wsgi"])
def test_a_request_may_go_on_elsewhere_than_it_began(through: Literal["asgi", "wsgi"]) -> None:
    """In development an `async def` handler answers under WSGI, too, where a loop takes it over."""
    app = App(Settings(debug=True))

    @app.get("/")
    async def answer() -> str:
        await asyncio.sleep(0)
        return "answered"

    with Client(app, through=through) as client:
        for _ in range(3):
            assert client.get("/").text == "answered"

"""What people look for becomes a question that FTS5 understands, and the right one."""

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undercroft.db.connections.sqlite_functions.search import NOTHING, write_query

WORDS = ["ant", "bee", "cat", "dog"]
DOCUMENTS = st.lists(st.sampled_from(WORDS), max_size=5)

#: A term: its words, whether it is a phrase, whether it is denied.
TERMS = st.tuples(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=3), st.booleans(), st.booleans()
).map(lambda term: term if term[1] else (term[0][:1], False, term[2]))
ALTERNATIVES = st.lists(st.lists(TERMS, min_size=1, max_size=4), min_size=1, max_size=3)


@pytest.fixture(scope="module")
def index() -> Iterator[sqlite3.Connection]:
    """An FTS5 table without rows."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE VIRTUAL TABLE docs USING fts5(text)")
    yield connection
    connection.close()


def write(alternatives: list[list[tuple[list[str], bool, bool]]]) -> str:
    """Write alternatives as people do."""
    return " or ".join(
        " ".join(
            f"{'-' * denied}" + (f'"{" ".join(words)}"' if phrase else words[0])
            for words, phrase, denied in terms
        )
        for terms in alternatives
    )


def has(document: list[str], words: list[str]) -> bool:
    size = len(words)
    return any(document[start : start + size] == words for start in range(len(document)))


def fits(document: list[str], alternatives: list[list[tuple[list[str], bool, bool]]]) -> bool:
    """Tell by plain Python whether a document has what is looked for."""
    return any(
        all(has(document, words) != denied for words, _, denied in terms)
        for terms in alternatives
        if not all(denied for _, _, denied in terms)
    )


@given(document=DOCUMENTS, alternatives=ALTERNATIVES)
def test_the_question_means_what_was_written(
    index: sqlite3.Connection,
    document: list[str],
    alternatives: list[list[tuple[list[str], bool, bool]]],
) -> None:
    """FTS5 finds a document just when plain Python does; what is only denied finds nothing."""
    index.execute("DELETE FROM docs")
    index.execute("INSERT INTO docs VALUES (?)", (" ".join(document),))
    question = write_query(write(alternatives), "websearch", "simple")
    found = index.execute("SELECT 1 FROM docs WHERE docs MATCH ?", (question,)).fetchall()
    assert bool(found) == fits(document, alternatives)


@given(text=st.text(), search_type=st.sampled_from(["websearch", "plain", "phrase"]))
def test_every_text_is_a_question(index: sqlite3.Connection, text: str, search_type: str) -> None:
    """FTS5 understands what is made of any text."""
    for config in ("english", "simple"):
        question = write_query(text.replace("\x00", " "), search_type, config)
        index.execute("SELECT 1 FROM docs WHERE docs MATCH ?", (question,)).fetchall()


@pytest.mark.parametrize(
    "text, question",
    [
        ("quick fox", '"quick" "fox"'),
        ('"quick fox" -dog', '("quick fox") NOT ("dog")'),
        ("the fox", '"fox"'),
        ('"the fox"', '"the fox"'),
        ("cat OR dog", '("cat") OR ("dog")'),
        ("or", NOTHING),
        ("-fox", NOTHING),
        ("the", NOTHING),
        ('say "hi', '"say" "hi"'),
        ("a-b", '"a-b"'),
        ("fox) OR (x*", '("fox)") OR ("(x*")'),
    ],
)
def test_questions_are_quoted(text: str, question: str) -> None:
    """No word is ever a sign of FTS5's own language."""
    assert write_query(text, "websearch", "english") == question

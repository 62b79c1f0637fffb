"""The SQL of full-text search: words and what is looked for on PostgreSQL, FTS5 on SQLite."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import REGCONFIG, TSQUERY

from undercroft.db.fields.search import SearchWords
from undercroft.db.mapping.search_indexes import find_searches
from undercroft.db.queries.terms import TYPES
from undercroft.db.sql.functions import fts5
from undercroft.db.sql.functions.building import Build, call
from undercroft.errors import FieldError

#: PostgreSQL's functions that read what is looked for.
_READERS = {
    "phrase": "phraseto_tsquery",
    "plain": "plainto_tsquery",
    "raw": "to_tsquery",
    "websearch": "websearch_to_tsquery",
}

#: Functions that SQLAlchemy knows of PostgreSQL, and text as it is; a checker knows neither's type.
_functions: Any = sa.func
_write_text: Any = sa.literal_column

_EMPTY = sa.literal_column("''", sa.Text())


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for, before it is known what makes words of the texts it is looked for in.

    Attributes:
        kind: `search_text`, `search_and`, `search_or` or `search_not`.
        parts: The text, or others of these.
        search_type: Of a text.
        config: Of a text, where it has its own.
    """

    kind: str
    parts: tuple[Any, ...]
    search_type: str = "plain"
    config: str | None = None

    @property
    def type(self) -> Any:
        """Refuse to be a column.

        Raises:
            FieldError: Always.
        """
        raise FieldError(
            "A SearchQuery is no value of a row.",
            hint="Compare the words of a field with it: filter(title__search=SearchQuery(...)).",
            code="db.search",
        )


def check_vendor(builder: Any) -> None:
    """Check that a database can search.

    Raises:
        FieldError: It cannot.
    """
    if builder.vendor not in ("postgresql", "sqlite"):
        raise FieldError(
            f"{builder.vendor} is not searched for words: expected PostgreSQL or SQLite.",
            hint="Look for text by `icontains`.",
            code="db.search",
        )


# ------------------------------------------------------------------ what is searched


def _make_words(builder: Any, elements: Sequence[Any], options: Any) -> Any:
    """Build the words of texts."""
    check_vendor(builder)
    if builder.vendor == "sqlite":
        return fts5.make_words(elements, options)
    joined: Any = None
    own = _find_own(elements)
    for element, (weight, config) in zip(elements, options, strict=True):
        told, letter = config or (own.config if own is not None else None), weight
        if own is not None and len(own.columns) == len(elements) == 1 and not weight:
            # Just as it was indexed, so that the index is of use.
            letter = own.weights[0]
        words = _functions.to_tsvector(*_name(told), _as_text(element))
        if letter:
            words = call("setweight", words, _write_text(f"'{letter}'"))
        joined = words if joined is None else joined.op("||")(words)
    config = options[0][1] or (own.config if own is not None else None)
    return sa.type_coerce(joined, SearchWords(config))


def _find_own(elements: Sequence[Any]) -> Any:
    """Find the index that has all the columns, if there is one."""
    return next(iter(find_searches(elements)), None)


def _as_text(element: Any) -> Any:
    text = element if isinstance(element.type, sa.String) else sa.cast(element, sa.Text())
    return sa.func.coalesce(text, _EMPTY)


def _name(config: str | None) -> list[Any]:
    """Write the name of a configuration, which was checked to be one."""
    return [] if config is None else [sa.literal_column(f"'{config}'", REGCONFIG())]


# ------------------------------------------------------------------ what is looked for


def _want_text(_builder: Any, elements: Sequence[Any], option: Any) -> Wanted:
    return Wanted("search_text", tuple(elements), *option)


def _want(kind: str) -> Build:
    return lambda _builder, elements, _option: Wanted(kind, tuple(elements))


def _write(wanted: Wanted, config: str | None) -> Any:
    """Write what is looked for as PostgreSQL's query."""
    if wanted.kind == "search_text":
        reader = _READERS[wanted.search_type]
        text = wanted.parts[0]
        return getattr(_functions, reader)(*_name(wanted.config or config), text)
    parts = [_write(each, config) for each in wanted.parts]
    if wanted.kind == "search_not":
        return call("tsquery_not", *parts, type_=TSQUERY())
    name = "tsquery_and" if wanted.kind == "search_and" else "tsquery_or"
    return call(name, *parts, type_=TSQUERY())


def to_wanted(element: Any) -> Wanted:
    """Take any other expression for the text of what is looked for."""
    return element if isinstance(element, Wanted) else Wanted("search_text", (element,))


# ------------------------------------------------------------------ both together


def match(builder: Any, words: Any, wanted: Any) -> Any:
    """Ask whether words have what is looked for."""
    wanted = to_wanted(wanted)
    if builder.vendor == "sqlite":
        return fts5.match(words, wanted)
    query = _write(wanted, _get_config(words))
    return words.op("@@", is_comparison=True, return_type=sa.Boolean())(query)


def _get_config(words: Any) -> str | None:
    found: str | None = getattr(words.type, "config", None)
    return found


def _rank(builder: Any, elements: Sequence[Any], option: Any) -> Any:
    words, wanted = elements[0], to_wanted(elements[1])
    weights, normalization, cover_density = option
    if builder.vendor == "sqlite":
        if normalization or cover_density:
            raise FieldError(
                "SearchRank(normalization=..., cover_density=...) does not exist on sqlite.",
                hint="Leave them out: there, the rank is BM25, which minds the length of texts.",
                code="db.search",
            )
        return fts5.rank(words, wanted, weights)
    query = _write(wanted, _get_config(words))
    before = [] if weights is None else [_write_weights(weights)]
    behind: list[Any] = [] if normalization is None else [_write_text(str(normalization))]
    name = "ts_rank_cd" if cover_density else "ts_rank"
    # As it is, PostgreSQL's number of four bytes would equal none of Python's.
    return sa.cast(call(name, *before, words, query, *behind), TYPES["double"])


def _write_weights(weights: Sequence[float]) -> Any:
    return _write_text("'{" + ",".join(map(repr, weights)) + "}'::real[]")


def _headline(builder: Any, elements: Sequence[Any], option: Any) -> Any:
    check_vendor(builder)
    text, wanted = elements[0], to_wanted(elements[1])
    config, options = option
    if builder.vendor == "sqlite":
        return fts5.mark(text, wanted, options)
    own = _find_own([text])
    config = config or (own.config if own is not None else None)
    told = ", ".join(f"{name}={_show(value)}" for name, value in options._asdict().items() if value)
    return _functions.ts_headline(
        *_name(config),
        _as_text(text),
        _write(wanted, config),
        sa.literal(told, sa.Text()),
    )


def _show(value: Any) -> str:
    return '"' + str(value).replace('"', '""') + '"'


#: The functions.
SEARCH: dict[str, Build] = {
    "search_and": _want("search_and"),
    "search_headline": _headline,
    "search_not": _want("search_not"),
    "search_or": _want("search_or"),
    "search_rank": _rank,
    "search_text": _want_text,
    "search_words": _make_words,
}

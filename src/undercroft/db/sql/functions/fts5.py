"""The SQL of full-text search on SQLite: questions to the FTS5 tables that search indexes are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from undercroft.db.connections.search_indexes import Search
from undercroft.db.connections.sqlite_functions.search import NOTHING
from undercroft.db.fields.search import SearchWords
from undercroft.db.mapping.search_indexes import find_searches
from undercroft.db.queries.terms import TYPES
from undercroft.db.sql.functions.building import call
from undercroft.errors import FieldError

#: What words of weight D, C, B and A count, as on PostgreSQL.
_COUNTS = (0.1, 0.2, 0.4, 1.0)

#: The words of a headline, where nothing is said, as on PostgreSQL; and the most that FTS5 shows.
_WORDS, _MOST = 35, 64

#: What FTS5 knows nothing of.
_FOREIGN = {"MinWords": "min_words", "ShortWord": "short_word", "MaxFragments": "max_fragments"}


@dataclass(frozen=True, slots=True)
class Source:
    """What is asked on behalf of a row.

    Attributes:
        search: The index.
        key: The column that numbers the rows.
        weights: The weight of each column of the index; None for one that does not count.
    """

    search: Search
    key: Any
    weights: tuple[str | None, ...]

    @property
    def config(self) -> str:
        """What made words of the texts."""
        return self.search.config

    def build_table(self) -> Any:
        """Build the index as a table; its hidden column has its own name."""
        return sa.table(self.search.name, sa.column("rowid"), sa.column(self.search.name))

    def ask(self, table: Any, query: Any) -> Any:
        """Ask the columns that count."""
        names = [
            '"' + name.replace('"', '""') + '"'
            for name, weight in zip(self.search.columns, self.weights, strict=True)
            if weight is not None
        ]
        if len(names) < len(self.weights):
            query = _join("{" + " ".join(names) + "} : (", query, ")")
        return table.c[self.search.name].op("MATCH", is_comparison=True)(query)


# ------------------------------------------------------------------ what is searched


def make_words(elements: Sequence[Any], options: Any) -> Any:
    """Build what stands for the words of columns: their text, with the index that knows them.

    Raises:
        FieldError: No index has them all.
    """
    source = find_source(elements, options)
    text: Any = None
    for element in elements:
        part = sa.func.coalesce(element, sa.literal_column("''"), type_=sa.Text())
        text = part if text is None else text + sa.literal_column("' '") + part
    return sa.type_coerce(text, SearchWords(source.search.config, source))


def find_source(elements: Sequence[Any], options: Any = None) -> Source:
    """Find what is asked on behalf of columns.

    Raises:
        FieldError: No index has them all.
    """
    weights = {
        element.name: weight
        for element, (weight, _) in zip(
            elements, options or [("", None)] * len(elements), strict=True
        )
        if isinstance(element, sa.Column)
    }
    searches = find_searches(elements)
    config = None if options is None else options[0][1]
    search = next((each for each in searches if each.config == config), None)
    search = search or next(iter(searches), None)
    if search is None:
        raise _build_missing(elements)
    keys = [column for column in elements[0].table.c if column.primary_key]
    return Source(search, keys[0], tuple(weights.get(name) for name in search.columns))


def _build_missing(elements: Sequence[Any]) -> FieldError:
    columns: list[Any] = [each for each in elements if isinstance(each, sa.Column)]
    if len(columns) < len(elements) or len({each.table for each in columns}) > 1:
        return FieldError(
            "sqlite searches the fields of one SearchIndex, and no expressions or fields of "
            "several models.",
            hint="Search the fields of each model by themselves, and join conditions by Q.",
            code="db.search",
        )
    names = ", ".join(each.name for each in columns)
    fields = ", ".join(f'"{each.name}"' for each in columns)
    return FieldError(
        f"No SearchIndex has {names}, and sqlite searches nothing else.",
        hint="Write it into Meta.indexes of the model: "
        f'models.SearchIndex(fields=[{fields}], name="...").',
        code="db.search",
    )


# ------------------------------------------------------------------ what is looked for


def write_query(wanted: Any, config: str) -> Any:
    """Write what is looked for in FTS5's language.

    Raises:
        FieldError: It is everything but something, which FTS5 cannot be asked.
    """
    if wanted.kind == "search_not":
        raise FieldError(
            "sqlite cannot look for what does not have something alone: expected ~SearchQuery(...) "
            "beside another, joined by &.",
            hint="Use exclude(...), or -word in a websearch.",
            code="db.search",
        )
    if wanted.kind == "search_text":
        told = (sa.literal(wanted.search_type), sa.literal(wanted.config or config))
        text = call("undercroft_search", wanted.parts[0], *told, type_=sa.Text())
        return sa.func.coalesce(text, sa.literal_column(f"'{NOTHING}'"), type_=sa.Text())
    left, right = wanted.parts
    operator = "OR" if wanted.kind == "search_or" else "AND"
    if operator == "AND" and left.kind == "search_not":
        left, right = right, left
    if operator == "AND" and right.kind == "search_not":
        operator, right = "NOT", right.parts[0]
    parts = [write_query(each, config) for each in (left, right)]
    return _join("(", parts[0], f") {operator} (", parts[1], ")")


def _join(*parts: Any) -> Any:
    """Join pieces of a query."""
    joined: Any = None
    for part in parts:
        piece = sa.literal(part, sa.Text()) if isinstance(part, str) else part
        joined = piece if joined is None else joined + piece
    return joined


# ------------------------------------------------------------------ both together


def match(words: Any, wanted: Any) -> Any:
    """Ask whether a row is among those that an index finds."""
    source: Source = words.type.source
    table = source.build_table()
    found = sa.select(table.c.rowid).where(source.ask(table, write_query(wanted, source.config)))
    # What is looked for may be of a query around.
    return source.key.in_(found.correlate_except(table))


def rank(words: Any, wanted: Any, weights: Sequence[float] | None) -> Any:
    """Tell how well a row fits, which is worked out once for all that an index finds."""
    source: Source = words.type.source
    table, counts = source.build_table(), weights or _COUNTS
    numbers = [
        counts["DCBA".index(weight or "D")] if weight is not None else 0.0
        for weight in source.weights
    ]
    fit = call("bm25", table.c[source.search.name], *map(_write_number, numbers))
    found = (
        sa.select(table.c.rowid.label("key"), (-fit).label("fit"))
        .where(source.ask(table, write_query(wanted, source.config)))
        .correlate_except(table)
        # With a limit, SQLite works it out by itself, and not beside other tables.
        .limit(sa.literal_column("-1"))
        .subquery()
    )
    one = sa.select(found.c.fit).where(found.c.key == source.key).correlate_except(found)
    zero = sa.literal_column("0.0", TYPES["float"])
    return sa.func.coalesce(one.scalar_subquery(), zero, type_=TYPES["float"])


def _write_number(number: float) -> Any:
    return sa.literal_column(repr(number), TYPES["float"])


def mark(text: Any, wanted: Any, options: Any) -> Any:
    """Show where in a text something was found; the text itself where it was not.

    Raises:
        FieldError: FTS5 knows nothing of an option.
    """
    for name, ours in _FOREIGN.items():
        if getattr(options, name) is not None:
            raise FieldError(
                f"SearchHeadline({ours}=...) does not exist on sqlite.",
                hint="Leave it out, or say max_words.",
                code="db.search",
            )
    source = find_source([text])
    table = source.build_table()
    position = source.search.columns.index(text.name)
    marks = [sa.literal(each, sa.Text()) for each in (options.StartSel, options.StopSel)]
    shown: list[Any] = [table.c[source.search.name], sa.literal_column(str(position)), *marks]
    if options.HighlightAll:
        marked = call("highlight", *shown, type_=sa.Text())
    else:
        delimiter = sa.literal(options.FragmentDelimiter, sa.Text())
        words = min(options.MaxWords or _WORDS, _MOST)
        marked = call("snippet", *shown, delimiter, sa.literal_column(str(words)), type_=sa.Text())
    whole = Source(source.search, source.key, ("",) * len(source.weights))
    one = (
        sa.select(marked)
        .where(
            table.c.rowid == source.key,
            whole.ask(table, write_query(wanted, source.config)),
        )
        .correlate_except(table)
    )
    return sa.func.coalesce(one.scalar_subquery(), text, type_=sa.Text())

"""What `queryset.search(...)` asks: all fields of one of the model's search indexes."""

from typing import Any

from undercroft.db.mapping.options import ModelOptions
from undercroft.db.mapping.search_indexes import get_searches
from undercroft.db.queries.functions.search import SearchQuery, SearchType, SearchVector
from undercroft.db.queries.lookups import Lookup, build_lookup
from undercroft.db.queries.namespace import Namespace
from undercroft.errors import FieldError


def find_searched(namespace: Namespace, index: str | None) -> tuple[Lookup, SearchVector]:
    """Find what is compared with what is looked for, and the words themselves.

    Raises:
        FieldError: There is no such index, or several and none was named.
    """
    options = namespace.options
    key: Any = (SearchVector, index)
    known: Any = options.lookups.get(key)
    if known is None:
        vector = _build_vector(options, index)
        lookup = build_lookup(vector.resolve_in(namespace), [])
        known = namespace.remember(key, (lookup, vector))
    found: tuple[Lookup, SearchVector] = known
    return found


def _build_vector(options: ModelOptions, index: str | None) -> SearchVector:
    searches = get_searches(options.table)
    if index is None and len(searches) == 1:
        index = next(iter(searches))
    found = searches.get(index or "")
    if found is None:
        raise _build_missing(options, index, list(searches))
    names = {column.name: key for key, column in options.columns.items()}
    parts = [
        SearchVector(names[column], weight=weight or None, config=found.config)
        for column, weight in zip(found.columns, found.weights, strict=True)
    ]
    vector = parts[0]
    for part in parts[1:]:
        vector += part
    return vector


def _build_missing(options: ModelOptions, index: str | None, known: list[str]) -> FieldError:
    if not known:
        return FieldError(
            f"{options.name} has no SearchIndex, so that there is nothing to search.",
            hint='Write into its Meta: indexes = [models.SearchIndex(fields=[...], name="...")].',
            code="db.search",
        )
    listed = " or ".join(f'index="{name}"' for name in known)
    what = "several" if index is None else f"none called {index!r}"
    return FieldError(
        f"{options.name} has {what} among its search indexes: {', '.join(known)}.",
        hint=f"Write {listed}.",
        code="db.search",
    )


def as_query(value: str | SearchQuery, search_type: SearchType) -> SearchQuery:
    """Make of text what is looked for."""
    return value if isinstance(value, SearchQuery) else SearchQuery(value, search_type=search_type)

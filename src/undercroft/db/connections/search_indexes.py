"""Indexes for full-text search as plain values, and their configurations."""

from dataclasses import dataclass, replace
from difflib import get_close_matches

from undercroft.errors import ImproperlyConfigured

#: Where a table keeps the search indexes it was declared with, by name.
SEARCHES = "undercroft.searches"

#: PostgreSQL's own configurations.
CONFIGS = frozenset(
    {
        "arabic",
        "armenian",
        "basque",
        "catalan",
        "danish",
        "dutch",
        "english",
        "finnish",
        "french",
        "german",
        "greek",
        "hindi",
        "hungarian",
        "indonesian",
        "irish",
        "italian",
        "lithuanian",
        "nepali",
        "norwegian",
        "portuguese",
        "romanian",
        "russian",
        "serbian",
        "simple",
        "spanish",
        "swedish",
        "tamil",
        "turkish",
        "yiddish",
    }
)


@dataclass(frozen=True, slots=True)
class Search:
    """An index for full-text search.

    Attributes:
        name: Its own.
        table: The table's.
        columns: The names of the columns, in order.
        config: What makes words of text, by PostgreSQL's name for it.
        weights: A letter from A to D for each column, or nothing.
    """

    name: str
    table: str
    columns: tuple[str, ...]
    config: str
    weights: tuple[str, ...]

    def rename_column(self, old: str, new: str) -> "Search":
        """Give the index over the same columns, of which one has another name."""
        columns = tuple(new if each == old else each for each in self.columns)
        return replace(self, columns=columns)


def build_unknown_config(config: str, known: frozenset[str]) -> ImproperlyConfigured:
    """Build the error for a configuration that a database does not have."""
    close = get_close_matches(config, known, n=1)
    return ImproperlyConfigured(
        f"The search configuration {config!r} does not exist.",
        hint=f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(sorted(known))}.",
        code="db.search-config",
    )

"""The type of what is searched: the words of a text."""

from typing import Any

from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.types import TypeDecorator, TypeEngine


class SearchWords(TypeDecorator[str]):
    """The words of a text, as PostgreSQL's `tsvector` has them.

    Args:
        config: What made words of the text, where that is known.
        source: What is asked in their place on a database that has no such values.
    """

    impl = TSVECTOR
    cache_ok = False

    def __init__(self, config: str | None = None, source: Any = None) -> None:
        super().__init__()
        self.config = config
        self.source = source


def is_words(column_type: TypeEngine[Any]) -> bool:
    """Tell whether values of a type are the words of a text."""
    return isinstance(column_type, (SearchWords, TSVECTOR))

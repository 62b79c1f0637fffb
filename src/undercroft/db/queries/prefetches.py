"""What to load after the rows: `Prefetch("books", queryset=..., to_attr="recent")`."""

from typing import Any

from undercroft.db.mapping.options import ModelOptions
from undercroft.db.queries.names import SEPARATOR
from undercroft.errors import FieldError


class Prefetch:
    """A relation to load for all rows of a result, with the queryset to load it by.

    Args:
        lookup: The relation, or a path of them such as `books__reviews`.
        queryset: Which rows, in which order; a slice of it is taken for each row of the result.
        to_attr: The attribute that gets the list, in place of the relation's own.
    """

    __slots__ = ("lookup", "queryset", "to_attr")

    def __init__(self, lookup: str, queryset: Any = None, to_attr: str | None = None) -> None:
        self.lookup = lookup
        self.queryset = queryset
        self.to_attr = to_attr

    def __repr__(self) -> str:
        return f"Prefetch({self.lookup!r})"

    @property
    def path(self) -> list[str]:
        """The relations, one after the other."""
        return self.lookup.split(SEPARATOR)


def check_prefetch(options: ModelOptions, prefetch: Prefetch) -> None:
    """Check that a path of relations exists.

    Raises:
        FieldError: It does not.
    """
    for name in prefetch.path:
        target = find_target(options, name)
        if target is None:
            known = sorted({*options.relations, *options.accessors})
            raise FieldError(
                f"{name!r} is no relation of {options.name} that could be prefetched.",
                hint=f"Relations: {', '.join(known) or 'none'}.",
                code="db.prefetch",
            )
        options = target.__options__


def find_target(options: ModelOptions, name: str) -> type[Any] | None:
    """Find the model on the other side of a relation, by the attribute instances have for it."""
    if name in options.relations:
        return options.relations[name].target
    relation = options.accessors.get(name)
    return None if relation is None else relation.target

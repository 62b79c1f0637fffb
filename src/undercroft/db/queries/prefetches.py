"""What to load after the rows: `Prefetch("books", queryset=..., to_attr="recent")`."""

from collections.abc import Iterable
from typing import Any

from undercroft.db.mapping.options import ModelOptions
from undercroft.db.queries.attributes import build_hiding, check_attribute
from undercroft.db.queries.names import SEPARATOR, shorten, split_name
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


#: The models of lists that earlier ones named by `to_attr`, by the path that leads there.
Named = dict[tuple[str, ...], type[Any]]


def check_prefetches(options: ModelOptions, prefetches: Iterable[Prefetch]) -> None:
    """Check that paths of relations exist, and that querysets are of what they lead to.

    Raises:
        FieldError: They do not, or are not.
    """
    named: Named = {}
    for prefetch in prefetches:
        *path, last = split_name(options, prefetch.lookup)
        owner = options
        for position, name in enumerate(path):
            found = named.get((*path[:position], name)) or _get_target(owner, name)
            owner = found.__options__
        target = named.get(tuple(prefetch.path)) or _get_target(owner, last)
        _check_queryset(prefetch, target)
        if prefetch.to_attr:
            _check_attribute(owner, prefetch)
            named[*path, prefetch.to_attr] = target


def _get_target(options: ModelOptions, name: str) -> type[Any]:
    target = find_target(options, name)
    if target is None:
        known = sorted({*options.relations, *options.accessors})
        raise FieldError(
            f"{shorten(name)!r} is no relation of {options.name} that could be prefetched.",
            hint=f"Relations: {', '.join(known) or 'none'}.",
            code="db.prefetch",
        )
    return target


def _check_queryset(prefetch: Prefetch, target: type[Any]) -> None:
    query = prefetch.queryset
    if query is None:
        return
    if query.model is not target:
        raise FieldError(
            f"{prefetch!r} has a queryset of {query.model.__name__}: expected rows of "
            f"{target.__name__}.",
            code="db.prefetch",
        )
    if query.form is not None:
        raise FieldError(
            f"{prefetch!r} has a queryset of values: expected one of instances.",
            code="db.prefetch",
        )


def _check_attribute(options: ModelOptions, prefetch: Prefetch) -> None:
    name = str(prefetch.to_attr)
    check_attribute(options, name, "list")
    if options.knows(name) or name in options.accessors:
        raise build_hiding(options, name, "list")


def find_target(options: ModelOptions, name: str) -> type[Any] | None:
    """Find the model on the other side of a relation, by the attribute instances have for it."""
    if name in options.relations:
        return options.relations[name].target
    relation = options.accessors.get(name)
    return None if relation is None else relation.target

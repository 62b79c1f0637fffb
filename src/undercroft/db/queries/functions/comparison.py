"""Functions that compare: the first that is there, the greatest, the least, none if equal."""

from typing import Any

from undercroft.db.queries.functions.function import Function
from undercroft.db.queries.outputs import find_common_type
from undercroft.db.queries.terms import TYPES, Term


class Common(Function):
    """One of the arguments, as the type that all have in common."""

    __slots__ = ()

    def find_output(self, terms: list[Term]) -> Any:
        """Find what holds each of them."""
        types = [each.type for each in terms if each.node[0] != "null"]
        return find_common_type(types) if types else TYPES["any"]


class Coalesce(Common):
    """The first of the arguments that is not NULL."""

    __slots__ = ()
    function, arity = "coalesce", (2, None)

    def is_null(self, terms: list[Term]) -> bool:
        """NULL only when all are."""
        return all(term.null for term in terms)


class Greatest(Common):
    """The greatest of the arguments; NULL when one is, on every database."""

    __slots__ = ()
    function, arity = "greatest", (2, None)


class Least(Common):
    """The least of the arguments; NULL when one is, on every database."""

    __slots__ = ()
    function, arity = "least", (2, None)


class NullIf(Function):
    """NULL when both arguments are equal, else the first."""

    __slots__ = ()
    function, arity = "nullif", (2, 2)

    def is_null(self, terms: list[Term]) -> bool:
        """May be."""
        return True

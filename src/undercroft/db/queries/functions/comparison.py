"""Functions that compare: the first that is there, the greatest, the least, none if equal."""

from undercroft.db.queries.functions.function import Function
from undercroft.db.queries.terms import Term


class Coalesce(Function):
    """The first of the arguments that is not NULL."""

    __slots__ = ()
    function, arity = "coalesce", (2, None)

    def is_null(self, terms: list[Term]) -> bool:
        """NULL only when all are."""
        return all(term.null for term in terms)


class Greatest(Function):
    """The greatest of the arguments; NULL when one is, on every database."""

    __slots__ = ()
    function, arity = "greatest", (2, None)


class Least(Function):
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

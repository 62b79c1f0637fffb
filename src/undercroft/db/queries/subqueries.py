"""Queries inside queries: `Subquery`, `Exists`; `OuterRef` is among the expressions."""

from typing import Any

import sqlalchemy as sa

from undercroft.db.queries.expressions import Expression
from undercroft.db.queries.namespace import Namespace
from undercroft.db.queries.outputs import get_output_type
from undercroft.db.queries.q import Q
from undercroft.db.queries.shape import TypeKey
from undercroft.db.queries.terms import Term


class Subquery(Expression):
    """The one column of a query's first row, as a value: `Subquery(books.values("title")[:1])`.

    Args:
        queryset: The query; `OuterRef` in it refers to the query around.
        output_field: The type, where the column does not tell.
    """

    __slots__ = ("output_field", "queryset")

    def __init__(self, queryset: Any, output_field: Any = None) -> None:
        self.queryset = queryset
        self.output_field = output_field

    def resolve_in(self, namespace: Namespace) -> Term:
        """Take the query's shape, and its values."""
        shape, parameters = self.queryset.build_subquery()
        namespace.parameters.extend(parameters)
        if self.output_field is None:
            return Term(("subquery", shape), self.queryset.get_subquery_type())
        wanted = get_output_type(self.output_field)
        return Term(("typed", ("subquery", shape), TypeKey(wanted)), wanted)


class Exists(Expression):
    """Whether a query has a row: `Exists(Review.objects.filter(book=OuterRef("pk")))`.

    Args:
        queryset: The query.
    """

    __slots__ = ("queryset",)

    def __init__(self, queryset: Any) -> None:
        self.queryset = queryset

    def __invert__(self) -> Q:
        return ~Q(self)

    def resolve_in(self, namespace: Namespace) -> Term:
        """Take the query's shape, and its values."""
        shape, parameters = self.queryset.build_exists()
        namespace.parameters.extend(parameters)
        return Term(("exists", shape), sa.Boolean(), null=False)

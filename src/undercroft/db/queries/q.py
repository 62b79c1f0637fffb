"""`Q`: conditions as an object, to be joined by `&`, `|`, `^` and `~`."""

from collections.abc import Callable
from functools import reduce
from typing import Any

import sqlalchemy as sa

from undercroft.db.fields.expressions import build_sql
from undercroft.db.queries.declaring import build_comparison
from undercroft.errors import FieldError

#: How the parts of a table's definition are joined, by connector.
_JOINS: dict[str, Callable[[Any, Any], Any]] = {
    "and": sa.and_,
    "or": sa.or_,
    "xor": lambda left, right: sa.and_(sa.or_(left, right), sa.not_(sa.and_(left, right))),
}


class Q:
    """Conditions that can be combined: `Q(title="x") | ~Q(author__name="Ada")`.

    Args:
        expressions: Other `Q` objects, expressions, SQLAlchemy's among them.
        lookups: Values by field and look-up, as `filter` takes them.
    """

    __slots__ = ("children", "connector", "negated")

    #: How conditions are joined.
    AND = "and"
    OR = "or"
    XOR = "xor"

    def __init__(
        self,
        /,
        *expressions: Any,
        _connector: str | None = None,
        _negated: bool = False,
        **lookups: Any,
    ) -> None:
        connector = (_connector or self.AND).lower()
        if connector not in (self.AND, self.OR, self.XOR):
            raise FieldError(f"{_connector!r} joins no conditions: expected Q.AND, Q.OR or Q.XOR.")
        self.children: tuple[Any, ...] = (*expressions, *sorted(lookups.items()))
        self.connector = connector
        self.negated = _negated

    def __repr__(self) -> str:
        shown = f" {self.connector} ".join(
            f"{child[0]}={child[1]!r}" if isinstance(child, tuple) else repr(child)
            for child in self.children
        )
        return f"{'~' if self.negated else ''}Q({shown})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Q):
            return NotImplemented
        return (
            self.connector == other.connector
            and self.negated == other.negated
            and self.children == other.children
        )

    def __hash__(self) -> int:
        return hash((self.connector, self.negated, repr(self.children)))

    def __bool__(self) -> bool:
        """Tell whether there is any condition in it."""
        return bool(self.children)

    def build_declared_sql(self, model: Any) -> Any:
        """Build the condition as part of a table's definition.

        Raises:
            FieldError: It names what is no column of the table.
            ImproperlyConfigured: Databases do not agree on it.
        """
        parts: list[Any] = []
        for child in self.children:
            pair: Any = child
            is_lookup = isinstance(child, tuple)
            parts.append(build_comparison(model, *pair) if is_lookup else build_sql(pair, model))
        joined = reduce(_JOINS[self.connector], parts)
        return sa.not_(joined) if self.negated else joined

    def __and__(self, other: Any) -> "Q":
        return self.combine(other, self.AND)

    def __rand__(self, other: Any) -> "Q":
        return Q(other).combine(self, self.AND)

    def __or__(self, other: Any) -> "Q":
        return self.combine(other, self.OR)

    def __ror__(self, other: Any) -> "Q":
        return Q(other).combine(self, self.OR)

    def __xor__(self, other: Any) -> "Q":
        return self.combine(other, self.XOR)

    def __rxor__(self, other: Any) -> "Q":
        return Q(other).combine(self, self.XOR)

    def __invert__(self) -> "Q":
        return Q(self, _negated=True) if self.negated else self._negate()

    def _negate(self) -> "Q":
        return Q(*self.children, _connector=self.connector, _negated=True)

    def combine(self, other: Any, connector: str) -> "Q":
        """Join with other conditions, by `AND`, `OR` or `XOR`."""
        added: Q = other if isinstance(other, Q) else Q(other)
        if not added.children:
            return self
        if not self.children:
            return added
        return Q(*self._list_for(connector), *added._list_for(connector), _connector=connector)

    def _list_for(self, connector: str) -> tuple[Any, ...]:
        """List what to join: the conditions within, where they are joined alike."""
        alike = self.connector == connector or len(self.children) == 1
        return self.children if alike and not self.negated else (self,)

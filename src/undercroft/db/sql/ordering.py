"""The SQL of orders: directions, where NULLs go, an order turned around."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import operators

from undercroft.db.queries.shape import OrderTerm
from undercroft.db.sql import decimals
from undercroft.db.sql.json_comparing import list_keys


def order_by(builder: Any, term: OrderTerm, element: Any) -> list[Any]:
    """Build an ordering by an expression."""
    if term.node[0] == "adopted" and getattr(element, "modifier", None) is not None:
        # SQLAlchemy's own `desc()`, `nulls_last()` and their kin.
        return [turn(element) if term.descending else element]
    if isinstance(element.type, sa.JSON):
        keys = list_keys(builder, element)
        return [part for key in keys for part in _order_one(builder, term, key)]
    return _order_one(builder, term, decimals.order(builder, element))


def _order_one(builder: Any, term: OrderTerm, element: Any) -> list[Any]:
    ordered = element.desc() if term.descending else element.asc()
    if not term.nulls:
        return [ordered]
    if builder.vendor == "mariadb":
        # It has no NULLS FIRST: whether there is a value is ordered by before.
        missing = element.is_(None)
        return [missing.desc() if term.nulls == "first" else missing.asc(), ordered]
    return [ordered.nulls_first() if term.nulls == "first" else ordered.nulls_last()]


def turn(term: Any) -> Any:
    """Turn one of SQLAlchemy's orderings around."""
    modifier = getattr(term, "modifier", None)
    if modifier is operators.nulls_last_op:
        return turn(term.element).nulls_first()
    if modifier is operators.nulls_first_op:
        return turn(term.element).nulls_last()
    if modifier is operators.desc_op:
        return term.element.asc()
    return (term.element if modifier is operators.asc_op else term).desc()


_TURNED = {"first": "last", "last": "first", "": ""}


def turn_all(terms: Iterable[OrderTerm]) -> tuple[OrderTerm, ...]:
    """Turn an order around."""
    return tuple(OrderTerm(term.node, not term.descending, _TURNED[term.nulls]) for term in terms)

"""`Q`, `F` and functions in declarations: conditions of constraints, generated columns, defaults.

A table's definition is one text for every database, written before all models are known. So only
the table's own columns and what every database says alike can be part of it.
"""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from undercroft.db.fields.expressions import build_sql
from undercroft.db.mapping.registry import find_mapper
from undercroft.errors import FieldError, ImproperlyConfigured

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "exact": lambda column, value: column == value,
    "gt": lambda column, value: column > value,
    "gte": lambda column, value: column >= value,
    "lt": lambda column, value: column < value,
    "lte": lambda column, value: column <= value,
    "iexact": lambda column, value: sa.func.lower(column) == sa.func.lower(value),
    "in": lambda column, value: column.in_(list(value)),
    "range": lambda column, value: column.between(*value),
    "isnull": lambda column, value: column.is_(None) if value else column.is_not(None),
    "contains": lambda column, value: column.contains(value, autoescape=True),
    "startswith": lambda column, value: column.startswith(value, autoescape=True),
    "endswith": lambda column, value: column.endswith(value, autoescape=True),
    "regex": lambda column, value: column.regexp_match(value),
}

_MATH: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "%": lambda left, right: left % right,
}

#: Functions that every database has under one name and with one meaning.
_FUNCTIONS = frozenset({"abs", "coalesce", "lower", "nullif", "round", "upper"})


def find_declared_column(model: Any, name: str) -> Any:
    """Find a column of a model's own table by the name of its field.

    Raises:
        FieldError: There is no such field, or it is another table's.
    """
    columns: Any = {} if model is None else find_mapper(model).columns
    for key in (name, f"{name}_id"):
        if key in columns:
            return columns[key]
    owner = "a default" if model is None else model.__name__
    raise FieldError(
        f"{name!r} is no column of {owner}: a declaration knows those of its own table only.",
        hint=f"Columns: {', '.join(columns.keys()) or 'none'}.",
    )


def build_comparison(model: Any, keyword: str, value: Any) -> Any:
    """Build the condition that a keyword such as `price__gte` stands for.

    Raises:
        FieldError: There is no such field.
        ImproperlyConfigured: Databases do not agree on such a comparison.
    """
    name, separator, operator = keyword.rpartition("__")
    if not separator or operator not in _COMPARISONS:
        name, operator = keyword, "exact"
    if "__" in name:
        raise ImproperlyConfigured(
            f"{keyword!r} cannot be part of a table's definition: expected a field of the model, "
            f"and one of {', '.join(sorted(_COMPARISONS))}.",
            code="db.expression",
        )
    column = find_declared_column(model, name)
    if value is None and operator in ("exact", "iexact"):
        return column.is_(None)
    return _COMPARISONS[operator](column, build_declared_value(model, value))


def build_declared_value(model: Any, value: Any) -> Any:
    """Build an expression; a plain value stays as it is."""
    return build_sql(value, model) if hasattr(value.__class__, "build_declared_sql") else value


def build_declared_math(model: Any, operator: str, left: Any, right: Any) -> Any:
    """Build two expressions joined by an operator.

    Raises:
        ImproperlyConfigured: Databases do not agree on it.
    """
    if operator not in _MATH:
        raise build_refused(f"The operator {operator!r}")
    sides = [build_declared_value(model, each) for each in (left, right)]
    if not isinstance(sides[0], sa.ClauseElement):
        sides[0] = sa.literal(sides[0])
    return _MATH[operator](*sides)


def build_declared_call(model: Any, function: str, expressions: tuple[Any, ...]) -> Any:
    """Build a call of a function; a string among the arguments is a field's name.

    Raises:
        ImproperlyConfigured: Databases do not agree on it.
    """
    if function == "now":
        return sa.func.current_timestamp()
    if function not in _FUNCTIONS:
        raise build_refused(f"The function {function!r}")
    arguments = [
        find_declared_column(model, each)
        if isinstance(each, str)
        else build_declared_value(model, each)
        for each in expressions
    ]
    return getattr(sa.func, function)(*arguments)


def build_refused(what: str) -> ImproperlyConfigured:
    """Build the error for what cannot be part of a table's definition."""
    return ImproperlyConfigured(
        f"{what} cannot be part of a table's definition: databases say it differently.",
        hint="Write it as SQL text, or as a function of the model with SQLAlchemy's expressions.",
        code="db.expression",
    )

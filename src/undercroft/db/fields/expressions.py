"""SQL in declarations: conditions of constraints, expressions of indexes and generated fields.

`build_sql` is the one place where what a declaration holds becomes SQLAlchemy's. Whatever shall be
accepted there, and is not SQLAlchemy's own, has a method `build_declared_sql`.
"""

import re
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias, runtime_checkable

import sqlalchemy as sa

from undercroft.errors import ImproperlyConfigured


@runtime_checkable
class DeclaredSQL(Protocol):
    """What can be part of a table's definition: `Q`, `F` and their kin."""

    def build_declared_sql(self, model: Any) -> Any:
        """Build a SQLAlchemy expression on the columns of the model's own table.

        Its values are written into the definition, so they must be plain ones.

        Args:
            model: The mapped class; None in a `db_default`, which knows no columns.
        """
        ...


#: What SQLAlchemy would take for the beginning of a bound value.
_BIND = re.compile(r"(?<![:\w\\]):(?=\w)")

#: What stands for SQL in a declaration; see `build_sql`. A function's argument is the model.
Declared: TypeAlias = Callable[[Any], Any] | Any


def build_sql(expression: Any, model: Any = None) -> Any:
    """Build the SQLAlchemy expression a declaration means.

    Args:
        expression: SQL text, a SQLAlchemy expression, a function that is given the model and
            returns one, or an object with `build_declared_sql`.
        model: The mapped class; None where there are no columns to speak of.

    Raises:
        ImproperlyConfigured: It is none of these.
    """
    if isinstance(expression, str):
        # No value is bound in a declaration: a colon is a colon.
        return sa.text(_BIND.sub(r"\:", expression))
    if isinstance(expression, DeclaredSQL):
        return expression.build_declared_sql(model)
    element = getattr(expression, "__clause_element__", None)
    if element is not None:
        return element()
    if isinstance(expression, sa.ClauseElement):
        return expression
    if callable(expression):
        return build_sql(expression(model), model)
    raise ImproperlyConfigured(
        f"{expression!r} is no SQL: expected text, a SQLAlchemy expression such as "
        "`Post.price > 0`, or a function such as `lambda post: post.price > 0`.",
        code="db.expression",
    )

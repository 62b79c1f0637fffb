"""What `Meta.constraints` and `Meta.indexes` hold, under Django's names, and SQLAlchemy's of it."""

from collections.abc import Sequence
from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import conv

from undercroft.db.fields.expressions import Declared, build_sql
from undercroft.db.mapping.names import find_column, name_declared, shorten_name
from undercroft.errors import ImproperlyConfigured

#: Where SQLAlchemy's constraints and indexes keep what they were declared as.
DECLARED = "undercroft.declared"


class Deferrable(Enum):
    """When a constraint that can be deferred is checked, unless a transaction says otherwise."""

    DEFERRED = "DEFERRED"
    IMMEDIATE = "IMMEDIATE"


class CheckConstraint:
    """What must not be false of any row; a condition that is NULL is not false.

    `CheckConstraint(condition=lambda post: post.price >= 0, name="price_not_negative")`

    Args:
        condition: SQL text, a SQLAlchemy expression, or a function that is given the model.
        name: The constraint's, which may hold `%(app_label)s` and `%(class)s`.
        violation_error_code: What `full_clean` calls the mistake.
        violation_error_message: What it says; `%(name)s` is the constraint's name.
    """

    def __init__(
        self,
        *,
        condition: Declared,
        name: str,
        violation_error_code: str | None = None,
        violation_error_message: str | None = None,
    ) -> None:
        self.condition = condition
        self.name = name
        self.violation_error_code = violation_error_code
        self.violation_error_message = violation_error_message

    def __repr__(self) -> str:
        return f"<CheckConstraint {self.name!r}>"

    def attach(self, model: Any) -> None:
        """Put SQLAlchemy's constraint on the table of a mapped class."""
        condition = build_sql(self.condition, model)
        name = conv(name_declared(model, self.name))
        model.__table__.append_constraint(
            sa.CheckConstraint(condition, name=name, info={DECLARED: self})
        )


class UniqueConstraint:
    """What no two rows may have in common: fields, or the values of expressions.

    With a condition, only rows for which it is true count.

    Args:
        expressions: SQL text, SQLAlchemy expressions, or functions that are given the model.
        fields: Names of fields, where there are no expressions.
        name: The constraint's, which may hold `%(app_label)s` and `%(class)s`; needed with
            expressions or a condition.
        condition: As for a `CheckConstraint`.
        deferrable: When it is checked; fields only. At once where there is no other time (SQLite,
            MariaDB).
        include: Names of further fields to keep in the index (PostgreSQL).
        opclasses: PostgreSQL's operator classes, one for each field.
        nulls_distinct: False lets NULL equal NULL (PostgreSQL 15).
        violation_error_code: What `full_clean` calls the mistake.
        violation_error_message: What it says; `%(name)s` is the constraint's name.
    """

    def __init__(  # noqa: PLR0913 - Django's options
        self,
        *expressions: Declared,
        fields: Sequence[str] = (),
        name: str | None = None,
        condition: Declared = None,
        deferrable: Deferrable | None = None,
        include: Sequence[str] = (),
        opclasses: Sequence[str] = (),
        nulls_distinct: bool | None = None,
        violation_error_code: str | None = None,
        violation_error_message: str | None = None,
    ) -> None:
        _check("UniqueConstraint", expressions, fields, name, condition)
        beyond = expressions or opclasses or include or condition is not None
        if deferrable is not None and beyond:
            raise ImproperlyConfigured(
                f"UniqueConstraint {name!r} cannot be deferred: only one of plain fields can.",
                code="db.constraint",
            )
        self.expressions = expressions
        self.fields = tuple(fields)
        self.name = name
        self.condition = condition
        self.deferrable = deferrable
        self.include = tuple(include)
        self.opclasses = tuple(opclasses)
        self.nulls_distinct = nulls_distinct
        self.violation_error_code = violation_error_code
        self.violation_error_message = violation_error_message

    def __repr__(self) -> str:
        return f"<UniqueConstraint {self.name or ', '.join(self.fields)!r}>"

    @property
    def is_plain(self) -> bool:
        """Whether it is about the fields of all rows and nothing else."""
        return not self.expressions and self.condition is None

    def attach(self, model: Any) -> None:
        """Put SQLAlchemy's constraint on the table of a mapped class, or an index in its place."""
        nulls: dict[str, Any] = {}
        if self.nulls_distinct is False:
            nulls["postgresql_nulls_not_distinct"] = True
        if not self.is_plain or self.opclasses or self.include:
            index = Index(
                *self.expressions,
                fields=self.fields,
                name=self.name,
                condition=self.condition,
                opclasses=self.opclasses,
                include=self.include,
            )
            index.attach(model, unique=True, declared=self, **nulls)
            return
        constraint = sa.UniqueConstraint(
            *(find_column(model, each) for each in self.fields),
            name=None if self.name is None else conv(name_declared(model, self.name)),
            deferrable=None if self.deferrable is None else True,
            initially=None if self.deferrable is None else self.deferrable.value,
            info={DECLARED: self},
            **nulls,
        )
        model.__table__.append_constraint(constraint)


class Index:
    """An index over fields, or over the values of expressions.

    `Index(fields=["-pub_date", "title"], name="post_by_date")`

    Args:
        expressions: SQL text, SQLAlchemy expressions, or functions that are given the model.
        fields: Names of fields, where there are no expressions; `-` in front for descending.
        name: The index's, which may hold `%(app_label)s` and `%(class)s`; needed with
            expressions or a condition.
        condition: Only rows for which it is true are in the index; not on MariaDB.
        opclasses: PostgreSQL's operator classes, one for each field.
        include: Names of further fields to keep in the index (PostgreSQL).
    """

    def __init__(
        self,
        *expressions: Declared,
        fields: Sequence[str] = (),
        name: str | None = None,
        condition: Declared = None,
        opclasses: Sequence[str] = (),
        include: Sequence[str] = (),
    ) -> None:
        _check("Index", expressions, fields, name, condition)
        if opclasses and len(opclasses) != len(fields):
            raise ImproperlyConfigured(
                f"Index {name!r} has {len(opclasses)} opclasses for {len(fields)} fields: expected "
                "one for each.",
                code="db.constraint",
            )
        self.expressions = expressions
        self.fields = tuple(fields)
        self.name = name
        self.condition = condition
        self.opclasses = tuple(opclasses)
        self.include = tuple(include)

    def __repr__(self) -> str:
        return f"<Index {self.name or ', '.join(self.fields)!r}>"

    def attach(
        self, model: Any, *, unique: bool = False, declared: Any = None, **options: Any
    ) -> None:
        """Put SQLAlchemy's index on the table of a mapped class."""
        table: Any = model.__table__
        parts = [_build_part(model, each) for each in self.fields]
        parts += [build_sql(each, model) for each in self.expressions]
        if self.name is None:
            columns = "_".join(each.lstrip("-") for each in self.fields)
            name = shorten_name(f"{'uq' if unique else 'ix'}_{table.name}_{columns}")
        else:
            name = name_declared(model, self.name)
        if self.condition is not None:
            condition = build_sql(self.condition, model)
            options |= {"postgresql_where": condition, "sqlite_where": condition}
        if self.opclasses:
            named = zip(self.fields, self.opclasses, strict=True)
            options["postgresql_ops"] = {
                find_column(model, each).key: opclass for each, opclass in named
            }
        options |= _build_include(model, self.include)
        index = sa.Index(conv(name), *parts, unique=unique, info={DECLARED: declared}, **options)
        if index.table is None:
            # Text alone does not say which table it is of.
            table.append_constraint(index)


def _build_part(model: Any, name: str) -> Any:
    column = find_column(model, name.removeprefix("-"))
    return column.desc() if name.startswith("-") else column


def _build_include(model: Any, names: Sequence[str]) -> dict[str, Any]:
    columns = [find_column(model, each).name for each in names]
    return {"postgresql_include": columns} if columns else {}


def _check(
    kind: str,
    expressions: Sequence[Declared],
    fields: Sequence[str],
    name: str | None,
    condition: Declared,
) -> None:
    """Check what an index or a unique constraint is given.

    Raises:
        ImproperlyConfigured: Fields and expressions are both there or both missing, or the name
            is missing.
    """
    if bool(expressions) == bool(fields) or isinstance(fields, str):
        raise ImproperlyConfigured(
            f"{kind}(fields={fields!r}) with {len(expressions)} expressions: expected a list of "
            "fields, or expressions.",
            code="db.constraint",
        )
    if name is None and (expressions or condition is not None):
        raise ImproperlyConfigured(
            f"{kind} with expressions or a condition has no name.",
            hint='Give it one: name="...".',
            code="db.constraint",
        )

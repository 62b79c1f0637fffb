"""What names mean in one queryset: fields, annotations, columns of the query around."""

import datetime as dt
import enum
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from undercroft.db.fields.values import build_error
from undercroft.db.mapping.options import ModelOptions
from undercroft.db.queries.lookups import apply_transforms, build_column_terms, remember
from undercroft.db.queries.names import SEPARATOR, check_name, find_column
from undercroft.db.queries.shape import Adopted
from undercroft.db.queries.terms import TYPES, Term, build_type_converter
from undercroft.errors import FieldError

#: The name of the type of a bare Python value, most special first: a bool is an int to Python.
_VALUE_TYPES: tuple[tuple[type[Any], str], ...] = (
    (bool, "bool"),
    (int, "int"),
    (float, "float"),
    (Decimal, "decimal"),
    (str, "text"),
    (dt.datetime, "datetime"),
    (dt.date, "date"),
    (dt.time, "time"),
    (dt.timedelta, "interval"),
    (uuid.UUID, "uuid"),
    (bytes, "bytes"),
    (dict, "json"),
    (list, "json"),
)

_INT_LIMIT = 1 << 31


#: How deep conditions and expressions may be nested. SQLite's parser gives up a little above it.
MAX_NESTING = 40

Made = TypeVar("Made")


def build_too_deep() -> FieldError:
    """Build the error for conditions, or expressions, within others within others."""
    return FieldError(
        f"A query is nested more than {MAX_NESTING} levels deep.",
        hint="Join conditions by one Q(..., _connector=Q.OR) in place of many within each other, "
        "and annotate a part of an expression to refer to it by its name.",
        code="db.too-deep",
    )


def is_expression(value: Any) -> bool:
    """Tell whether something is to be worked out by the database: ours, or SQLAlchemy's."""
    kind: type[Any] = value.__class__
    return hasattr(kind, "resolve_in") or hasattr(kind, "__clause_element__") or _is_clause(kind)


def _is_clause(kind: type[Any]) -> bool:
    return hasattr(kind, "_generate_cache_key")


class Namespace:
    """Resolves names and expressions of one queryset, and collects the values within them.

    Args:
        options: Of the queryset's model.
        annotations: The terms of its annotations by name.
        parameters: Where values are collected.
    """

    __slots__ = ("_depth", "annotations", "options", "parameters")

    def __init__(
        self,
        options: ModelOptions,
        annotations: Mapping[str, Term],
        parameters: list[Any] | None = None,
    ) -> None:
        self.options = options
        self.annotations = annotations
        self._depth = 0
        self.parameters: list[Any] = [] if parameters is None else parameters

    def find(self, name: str) -> Term:
        """Find what a name such as `author__name` or `pub_date__year` stands for.

        Raises:
            FieldError: It names nothing, or a key of several columns.
        """
        terms, rest = self._find_terms(name)
        if len(terms) > 1:
            raise FieldError(
                f"{terms[0].owner}.pk has several columns: expected one.",
                hint="Name its columns one by one.",
                code="db.primary-key",
            )
        term, rest = apply_transforms(terms[0], rest)
        if rest:
            raise self.options.build_unknown(name)
        return term

    def find_row(self, name: str) -> Term:
        """Find what tells whether there is a row at a name's end: a column of its key, if a key.

        Raises:
            FieldError: It names nothing.
        """
        terms, rest = self._find_terms(name)
        return terms[0] if len(terms) > 1 and not rest else self.find(name)

    def _find_terms(self, name: str) -> tuple[list[Term], list[str]]:
        named = self.find_annotation(name)
        if named is not None:
            return [named[0]], named[1]
        found = find_column(self.options, name)
        return build_column_terms(self.options, found), found.rest

    def find_annotation(self, name: str) -> tuple[Term, list[str]] | None:
        """Find an annotation, and what follows its name."""
        if not self.annotations:
            return None
        check_name(self.options, name)
        term = self.annotations.get(name)
        if term is not None:
            return term, []
        first, separator, rest = name.partition(SEPARATOR)
        term = self.annotations.get(first) if separator else None
        return None if term is None else (term, rest.split(SEPARATOR))

    def remember(self, key: Any, made: Any) -> Any:
        """Keep what was resolved for the model."""
        return remember(self.options, key, made)

    def resolve(self, value: Any) -> Term:
        """Resolve an expression, or a value, which becomes a bound parameter.

        Raises:
            FieldError: It names what does not exist.
        """
        resolve = getattr(value, "resolve_in", None)
        if resolve is not None:
            term: Term = self.enter(resolve, self)
            return term
        convert = getattr(value, "__clause_element__", None)
        element: Any = value if convert is None else convert()
        if _is_clause(element.__class__):
            adopted = Adopted(element)
            self.parameters.extend(adopted.parameters)
            return Term(("adopted", adopted), element.type)
        return self.bind(value)

    def enter(self, build: Callable[[Any], Made], part: Any) -> Made:
        """Build a part of what is being built, one level deeper.

        Raises:
            FieldError: That is too deep for Python and for databases.
        """
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise build_too_deep()
        try:
            return build(part)
        finally:
            self._depth -= 1

    def resolve_name(self, value: Any) -> Term:
        """Resolve an expression, or text, which is a name."""
        return self.find(value) if isinstance(value, str) else self.resolve(value)

    def bind(self, value: Any, type_name: str = "") -> Term:
        """Make a bound parameter of a value."""
        if value is None:
            return Term(("null",), TYPES["any"])
        if isinstance(value, enum.Enum):
            value = value.value
        kind: type[Any] = value.__class__
        key = getattr(value, "pk", value) if hasattr(kind, "__options__") else value
        name = type_name or find_type_name(key)
        self.parameters.append(_check(key, name))
        return Term(("bind", name), TYPES[name], null=False)


def _check(value: Any, name: str) -> Any:
    """Check a value as a column of its type would.

    Raises:
        FieldValueError: No database takes it.
    """
    convert = _CONVERTERS.get(name)
    try:
        return value if convert is None else convert(value)
    except (ArithmeticError, TypeError, ValueError) as error:
        raise build_error("Value", "value", value, str(error)) from error


#: What checks the types of which some values are none for a database.
_CONVERTERS = {
    name: build_type_converter(TYPES[name])
    for name in ("bigint", "datetime", "decimal", "float", "interval", "json", "text", "time")
}


def find_type_name(value: Any) -> str:
    """Find the name of a Python value's type.

    Raises:
        FieldError: No column has such values.
    """
    for kind, name in _VALUE_TYPES:
        if isinstance(value, kind):
            is_big = name == "int" and not -_INT_LIMIT <= value < _INT_LIMIT
            return "bigint" if is_big else name
    raise FieldError(
        f"{value!r} is no value that a database knows.",
        hint="Give it a type: Value(..., output_field=...).",
        code="db.value",
    )

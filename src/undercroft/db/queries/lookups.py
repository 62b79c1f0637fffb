"""Look-ups: `author__name__icontains="x"` resolved against the model; names are never SQL."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import sqlalchemy as sa

from undercroft.db.fields.values import Convert, build_converter, build_error, find_python_type
from undercroft.db.mapping.options import ModelOptions
from undercroft.db.queries.keys import build_key_finder
from undercroft.db.queries.shape import Expression, Operation, OrderTerm, Parameters
from undercroft.errors import FieldError

#: The look-ups by name.
LOOKUPS = frozenset(
    {
        "contains",
        "endswith",
        "exact",
        "gt",
        "gte",
        "icontains",
        "iendswith",
        "iexact",
        "in",
        "isnull",
        "istartswith",
        "lt",
        "lte",
        "range",
        "startswith",
    }
)

#: The parts of dates and times that can be compared by themselves.
PARTS = frozenset({"year", "month", "day", "hour", "minute", "second"})

_TEXT_LOOKUPS = frozenset(
    name for name in LOOKUPS if "with" in name or "contains" in name or name == "iexact"
)

#: Names resolved per model; user input in a name must not grow it without end.
_MAX_RESOLVED = 2_000

#: Names longer than this are refused unread.
_MAX_NAME = 500

#: Relations one name may follow: each is a join, and names may come from outside.
_MAX_DEPTH = 8

#: Up to here, lists of values are padded to a power of two; above, to a multiple of it.
_PADDING = 1024

#: Longer lists are not padded: the limit of the strictest driver, asyncpg, is 32,767.
_MAX_PADDED = 31_744


@dataclass(frozen=True, slots=True, eq=False)
class Lookup:
    """A comparison of one column, resolved once per model and keyword; equal only to itself.

    Attributes:
        path: The relations to follow.
        column: The attribute of the column there.
        sql_column: The column itself.
        part: A part of a date to compare instead of the whole.
        operator: One of `LOOKUPS`.
        null: Whether the compared value may be NULL.
        convert: Checks one value.
        owner: The name of the model that has the column.
    """

    path: tuple[str, ...]
    column: str
    sql_column: "sa.Column[Any]"
    part: str | None
    operator: str
    null: bool
    convert: Convert
    owner: str

    def check(self, value: Any) -> Any:
        """Check and convert one value.

        Raises:
            FieldValueError: It does not fit the column.
        """
        try:
            return self.convert(value)
        except (ArithmeticError, TypeError, ValueError) as error:
            raise build_error(self.owner, self.column, value, str(error)) from error


def build_conditions(
    options: ModelOptions, expressions: Iterable[Any], lookups: dict[str, Any]
) -> tuple[list[Operation], list[Any]]:
    """Build the operations, and their parameters, of one call of `filter`.

    Raises:
        FieldError: A name or look-up does not exist.
        FieldValueError: A value does not fit its field.
    """
    operations: list[Operation] = []
    parameters: list[Any] = []
    for element in expressions:
        expression = Expression(check_expression(element))
        operations.append(("expression", expression))
        parameters.extend(expression.parameters)
    known = options.lookups
    for keyword, value in lookups.items():
        lookup = known.get(keyword) or resolve_lookup(options, keyword)
        if lookup.operator == "exact" and value is not None:
            # The commonest by far: no detour for it.
            operations.append(("where", lookup))
            parameters.append(lookup.check(value))
        else:
            operation, values = _build_condition(lookup, value)
            operations.append(operation)
            parameters.extend(values)
    return operations, parameters


def check_expression(element: Any) -> Any:
    """Accept a SQLAlchemy expression and nothing else: text is never SQL here.

    Raises:
        FieldError: It is something else.
    """
    convert = getattr(element, "__clause_element__", None)
    found: Any = element if convert is None else convert()
    if issubclass(type(found), (sa.ColumnElement, sa.Exists)):
        return found
    raise FieldError(
        f"{element!r} is no condition.",
        hint="Write a keyword such as title='x', or an expression such as BlogPost.title == 'x'.",
        code="db.condition",
    )


def _build_condition(lookup: Lookup, value: Any) -> tuple[Operation, Parameters]:
    operator = lookup.operator
    if operator in ("exact", "iexact") and value is None:
        return ("null", lookup, True), ()
    if operator == "isnull":
        if not isinstance(value, bool):
            raise build_error(lookup.owner, lookup.column, value, "True or False for isnull")
        return ("null", lookup, value), ()
    if operator == "in":
        return _build_in(lookup, value)
    if operator == "range":
        values = _list_values(lookup, value)
        if len(values) != 2:
            raise build_error(lookup.owner, lookup.column, value, "two values for range")
        return ("range", lookup), tuple(lookup.check(item) for item in values)
    return ("where", lookup), (lookup.check(value),)


def _build_in(lookup: Lookup, value: Any) -> tuple[Operation, Parameters]:
    values = [lookup.check(item) for item in _list_values(lookup, value) if item is not None]
    if not values:
        return ("in", lookup, 0), ((),)
    # The number of places is part of the statement's text: by padding to a power of two, lists of
    # any length share a few statements.
    length = len(values)
    if length <= _PADDING:
        length = 1 << (length - 1).bit_length()
    elif length <= _MAX_PADDED:
        length = -(-length // _PADDING) * _PADDING
    values += values[-1:] * (length - len(values))
    return ("in", lookup, length), (tuple(values),)


def _list_values(lookup: Lookup, value: Any) -> list[Any]:
    try:
        values: list[Any] = list(value)
    except TypeError:
        values = []
        value = repr(value)
    if isinstance(value, (str, bytes)):
        raise build_error(lookup.owner, lookup.column, value, "several values")
    return values


def resolve_lookup(options: ModelOptions, keyword: str) -> Lookup:
    """Resolve a keyword to a look-up, and remember it.

    Raises:
        FieldError: A part of it names nothing.
    """
    found = _resolve(options, keyword)
    if len(options.lookups) < _MAX_RESOLVED:
        # Another thread may have been faster; both must use the same object.
        return options.lookups.setdefault(keyword, found)  # type: ignore[no-any-return]
    return found


def resolve_order(options: ModelOptions, names: Iterable[str]) -> tuple[OrderTerm, ...]:
    """Resolve names such as `-author__name` to columns.

    Raises:
        FieldError: A name is no field.
    """
    terms: list[OrderTerm] = []
    for name in names:
        descending = name.startswith("-")
        path, owner, column, rest = resolve_column(options, name[1:] if descending else name)
        if rest:
            raise owner.build_unknown(rest[0])
        terms.append(OrderTerm(path, column, descending))
    return tuple(terms)


def resolve_related(options: ModelOptions, name: str) -> tuple[str, ...]:
    """Resolve a path of relations such as `author__publisher`.

    Raises:
        FieldError: A part of it is no relation.
    """
    path: tuple[str, ...] = ()
    for part in _split(options, name):
        relation = options.relations.get(part)
        if relation is None:
            close = get_close_matches(part, options.relations, n=1)
            known = ", ".join(options.relations) or "none"
            hint = f"Did you mean {close[0]!r}?" if close else f"Relations: {known}."
            raise FieldError(f"{part!r} is no relation of {options.name}.", hint=hint)
        path, options = (*path, part), relation.target.__options__
    return path


def resolve_column(
    options: ModelOptions, name: str
) -> tuple[tuple[str, ...], ModelOptions, str, list[str]]:
    """Follow a name through relations to a column.

    Returns:
        The relations to join, the options of the model reached, the attribute of the column, and
        what is left of the name.
    """
    parts = _split(options, name)
    path: tuple[str, ...] = ()
    while True:
        part = parts.pop(0)
        if part == "pk":
            part = options.primary_key
        if part in options.columns:
            return path, options, part, parts
        relation = options.relations.get(part)
        if relation is None:
            raise options.build_unknown(part)
        target: ModelOptions = relation.target.__options__
        following = target.primary_key if parts[:1] == ["pk"] else "".join(parts[:1])
        if following == relation.target_column:
            # `author__id` is `author_id`: nothing to join.
            return path, options, relation.column, parts[1:]
        if following not in target.columns and following not in target.relations:
            if following and following not in LOOKUPS | PARTS:
                raise target.build_unknown(following)
            return path, options, relation.column, parts
        path, options = (*path, part), target


def _split(options: ModelOptions, name: str) -> list[str]:
    """Split a name at its relations."""
    if len(name) > _MAX_NAME:
        raise options.build_unknown(name[: _MAX_NAME + 1])
    parts = name.split("__")
    if len(parts) > _MAX_DEPTH + 3:
        raise FieldError(
            f"{name[:57] + '...'!r} follows {len(parts)} names from {options.name}: expected at "
            f"most {_MAX_DEPTH} relations."
        )
    return parts


def _resolve(options: ModelOptions, keyword: str) -> Lookup:
    path, owner, key, rest = resolve_column(options, keyword)
    column = owner.columns[key]
    part = rest.pop(0) if rest and rest[0] in PARTS else None
    operator = rest.pop(0) if rest else "exact"
    if operator not in LOOKUPS or rest:
        raise _build_unknown_lookup(owner, key, rest[-1] if operator in LOOKUPS else operator)
    _check_applies(owner, key, column, part or operator)
    return Lookup(
        path,
        key,
        column,
        part,
        operator,
        bool(column.nullable) or _crosses_null(options, path),
        _build_value_converter(owner, key, part, operator),
        owner.name,
    )


def _build_value_converter(
    owner: ModelOptions, key: str, part: str | None, operator: str
) -> Convert:
    if part is not None:
        return build_converter(sa.Column("part", sa.Integer))
    if operator in _TEXT_LOOKUPS:
        return build_converter(sa.Column("text", sa.Text))
    for relation in owner.relations.values():
        if relation.column == key:
            return build_key_finder(relation)
    return owner.converters[key]


def _check_applies(owner: ModelOptions, key: str, column: "sa.Column[Any]", name: str) -> None:
    """Refuse a look-up that means nothing for the column's type."""
    python_type = find_python_type(column.type)
    if python_type is object:
        return
    dates: tuple[type[Any], ...] = (dt.date, dt.time)
    if name in PARTS and not issubclass(python_type, dates):
        raise _build_unknown_lookup(owner, key, name)
    if name in _TEXT_LOOKUPS and not issubclass(python_type, str):
        raise _build_unknown_lookup(owner, key, name)


def _crosses_null(options: ModelOptions, path: Iterable[str]) -> bool:
    for name in path:
        relation = options.relations[name]
        if relation.null:
            return True
        options = relation.target.__options__
    return False


def _build_unknown_lookup(owner: ModelOptions, key: str, name: str) -> FieldError:
    close = get_close_matches(name, LOOKUPS | PARTS, n=1)
    suggests = close and close[0] != name
    hint = f"Did you mean {close[0]!r}?" if suggests else f"Look-ups: {', '.join(sorted(LOOKUPS))}."
    shown = name if len(name) <= 60 else name[:57] + "..."
    return FieldError(
        f"{owner.name}.{key} has no look-up {shown!r}.", hint=hint, code="db.unknown-lookup"
    )

"""Conditions as people write them, `Q` objects, keywords and expressions, made operations."""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from undercroft.db.fields.values import build_error
from undercroft.db.queries.absent import Absent
from undercroft.db.queries.lookups import (
    KeyLookup,
    Lookup,
    YearLookup,
    build_lookup,
    resolve_lookup,
)
from undercroft.db.queries.names import shorten
from undercroft.db.queries.namespace import Namespace, is_expression
from undercroft.db.queries.q import Q
from undercroft.db.queries.shape import Adopted, Operation, Operations, TypeKey
from undercroft.db.queries.terms import GROUP, LEVELS, ROW
from undercroft.errors import FieldError, FieldValueError

#: Up to here, lists of values are padded to a power of two; above, to a multiple of it.
_PADDING = 1024

#: Longer lists are not padded: the limit of the strictest driver, asyncpg, is 32,767.
_MAX_PADDED = 31_744

#: The types of most values, which need no closer look.
PLAIN = frozenset({str, int, float, bool})


class Conditions:
    """Builds the conditions of one call of `filter`, and collects their values.

    Args:
        namespace: What names mean, and where values go.

    Attributes:
        many: Whether one of them follows a relation to several rows.
        grouped: Whether one of them is about a group of rows.
    """

    __slots__ = ("_level", "grouped", "many", "namespace", "parameters")

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        self.parameters = namespace.parameters
        self.many = False
        self.grouped = False
        self._level = ROW

    def build(self, expressions: Iterable[Any], lookups: Mapping[str, Any]) -> Operations:
        """Build the operations, all of which must hold.

        Raises:
            FieldError: A name or look-up does not exist, or something is no condition.
            FieldValueError: A value does not fit its field.
        """
        operations: list[Operation] = []
        for expression in expressions:
            self._level = ROW
            operation = self._build_expression(expression)
            if operation is not None:
                operations.append(self._wrap(operation))
        known, parameters = self.namespace.options.lookups, self.parameters
        for keyword, value in lookups.items():
            lookup: Any = known.get(keyword)
            if (
                lookup.__class__ is Lookup
                and lookup.operator == "exact"
                and value is not None
                and _is_plain(value)
            ):
                # The commonest by far: no detour for it.
                operations.append(("where", lookup))
                parameters.append(lookup.check(value))
                self.many = self.many or lookup.many
                continue
            self._level = ROW
            operations.append(self._wrap(self._build_lookup(keyword, value)))
        return tuple(operations)

    def _wrap(self, operation: Operation) -> Operation:
        if self._level == ROW:
            return operation
        self.grouped = self.grouped or self._level == GROUP
        return (LEVELS[self._level], operation)

    # -------------------------------------------------------------- expressions

    def _build_expression(self, expression: Any) -> Operation | None:
        if isinstance(expression, Q):
            return self.namespace.enter(self._build_q, expression)
        kind: type[Any] = expression.__class__
        if hasattr(kind, "resolve_in"):
            term = self.namespace.resolve(expression)
            self._note(term.level, term.many)
            return ("true", term.node)
        adopted = Adopted(check_expression(expression))
        self.parameters.extend(adopted.parameters)
        return ("true", ("adopted", adopted))

    def _build_q(self, q: Q) -> Operation | None:
        inner: list[Operation] = []
        for child in q.children:
            if issubclass(type(child), tuple):
                inner.append(self._build_lookup(child[0], child[1]))
            else:
                operation = self._build_expression(child)
                if operation is not None:
                    inner.append(operation)
        if not inner:
            return None
        joined = inner[0] if len(inner) == 1 else (q.connector, tuple(inner))
        return ("not", (joined,)) if q.negated else joined

    def _note(self, level: int, many: bool) -> None:
        self._level = max(self._level, level)
        self.many = self.many or many

    # -------------------------------------------------------------- look-ups

    def _build_lookup(self, keyword: str, value: Any) -> Operation:
        lookup = self._find_lookup(keyword)
        if isinstance(lookup, KeyLookup):
            return self._build_key(lookup, value)
        self._note(lookup.level, lookup.many)
        if isinstance(value, Absent) and lookup.operator == "exact":
            return self._build_in(lookup, ())
        return self._compare(lookup, value)

    def _find_lookup(self, keyword: str) -> Lookup | KeyLookup:
        options = self.namespace.options
        found: Lookup | KeyLookup | None = options.lookups.get(keyword)
        if found is not None:
            return found
        named = self.namespace.find_annotation(keyword)
        if named is None:
            resolved: Lookup | KeyLookup = resolve_lookup(options, keyword)
            return resolved
        term, rest = named
        # Another query may call something else by this name.
        key: Any = (term.node, TypeKey(term.type), term.null, term.level, term.many, *rest)
        built: Lookup = options.lookups.get(key) or self.namespace.remember(
            key, build_lookup(term, rest)
        )
        return built

    def _compare(self, lookup: Lookup, value: Any) -> Operation:
        operator = lookup.operator
        if isinstance(lookup, YearLookup):
            is_many = operator in ("in", "range") and not is_expression(value)
            value = self._list_values(lookup, value) if is_many else value
            ranges = self._build_years(lookup, value if is_many else [value])
            if ranges is not None:
                return ranges
        if operator == "in":
            return self._build_in(lookup, value)
        if operator == "isnull":
            if not isinstance(value, bool):
                raise build_error(lookup.owner, lookup.name, value, "True or False for isnull")
            return ("null", lookup, value)
        if value is None and operator in ("exact", "iexact"):
            return ("json-null", lookup) if lookup.is_within else ("null", lookup, True)
        if operator == "range":
            return self._build_range(lookup, value)
        if operator in ("has_keys", "has_any_keys"):
            return self._build_keys(lookup, value)
        if not _is_plain(value):
            return ("where-to", lookup, self._resolve_right(value))
        self.parameters.append(lookup.check(value))
        return ("where", lookup)

    def _build_years(self, lookup: YearLookup, given: list[Any]) -> Operation | None:
        """Build ranges of moments in place of years; None where years are not all known."""
        if not all(each is not None and _is_plain(each) for each in given):
            return None
        operator, whole = lookup.operator, lookup.whole
        found = [lookup.bound(lookup.check(each)) for each in given]
        bounds = [each for each in found if each is not None]
        # What is no year of Python's is none of the values, but may be less or greater.
        if not bounds or (len(bounds) != len(found) and operator != "in"):
            return None
        if operator == "range" and len(bounds) != 2:
            return None
        if operator == "range":
            self.parameters.extend((bounds[0][0], bounds[1][1]))
            return ("range", whole)
        if operator not in ("exact", "in"):
            self.parameters.append(bounds[0][operator in ("gt", "lte")])
            return ("where", whole)
        bounds += bounds[-1:] * (pad(len(bounds)) - len(bounds))
        self.parameters.extend(moment for pair in bounds for moment in pair)
        ranges = (("range", whole),) * len(bounds)
        return ranges[0] if len(ranges) == 1 else ("or", ranges)

    def _resolve_right(self, value: Any) -> Any:
        """Resolve what something is compared with, when it is no value."""
        term = self.namespace.resolve(value)
        self._note(term.level, term.many)
        return term.node

    def _build_in(self, lookup: Lookup, value: Any) -> Operation:
        shape_of = getattr(value, "build_subquery", None)
        if shape_of is not None:
            shape, parameters = shape_of(self._find_target(lookup, value.model))
            self.parameters.extend(parameters)
            return ("in-query", lookup, shape)
        given = self._list_values(lookup, value)
        if not all(map(_is_plain, given)):
            given = [item for item in given if not isinstance(item, Absent)]
        if not all(map(_is_plain, given)):
            return ("in-nodes", lookup, tuple(self._resolve_item(lookup, item) for item in given))
        values = [lookup.check(item) for item in given if item is not None]
        if lookup.is_within and len(values) < len(given):
            listed = self._build_in(lookup, values)
            return ("or", (listed, ("json-null", lookup)))
        if not values:
            self.parameters.append(())
            return ("in", lookup, 0)
        values += values[-1:] * (pad(len(values)) - len(values))
        self.parameters.append(tuple(values))
        return ("in", lookup, len(values))

    def _find_target(self, lookup: Lookup, model: type[Any]) -> str | None:
        """Find the column of a model that a foreign key is compared with; None for its key."""
        if lookup.left[0] != "column":
            return None
        options = self.namespace.options
        for name in lookup.left[1]:
            options = options.joins[name].target.__options__
        for relation in options.relations.values():
            if relation.column == lookup.left[2] and relation.target is model:
                return relation.target_column
        return None

    def _resolve_item(self, lookup: Lookup, item: Any) -> Any:
        return self._resolve_right(lookup.check(item) if _is_plain(item) else item)

    def _build_range(self, lookup: Lookup, value: Any) -> Operation:
        values = self._list_values(lookup, value)
        if len(values) != 2:
            raise build_error(lookup.owner, lookup.name, value, "two values for range")
        if all(map(_is_plain, values)):
            self.parameters.extend(lookup.check(item) for item in values)
            return ("range", lookup)
        return ("range-to", lookup, tuple(self._resolve_item(lookup, item) for item in values))

    def _build_keys(self, lookup: Lookup, value: Any) -> Operation:
        keys = self._list_values(lookup, value)
        for key in keys:
            if not isinstance(key, str):
                raise build_error(lookup.owner, lookup.name, key, "the name of a key")
        self.parameters.extend(keys)
        return ("json-keys", lookup, len(keys))

    def _list_values(self, lookup: Lookup | KeyLookup, value: Any) -> list[Any]:
        try:
            values: list[Any] = list(value)
        except TypeError:
            raise _build_single(lookup, value) from None
        if isinstance(value, (str, bytes)):
            raise _build_single(lookup, value)
        return values

    # -------------------------------------------------------------- keys of several columns

    def _build_key(self, lookup: KeyLookup, value: Any) -> Operation:
        for part in lookup.parts:
            self._note(part.level, part.many)
        if lookup.operator == "in":
            shape_of = getattr(value, "build_keys", None)
            if shape_of is not None:
                shape, parameters = shape_of()
                self.parameters.extend(parameters)
                return ("keys-in-query", lookup, shape)
            keys = self._list_values(lookup, value)
            if not keys:
                self.parameters.append(())
                return ("in", lookup.parts[0], 0)
            return ("or", tuple(self._compare_key(lookup, key) for key in keys))
        if lookup.operator == "isnull":
            return ("and", tuple(self._compare(part, value) for part in lookup.parts))
        return self._compare_key(lookup, value)

    def _compare_key(self, lookup: KeyLookup, value: Any) -> Operation:
        key: Any = getattr(value, "pk", value)
        given: tuple[Any, ...] = tuple(key) if issubclass(type(key), (tuple, list)) else ()
        if len(given) != len(lookup.parts):
            expected = f"the {len(lookup.parts)} values of its key"
            raise build_error(lookup.owner, lookup.name, value, expected)
        pairs = zip(lookup.parts, given, strict=True)
        return ("and", tuple(self._compare(part, item) for part, item in pairs))


def pad(length: int) -> int:
    """Choose how many places a list of values gets in a statement's text.

    The number is part of the text: by padding to a power of two, lists of any length share a few
    statements.
    """
    if length <= _PADDING:
        return 1 << (length - 1).bit_length()
    return -(-length // _PADDING) * _PADDING if length <= _MAX_PADDED else length


def _build_single(lookup: Lookup | KeyLookup, value: Any) -> FieldValueError:
    """Build the error for one value where several are expected."""
    shown = repr(value)
    given = f"{lookup.name}__{lookup.operator}=[{shown}]" if len(shown) <= 40 else "[...]"
    return build_error(lookup.owner, lookup.name, value, f"a list of values, such as {given}")


def _is_plain(value: Any) -> bool:
    """Tell whether something is a value, and no expression to be worked out by the database."""
    return value.__class__ in PLAIN or not is_expression(value)


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
        f"{shorten(repr(element))} is no condition.",
        hint="Write a keyword such as title='x', or an expression such as BlogPost.title == 'x'.",
        code="db.condition",
    )

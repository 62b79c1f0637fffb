"""Look-ups: `author__name__icontains` resolved to an expression and how it is compared."""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from functools import partial
from typing import Any

import sqlalchemy as sa

from undercroft.db.fields.arrays import Array
from undercroft.db.fields.search import is_words
from undercroft.db.fields.values import Convert, build_error, find_python_type
from undercroft.db.mapping.options import ModelOptions
from undercroft.db.queries.keys import build_key_finder
from undercroft.db.queries.names import Found, find_column, is_many, is_optional, shorten
from undercroft.db.queries.shape import Node
from undercroft.db.queries.terms import ROW, TYPES, Term, build_type_converter
from undercroft.db.queries.words import SEARCH, build_words, clean_text
from undercroft.db.queries.years import YEARS, Bounds, find_bounds
from undercroft.errors import FieldError

#: Comparisons of text with text.
TEXT_LOOKUPS = frozenset(
    {
        "contains",
        "endswith",
        "icontains",
        "iendswith",
        "iexact",
        "iregex",
        "istartswith",
        "regex",
        "startswith",
    }
)

#: Comparisons that mean something for every type.
PLAIN_LOOKUPS = frozenset({"exact", "gt", "gte", "in", "isnull", "lt", "lte", "range"})

#: Comparisons of JSON.
JSON_LOOKUPS = frozenset({"contained_by", "contains", "has_any_keys", "has_key", "has_keys"})

#: Comparisons of PostgreSQL's arrays.
ARRAY_LOOKUPS = frozenset({"contained_by", "contains", "overlap"})

#: The look-ups by name.
LOOKUPS = PLAIN_LOOKUPS | TEXT_LOOKUPS | JSON_LOOKUPS | ARRAY_LOOKUPS

#: The parts of dates and times that can be compared by themselves, and what has them.
DATE_PARTS = frozenset(
    {"day", "iso_week_day", "iso_year", "month", "quarter", "week", "week_day", "year"}
)
TIME_PARTS = frozenset({"hour", "minute", "second"})
PARTS = DATE_PARTS | TIME_PARTS

#: What else may stand between a name and its look-up: the type it makes of which type.
TRANSFORMS: dict[str, tuple[type[Any], str]] = {
    "date": (dt.datetime, "date"),
    "time": (dt.datetime, "time"),
    "len": (list, "int"),
}

#: Names resolved per model; user input in a name must not grow it without end.
_MAX_RESOLVED = 2_000

_IS_NULL = "isnull"

#: A position in an array, or the bounds of a slice.
_POSITION = re.compile(r"([0-9]{1,9})(?:_([0-9]{1,9}))?")


@dataclass(frozen=True, slots=True, eq=False)
class Lookup:
    """A comparison of one expression, made once for each keyword; equal only to itself.

    Attributes:
        left: The expression.
        operator: One of `LOOKUPS`.
        path: The relations that lead to its column.
        null: Whether the compared value may be NULL.
        many: Whether the path leads to several rows.
        level: When the expression can be told; see `terms`.
        convert: Checks one value.
        owner: The name of the model that has the column.
        name: The attribute of the column, for messages.
        is_within: Whether it is about a value within JSON, which may be its `null`.
    """

    left: Node
    operator: str
    path: tuple[str, ...]
    null: bool
    many: bool
    level: int
    convert: Convert
    owner: str
    name: str
    is_within: bool

    def check(self, value: Any) -> Any:
        """Check and convert one value.

        Raises:
            FieldValueError: It does not fit the column.
        """
        try:
            return self.convert(value)
        except (ArithmeticError, TypeError, ValueError) as error:
            raise build_error(self.owner, self.name, value, str(error)) from error


#: For each comparison of a year, that of the moment which amounts to it.
_OF_WHOLE = {
    "exact": "range",
    "gt": "gt",
    "gte": "gte",
    "in": "range",
    "lt": "lt",
    "lte": "lte",
    "range": "range",
}


@dataclass(frozen=True, slots=True, eq=False)
class YearLookup(Lookup):
    """A comparison of a year.

    Attributes:
        whole: That of the moment it is the year of.
        bound: Finds the first and the last moment of a year.
    """

    whole: Lookup
    bound: Callable[[int], Bounds | None]


def resolve_lookup(options: ModelOptions, keyword: str) -> Any:
    """Resolve a keyword to a look-up, or to one for each column of a key; remember it.

    Raises:
        FieldError: A part of it names nothing.
    """
    found = find_column(options, keyword)
    terms = build_column_terms(options, found)
    made: Any
    if len(terms) == 1:
        made = build_lookup(terms[0], found.rest, found.path)
    else:
        made = build_key_lookup(terms, found.rest, found.path)
    return remember(options, keyword, made)


def remember(options: ModelOptions, key: Any, made: Any) -> Any:
    """Keep what was resolved, as far as there is room."""
    if len(options.lookups) < _MAX_RESOLVED:
        # Another thread may have been faster; both must use the same object.
        return options.lookups.setdefault(key, made)
    return made


@dataclass(frozen=True, slots=True, eq=False)
class KeyLookup:
    """A comparison of a key of several columns.

    Attributes:
        parts: A look-up for each column.
        operator: `exact`, `in` or `isnull`.
    """

    parts: tuple[Lookup, ...]
    operator: str

    @property
    def name(self) -> str:
        """What the columns are called together, for messages."""
        return "pk"

    @property
    def owner(self) -> str:
        """The name of the model that has the key."""
        return self.parts[0].owner

    @property
    def path(self) -> tuple[str, ...]:
        """The relations that lead to the columns."""
        return self.parts[0].path

    @property
    def many(self) -> bool:
        """Whether the path leads to several rows."""
        return self.parts[0].many


def build_key_lookup(terms: list[Term], rest: list[str], path: tuple[str, ...]) -> KeyLookup:
    """Build the look-up of a key of several columns.

    Raises:
        FieldError: Such a key cannot be compared that way.
    """
    operator = rest[0] if rest else "exact"
    if operator not in ("exact", "in", _IS_NULL) or len(rest) > 1:
        raise FieldError(
            f"{terms[0].owner}.pk has several columns and no look-up {shorten(operator)!r}.",
            hint="Use exact or in, or compare its columns one by one.",
            code="db.unknown-lookup",
        )
    inner = ["exact"] if operator == "in" else [operator]
    return KeyLookup(tuple(build_lookup(term, list(inner), path) for term in terms), operator)


def build_column_terms(options: ModelOptions, found: Found) -> list[Term]:
    """Build the terms of the columns a name leads to."""
    owner, path = found.options, found.path
    optional, many = is_optional(options, path), is_many(options, path)
    terms: list[Term] = []
    for key in found.keys:
        column = owner.columns[key]
        terms.append(
            Term(
                ("column", path, key),
                column.type,
                ROW,
                bool(column.nullable) or optional,
                many,
                owner.name,
                key,
                _build_column_converter(owner, key, found),
            )
        )
    if found.relation is not None and found.rest:
        _check_relation_rest(options, found)
    return terms


def _build_column_converter(owner: ModelOptions, key: str, found: Found) -> Convert:
    if found.relation is not None and found.path[-1:] == (found.relation,):
        # A relation from the other side stands for its rows.
        return build_instance_finder(owner, key)
    for relation in owner.relations.values():
        if relation.column == key:
            return build_key_finder(relation)
    return build_instance_finder(owner, key) if key in owner.primary_keys else owner.converters[key]


def build_instance_finder(options: ModelOptions, key: str) -> Convert:
    """Build what takes a value of a column, or an instance for the value it has there."""
    convert, model = options.converters[key], options.model

    def find(value: Any) -> Any:
        if isinstance(value, model):
            value = getattr(value, key)
            if value is None:
                raise ValueError(f"a saved {options.name}: save it first")
        return convert(value)

    return find


def _check_relation_rest(options: ModelOptions, found: Found) -> None:
    """Refuse what follows a relation and is neither a field of its target nor a look-up."""
    first = found.rest[0]
    if first in LOOKUPS or first in PARTS:
        return
    owner = found.options
    if found.relation is not None and found.path[-1:] != (found.relation,):
        owner = owner.joins[found.relation].target.__options__
    raise owner.build_unknown(first)


# ------------------------------------------------------------------ transforms and operators


def build_lookup(term: Term, rest: list[str], path: tuple[str, ...] = ()) -> Lookup:
    """Build the comparison of an expression, from what follows its name.

    Raises:
        FieldError: It has no such look-up.
    """
    term, rest = apply_transforms(term, rest)
    operator = rest[0] if rest else "exact"
    if operator not in LOOKUPS or len(rest) > 1:
        raise build_unknown_lookup(term, rest[-1] if operator in LOOKUPS else operator)
    _check_applies(term, operator)
    lookup = _make_lookup(term, operator, path)
    if term.source is None or operator not in _OF_WHOLE:
        return lookup
    whole = _make_lookup(term.source, _OF_WHOLE[operator], path)
    bound = partial(find_bounds, term.node[1], find_python_type(term.source.type))
    parts = {each.name: getattr(lookup, each.name) for each in fields(lookup)}
    return YearLookup(**parts, whole=whole, bound=bound)


def _make_lookup(term: Term, operator: str, path: tuple[str, ...]) -> Lookup:
    return Lookup(
        term.node,
        operator,
        path,
        term.null,
        term.many,
        term.level,
        _choose_converter(term, operator),
        term.owner,
        term.name,
        _is_within_json(term),
    )


def _is_within_json(term: Term) -> bool:
    return isinstance(term.type, sa.JSON) and term.node[0] != "column"


def apply_transforms(term: Term, rest: list[str]) -> tuple[Term, list[str]]:
    """Apply what stands between a name and its look-up: parts of dates, keys of JSON."""
    rest = list(rest)
    while rest:
        applied = _find_transform(term, rest)
        if applied is None:
            break
        term = applied
    return term, rest


def _find_transform(term: Term, rest: list[str]) -> Term | None:
    """Apply the first of what is left, if it is a transform, and take it from the list."""
    name = rest[0]
    if isinstance(term.type, sa.JSON):
        if name in LOOKUPS and (len(rest) == 1):
            return None
        keys = [rest.pop(0)]
        while rest and not (rest[0] in LOOKUPS and len(rest) == 1):
            keys.append(rest.pop(0))
        return _derive(term, ("json", term.node, tuple(keys)), TYPES["json"])
    python_type = find_python_type(term.type)
    if name in PARTS and has_part(python_type, name):
        rest.pop(0)
        taken = _derive(term, ("transform", name, term.node), TYPES["int"])
        return replace(taken, source=term) if name in YEARS else taken
    if name == SEARCH and (is_words(term.type) or issubclass(python_type, str)):
        rest.pop(0)
        return term if is_words(term.type) else build_words([term], [("", None)])
    source, made = TRANSFORMS.get(name, (None, ""))
    if source is not None and issubclass(python_type, source):
        rest.pop(0)
        return _derive(term, ("transform", name, term.node), TYPES[made])
    return _find_part(term, rest) if isinstance(term.type, Array) else None


def _find_part(term: Term, rest: list[str]) -> Term | None:
    """Apply a position in an array, `0`, or a slice of it, `0_2`, and take it from the list."""
    found = _POSITION.fullmatch(rest[0])
    column_type = term.type
    if found is None or not isinstance(column_type, Array):
        return None
    rest.pop(0)
    first, last = (None if part is None else int(part) for part in found.groups())
    made = column_type.part_type if last is None else column_type
    name = f"[{first}]" if last is None else f"[{first}:{last}]"
    return _derive(term, ("transform", name, term.node), made)


def _derive(term: Term, node: Node, made: Any) -> Term:
    is_json = isinstance(made, sa.JSON)
    null = term.null or node[0] == "json" or node[1].startswith("[")
    convert: Callable[[Any], Any] | None = term.convert if is_json else None
    return Term(node, made, term.level, null, term.many, term.owner, term.name, convert)


def has_part(python_type: type[Any], part: str) -> bool:
    """Tell whether values of a type have a part such as `year` or `hour`."""
    if issubclass(python_type, dt.datetime):
        return True
    if issubclass(python_type, dt.date):
        return part in DATE_PARTS
    return issubclass(python_type, dt.time) and part in TIME_PARTS


def _choose_converter(term: Term, operator: str) -> Convert:
    if is_words(term.type):
        return clean_text
    if operator == "has_key" or (operator in TEXT_LOOKUPS and not _is_container(term, operator)):
        return build_type_converter(TYPES["text"])
    return term.get_converter()


def _is_container(term: Term, operator: str) -> bool:
    """Tell whether `contains` asks for members, not for a piece of text."""
    return operator == "contains" and isinstance(term.type, (Array, sa.JSON))


def _check_applies(term: Term, operator: str) -> None:
    """Refuse a look-up that means nothing for the type."""
    if is_words(term.type) and operator not in ("exact", _IS_NULL):
        raise build_unknown_lookup(term, operator)
    if operator not in PLAIN_LOOKUPS and operator not in _list_own_lookups(term):
        raise build_unknown_lookup(term, operator)


def _list_own_lookups(term: Term) -> frozenset[str]:
    """List the look-ups that an expression has because of its type."""
    python_type = find_python_type(term.type)
    if isinstance(term.type, sa.JSON):
        return JSON_LOOKUPS | (TEXT_LOOKUPS if _is_within_json(term) else frozenset[str]())
    if isinstance(term.type, Array):
        return ARRAY_LOOKUPS
    is_text = python_type is object or issubclass(python_type, str)
    return TEXT_LOOKUPS if is_text else frozenset[str]()


def build_unknown_lookup(term: Term, name: str) -> FieldError:
    """Build the error for a look-up that does not exist, or not for this type."""
    close = get_close_matches(name, LOOKUPS | PARTS, n=1)
    suggests = close and close[0] != name
    known = PLAIN_LOOKUPS | _list_own_lookups(term)
    if is_words(term.type):
        known = frozenset({"exact", _IS_NULL})
    elif find_python_type(term.type) is str:
        known |= {SEARCH}
    hint = f"Did you mean {close[0]!r}?" if suggests else f"Look-ups: {', '.join(sorted(known))}."
    owner = f"{term.owner}.{term.name}" if term.owner else term.name
    return FieldError(
        f"{owner} has no look-up {shorten(name)!r}.", hint=hint, code="db.unknown-lookup"
    )

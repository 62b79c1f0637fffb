"""JSON compared as JSON: by kind first, then by value, and not by how it is written."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from undercroft.db.fields.types import Json
from undercroft.db.queries.lookups import JSON_LOOKUPS, TEXT_LOOKUPS, Lookup
from undercroft.db.queries.terms import TYPES
from undercroft.db.sql import json_paths, texts
from undercroft.db.sql.functions.building import call
from undercroft.db.sql.functions.text import lower

#: The comparisons that are JSON's own.
LOOKUPS = JSON_LOOKUPS | {"exact", "gt", "gte", "lt", "lte"}

_SYMBOLS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


class NormalJson(FunctionElement[Any]):
    """JSON in its one form, so that equal values are the same."""

    inherit_cache = True
    name = "normal_json"
    type = sa.Text()

    def __init__(self, value: Any) -> None:
        super().__init__(value)


@compiles(NormalJson)
def _keep(element: Any, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


@compiles(NormalJson, "sqlite")
def _normalize_on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    return f"undercroft_normal({compiler.process(element.clauses, **options)})"


@compiles(NormalJson, "mysql", "mariadb")
def _normalize_on_mysql(element: Any, compiler: Any, **options: Any) -> str:
    return f"JSON_NORMALIZE({compiler.process(element.clauses, **options)})"


class _Normal(TypeDecorator[Any]):
    """Bound JSON that is brought into its one form."""

    impl = sa.JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> TypeEngine[Any]:
        """Bind as JSON is bound elsewhere."""
        found: TypeEngine[Any] = dialect.type_descriptor(Json.dialect_impl(dialect))
        return found

    def bind_expression(self, bindparam: Any) -> Any:
        """Bring a value into its one form."""
        return NormalJson(sa.type_coerce(bindparam, Json))


_NORMAL = _Normal()


def is_json(element: Any) -> bool:
    """Tell whether an expression is JSON."""
    return isinstance(element.type, sa.JSON)


def normalize(builder: Any, element: Any) -> Any:
    """Build JSON, or the JSON of any value, in its one form."""
    return NormalJson(json_paths.wrap(builder, element))


def compare(builder: Any, lookup: Lookup, left: Any, right: Any) -> Any:
    """Compare JSON with a value of the call, or with an expression.

    Args:
        builder: Of the statement.
        lookup: The comparison.
        left: The JSON; any other value where the right is JSON.
        right: The expression; None for the next value of the call.
    """
    operator = lookup.operator
    if operator == "has_key":
        return has_key(builder, left, builder.bind(sa.Text()) if right is None else right)
    if operator in TEXT_LOOKUPS and operator not in JSON_LOOKUPS:
        return _compare_text(builder, operator, left, right)
    right = builder.bind(Json) if right is None else right
    left, right = (json_paths.wrap(builder, each) for each in (left, right))
    if operator in ("contains", "contained_by"):
        pair = (left, right) if operator == "contains" else (right, left)
        return _contains(builder, *pair)
    if operator == "exact":
        return NormalJson(left) == NormalJson(right)
    return _ORDERS[builder.vendor](builder, _SYMBOLS[operator], left, right)


def is_in(builder: Any, left: Any, length: int) -> Any:
    """Compare JSON with a list of values."""
    values = builder.bind(_NORMAL, many=True)
    return NormalJson(left).in_(values) if length else sa.false()


def is_among(builder: Any, left: Any, nodes: Any) -> Any:
    """Compare JSON with a list of expressions."""
    return normalize(builder, left).in_([normalize(builder, builder.build(node)) for node in nodes])


def _compare_text(builder: Any, operator: str, left: Any, right: Any) -> Any:
    """Search in what is text; what is of another kind has none."""
    left = json_paths.take_text(builder, left)
    if right is not None and is_json(right):
        right = json_paths.take_text(builder, right)
    if right is None and operator.removeprefix("i") in ("startswith", "endswith", "contains"):
        return texts.match_pattern(builder, left, operator)
    right = builder.bind(sa.Text()) if right is None else right
    if operator.endswith("regex"):
        return texts.match_regex(builder, left, operator, right)
    if operator.startswith("i"):
        left, right = lower(builder, left), lower(builder, right)
    return texts.search(builder, left, operator.removeprefix("i"), right)


# ------------------------------------------------------------------ less and greater


def _order_on_sqlite(_builder: Any, symbol: str, left: Any, right: Any) -> Any:
    found = call("undercroft_compare", left, right, type_=TYPES["int"])
    return found.op(symbol, is_comparison=True)(sa.literal_column("0"))


def _order_on_postgresql(builder: Any, symbol: str, left: Any, right: Any) -> Any:
    words = [
        sa.collate(json_paths.unquote(builder, each), "C")  # as everywhere else: by code points
        for each in (left, right)
    ]
    are_numbers = _are_both(builder, "number", left, right)
    are_texts = _are_both(builder, "text", left, right)
    return sa.case(
        (are_numbers, left.op(symbol, is_comparison=True)(right)),
        (are_texts, words[0].op(symbol, is_comparison=True)(words[1])),
    )


def _order_on_mariadb(builder: Any, symbol: str, left: Any, right: Any) -> Any:
    words = [json_paths.unquote(builder, each) for each in (left, right)]
    floats = [sa.cast(each, TYPES["double"]) for each in (left, right)]
    # As floats, numbers of many digits may be alike that are not.
    exact = [sa.cast(each, sa.Numeric(65, 10)) for each in (left, right)]
    numbers = sa.case(
        (floats[0] == floats[1], exact[0].op(symbol, is_comparison=True)(exact[1])),
        else_=floats[0].op(symbol, is_comparison=True)(floats[1]),
    )
    return sa.case(
        (sa.and_(*(_is_number(builder, each) for each in (left, right))), numbers),
        (
            _are_both(builder, "text", left, right),
            words[0].op(symbol, is_comparison=True)(words[1]),
        ),
    )


def _is_number(builder: Any, element: Any) -> Any:
    return json_paths.find_kind(builder, element).in_(
        [sa.literal_column(f"'{kind}'", sa.Text()) for kind in ("INTEGER", "DOUBLE", "DECIMAL")]
    )


def _are_both(builder: Any, kind: str, left: Any, right: Any) -> Any:
    return sa.and_(*(json_paths.is_kind(builder, each, kind) for each in (left, right)))


_ORDERS = {
    "mariadb": _order_on_mariadb,
    "postgresql": _order_on_postgresql,
    "sqlite": _order_on_sqlite,
}


def list_keys(builder: Any, element: Any) -> list[Any]:
    """List what JSON is ordered by: null, texts, numbers, truths, lists, objects; then by value."""
    if builder.vendor == "postgresql":
        return [element]
    if builder.vendor == "sqlite":
        return [call("undercroft_sort_key", element, type_=sa.LargeBinary())]
    names = ("NULL", "STRING", "INTEGER", "DOUBLE", "BOOLEAN", "ARRAY", "OBJECT")
    ranks = dict(zip(names, (0, 1, 2, 2, 3, 4, 5), strict=True))
    rank = sa.case(
        *(
            (
                json_paths.find_kind(builder, element) == sa.literal_column(f"'{name}'"),
                sa.literal_column(str(number), TYPES["int"]),
            )
            for name, number in ranks.items()
        )
    )
    number = sa.case((_is_number(builder, element), sa.cast(element, TYPES["double"])))
    return [rank, number, json_paths.take_text(builder, element)]


# ------------------------------------------------------------------ members


def _contains(builder: Any, left: Any, right: Any) -> Any:
    if builder.vendor == "postgresql":
        return left.op("@>", is_comparison=True)(right)
    if builder.vendor == "sqlite":
        return call("undercroft_contains", left, right, type_=TYPES["int"]) == 1
    # To MariaDB a list contains whatever is a part of one of its items.
    is_apart = sa.and_(
        json_paths.is_kind(builder, left, "array"), json_paths.is_kind(builder, right, "object")
    )
    found = call("json_contains", left, right, type_=TYPES["int"]) == 1
    return sa.and_(sa.not_(is_apart), found)


def has_key(builder: Any, left: Any, key: Any) -> Any:
    """Build whether JSON has a key; a list has the texts in it, and text itself."""
    if builder.vendor == "postgresql":
        return call("jsonb_exists", left, key, type_=sa.Boolean())
    if builder.vendor == "sqlite":
        return call("undercroft_has_key", left, key, type_=TYPES["int"]) == 1
    keys = call("json_keys", left, type_=Json)
    listed = sa.case((json_paths.is_kind(builder, left, "object"), keys), else_=left)
    return call("json_contains", listed, call("json_quote", key), type_=TYPES["int"]) == 1

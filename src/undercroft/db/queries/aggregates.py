"""Aggregates over groups of rows: `Count("books")`, `Sum("price", filter=Q(in_print=True))`."""

from decimal import Decimal
from typing import Any, ClassVar

import sqlalchemy as sa

from undercroft.db.fields.arrays import build_array
from undercroft.db.fields.time_types import find_time_kind
from undercroft.db.fields.types import DecimalResult, count_places
from undercroft.db.fields.values import find_python_type
from undercroft.db.queries.conditions import Conditions
from undercroft.db.queries.expressions import Expression, Value, list_terms, resolve_terms
from undercroft.db.queries.functions.comparison import Coalesce
from undercroft.db.queries.functions.custom import check_function_name
from undercroft.db.queries.names import shorten
from undercroft.db.queries.namespace import Namespace
from undercroft.db.queries.outputs import build_cast_error, get_output_type
from undercroft.db.queries.shape import TypeKey
from undercroft.db.queries.terms import GROUP, ROW, TYPES, Term
from undercroft.errors import FieldError

#: Aggregates of numbers and of what has an order, which JSON is not before it is cast.
_OF_VALUES = frozenset(
    {"avg", "bit_and", "bit_or", "bit_xor", "max", "min", "stddev", "sum", "variance"}
)


class Aggregate(Expression):
    """One value of many rows.

    A subclass names a function of the database: `class Median(models.Aggregate): function =
    "median"`.

    Args:
        expression: A field's name, or an expression.
        distinct: Count equal values once.
        filter: Conditions on the rows that count, a `Q`.
        default: The result where there are no rows, in place of NULL.
        order_by: The order in which rows are taken, where that matters.
        output_field: The type of the result, where it is not the usual one.
    """

    __slots__ = ("default", "distinct", "expression", "filter", "order_by", "output_field")

    #: What `sql.aggregates` knows it by, or else the database.
    function: ClassVar[str] = ""
    #: The type of the result by its name in `terms.TYPES`; that of the argument when empty.
    output: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        """Check the function's name, which becomes part of statements.

        Raises:
            FieldError: It is none.
        """
        check_function_name(cls.function)

    def __init__(  # noqa: PLR0913 - Django's options, all by keyword
        self,
        expression: Any,
        *,
        distinct: bool = False,
        filter: Any = None,
        default: Any = None,
        order_by: Any = (),
        output_field: Any = None,
    ) -> None:
        self.expression = expression
        self.distinct = distinct
        self.filter = filter
        self.default = default
        self.order_by = list_terms(order_by)
        self.output_field = output_field

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.expression!r})"

    @property
    def default_alias(self) -> str | None:  # type: ignore[override]  # depends on the argument
        """What the result is called when it is given no name: `price__sum`."""
        name = getattr(self.expression, "name", self.expression)
        return f"{name}__{type(self).__name__.lower()}" if isinstance(name, str) else None

    @property
    def option(self) -> Any:
        """What else is part of the statement's text."""
        return None

    def resolve_in(self, namespace: Namespace) -> Term:
        """Resolve the argument, the conditions and the order."""
        if self.default is not None:
            return Coalesce(self.without_default(), self.default).resolve_in(namespace)
        return self.resolve_within(namespace, ROW)

    def resolve_within(self, namespace: Namespace, level: int) -> Term:
        """Resolve the argument, the conditions and the order.

        Args:
            namespace: Of the queryset.
            level: What the argument may be of at most: a window goes over groups as well.
        """
        term = self._resolve_argument(namespace)
        if term.level > level:
            raise FieldError(
                f"{self!r} is an aggregate of an aggregate.",
                hint="Aggregate the annotation in a second step: .aggregate(...).",
                code="db.aggregate",
            )
        if isinstance(term.type, sa.JSON) and self.function in _OF_VALUES:
            raise build_cast_error(f"The JSON of {self!r}")
        self._check_time(term)
        conditions = None
        many = term.many
        if self.filter is not None:
            built = Conditions(namespace)
            conditions = built.build((self.filter,), {})
            many = many or built.many
        order = resolve_terms(namespace, self.order_by)
        node: tuple[Any, ...] = (
            "aggregate",
            self.function,
            (term.node,),
            self.distinct,
            conditions,
            order,
            self.option,
        )
        wanted = self.find_output(term)
        if self.output_field is not None:
            wanted = get_output_type(self.output_field)
            node = ("typed", node, TypeKey(wanted))
        return Term(node, wanted, GROUP, self.is_null, many)

    def _check_time(self, term: Term) -> None:
        """Refuse sums of moments, and spreads of lengths of time, which databases do not agree on.

        Raises:
            FieldError: It is one of these.
        """
        kind = find_time_kind(term.type)
        is_refused = kind in ("clock", "moment") and self.function in ("avg", "sum")
        if is_refused or (kind == "length" and self.function in ("stddev", "variance")):
            raise FieldError(
                f"{self!r} is of {'lengths of time' if kind == 'length' else 'moments'}, and "
                "means nothing.",
                hint="Take the sum or mean of lengths of time: F('ended') - F('started').",
                code="db.arithmetic",
            )

    @property
    def is_null(self) -> bool:
        """Whether the result may be NULL."""
        return True

    def without_default(self) -> "Aggregate":
        """Give a copy that is NULL where there are no rows."""
        copy: Aggregate = object.__new__(type(self))
        for slots in (each.__dict__.get("__slots__", ()) for each in type(self).__mro__):
            for name in slots:
                setattr(copy, name, getattr(self, name))
        copy.default = None
        return copy

    def _resolve_argument(self, namespace: Namespace) -> Term:
        return namespace.resolve_name(self.expression)

    def find_output(self, term: Term) -> Any:
        """Find the type of the result."""
        return TYPES[self.output] if self.output else term.type


class Count(Aggregate):
    """The number of values that are not NULL; of rows for `Count("*")`."""

    __slots__ = ()
    function, output = "count", "bigint"

    @property
    def is_null(self) -> bool:
        """Nothing is counted as 0."""
        return False

    def _resolve_argument(self, namespace: Namespace) -> Term:
        if self.expression == "*":
            return Term(("star",), TYPES["any"])
        if isinstance(self.expression, str) and not self.distinct:
            return namespace.find_row(self.expression)
        return super()._resolve_argument(namespace)


class Sum(Aggregate):
    """The sum of numbers, or of spans of time."""

    __slots__ = ()
    function = "sum"

    def find_output(self, term: Term) -> Any:
        """Sums of integers outgrow their type."""
        if find_python_type(term.type) is Decimal:
            return DecimalResult(count_places(term.type))
        is_whole = isinstance(term.type, (sa.Boolean, sa.Integer))
        return TYPES["bigint"] if is_whole else term.type


class Avg(Aggregate):
    """The mean: a decimal of decimals, else a float."""

    __slots__ = ()
    function = "avg"

    def find_output(self, term: Term) -> Any:
        """Find the type of the mean."""
        kind = find_python_type(term.type)
        return TYPES["float"] if kind in (int, float, bool) else _widen(term.type)


def _widen(column_type: Any) -> Any:
    """Give a decimal's mean more places than the decimals have."""
    is_decimal = hasattr(column_type, "decimal_places") or issubclass(type(column_type), sa.Numeric)
    return TYPES["decimal"] if is_decimal else column_type


class Max(Aggregate):
    """The greatest value."""

    __slots__ = ()
    function = "max"


class Min(Aggregate):
    """The least value."""

    __slots__ = ()
    function = "min"


class StdDev(Aggregate):
    """The standard deviation, of a whole population unless `sample`."""

    __slots__ = ("sample",)
    function, output = "stddev", "float"

    def __init__(self, expression: Any, *, sample: bool = False, **options: Any) -> None:
        super().__init__(expression, **options)
        self.sample = sample

    @property
    def option(self) -> Any:
        """Whether the rows are a sample."""
        return self.sample


class Variance(StdDev):
    """The variance, of a whole population unless `sample`."""

    __slots__ = ()
    function: ClassVar[str] = "variance"


class StringAgg(Aggregate):
    """Texts joined by a delimiter.

    Args:
        expression: The texts.
        delimiter: What stands between them.
        options: Of every aggregate.

    Raises:
        FieldError: The delimiter is no text.
    """

    __slots__ = ("delimiter",)
    function, output = "string_agg", "text"

    def __init__(self, expression: Any, delimiter: Any = ",", **options: Any) -> None:
        super().__init__(expression, **options)
        text: Any = delimiter.value if isinstance(delimiter, Value) else delimiter
        if not isinstance(text, str):
            raise FieldError(
                f"StringAgg(delimiter={shorten(repr(delimiter))}): expected text.",
                code="db.aggregate",
            )
        self.delimiter: str = text

    @property
    def option(self) -> str:
        """The delimiter."""
        return self.delimiter


class BitAnd(Aggregate):
    """The bits that all of several whole numbers have."""

    __slots__ = ()
    function = "bit_and"


class BitOr(Aggregate):
    """The bits that any of several whole numbers has."""

    __slots__ = ()
    function = "bit_or"


class BitXor(Aggregate):
    """The bits that an odd number of several whole numbers has."""

    __slots__ = ()
    function = "bit_xor"


class AnyValue(Aggregate):
    """Any one of the values that are not NULL."""

    __slots__ = ()
    function = "any_value"


class BoolAnd(Aggregate):
    """Whether the condition holds for all rows."""

    __slots__ = ()
    function, output = "bool_and", "bool"


class BoolOr(Aggregate):
    """Whether the condition holds for one row at least."""

    __slots__ = ()
    function, output = "bool_or", "bool"


class ArrayAgg(Aggregate):
    """All values as a list (PostgreSQL)."""

    __slots__ = ()
    function = "array_agg"

    def find_output(self, term: Term) -> Any:
        """Find the type of the list."""
        return build_array(term.type)


class JSONArrayAgg(Aggregate):
    """All values as a JSON list."""

    __slots__ = ()
    function, output = "json_agg", "json"

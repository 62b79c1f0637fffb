"""The types of moments and lengths of time, and the sums of both, the same on every database."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy import types
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from undercroft.db.fields.types import DecimalResult, ExactDecimal
from undercroft.db.fields.values import Converting
from undercroft.errors import FieldValueError

_MICROSECOND = dt.timedelta(microseconds=1)

#: What 64 bits of microseconds hold: 292,271 years.
_LIMIT = 1 << 63

# ------------------------------------------------------------------ arithmetic


class MomentDifference(FunctionElement[Any]):
    """From the second moment to the first: a length of time; of two times of day likewise."""

    inherit_cache = True
    name = "moment_difference"

    def __init__(self, later: Any, earlier: Any) -> None:
        super().__init__(later, earlier)
        self.type = Duration()


class MomentShift(FunctionElement[Any]):
    """A moment, moved by a length of time; a time of day goes round the clock."""

    inherit_cache = True
    name = "moment_shift"

    def __init__(self, moment: Any, duration: Any) -> None:
        super().__init__(moment, duration)
        self.type = sa.Time() if _find_kind(moment) == "clock" else UTCDateTime()


class LengthFunction(FunctionElement[Any]):
    """Arithmetic of lengths of time, written as each database has it."""

    inherit_cache = True
    #: The SQL by the name of the dialect, with a place for each argument.
    templates: ClassVar[dict[str, str]] = {}

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.type = self.build_type()

    def build_type(self) -> TypeEngine[Any]:
        """Build the type of the result: a length of time, unless another one says otherwise."""
        return Duration()


class Product(LengthFunction):
    """A length of time, so many times; to the microsecond, halves away from zero."""

    inherit_cache = True
    name = "length_product"
    templates: ClassVar[dict[str, str]] = {
        "postgresql": "(round(EXTRACT(EPOCH FROM {}) * 1000000 * CAST({} AS NUMERIC))"
        " * INTERVAL '1 microsecond')",
        "sqlite": "CAST(round({} * {}) AS INTEGER)",
        "mysql": "CAST(ROUND(CAST({} * {} AS DECIMAL(40, 10))) AS SIGNED)",
    }


class Quotient(LengthFunction):
    """A part of a length of time; to the microsecond, halves away from zero, by 0 NULL."""

    inherit_cache = True
    name = "length_quotient"
    templates: ClassVar[dict[str, str]] = {
        "postgresql": "(round(EXTRACT(EPOCH FROM {}) * 1000000 / nullif(CAST({} AS NUMERIC), 0))"
        " * INTERVAL '1 microsecond')",
        "sqlite": "CAST(round(CAST({} AS REAL) / nullif({}, 0)) AS INTEGER)",
        "mysql": "CAST(ROUND(CAST(CAST({} AS DECIMAL(40, 20)) / nullif({}, 0)"
        " AS DECIMAL(40, 10))) AS SIGNED)",
    }


class Ratio(LengthFunction):
    """How often a length of time is in another; by nothing NULL."""

    inherit_cache = True
    name = "length_ratio"
    templates: ClassVar[dict[str, str]] = {
        "postgresql": "CAST(EXTRACT(EPOCH FROM {}) / nullif(EXTRACT(EPOCH FROM {}), 0)"
        " AS DOUBLE PRECISION)",
        "sqlite": "(CAST({} AS REAL) / nullif({}, 0))",
        "mysql": "(CAST({} AS DOUBLE) / nullif({}, 0))",
    }

    def build_type(self) -> TypeEngine[Any]:
        """A number."""
        return sa.Float(53)


class Microseconds(LengthFunction):
    """The number of microseconds of a length of time."""

    inherit_cache = True
    name = "length_microseconds"
    templates: ClassVar[dict[str, str]] = {
        "postgresql": "CAST(EXTRACT(EPOCH FROM {}) * 1000000 AS NUMERIC)",
        "sqlite": "{}",
        "mysql": "CAST({} AS DECIMAL(40, 10))",
    }

    def build_type(self) -> TypeEngine[Any]:
        """A number."""
        return sa.Numeric()


class WholeLength(LengthFunction):
    """The length of time of so many microseconds, rounded to whole ones."""

    inherit_cache = True
    name = "length_of_microseconds"
    templates: ClassVar[dict[str, str]] = {
        "postgresql": "(round({}) * INTERVAL '1 microsecond')",
        "sqlite": "CAST(round({}) AS INTEGER)",
        "mysql": "CAST(ROUND({}) AS SIGNED)",
    }


def _find_kind(element: Any) -> str:
    """Find what an expression is to arithmetic: `moment`, `clock`, `length` or `number`."""
    return find_time_kind(element.type)


def find_time_kind(column_type: TypeEngine[Any]) -> str:
    """Find what a type is to arithmetic: `moment`, `clock`, `length`, `number`, or nothing."""
    for kind, types_ in _KINDS.items():
        if isinstance(column_type, types_):
            return kind
    return ""


def _turn(length: Any) -> Any:
    return sa.type_coerce(length.op("*")(sa.literal_column("-1", sa.Integer())), Duration())


def _multiply(length: Any, number: Any) -> Any:
    # Whole numbers need no rounding, and what they make can be part of a table's definition.
    is_whole = isinstance(number.type, sa.Integer)
    return _join("*", length, number) if is_whole else Product(length, number)


def _multiply_by(number: Any, length: Any) -> Any:
    return _multiply(length, number)


def _move_back(moment: Any, length: Any) -> Any:
    return MomentShift(moment, _turn(length))


def _move_by(length: Any, moment: Any) -> Any:
    return MomentShift(moment, length)


def _join(symbol: str, left: Any, right: Any) -> Any:
    return sa.type_coerce(left.op(symbol)(right), Duration())


#: What two expressions make, by the operator and what they are.
_COMBINATIONS: dict[tuple[str, str, str], Callable[[Any, Any], Any]] = {
    ("-", "moment", "moment"): MomentDifference,
    ("-", "clock", "clock"): MomentDifference,
    ("+", "moment", "length"): MomentShift,
    ("+", "clock", "length"): MomentShift,
    ("-", "moment", "length"): _move_back,
    ("-", "clock", "length"): _move_back,
    ("+", "length", "moment"): _move_by,
    ("+", "length", "clock"): _move_by,
    ("+", "length", "length"): partial(_join, "+"),
    ("-", "length", "length"): partial(_join, "-"),
    ("/", "length", "length"): Ratio,
    ("*", "length", "number"): _multiply,
    ("*", "number", "length"): _multiply_by,
    ("/", "length", "number"): Quotient,
}


def can_combine(symbol: str, left: TypeEngine[Any], right: TypeEngine[Any]) -> bool:
    """Tell whether arithmetic with moments or lengths of time means something."""
    return (symbol, find_time_kind(left), find_time_kind(right)) in _COMBINATIONS


def combine(symbol: str, left: Any, right: Any) -> Any:
    """Combine two expressions, one of which is a moment or a length of time.

    Args:
        symbol: The operator, as Python writes it.
        left: An expression with a type.
        right: The same.

    Returns:
        The expression; None where that means nothing special.
    """
    build = _COMBINATIONS.get((symbol, _find_kind(left), _find_kind(right)))
    return None if build is None else build(left, right)


#: What SQLAlchemy calls the operators.
_SYMBOLS = {"add": "+", "mul": "*", "sub": "-", "truediv": "/"}


def _find_element(value: Any) -> Any:
    """Find the expression that a value in arithmetic stands for, or None."""
    if isinstance(value, dt.timedelta):
        return sa.literal(value, Duration())
    if isinstance(value, dt.datetime):
        return sa.literal(value, UTCDateTime())
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return sa.literal(value)
    make = getattr(value, "__clause_element__", None)
    element: Any = value if make is None else make()
    return element if hasattr(element, "comparator") else None


def _combine(op: Any, left: Any, right: Any) -> Any:
    """Combine what stands on both sides of one of SQLAlchemy's operators."""
    symbol = _SYMBOLS.get(op.__name__, "")
    return None if left is None or right is None else combine(symbol, left, right)


class MomentComparator(types.TypeDecorator.Comparator[Any], sa.DateTime.Comparator[Any]):
    """What `moment - moment` and `moment + duration` mean."""

    def operate(self, op: Any, *other: Any, **options: Any) -> Any:
        """Combine a moment with what stands to its right."""
        combined = _combine(op, self.expr, _find_element(other[0])) if other else None
        return super().operate(op, *other, **options) if combined is None else combined

    def reverse_operate(self, op: Any, other: Any, **options: Any) -> Any:
        """Combine a moment with what stands to its left."""
        combined = _combine(op, _find_element(other), self.expr)
        return super().reverse_operate(op, other, **options) if combined is None else combined


class DurationComparator(types.TypeDecorator.Comparator[Any], sa.BigInteger.Comparator[Any]):
    """What comes of arithmetic with lengths of time: one of them again, or a ratio of two."""

    def operate(self, op: Any, *other: Any, **options: Any) -> Any:
        """Combine a length of time with what stands to its right."""
        if op.__name__ == "neg":
            return _turn(self.expr)
        combined = _combine(op, self.expr, _find_element(other[0])) if other else None
        return super().operate(op, *other, **options) if combined is None else combined

    def reverse_operate(self, op: Any, other: Any, **options: Any) -> Any:
        """Combine a length of time with what stands to its left."""
        combined = _combine(op, _find_element(other), self.expr)
        return super().reverse_operate(op, other, **options) if combined is None else combined


@compiles(LengthFunction)
def _write(element: Any, compiler: Any, **options: Any) -> str:
    dialect = "mysql" if compiler.dialect.name == "mariadb" else compiler.dialect.name
    parts = [compiler.process(each, **options) for each in element.clauses]
    return str(element.templates[dialect].format(*parts))


@compiles(MomentDifference)
def _subtract(element: Any, compiler: Any, **options: Any) -> str:
    later, earlier = (_place(each, compiler, options) for each in element.clauses)
    return f"({later} - {earlier})"


@compiles(MomentDifference, "mysql", "mariadb")
def _subtract_on_mysql(element: Any, compiler: Any, **options: Any) -> str:
    later, earlier = (_date(each, compiler, options) for each in element.clauses)
    return f"TIMESTAMPDIFF(MICROSECOND, {earlier}, {later})"


@compiles(MomentDifference, "sqlite")
def _subtract_on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    later, earlier = (_count(each, compiler, options) for each in element.clauses)
    return f"({later} - {earlier})"


@compiles(MomentShift)
def _shift(element: Any, compiler: Any, **options: Any) -> str:
    moment, duration = element.clauses
    start = _place(moment, compiler, options)
    return f"({start} + {compiler.process(duration, **options)})"


def _place(moment: Any, compiler: Any, options: Any) -> str:
    """Write a moment for PostgreSQL, to which two dates have a number of days between them."""
    text = str(compiler.process(moment, **options))
    is_date = isinstance(moment.type, sa.Date)
    return f"CAST({text} AS TIMESTAMP WITH TIME ZONE)" if is_date else text


@compiles(MomentShift, "mysql", "mariadb")
def _shift_on_mysql(element: Any, compiler: Any, **options: Any) -> str:
    moment, duration = element.clauses
    start = _date(moment, compiler, options)
    shifted = f"({start} + INTERVAL {compiler.process(duration, **options)} MICROSECOND)"
    return f"TIME({shifted})" if _find_kind(moment) == "clock" else shifted


def _date(moment: Any, compiler: Any, options: Any) -> str:
    """Write a moment for MariaDB, which takes what is bound for text."""
    text = compiler.process(moment, **options)
    if _find_kind(moment) == "clock":
        return f"TIMESTAMP('2000-01-01', CAST({text} AS TIME(6)))"
    return f"CAST({text} AS DATETIME(6))"


@compiles(MomentShift, "sqlite")
def _shift_on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    moment, duration = element.clauses
    count = f"({_count(moment, compiler, options)} + {compiler.process(duration, **options)})"
    # Its remainder has the sign of the number, and time before 1970 counts down.
    fraction = f"(({count} % 1000000 + 1000000) % 1000000)"
    seconds = f"(({count} - {fraction}) / 1000000)"
    is_clock = _find_kind(moment) == "clock"
    # The year 0, which it knows, is nothing to Python.
    known = seconds if is_clock else f"nullif(max({seconds}, {_BEFORE}), {_BEFORE})"
    layout = "%H:%M:%S" if is_clock else "%Y-%m-%d %H:%M:%S"
    whole = f"strftime('{layout}', {known}, 'unixepoch')"
    return f"({whole} || printf('.%06d', {fraction}))"


#: The last second of the year 0, from 1970.
_BEFORE = -62_135_596_801


def _count(moment: Any, compiler: Any, options: Any) -> str:
    """Count a moment's microseconds since 1970, or midnight, from the text SQLite keeps of it."""
    text = compiler.process(moment, **options)
    # Without the fraction, which SQLite would round.
    if _find_kind(moment) == "clock":
        whole, fraction = f"'1970-01-01 ' || substr({text}, 1, 8)", f"substr({text}, 10, 6)"
    else:
        whole, fraction = f"substr({text}, 1, 19)", f"substr({text}, 21, 6)"
    seconds = f"CAST(strftime('%s', {whole}) AS INTEGER)"
    return f"({seconds} * 1000000 + CAST({fraction} AS INTEGER))"


# ------------------------------------------------------------------ types


class UTCDateTime(types.TypeDecorator[dt.datetime]):
    """An aware datetime in UTC on every database.

    PostgreSQL stores `timestamptz`; SQLite, MariaDB and MySQL store UTC without a zone.
    """

    impl = sa.DateTime(timezone=True)
    cache_ok = True
    comparator_factory = MomentComparator  # pyright: ignore[reportAssignmentType] - as its guide has it

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:
        """Take a timedelta for a length of time, all else for a moment."""
        return Duration() if isinstance(value, dt.timedelta) else self

    @property
    def python_type(self) -> type[dt.datetime]:
        """What values are in Python."""
        return dt.datetime

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> Any:
        """Turn an aware value into UTC, without its zone where the database has none."""
        if value is None:
            return None
        value = value.astimezone(dt.UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> dt.datetime | None:
        """Give back an aware value in UTC."""
        if value is None:
            return None
        aware: dt.datetime = value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value
        return aware.astimezone(dt.UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Skip the work where the driver already answers in UTC."""
        if dialect.driver == "asyncpg":
            return None
        return super().result_processor(dialect, coltype)


class Duration(Converting, types.TypeDecorator[dt.timedelta]):
    """A length of time: an interval on PostgreSQL, whole microseconds elsewhere.

    It compares and adds up as a length of time on every database.
    """

    impl = sa.BigInteger
    cache_ok = True
    comparator_factory = DurationComparator  # pyright: ignore[reportAssignmentType] - as its guide has it

    @property
    def python_type(self) -> type[dt.timedelta]:
        """What values are in Python."""
        return dt.timedelta

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Use PostgreSQL's own type."""
        return postgresql.INTERVAL() if dialect.name == "postgresql" else sa.BigInteger()

    def bind_processor(self, dialect: Dialect) -> Any:
        """Hand PostgreSQL's drivers the value as it is."""
        return None if dialect.name == "postgresql" else _to_microseconds

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Turn microseconds back; a sum or average of them may be no whole number."""
        return None if dialect.name == "postgresql" else _from_microseconds

    def literal_processor(self, dialect: Dialect) -> Any:
        """Write a value into SQL."""
        is_native = dialect.name == "postgresql"

        def write(value: dt.timedelta) -> str:
            number = _to_microseconds(value)
            return f"'{number} microseconds'" if is_native else str(number)

        return write

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:
        """Take a number for a factor, a datetime for a moment, all else for a length of time."""
        if isinstance(value, (int, float)):
            return sa.Float() if isinstance(value, float) else sa.Integer()
        return UTCDateTime() if isinstance(value, dt.datetime) else self

    def convert(self, value: Any) -> dt.timedelta:
        """Check a length of time.

        Raises:
            TypeError: It is none.
            ValueError: It does not fit 64 bits of microseconds.
        """
        if not isinstance(value, dt.timedelta):
            raise TypeError("a timedelta, for example timedelta(hours=1)")
        if not -_LIMIT <= value // _MICROSECOND < _LIMIT:
            raise ValueError("a timedelta of at most 292,271 years")
        return value


def _to_microseconds(value: dt.timedelta | None) -> int | None:
    return None if value is None else value // _MICROSECOND


def _from_microseconds(value: Any) -> dt.timedelta | None:
    if value is None:
        return None
    try:
        return dt.timedelta(microseconds=round(value))
    except OverflowError:
        raise FieldValueError(
            f"A length of {value} microseconds is too long: expected a timedelta's at most."
        ) from None


#: What types are to arithmetic.
_KINDS: dict[str, tuple[type[TypeEngine[Any]], ...]] = {
    "length": (Duration, sa.Interval),
    "moment": (UTCDateTime, sa.DateTime, sa.Date),
    "clock": (sa.Time,),
    "number": (sa.Integer, sa.Numeric, sa.Float, DecimalResult, ExactDecimal),
}

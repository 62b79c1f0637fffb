"""The types of moments and lengths of time, and the sums of both, the same on every database."""

import datetime as dt
import operator
from typing import Any

import sqlalchemy as sa
from sqlalchemy import types
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from undercroft.db.fields.values import Converting

_MICROSECOND = dt.timedelta(microseconds=1)

#: What 64 bits of microseconds hold: 292,271 years.
_LIMIT = 1 << 63

# ------------------------------------------------------------------ arithmetic


class MomentDifference(FunctionElement[Any]):
    """From the second moment to the first: a length of time."""

    inherit_cache = True
    name = "moment_difference"

    def __init__(self, later: Any, earlier: Any) -> None:
        super().__init__(later, earlier)
        self.type = Duration()


class MomentShift(FunctionElement[Any]):
    """A moment, moved by a length of time."""

    inherit_cache = True
    name = "moment_shift"

    def __init__(self, moment: Any, duration: Any) -> None:
        super().__init__(moment, duration)
        self.type = UTCDateTime()


def combine(op: Any, left: Any, right: Any) -> Any:
    """Combine two expressions, one of which is a moment; None where that means nothing special.

    Args:
        op: `operator.add` or another.
        left: An expression with a type.
        right: The same.
    """
    moments = [isinstance(side.type, (UTCDateTime, sa.DateTime)) for side in (left, right)]
    durations = [isinstance(side.type, (Duration, sa.Interval)) for side in (left, right)]
    if op is operator.sub and all(moments):
        return MomentDifference(left, right)
    if op is operator.sub and moments[0] and durations[1]:
        return MomentShift(left, -right)
    if op is operator.add and any(moments) and any(durations):
        return MomentShift(left, right) if moments[0] else MomentShift(right, left)
    return None


#: The operators that make a length of time of one.
_SUMS = frozenset({"add", "mul", "neg", "sub", "truediv"})


def _find_element(value: Any) -> Any:
    """Find the expression that a value in arithmetic stands for, or None."""
    if isinstance(value, dt.timedelta):
        return sa.literal(value, Duration())
    if isinstance(value, dt.datetime):
        return sa.literal(value, UTCDateTime())
    make = getattr(value, "__clause_element__", None)
    element: Any = value if make is None else make()
    return element if hasattr(element, "comparator") else None


class MomentComparator(types.TypeDecorator.Comparator[Any], sa.DateTime.Comparator[Any]):
    """What `moment - moment` and `moment + duration` mean."""

    def operate(self, op: Any, *other: Any, **options: Any) -> Any:
        """Combine a moment with what stands to its right."""
        element = _find_element(other[0]) if other else None
        combined = None if element is None else combine(op, self.expr, element)
        return super().operate(op, *other, **options) if combined is None else combined

    def reverse_operate(self, op: Any, other: Any, **options: Any) -> Any:
        """Combine a moment with what stands to its left."""
        element = _find_element(other)
        combined = None if element is None else combine(op, element, self.expr)
        return super().reverse_operate(op, other, **options) if combined is None else combined


class DurationComparator(types.TypeDecorator.Comparator[Any], sa.BigInteger.Comparator[Any]):
    """What comes of arithmetic with lengths of time: one of them again, or a ratio of two."""

    def operate(self, op: Any, *other: Any, **options: Any) -> Any:
        """Combine a length of time with what stands to its right."""
        element = _find_element(other[0]) if other else None
        combined = None if element is None else combine(op, self.expr, element)
        if combined is not None:
            return combined
        result = super().operate(op, *other, **options)
        is_ratio = op.__name__ == "truediv" and element is not None and _is_duration(element)
        return (
            sa.type_coerce(result, Duration()) if op.__name__ in _SUMS and not is_ratio else result
        )

    def reverse_operate(self, op: Any, other: Any, **options: Any) -> Any:
        """Combine a length of time with what stands to its left."""
        element = _find_element(other)
        combined = None if element is None else combine(op, element, self.expr)
        if combined is not None:
            return combined
        result = super().reverse_operate(op, other, **options)
        return sa.type_coerce(result, Duration()) if op.__name__ in _SUMS else result


def _is_duration(element: Any) -> bool:
    return isinstance(element.type, Duration)


@compiles(MomentDifference)
def _subtract(element: Any, compiler: Any, **options: Any) -> str:
    later, earlier = (compiler.process(each, **options) for each in element.clauses)
    return f"({later} - {earlier})"


@compiles(MomentDifference, "mysql", "mariadb")
def _subtract_on_mysql(element: Any, compiler: Any, **options: Any) -> str:
    later, earlier = (compiler.process(each, **options) for each in reversed([*element.clauses]))
    return f"TIMESTAMPDIFF(MICROSECOND, {later}, {earlier})"


@compiles(MomentDifference, "sqlite")
def _subtract_on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    later, earlier = (_count(each, compiler, options) for each in element.clauses)
    return f"({later} - {earlier})"


@compiles(MomentShift)
def _shift(element: Any, compiler: Any, **options: Any) -> str:
    moment, duration = (compiler.process(each, **options) for each in element.clauses)
    return f"({moment} + {duration})"


@compiles(MomentShift, "mysql", "mariadb")
def _shift_on_mysql(element: Any, compiler: Any, **options: Any) -> str:
    moment, duration = (compiler.process(each, **options) for each in element.clauses)
    # A bound moment is text to the server, and so would be the sum.
    return f"(CAST({moment} AS DATETIME(6)) + INTERVAL {duration} MICROSECOND)"


@compiles(MomentShift, "sqlite")
def _shift_on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    moment, duration = element.clauses
    count = f"({_count(moment, compiler, options)} + {compiler.process(duration, **options)})"
    # Its remainder has the sign of the number, and time before 1970 counts down.
    fraction = f"(({count} % 1000000 + 1000000) % 1000000)"
    seconds = f"(({count} - {fraction}) / 1000000)"
    whole = f"strftime('%Y-%m-%d %H:%M:%S', {seconds}, 'unixepoch')"
    return f"({whole} || printf('.%06d', {fraction}))"


def _count(moment: Any, compiler: Any, options: Any) -> str:
    """Count a moment's microseconds since 1970, from the text SQLite keeps of it."""
    text = compiler.process(moment, **options)
    # Without the fraction, which SQLite would round.
    seconds = f"CAST(strftime('%s', substr({text}, 1, 19)) AS INTEGER)"
    return f"({seconds} * 1000000 + CAST(substr({text}, 21, 6) AS INTEGER))"


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
    return None if value is None else dt.timedelta(microseconds=round(value))

"""The database's functions, under Django's names: `Lower("title")`, `Coalesce("rating", 0)`.

A string among the arguments is a field's name; text itself is written `Value("text")`.
"""

from typing import Any, ClassVar

from undercroft.db.queries.expressions import Expression
from undercroft.db.queries.namespace import Namespace
from undercroft.db.queries.outputs import get_output_type
from undercroft.db.queries.shape import TypeKey
from undercroft.db.queries.terms import ROW, TYPES, Term
from undercroft.errors import FieldError


class Function(Expression):
    """A function of the database.

    Args:
        expressions: Names, values and expressions.
        output_field: The type of the result, where it is not the usual one.

    Raises:
        FieldError: It takes another number of arguments.
    """

    __slots__ = ("expressions", "output_field")

    #: What `sql.functions` knows it by.
    function: ClassVar[str] = ""
    #: The least and the greatest number of arguments.
    arity: ClassVar[tuple[int, int | None]] = (1, 1)
    #: The type of the result by its name in `terms.TYPES`; that of the first argument when empty.
    output: ClassVar[str] = ""

    def __init__(self, *expressions: Any, output_field: Any = None) -> None:
        least, most = self.arity
        if len(expressions) < least or (most is not None and len(expressions) > most):
            wanted = f"{least}" if least == most else f"{least} to {most or 'any number'}"
            raise FieldError(
                f"{type(self).__name__}() takes {wanted} arguments: {len(expressions)} given.",
                code="db.function",
            )
        self.expressions = expressions
        self.output_field = output_field

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.expressions))})"

    @property
    def option(self) -> Any:
        """What else is part of the statement's text."""
        return None

    def resolve_in(self, namespace: Namespace) -> Term:
        """Resolve the arguments."""
        terms = [namespace.resolve_name(each) for each in self.expressions]
        nodes = tuple(term.node for term in terms)
        node: tuple[Any, ...] = ("call", self.function, nodes, self.option)
        if self.output_field is not None:
            wanted = get_output_type(self.output_field)
            node = ("typed", node, TypeKey(wanted))
        else:
            wanted = self.find_output(terms)
        return Term(
            node,
            wanted,
            max((term.level for term in terms), default=ROW),
            self.is_null(terms),
            any(term.many for term in terms),
        )

    def find_output(self, terms: list[Term]) -> Any:
        """Find the type of the result."""
        if self.output:
            return TYPES[self.output]
        return next((each.type for each in terms if each.node[0] != "null"), TYPES["any"])

    def is_null(self, terms: list[Term]) -> bool:
        """Tell whether the result may be NULL."""
        return any(term.null for term in terms)


# ------------------------------------------------------------------ text


class Lower(Function):
    """Text in lower case."""

    __slots__ = ()
    function, output = "lower", "text"


class Upper(Function):
    """Text in upper case."""

    __slots__ = ()
    function, output = "upper", "text"


class Length(Function):
    """The number of characters of a text."""

    __slots__ = ()
    function, output = "length", "int"


class Concat(Function):
    """Texts joined; NULL counts as empty."""

    __slots__ = ()
    function, output, arity = "concat", "text", (2, None)

    def is_null(self, terms: list[Term]) -> bool:
        """Never NULL."""
        return False


# ------------------------------------------------------------------ comparison


class Coalesce(Function):
    """The first of the arguments that is not NULL."""

    __slots__ = ()
    function, arity = "coalesce", (2, None)

    def is_null(self, terms: list[Term]) -> bool:
        """NULL only when all are."""
        return all(term.null for term in terms)


class Greatest(Function):
    """The greatest of the arguments; NULL when one is, on every database."""

    __slots__ = ()
    function, arity = "greatest", (2, None)


class Least(Function):
    """The least of the arguments; NULL when one is, on every database."""

    __slots__ = ()
    function, arity = "least", (2, None)


class NullIf(Function):
    """NULL when both arguments are equal, else the first."""

    __slots__ = ()
    function, arity = "nullif", (2, 2)

    def is_null(self, terms: list[Term]) -> bool:
        """May be."""
        return True


# ------------------------------------------------------------------ numbers


class Abs(Function):
    """A number without its sign."""

    __slots__ = ()
    function = "abs"


class Round(Function):
    """A number rounded to a number of decimal places, none when left out."""

    __slots__ = ()
    function, arity = "round", (1, 2)


# ------------------------------------------------------------------ moments


class Now(Function):
    """The present moment of the database's clock."""

    __slots__ = ()
    function, output, arity = "now", "datetime", (0, 0)


class Extract(Function):
    """A part of a date or time: `Extract("created", "year")`.

    Args:
        expression: The moment.
        lookup_name: The part, as look-ups name it.
    """

    __slots__ = ("lookup_name",)
    output: ClassVar[str] = "int"
    part: ClassVar[str] = ""

    def __init__(self, expression: Any, lookup_name: str = "") -> None:
        super().__init__(expression)
        self.lookup_name = self.part or lookup_name

    def resolve_in(self, namespace: Namespace) -> Term:
        """Resolve the moment, then take its part."""
        from undercroft.db.queries.lookups import (  # noqa: PLC0415 - only here
            apply_transforms,
            build_unknown_lookup,
        )

        term = namespace.resolve_name(self.expressions[0])
        found, rest = apply_transforms(term, [self.lookup_name])
        if rest:
            raise build_unknown_lookup(term, self.lookup_name)
        return found


def _build_extract(part: str) -> type[Extract]:
    name = "Extract" + "".join(word.capitalize() for word in part.split("_"))
    described = {"part": part, "__slots__": (), "__doc__": f"The {part} of a moment."}
    return type(name, (Extract,), {**described, "__module__": __name__})


class Trunc(Function):
    """A moment cut off at a unit: `Trunc("created", "month")` is the first of its month.

    Args:
        expression: The moment.
        kind: `year`, `quarter`, `month`, `week`, `day`, `hour`, `minute` or `second`.
    """

    __slots__ = ("kind",)
    function: ClassVar[str] = "trunc"
    unit: ClassVar[str] = ""

    #: What can be cut off, and what of it dates have.
    KINDS: ClassVar[tuple[str, ...]] = (
        "year",
        "quarter",
        "month",
        "week",
        "day",
        "hour",
        "minute",
        "second",
    )

    def __init__(self, expression: Any, kind: str = "", output_field: Any = None) -> None:
        super().__init__(expression, output_field=output_field)
        self.kind = self.unit or kind
        if self.kind not in self.KINDS:
            raise FieldError(
                f"A moment cannot be cut off at {self.kind!r}: expected one of "
                f"{', '.join(self.KINDS)}.",
                code="db.function",
            )

    @property
    def option(self) -> Any:
        """The unit."""
        return self.kind


def _build_trunc(unit: str) -> type[Trunc]:
    described = {"unit": unit, "__slots__": (), "__doc__": f"A moment cut off at its {unit}."}
    return type(f"Trunc{unit.capitalize()}", (Trunc,), {**described, "__module__": __name__})


TruncYear = _build_trunc("year")
TruncQuarter = _build_trunc("quarter")
TruncMonth = _build_trunc("month")
TruncWeek = _build_trunc("week")
TruncDay = _build_trunc("day")
TruncHour = _build_trunc("hour")
TruncMinute = _build_trunc("minute")
TruncSecond = _build_trunc("second")

ExtractYear = _build_extract("year")
ExtractIsoYear = _build_extract("iso_year")
ExtractQuarter = _build_extract("quarter")
ExtractMonth = _build_extract("month")
ExtractWeek = _build_extract("week")
ExtractDay = _build_extract("day")
ExtractWeekDay = _build_extract("week_day")
ExtractIsoWeekDay = _build_extract("iso_week_day")
ExtractHour = _build_extract("hour")
ExtractMinute = _build_extract("minute")
ExtractSecond = _build_extract("second")


class TruncDate(Extract):
    """The date of a datetime."""

    __slots__ = ()
    part = "date"


class TruncTime(Extract):
    """The time of a datetime."""

    __slots__ = ()
    part = "time"

"""Functions of moments: the present one, parts of them, moments cut off at a unit."""

from typing import Any, ClassVar

from undercroft.db.queries.functions.function import Function
from undercroft.db.queries.lookups import apply_transforms, build_unknown_lookup
from undercroft.db.queries.names import shorten
from undercroft.db.queries.namespace import Namespace
from undercroft.db.queries.terms import Term
from undercroft.errors import FieldError


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
                f"A moment cannot be cut off at {shorten(str(self.kind))!r}: expected one of "
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

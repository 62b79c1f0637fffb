"""Windows over the result: `Window(RowNumber(), partition_by="author", order_by="-price")`."""

from typing import Any, ClassVar

from undercroft.db.queries.aggregates import Aggregate
from undercroft.db.queries.expressions import Expression, list_terms, resolve_terms
from undercroft.db.queries.functions.comparison import Coalesce
from undercroft.db.queries.functions.function import Function
from undercroft.db.queries.namespace import Namespace
from undercroft.db.queries.shape import TypeKey
from undercroft.db.queries.terms import GROUP, WINDOW, Term
from undercroft.errors import FieldError


class Window(Expression):
    """An expression over the rows around each row.

    Args:
        expression: A window function, or an aggregate.
        partition_by: Names or expressions; rows alike in them make a window.
        order_by: Names or expressions.
        frame: `RowRange` or `ValueRange`: how far the window reaches.
    """

    __slots__ = ("expression", "frame", "order_by", "partition_by")

    def __init__(
        self,
        expression: Any,
        *,
        partition_by: Any = (),
        order_by: Any = (),
        frame: "Frame | None" = None,
    ) -> None:
        self.expression = expression
        self.partition_by = list_terms(partition_by)
        self.order_by = list_terms(order_by)
        self.frame = frame

    def resolve_in(self, namespace: Namespace) -> Term:
        """Resolve the expression and its window."""
        expression = self.expression
        if isinstance(expression, Aggregate) and expression.default is not None:
            return Coalesce(self._without_default(), expression.default).resolve_in(namespace)
        term = self._resolve_expression(namespace)
        partition = tuple(namespace.resolve_name(each).node for each in self.partition_by)
        order = resolve_terms(namespace, self.order_by)
        frame = None if self.frame is None else self.frame.key
        node = ("window", term.node, partition, order, frame, TypeKey(term.type))
        return Term(node, term.type, WINDOW, term.null, term.many)

    def _without_default(self) -> "Window":
        return Window(
            self.expression.without_default(),
            partition_by=self.partition_by,
            order_by=self.order_by,
            frame=self.frame,
        )

    def _resolve_expression(self, namespace: Namespace) -> Term:
        if isinstance(self.expression, Aggregate):
            return self.expression.resolve_within(namespace, GROUP)
        if not isinstance(self.expression, WindowFunction):
            raise FieldError(
                f"Window({self.expression!r}) has nothing to look over rows with: expected an "
                "aggregate or a window function.",
                hint="Write Window(Sum(...)), or use the expression without a window.",
                code="db.window",
            )
        term = self.expression.resolve_in(namespace)
        if term.level == WINDOW:
            raise FieldError("A window cannot look at another window.", code="db.window")
        return term


class Frame:
    """How far a window reaches, in rows or in values, from `start` to `end`.

    Args:
        start: Negative: that far before the current row; None: from the first.
        end: Positive: that far behind it; None: to the last. 0 is the current row.
    """

    unit: ClassVar[str] = ""

    def __init__(self, start: int | None = None, end: int | None = None) -> None:
        self.key = (self.unit, start, end)


class RowRange(Frame):
    """A frame counted in rows."""

    unit = "rows"


class ValueRange(Frame):
    """A frame measured in values of what is ordered by."""

    unit = "range"


class WindowFunction(Function):
    """A function that only a window has."""

    __slots__ = ()

    def is_null(self, terms: list[Term]) -> bool:
        """Tell whether the result may be NULL: not where it counts rows."""
        return bool(terms)


class RowNumber(WindowFunction):
    """The number of the row in its window, from 1."""

    __slots__ = ()
    function, output, arity = "row_number", "bigint", (0, 0)


class Rank(WindowFunction):
    """The rank of the row; equal rows share one, and the next is left out."""

    __slots__ = ()
    function, output, arity = "rank", "bigint", (0, 0)


class DenseRank(WindowFunction):
    """The rank of the row; equal rows share one, and none is left out."""

    __slots__ = ()
    function, output, arity = "dense_rank", "bigint", (0, 0)


class PercentRank(WindowFunction):
    """The rank as a share, from 0 to 1."""

    __slots__ = ()
    function, output, arity = "percent_rank", "float", (0, 0)


class CumeDist(WindowFunction):
    """The share of rows that are not behind this one."""

    __slots__ = ()
    function, output, arity = "cume_dist", "float", (0, 0)


class Ntile(WindowFunction):
    """The number of the row's part, of as many equal parts.

    Args:
        num_buckets: The parts.
    """

    __slots__ = ()
    function, output = "ntile", "int"

    def __init__(self, num_buckets: int = 1) -> None:
        super().__init__(num_buckets)


class FirstValue(WindowFunction):
    """The value of the first row of the window."""

    __slots__ = ()
    function = "first_value"


class LastValue(WindowFunction):
    """The value of the last row of the window."""

    __slots__ = ()
    function = "last_value"


class NthValue(WindowFunction):
    """The value of the row at a position of the window, from 1."""

    __slots__ = ()
    function, arity = "nth_value", (2, 2)


class Lag(WindowFunction):
    """The value of a row before this one.

    Args:
        expression: The value.
        offset: How far before.
        default: The result where there is no such row.
    """

    __slots__ = ()
    function: ClassVar[str] = "lag"
    arity = (1, 3)

    def __init__(self, expression: Any, offset: int = 1, default: Any = None) -> None:
        more = () if default is None else (default,)
        super().__init__(expression, offset, *more)


class Lead(Lag):
    """The value of a row behind this one."""

    __slots__ = ()
    function: ClassVar[str] = "lead"

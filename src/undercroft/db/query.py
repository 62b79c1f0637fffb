"""What every queryset is: a model, operations with their values, and the calls they make."""

from typing import Any, Generic, TypeVar

from undercroft.db.mapping.options import ModelOptions
from undercroft.db.queries.lookups import build_conditions
from undercroft.db.queries.shape import Call, Operations, Parameters, Shape
from undercroft.db.twins import Steps
from undercroft.errors import FieldError

M = TypeVar("M")

#: One row needs no order.
_ONE: Operations = (("order", ()), ("limit",))


class Query(Generic[M]):
    """The part of a queryset that neither reads rows nor writes them.

    Args:
        model: The model class.
        alias: The database's name.
    """

    __slots__ = ("_alias", "_fetched", "_operations", "_options", "_parameters", "_window", "model")

    def __init__(self, model: type[M], alias: str = "default") -> None:
        self.model = model
        self._options: ModelOptions = model.__options__  # type: ignore[attr-defined]  # M is a model
        self._alias = alias
        self._operations: Operations = ()
        self._parameters: Parameters = ()
        self._window: tuple[int, int | None] = (0, None)
        self._fetched: list[M] | None = None

    def describe(self) -> str:
        """Describe the queryset as its author may have written it, for messages."""
        return f"{self._options.name}.objects"

    def _build_conditions(
        self, expressions: tuple[Any, ...], lookups: dict[str, Any]
    ) -> tuple[Operations, Parameters]:
        if lookups or expressions:
            self._check_uncut("filter")
        operations, parameters = build_conditions(self._options, expressions, lookups)
        return tuple(operations), tuple(parameters)

    def _check_uncut(self, method: str) -> None:
        if self._window != (0, None):
            raise FieldError(
                f"{method}() after a slice would change which rows the slice holds.",
                hint="Slice last.",
                code="db.sliced",
            )

    def build_call(self, kind: str, columns: Any = None) -> Call:
        """Build the call that asks the database."""
        operations, parameters = self._operations, self._parameters
        low, high = self._window
        if low:
            operations, parameters = (*operations, ("offset",)), (*parameters, low)
        if high is not None:
            operations, parameters = (*operations, ("limit",)), (*parameters, max(high - low, 0))
        return Call(Shape(kind, self.model, columns, operations), parameters, self._alias)

    def get_steps(self, expressions: tuple[Any, ...], lookups: dict[str, Any]) -> Steps[M]:
        """Get the one row for which everything given is true, in steps.

        Raises:
            DoesNotExist: The model's own; there is none.
            MultipleObjectsReturned: The model's own; there are several.
        """
        operations, parameters = self._build_conditions(expressions, lookups)
        if self._window == (0, None):
            shape = Shape("instances", self.model, None, self._operations + operations + _ONE)
            # A second row is enough to know that there are several.
            call = Call(shape, (*self._parameters, *parameters, 2), self._alias)
        else:
            call = self.build_call("instances")
        rows: list[M] = yield call
        if len(rows) == 1:
            return rows[0]
        name, model = self._options.name, self._options.model
        if not rows:
            raise model.DoesNotExist(f"No {name} matches {describe_lookups(lookups)}.")
        raise model.MultipleObjectsReturned(
            f"More than one {name} matches {describe_lookups(lookups)}: expected exactly one."
        )


def describe_lookups(lookups: dict[str, Any]) -> str:
    """Describe look-ups for a message; long values are cut."""
    shown = ", ".join(f"{name}={value!r}" for name, value in lookups.items())
    if not shown:
        return "the query"
    return shown if len(shown) <= 120 else shown[:117] + "..."

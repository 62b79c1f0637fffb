"""What every queryset is: a model, operations with their values, and the calls they make."""

from collections.abc import Mapping
from typing import Any, Generic, Self, TypeVar

from undercroft.db.mapping.options import ModelOptions
from undercroft.db.queries.conditions import PLAIN, Conditions
from undercroft.db.queries.lookups import Lookup
from undercroft.db.queries.namespace import Namespace
from undercroft.db.queries.shape import WHOLE, Call, Operations, Parameters, Shape, Window
from undercroft.db.queries.terms import TYPES, Term
from undercroft.db.twins import Steps
from undercroft.errors import FieldError

M = TypeVar("M")

#: One row needs no order.
_ONE: Operations = (("order", ()), ("limit",))

#: No table has that many rows, and no database counts further.
_MAX_INDEX = (1 << 63) - 1

_NO_TERMS: Mapping[str, Term] = {}


class Query(Generic[M]):
    """The part of a queryset that neither reads rows nor writes them.

    Args:
        model: The model class.
        alias: The database's name.
    """

    __slots__ = (
        "_alias",
        "_annotations",
        "_fetched",
        "_form",
        "_operations",
        "_options",
        "_parameters",
        "_prefetches",
        "_window",
        "model",
    )

    def __init__(self, model: type[Any], alias: str = "default") -> None:
        self.model = model
        self._options: ModelOptions = model.__options__
        self._alias = alias
        self._operations: Operations = ()
        self._parameters: Parameters = ()
        self._window = WHOLE
        self._annotations: Mapping[str, Term] = _NO_TERMS
        self._form: tuple[str, tuple[str, ...], tuple[Any, ...]] | None = None
        self._prefetches: tuple[Any, ...] = ()
        self._fetched: list[M] | None = None

    def describe(self) -> str:
        """Describe the queryset as its author may have written it, for messages."""
        return f"{self._options.name}.objects"

    @property
    def db(self) -> str:
        """The name of the database it asks."""
        return self._alias

    @property
    def form(self) -> tuple[str, tuple[str, ...], tuple[Any, ...]] | None:
        """What rows become: instances when None, else a form, the names and the nodes."""
        return self._form

    @property
    def window(self) -> Window:
        """The slice: its first row, and the one behind its last."""
        return self._window

    def __reduce__(self) -> Any:
        """Refuse to be pickled: a query may hold what exists in this process only.

        Raises:
            TypeError: Always.
        """
        raise TypeError(
            f"{self.describe()} cannot be pickled, nor can a query made of it: pickle "
            "list(...) of it, or its values()."
        )

    def __copy__(self) -> Self:
        copied: Self = object.__new__(type(self))
        slots = [name for kind in type(self).__mro__ for name in vars(kind).get("__slots__", ())]
        for name in (*slots, *getattr(self, "__dict__", ())):
            if hasattr(self, name):
                setattr(copied, name, getattr(self, name))
        return copied

    def __deepcopy__(self, _memo: object) -> Self:
        """Copy the query, whose parts never change; rows are fetched anew."""
        return self.derive((), ())

    # -------------------------------------------------------------- deriving

    def derive(self, operations: Operations, parameters: Parameters) -> Self:
        """Derive a queryset with further operations."""
        copy: Self = object.__new__(self._derived_class())
        copy.model = self.model
        copy._options = self._options
        copy._alias = self._alias
        copy._operations = self._operations + operations
        copy._parameters = self._parameters + parameters
        copy._window = self._window
        copy._annotations = self._annotations
        copy._form = self._form
        copy._prefetches = self._prefetches
        copy._fetched = None
        return copy

    def _derived_class(self) -> Any:
        """Give the class of what is derived: a manager's querysets are no managers."""
        return type(self)

    def cut(self, start: int, stop: int | None) -> Self:
        """Cut rows out of what an earlier slice left."""
        copy = self.derive((), ())
        low, high = self._window
        start = min(start, _MAX_INDEX - low)
        end = low + stop if stop is not None else high
        if high is not None and (end is None or end > high):
            end = high
        copy._window = (low + start, end if end is None else min(end, _MAX_INDEX))
        return copy

    def cut_to(self, window: Window) -> Self:
        """Cut out these rows, whatever an earlier slice left."""
        copy = self.derive((), ())
        copy._window = window
        return copy

    def _check_uncut(self, method: str) -> None:
        if self._window != WHOLE:
            raise FieldError(
                f"{method}() after a slice would change which rows the slice holds.",
                hint="Slice last.",
                code="db.sliced",
            )

    def _check_grouped(self, method: str) -> None:
        if not self._has("group"):
            raise FieldError(
                f"{method}() was given an aggregate, and there are no groups yet it could be of.",
                hint="Name it by annotate(...) or alias(...) first, and use that name.",
                code="db.aggregate",
            )

    def _has(self, kind: str) -> bool:
        """Tell whether there is an operation of a kind."""
        return any(operation[0] == kind for operation in self._operations)

    # -------------------------------------------------------------- names and conditions

    def build_namespace(self) -> Namespace:
        """Build what names mean in this queryset."""
        return Namespace(self._options, self._annotations)

    def _build_conditions(
        self, expressions: tuple[Any, ...], lookups: Mapping[str, Any]
    ) -> tuple[Operations, Parameters]:
        if not (lookups or expressions):
            return (), ()
        self._check_uncut("filter")
        if not expressions:
            known = self._build_known(lookups)
            if known is not None:
                return known
        conditions = Conditions(self.build_namespace())
        operations = conditions.build(expressions, lookups)
        if conditions.grouped:
            self._check_grouped("filter")
        if conditions.many:
            # Conditions of one call are about the same of many rows.
            operations = (("together", operations),)
        return operations, tuple(conditions.parameters)

    def _build_known(self, lookups: Mapping[str, Any]) -> tuple[Operations, Parameters] | None:
        """Build the commonest conditions by far, plain values of columns, without any detour."""
        known: dict[Any, Any] = self._options.lookups
        operations: list[Any] = []
        parameters: list[Any] = []
        for keyword, value in lookups.items():
            lookup: Any = known.get(keyword)
            if (
                lookup.__class__ is not Lookup
                or lookup.operator != "exact"
                or lookup.many
                or value.__class__ not in PLAIN
            ):
                return None
            operations.append(("where", lookup))
            parameters.append(lookup.check(value))
        return tuple(operations), tuple(parameters)

    # -------------------------------------------------------------- calls

    def build_call(self, kind: str, columns: Any = None) -> Call:
        """Build the call that asks the database."""
        operations, parameters = self._operations, self._parameters
        low, high = self._window
        if low:
            operations, parameters = (*operations, ("offset",)), (*parameters, low)
        if high is not None:
            operations, parameters = (*operations, ("limit",)), (*parameters, max(high - low, 0))
        return Call(Shape(kind, self.model, columns, operations), parameters, self._alias)

    def build_fetch(self) -> Call:
        """Build the call that fetches the rows."""
        form = self._form
        return self.build_call("instances") if form is None else self.build_call("rows", form)

    def build_subquery(self, compared: str | None = None) -> tuple[Shape, Parameters]:
        """Build the query of one column that a subquery is.

        Args:
            compared: The column where none is named; the key when None.

        Raises:
            FieldError: It has several columns.
        """
        form = self._form
        if form is None:
            column = compared or self._options.primary_key
            form = ("flat", (column,), (("column", (), column),))
        if len(form[2]) != 1:
            raise FieldError(
                f"A subquery of {self._options.name} has {len(form[2])} columns: expected one.",
                hint='Name it: .values("id").',
                code="db.subquery",
            )
        call = self.build_call("rows", form)
        return call.shape, call.parameters

    def build_keys(self) -> tuple[Shape, Parameters]:
        """Build the query of its rows' keys, which may have several columns.

        Raises:
            FieldError: It has other columns.
        """
        names = self._options.primary_keys
        nodes = tuple(("column", (), key) for key in names)
        form = self._form or ("tuple", names, nodes)
        if len(form[2]) != len(names):
            raise FieldError(
                f"A subquery of {self._options.name} has {len(form[2])} columns: expected the "
                f"{len(names)} of its key.",
                code="db.subquery",
            )
        call = self.build_call("rows", form)
        return call.shape, call.parameters

    def build_exists(self) -> tuple[Shape, Parameters]:
        """Build the query whose rows are only asked for their existence."""
        call = self.build_call("exists", self._form)
        return call.shape, call.parameters

    def get_subquery_type(self) -> Any:
        """Get the type of its one column."""
        if self._form is None:
            return self._options.columns[self._options.primary_key].type
        node = self._form[2][0]
        if node[0] == "ref":
            return self._annotations[node[1]].type
        name = self._form[1][0]
        return self.build_namespace().find(name).type if name.isidentifier() else TYPES["any"]

    def resolve_in(self, namespace: Namespace) -> Term:
        """Stand for the one column of its first row, where it is compared with something."""
        shape, parameters = self.build_subquery()
        namespace.parameters.extend(parameters)
        return Term(("subquery", shape), self.get_subquery_type())

    def get_steps(self, expressions: tuple[Any, ...], lookups: dict[str, Any]) -> Steps[M]:
        """Get the one row for which everything given is true, in steps.

        Raises:
            DoesNotExist: The model's own; there is none.
            MultipleObjectsReturned: The model's own; there are several.
        """
        if self._window == WHOLE and not self._has("combine"):
            operations, parameters = self._build_conditions(expressions, lookups)
            form = self._form
            shape = Shape(
                "instances" if form is None else "rows",
                self.model,
                form,
                self._operations + operations + _ONE,
            )
            # A second row is enough to know that there are several.
            call = Call(shape, (*self._parameters, *parameters, 2), self._alias)
        else:
            if expressions or lookups:
                self._check_uncut("get")
            operations, parameters = self._build_conditions(expressions, lookups)
            call = self.derive(operations, parameters).build_fetch()
        rows: list[M] = yield call
        if len(rows) == 1:
            if self._prefetches:
                yield from self._prefetch_steps(rows)
            return rows[0]
        name, model = self._options.name, self._options.model
        if not rows:
            raise model.DoesNotExist(f"No {name} matches {describe_lookups(lookups)}.")
        raise model.MultipleObjectsReturned(
            f"More than one {name} matches {describe_lookups(lookups)}: expected exactly one."
        )

    def _prefetch_steps(self, rows: list[M]) -> Steps[None]:
        """Load what was asked to be loaded with the rows, in steps."""
        raise NotImplementedError


def describe_lookups(lookups: Mapping[str, Any]) -> str:
    """Describe look-ups for a message; long values are cut."""
    shown = ", ".join(f"{name}={value!r}" for name, value in lookups.items())
    if not shown:
        return "the query"
    return shown if len(shown) <= 120 else shown[:117] + "..."

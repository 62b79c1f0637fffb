"""The queryset: an immutable list of operations with their values, run when rows are needed."""

from collections.abc import AsyncIterator, Generator, Iterator, Sequence
from typing import Any, TypeVar, overload

from undercroft.concurrency import check_not_on_loop, is_on_loop
from undercroft.db.queries.lookups import (
    check_expression,
    resolve_lookup,
    resolve_order,
    resolve_related,
)
from undercroft.db.queries.selection import Selection
from undercroft.db.queries.shape import Call, Expression, Operations, Parameters
from undercroft.db.query_writes import QueryWrites
from undercroft.db.twins import Steps, arun_steps, async_twin, describe_owner, run_steps, twins
from undercroft.errors import FieldError, UndercroftError

M = TypeVar("M")

#: Rows that `repr` shows.
_SHOWN = 20

#: No table has that many rows, and no database counts further.
_MAX_INDEX = (1 << 63) - 1


class QuerySet(QueryWrites[M]):
    """Rows of a model, described but not fetched until they are needed.

    Every method that narrows or orders gives a new queryset. Iterate over it, index it, or call
    `get`, `first`, `count` and their kin; in async code `await` it, use `async for`, or call the
    twins `aget`, `afirst`, `acount`.

    Args:
        model: The model class.
        alias: The database's name.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        name = f"{type(self).__name__} of {self._options.name}"
        if self._fetched is None and is_on_loop():
            return f"<{name}>"
        try:
            rows = self._fetched or list(self._cut(0, _SHOWN + 1))
        except UndercroftError:
            # Whoever looks at it, a debugger for one, did not ask for the database's troubles.
            return f"<{name}>"
        shown = ", ".join(map(repr, rows[:_SHOWN]))
        return f"<{name}: [{shown}{', ...' if len(rows) > _SHOWN else ''}]>"

    # -------------------------------------------------------------- building

    def all(self) -> "QuerySet[M]":
        """Give a fresh copy, which fetches anew."""
        return self._extend((), ())

    def none(self) -> "QuerySet[M]":
        """Give a queryset without rows."""
        lookup = resolve_lookup(self._options, f"{self._options.primary_key}__in")
        return self._extend((("in", lookup, 0),), ((),))

    def using(self, alias: str) -> "QuerySet[M]":
        """Use another database."""
        copy = self._extend((), ())
        copy._alias = alias
        return copy

    def filter(self, /, *expressions: Any, **lookups: Any) -> "QuerySet[M]":
        """Keep the rows for which everything given is true.

        Args:
            expressions: SQLAlchemy expressions, for example `BlogPost.title.contains("x")`.
            lookups: Values by field and look-up, for example `author__name="Ada"`.

        Raises:
            FieldError: A name does not exist.
            FieldValueError: A value does not fit its field.
        """
        operations, parameters = self._build_conditions(expressions, lookups)
        return self._extend(operations, parameters)

    def exclude(self, /, *expressions: Any, **lookups: Any) -> "QuerySet[M]":
        """Leave out the rows for which everything given is true.

        Raises:
            FieldError: A name does not exist.
            FieldValueError: A value does not fit its field.
        """
        operations, parameters = self._build_conditions(expressions, lookups)
        return self._extend((("exclude", operations),), parameters) if operations else self.all()

    def order_by(self, *terms: Any) -> "QuerySet[M]":
        """Order by fields, `-` in front for descending; no arguments: in no order.

        Args:
            terms: Names such as `-author__name`, or SQLAlchemy expressions.

        Raises:
            FieldError: A name is no field.
        """
        self._check_uncut("order_by")
        operations: list[Any] = [("order", ())]
        parameters: list[Any] = []
        for term in terms:
            if isinstance(term, str):
                operations.append(("order-add", resolve_order(self._options, (term,))))
            else:
                expression = Expression(check_expression(term))
                operations.append(("order-expression", expression))
                parameters.extend(expression.parameters)
        return self._extend(tuple(operations), tuple(parameters))

    def reverse(self) -> "QuerySet[M]":
        """Turn the order around."""
        self._check_uncut("reverse")
        return self._extend((("reverse",),), ())

    def select_related(self, *names: str) -> "QuerySet[M]":
        """Load to-one relations along with the rows, in the same query.

        Args:
            names: Relations such as `author`, or paths of them such as `author__publisher`.

        Raises:
            FieldError: A name is no relation.
        """
        known = self._options.lookups
        operation = known.get(names)  # type: ignore[call-overload]  # a tuple
        if operation is None:
            paths = tuple(resolve_related(self._options, name) for name in names)
            # The keys are names of the model's own relations, so there are few of them.
            operation = known[names] = ("related", paths)  # type: ignore[index]
        return self._extend((operation,), ())

    def _extend(self, operations: Operations, parameters: Parameters) -> "QuerySet[M]":
        copy: QuerySet[M] = object.__new__(_plain)
        copy.model = self.model
        copy._options = self._options
        copy._alias = self._alias
        copy._operations = self._operations + operations
        copy._parameters = self._parameters + parameters
        copy._window = self._window
        copy._fetched = None
        return copy

    def _cut(self, start: int, stop: int | None) -> "QuerySet[M]":
        """Cut rows out of what an earlier slice left."""
        copy = self._extend((), ())
        low, high = self._window
        start = min(start, _MAX_INDEX - low)
        end = low + stop if stop is not None else high
        if high is not None and (end is None or end > high):
            end = high
        copy._window = (low + start, end if end is None else min(end, _MAX_INDEX))
        return copy

    # -------------------------------------------------------------- rows

    def _fetch_steps(self) -> Steps[list[M]]:
        if self._fetched is None:
            self._fetched = yield self.build_call("instances")
        assert self._fetched is not None
        return self._fetched

    def _check_blocking(self, call: str, twin: str) -> None:
        if self._fetched is None and is_on_loop():
            owner = describe_owner(self)
            check_not_on_loop(call.format(owner), twin.format(owner))

    def __iter__(self) -> Iterator[M]:
        self._check_blocking("for row in {}", "async for row in {}")
        return iter(run_steps(self._fetch_steps()))

    async def __aiter__(self) -> AsyncIterator[M]:
        for instance in await arun_steps(self._fetch_steps()):
            yield instance

    def __await__(self) -> Generator[Any, None, list[M]]:
        return arun_steps(self._fetch_steps()).__await__()

    def __len__(self) -> int:
        self._check_blocking("len({})", "await {}.acount()")
        return len(run_steps(self._fetch_steps()))

    def __bool__(self) -> bool:
        self._check_blocking("bool({})", "await {}.aexists()")
        return bool(run_steps(self._fetch_steps()))

    @overload
    def __getitem__(self, index: int) -> M: ...
    @overload
    def __getitem__(self, index: slice) -> "QuerySet[M]": ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            start, stop = index.start or 0, index.stop
            if start < 0 or (stop is not None and stop < 0) or index.step not in (None, 1):
                raise FieldError(
                    f"A queryset cannot be sliced with {index!r}: expected whole steps forward.",
                    hint="Use reverse() to start from the end.",
                    code="db.slice",
                )
            return self._cut(start, stop if stop is None else max(start, stop))
        if index < 0:
            raise FieldError(
                f"A queryset has no index {index}.", hint="Use last().", code="db.slice"
            )
        self._check_blocking("{}[...]", "await {}.afirst()")
        if self._fetched is not None:
            return self._fetched[index]
        found = run_steps(self._cut(index, index + 1)._fetch_steps())
        if not found:
            raise IndexError(f"The queryset has no row {index}.")
        return found[0]

    @twins
    def get(self, /, *expressions: Any, **lookups: Any) -> Steps[M]:
        """Get the one row for which everything given is true.

        Raises:
            DoesNotExist: The model's own; there is none.
            MultipleObjectsReturned: The model's own; there are several.
        """
        return (yield from self.get_steps(expressions, lookups))

    @twins
    def first(self) -> Steps[M | None]:
        """Find the first row, by primary key where there is no order; None when there is none."""
        rows: list[M] = yield self._order_by_key()._cut(0, 1).build_call("instances")
        return rows[0] if rows else None

    @twins
    def last(self) -> Steps[M | None]:
        """Find the last row, by primary key where there is no order; None when there is none."""
        turned = self._order_by_key().reverse()
        rows: list[M] = yield turned._cut(0, 1).build_call("instances")
        return rows[0] if rows else None

    def _order_by_key(self) -> "QuerySet[M]":
        ordered = self._options.ordering or any(
            operation[0].startswith("order") for operation in self._operations
        )
        return self if ordered or self._window != (0, None) else self.order_by("pk")

    @twins
    def count(self) -> Steps[int]:
        """Count the rows."""
        if self._fetched is not None:
            return len(self._fetched)
        count: int = yield self.build_call("count")
        return count

    @twins
    def exists(self) -> Steps[bool]:
        """Tell whether there is a row."""
        if self._fetched is not None:
            return bool(self._fetched)
        found: bool = yield self.build_call("exists")
        return found

    # -------------------------------------------------------------- plain values

    @twins
    def fetch_dicts(self, selection: Selection) -> Steps[list[dict[str, Any]]]:
        """Fetch what a load plan names as nested dicts, without making instances.

        Raises:
            FieldError: The plan names what does not exist.
        """
        self._check_selection(selection)
        rows: list[dict[str, Any]] = yield self.build_call("dicts", selection)
        return rows

    @twins
    def fetch_dict(self, selection: Selection) -> Steps[dict[str, Any] | None]:
        """Fetch the first row as `fetch_dicts` does; None when there is none."""
        self._check_selection(selection)
        rows: list[dict[str, Any]] = yield self._cut(0, 1).build_call("dicts", selection)
        return rows[0] if rows else None

    def _check_selection(self, selection: Selection) -> None:
        # Plans are few and made once; the same one is checked once.
        known: dict[Any, Any] = self._options.lookups
        if selection not in known:
            selection.check(self._options)
            known[selection] = True

    @twins
    def values(self, *names: str) -> Steps[list[dict[str, Any]]]:
        """Fetch columns as dicts, by the names given; all columns when none is.

        Raises:
            FieldError: A name is no field.
        """
        names = names or self._options.keys
        rows: list[tuple[Any, ...]] = yield self._build_tuples(names)
        return [dict(zip(names, row, strict=True)) for row in rows]

    @twins
    def values_list(self, *names: str, flat: bool = False) -> Steps[list[Any]]:
        """Fetch columns as tuples; with `flat` one column's values by themselves.

        Raises:
            FieldError: A name is no field, or `flat` goes with several.
        """
        names = names or self._options.keys
        if flat and len(names) != 1:
            raise FieldError(f"flat=True goes with one field, not with {len(names)}.")
        rows: list[tuple[Any, ...]] = yield self._build_tuples(names)
        return [row[0] for row in rows] if flat else rows

    def _build_tuples(self, names: Sequence[str]) -> Call:
        terms = resolve_order(self._options, [name.removeprefix("-") for name in names])
        return self.build_call("tuples", terms)

    aget = async_twin(get)
    afirst = async_twin(first)
    alast = async_twin(last)
    acount = async_twin(count)
    aexists = async_twin(exists)
    afetch_dicts = async_twin(fetch_dicts)
    afetch_dict = async_twin(fetch_dict)
    avalues = async_twin(values)
    avalues_list = async_twin(values_list)


#: What every derived queryset is; a manager's are no managers.
_plain: type[QuerySet[Any]] = QuerySet

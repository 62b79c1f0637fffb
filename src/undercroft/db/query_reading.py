"""What asks the database for rows: iteration, and the methods that answer with values."""

from collections.abc import AsyncIterator, Collection, Generator, Iterator, Mapping
from typing import Any, Self, TypeVar, overload

from undercroft.concurrency import check_not_on_loop, is_on_loop
from undercroft.db.connections.frames import find_frame
from undercroft.db.explaining import build_prefix
from undercroft.db.lane import get_lane
from undercroft.db.prefetching import prefetch_steps
from undercroft.db.queries.lookups import remember
from undercroft.db.queries.names import shorten
from undercroft.db.queries.namespace import Namespace, is_expression
from undercroft.db.queries.selection import Selection
from undercroft.db.queries.shape import WHOLE
from undercroft.db.queries.terms import ROW, Term
from undercroft.db.query_building import QueryBuilding
from undercroft.db.showing import QuerySQL, show
from undercroft.db.streaming import astream, stream
from undercroft.db.twins import Steps, arun_steps, async_twin, describe_owner, run_steps, twins
from undercroft.errors import DatabaseError, FieldError, UndercroftError

M = TypeVar("M")

#: Rows that `repr` shows.
_SHOWN = 20

#: Rows that an iterator holds at a time.
CHUNK_SIZE = 2_000


class QueryReading(QueryBuilding[M]):
    """The part of a queryset that reads."""

    __slots__ = ()

    def __repr__(self) -> str:
        name = f"{type(self).__name__} of {self._options.name}"
        if self._fetched is None and is_on_loop():
            return f"<{name}>"
        try:
            rows = self._fetched or list(self.cut(0, _SHOWN + 1))
        except UndercroftError:
            # Whoever looks at it, a debugger for one, did not ask for the database's troubles.
            return f"<{name}>"
        shown = ", ".join(map(repr, rows[:_SHOWN]))
        return f"<{name}: [{shown}{', ...' if len(rows) > _SHOWN else ''}]>"

    # -------------------------------------------------------------- rows

    def _fetch_steps(self) -> Steps[list[M]]:
        if self._fetched is None:
            self._fetched = yield from self.load_steps()
        return self._fetched

    def load_steps(self) -> Steps[list[M]]:
        """Load the rows, and what is to be loaded with them."""
        if self._operations and self._has("lock"):
            self._check_lock()
        rows: list[M] = yield self.build_fetch()
        if self._prefetches and rows:
            yield from self._prefetch_steps(rows)
        return rows

    def _prefetch_steps(self, rows: list[M]) -> Steps[None]:
        if self._form is not None:
            raise FieldError(
                "prefetch_related() loads instances, and values() makes none.",
                hint="Name the columns of relations in values() itself.",
                code="db.prefetch",
            )
        yield from prefetch_steps(self._options, rows, self._prefetches, self._alias)

    def _check_lock(self) -> None:
        if find_frame(self._alias) is None:
            raise DatabaseError(
                "select_for_update() outside of a transaction locks nothing.",
                hint="Put `with atomic():` around it.",
                code="db.no-transaction",
            )

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

    def __contains__(self, row: object) -> bool:
        self._check_blocking("row in {}", "await {}.acontains(row)")
        return row in run_steps(self._fetch_steps())

    @overload
    def __getitem__(self, index: int) -> M: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            start, stop = index.start or 0, index.stop
            if start < 0 or (stop is not None and stop < 0) or index.step not in (None, 1):
                raise FieldError(
                    f"A queryset cannot be sliced with {index!r}: expected whole steps forward.",
                    hint="Use reverse() to start from the end.",
                    code="db.slice",
                )
            if self._fetched is not None:
                return self._fetched[index]
            return self.cut(start, stop if stop is None else max(start, stop))
        if index < 0:
            raise FieldError(
                f"A queryset has no index {index}.", hint="Use last().", code="db.slice"
            )
        self._check_blocking("{}[...]", "await {}.afirst()")
        if self._fetched is not None:
            return self._fetched[index]
        found = run_steps(self.cut(index, index + 1).load_steps())
        if not found:
            raise IndexError(f"The queryset has no row {index}.")
        return found[0]

    def iterator(self, chunk_size: int = CHUNK_SIZE) -> Iterator[M]:
        """Give the rows one by one, holding a chunk of them at a time and keeping none.

        Args:
            chunk_size: Rows fetched at a time.

        Raises:
            SynchronousOnlyOperation: An event loop runs in this thread.
        """
        self._check_blocking("{}.iterator()", "async for row in {}.aiterator()")
        if self._has("lock"):
            self._check_lock()
        lane = get_lane(self._alias)
        for rows in stream(lane, self.build_fetch(), check_chunk(chunk_size)):
            if self._prefetches:
                run_steps(self._prefetch_steps(rows))
            yield from rows

    async def aiterator(self, chunk_size: int = CHUNK_SIZE) -> AsyncIterator[M]:
        """As `iterator`, for async code: `async for row in queryset.aiterator()`."""
        if self._has("lock"):
            self._check_lock()
        lane = get_lane(self._alias)
        chunks = astream(lane, self.build_fetch(), check_chunk(chunk_size))
        try:
            async for rows in chunks:
                if self._prefetches:
                    await arun_steps(self._prefetch_steps(rows))
                for row in rows:
                    yield row
        finally:
            await chunks.aclose()

    # -------------------------------------------------------------- single rows

    @twins
    def get(self, /, *expressions: Any, **lookups: Any) -> Steps[M]:
        """Get the one row for which everything given is true.

        Raises:
            DoesNotExist: The model's own; there is none.
            MultipleObjectsReturned: The model's own; there are several.
        """
        if self._operations and self._has("lock"):
            self._check_lock()
        return (yield from self.get_steps(expressions, lookups))

    @twins
    def first(self) -> Steps[M | None]:
        """Find the first row, by primary key where there is no order; None when there is none."""
        rows: list[M] = yield from self._order_by_key().cut(0, 1).load_steps()
        return rows[0] if rows else None

    @twins
    def last(self) -> Steps[M | None]:
        """Find the last row, by primary key where there is no order; None when there is none."""
        if self._window != WHOLE:
            rows: list[M] = yield from self.load_steps()
            return rows[-1] if rows else None
        rows = yield from self._order_by_key().reverse().cut(0, 1).load_steps()
        return rows[0] if rows else None

    @twins
    def earliest(self, *names: str) -> Steps[M]:
        """Get the row that comes first by these fields, or by `Meta.get_latest_by`.

        Raises:
            DoesNotExist: The model's own; there is no row.
            FieldError: No field is named.
        """
        return (yield from self._get_extreme(names, "earliest", is_reversed=False))

    @twins
    def latest(self, *names: str) -> Steps[M]:
        """Get the row that comes last by these fields, or by `Meta.get_latest_by`.

        Raises:
            DoesNotExist: The model's own; there is no row.
            FieldError: No field is named.
        """
        return (yield from self._get_extreme(names, "latest", is_reversed=True))

    def _get_extreme(self, names: tuple[str, ...], method: str, *, is_reversed: bool) -> Steps[M]:
        given: Any = names or self._options.meta.get("get_latest_by", ())
        fields = (given,) if isinstance(given, str) else tuple(given)
        if not fields:
            raise FieldError(
                f"{method}() was told no field, and {self._options.name}.Meta has no "
                "get_latest_by.",
                hint=f'Write {method}("pub_date").',
                code="db.order",
            )
        ordered = self.order_by(*fields)
        turned = ordered.reverse() if is_reversed else ordered
        rows: list[M] = yield from turned.cut(0, 1).load_steps()
        if not rows:
            raise self._options.model.DoesNotExist(f"There is no {self._options.name}.")
        return rows[0]

    def _order_by_key(self) -> Self:
        ordered = self._options.ordering or any(
            operation[0].startswith("order") for operation in self._operations
        )
        if ordered or self._window != WHOLE or self._has("combine"):
            return self
        groups = next((each[1] for each in self._operations if each[0] == "group"), None)
        return self if groups is not None else self.order_by("pk")

    @twins
    def in_bulk(
        self, ids: Collection[Any] | None = None, *, field_name: str = "pk"
    ) -> Steps[dict[Any, M]]:
        """Get rows by their keys, or by another unique field, as a dict.

        Args:
            ids: The keys; of all rows when None.
            field_name: The field the dict is keyed by.

        Raises:
            FieldError: The field is not unique.
        """
        if field_name != "pk" and not self._is_unique(field_name):
            raise FieldError(
                f"in_bulk() needs a unique field: {self._options.name}.{shorten(field_name)} is "
                "not.",
                code="db.in-bulk",
            )
        found: dict[Any, M] = {}
        if ids is not None and not ids:
            return found
        query = self if ids is None else self.filter(**{f"{field_name}__in": ids})
        rows: list[M] = yield from query.load_steps()
        return {getattr(row, field_name): row for row in rows}

    def _is_unique(self, name: str) -> bool:
        info = self._options.fields.get(name)
        return info is not None and (info.unique or name in self._options.primary_keys)

    # -------------------------------------------------------------- one value

    @twins
    def count(self) -> Steps[int]:
        """Count the rows."""
        if self._fetched is not None:
            return len(self._fetched)
        count: int = yield self.build_call("count", self._form)
        return count

    @twins
    def exists(self) -> Steps[bool]:
        """Tell whether there is a row."""
        if self._fetched is not None:
            return bool(self._fetched)
        found: bool = yield self.build_call("exists", self._form)
        return found

    @twins
    def contains(self, row: Any) -> Steps[bool]:
        """Tell whether an instance is among the rows.

        Raises:
            FieldError: It is no instance of the model, or never saved.
        """
        if not isinstance(row, self._options.model):
            raise FieldError(f"{row!r} is no {self._options.name}.", code="db.contains")
        if self._fetched is not None:
            return row in self._fetched
        query = self if self._window == WHOLE else self._wrap_slice()
        found: bool = yield query.filter(pk=row.pk).build_call("exists")
        return found

    def _wrap_slice(self) -> Self:
        """Make the rows of a slice ones that can be filtered further."""
        copy = self.derive((), ())
        copy._operations, copy._parameters, copy._window = (), (), WHOLE
        return copy.filter(pk__in=self)

    @twins
    def aggregate(self, *expressions: Any, **named: Any) -> Steps[dict[str, Any]]:
        """Work out aggregates over all rows, as a dict.

        Args:
            expressions: Aggregates that name themselves, `Sum("price")` as `price__sum`.
            named: Aggregates by name.

        Raises:
            FieldError: Something is no aggregate, or has no name.
        """
        given = _name_expressions(expressions, named)
        if not given:
            return {}
        # What was an aggregate of a group is a value of a row to what aggregates the groups.
        terms = {
            name: Term(("ref", name), each.type, ROW, each.null, owner=each.owner, name=name)
            for name, each in self._annotations.items()
        }
        namespace = Namespace(self._options, terms)
        nodes: list[tuple[str, Any]] = []
        for name, expression in given.items():
            term = namespace.resolve(expression)
            if term.level == ROW:
                raise FieldError(
                    f"{shorten(name)}={shorten(repr(expression))} is no aggregate.",
                    hint="Use annotate() for a value of each row.",
                    code="db.aggregate",
                )
            nodes.append((name, term.node))
        call = self.build_call("aggregate", (tuple(nodes), self._form))
        parameters = (*call.parameters, *namespace.parameters)
        found: dict[str, Any] = yield call._replace(parameters=parameters)
        return found

    @property
    def query(self) -> QuerySQL:
        """What the queryset asks the database: `str(posts.query)`, and `posts.query.values`."""
        return show(self.build_fetch(), self._alias)

    @twins
    def explain(self, /, **options: Any) -> Steps[str]:
        """Ask the database how it would carry out the query, as text.

        Args:
            options: PostgreSQL's: `analyze=True`, `verbose=True`, `buffers=True`,
                `format="json"`; MariaDB's: `analyze=True`, `format="json"`.

        Raises:
            FieldError: There is no such option.
        """
        call = self.build_fetch()
        prefix = build_prefix(get_lane(self._alias).database.vendor, options)
        shape = call.shape
        explained = shape._replace(kind="explain", columns=(shape.kind, shape.columns, prefix))
        text: str = yield call._replace(shape=explained)
        return text

    # -------------------------------------------------------------- load plans

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
        rows: list[dict[str, Any]] = yield self.cut(0, 1).build_call("dicts", selection)
        return rows[0] if rows else None

    def _check_selection(self, selection: Selection) -> None:
        # Plans are few and made once; the same one is checked once.
        known: dict[Any, Any] = self._options.lookups
        if selection not in known:
            selection.check(self._options)
            remember(self._options, selection, made=True)

    aget = async_twin(get)
    afirst = async_twin(first)
    alast = async_twin(last)
    aearliest = async_twin(earliest)
    alatest = async_twin(latest)
    ain_bulk = async_twin(in_bulk)
    acount = async_twin(count)
    aexists = async_twin(exists)
    acontains = async_twin(contains)
    aaggregate = async_twin(aggregate)
    aexplain = async_twin(explain)
    afetch_dicts = async_twin(fetch_dicts)
    afetch_dict = async_twin(fetch_dict)


def check_chunk(chunk_size: int) -> int:
    """Check the size of a chunk.

    Raises:
        FieldError: It is not positive.
    """
    if chunk_size < 1:
        raise FieldError(f"chunk_size={chunk_size!r} fetches nothing: expected 1 or more.")
    return chunk_size


def _name_expressions(expressions: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for expression in expressions:
        name = getattr(expression, "default_alias", None)
        if not name:
            raise FieldError(
                f"{expression!r} needs a name.",
                hint=f"Write name={expression!r}.",
                code="db.annotation",
            )
        given[name] = expression
    for name, expression in named.items():
        if not is_expression(expression):
            raise FieldError(
                f"{shorten(name)}={shorten(repr(expression))} is no aggregate.",
                code="db.aggregate",
            )
        given[name] = expression
    return given

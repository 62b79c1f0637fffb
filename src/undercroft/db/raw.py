"""Rows by SQL of one's own: `Author.objects.raw("SELECT ... WHERE name = %s", ["Ada"])`."""

import re
from collections.abc import AsyncIterator, Generator, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from undercroft.concurrency import check_not_on_loop, run_in_thread
from undercroft.db.connections.failures import raise_translated
from undercroft.db.connections.frames import find_frame
from undercroft.db.lane import Lane, get_lane
from undercroft.db.mapping.options import ModelOptions
from undercroft.db.queries.attributes import check_attribute
from undercroft.db.queries.names import shorten
from undercroft.db.rows.instances import Layout, build_hydrator
from undercroft.db.twins import Steps, arun_steps, run_steps
from undercroft.errors import FieldError

M = TypeVar("M")

#: `%s`, `%(name)s` and `%%`.
_PLACE = re.compile(r"%(?:s|\((\w+)\)s|%)")

Values = Sequence[Any] | Mapping[str, Any]


class RawQuerySet(Generic[M]):
    """The rows of a query written in SQL, as instances of a model.

    Columns the model does not have become attributes; columns that are missing are loaded at their
    first use. Values go into `params`, never into the text.

    Args:
        model: The model class.
        sql: The query, with `%s` or `%(name)s` where values go, and `%%` for a percent sign.
        params: The values, in order or by name.
        alias: The database's name.

    Raises:
        FieldError: The places and the values do not fit together.
    """

    def __init__(
        self, model: type[M], sql: str, params: Values = (), alias: str = "default"
    ) -> None:
        self.model = model
        self.sql = sql
        self.params = params
        self._options: ModelOptions = model.__options__  # type: ignore[attr-defined]  # a model
        self._alias = alias
        self._statement, self._values = build_text(sql, params)
        self._fetched: list[M] | None = None

    def __repr__(self) -> str:
        return f"<RawQuerySet of {self._options.name}: {self.sql}>"

    def using(self, alias: str) -> "RawQuerySet[M]":
        """Ask another database."""
        return RawQuerySet(self.model, self.sql, self.params, alias)

    def _fetch_steps(self) -> Steps[list[M]]:
        if self._fetched is None:
            task = RawTask(self._alias, self._build_statement(), self._values)
            names, rows = yield task
            self._fetched = self._build_instances(names, rows)
        return self._fetched

    def _build_statement(self) -> Any:
        """Tell SQLAlchemy the types of the columns, which go by their names."""
        types = {column.name: column.type for column in self._options.columns.values()}
        return self._statement.columns(**types)

    def _build_instances(self, names: Sequence[str], rows: Sequence[Any]) -> list[M]:
        options = self._options
        by_column = {column.name: key for key, column in options.columns.items()}
        keys = [by_column[name] for name in names if name in by_column]
        missing = [key for key in options.primary_keys if key not in keys]
        if missing:
            raise FieldError(
                f"A raw query of {options.name} needs the key {missing[0]!r} among its columns: "
                f"it has {', '.join(names)}.",
                code="db.raw",
            )
        others = [name for name in names if name not in by_column]
        for name in others:
            check_attribute(options, name, "column")
        order = [names.index(options.columns[key].name) for key in keys]
        order += [names.index(name) for name in others]
        layout = Layout(options, tuple(keys), 0, (), tuple(others), len(keys))
        run = get_lane(self._alias).run
        hydrate = build_hydrator(layout, run, self._alias)
        return hydrate([tuple(row[index] for index in order) for row in rows])

    def __iter__(self) -> Iterator[M]:
        if self._fetched is None:
            check_not_on_loop("for row in raw(...)", "async for row in raw(...)")
        return iter(run_steps(self._fetch_steps()))

    def __len__(self) -> int:
        if self._fetched is None:
            check_not_on_loop("len(raw(...))", "len(await raw(...))")
        return len(run_steps(self._fetch_steps()))

    def __getitem__(self, index: int) -> M:
        return list(self)[index]

    async def __aiter__(self) -> AsyncIterator[M]:
        for instance in await arun_steps(self._fetch_steps()):
            yield instance

    def __await__(self) -> Generator[Any, None, list[M]]:
        return arun_steps(self._fetch_steps()).__await__()


def build_text(sql: str, params: Values) -> tuple[sa.TextClause, dict[str, Any]]:
    """Build SQLAlchemy's text, and its values by name, from SQL with `%s` places.

    Raises:
        FieldError: The places and the values do not fit together.
    """
    by_name = isinstance(params, Mapping)
    given: dict[str, Any] = (
        dict(params) if by_name else {f"p{index}": value for index, value in enumerate(params)}
    )
    used: list[str] = []

    def replace(found: "re.Match[str]") -> str:
        if found.group() == "%%":
            return "%"
        name = found.group(1) or f"p{len(used)}"
        used.append(name)
        return f":{name}"

    # SQLAlchemy would take a colon for the beginning of a name of its own.
    text = _PLACE.sub(replace, sql.replace(":", "\\:"))
    if {*used} != {*given}:
        raise FieldError(
            f"A raw query has the places {shorten(repr(used))}, and values for "
            f"{shorten(repr(sorted(given)))}.",
            hint="Give one value for each %s, or for each %(name)s; write %% for a percent sign.",
            code="db.raw",
        )
    return sa.text(text), given


class RawTask:
    """Runs a statement of one's own, on the open transaction's connection if there is one.

    Args:
        alias: The database's name.
        statement: SQLAlchemy's.
        values: By name.
    """

    __slots__ = ("alias", "statement", "values")

    def __init__(self, alias: str, statement: Any, values: dict[str, Any]) -> None:
        self.alias = alias
        self.statement = statement
        self.values = values

    def perform(self) -> tuple[list[str], list[Any]]:
        """Run it; give the names of the columns, and the rows."""
        lane = get_lane(self.alias)
        try:
            if find_frame(self.alias) is not None:
                return self._execute(lane.get_link().share())
            # On SQLite it locks nothing before it writes.
            engine = lane.database.sync_engine.execution_options(sqlite_begin="DEFERRED")
            with engine.begin() as connection:
                return self._execute(connection)
        except Exception as error:  # noqa: BLE001 - translated
            raise_translated(error, str(self.statement), None, self.alias)

    async def aperform(self) -> tuple[list[str], list[Any]]:
        """Run it from the event loop."""
        lane = get_lane(self.alias)
        if not lane.is_native_async:
            return await run_in_thread(self.perform)
        try:
            return await self._aexecute(lane)
        except Exception as error:  # noqa: BLE001 - translated
            raise_translated(error, str(self.statement), None, self.alias)

    async def _aexecute(self, lane: Lane) -> tuple[list[str], list[Any]]:
        if find_frame(self.alias) is not None:
            link = await lane.aget_link()
            return await link.run(self._execute)
        async with lane.database.async_engine.begin() as connection:
            return await connection.run_sync(self._execute)

    def _execute(self, connection: sa.Connection) -> tuple[list[str], list[Any]]:
        result = connection.execute(self.statement, self.values)
        return list(result.keys()), list(result.all())

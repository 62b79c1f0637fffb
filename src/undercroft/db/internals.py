"""Every name of SQLAlchemy's that is not public, in one place, guarded by a contract test.

Tried with SQLAlchemy 2.1. Public names are imported where they are used.
"""

import weakref
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from time import time
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import LoaderCallableStatus, PassiveFlag, attributes
from sqlalchemy.pool import Pool, PoolProxiedConnection
from sqlalchemy.pool.base import (
    _ConnectionFairy,  # pyright: ignore[reportPrivateUsage]  # what this file is for
)
from sqlalchemy.sql.util import ClauseAdapter
from sqlalchemy.util import await_only as wait_in_greenlet
from sqlalchemy.util import greenlet_spawn as run_in_greenlet

__all__ = [
    "LOADED",
    "NOT_LOADED",
    "SharedLoaders",
    "adapt_to_aliases",
    "adopt_record",
    "compile_statement",
    "copy_state",
    "count_listeners",
    "describe_expression",
    "find_instance_maker",
    "forget_identity",
    "forget_value",
    "get_identity_class",
    "is_given_back",
    "is_stale",
    "keep_constraints",
    "list_ancestors",
    "list_froms",
    "mark_clean",
    "may_query",
    "release_record",
    "restore_changes",
    "run_in_greenlet",
    "state_of",
    "wait_in_greenlet",
]

Processor: TypeAlias = Callable[[Any], Any]

#: What a loader answers when it has put the value in place itself.
LOADED = LoaderCallableStatus.ATTR_WAS_SET

#: What it answers when it was not allowed to ask the database.
NOT_LOADED = LoaderCallableStatus.PASSIVE_NO_RESULT

#: Gives the state SQLAlchemy keeps for an instance.
state_of: Callable[[Any], Any] = attributes.instance_state

#: PostgreSQL's type codes, which its result processors for numbers ask for.
_NUMERIC_CODE, _FLOAT_CODE = 1700, 701


# ------------------------------------------------------------------ instances


class SharedLoaders(dict[str, Callable[..., Any]]):
    """The loaders of a whole result, shared by its instances.

    SQLAlchemy removes an instance's loader once that instance is loaded. Here that would remove
    its siblings' as well, so nothing is ever removed.
    """

    def __delitem__(self, key: str, /) -> None:
        pass

    def pop(self, key: str, default: Any = None, /) -> Any:
        """Leave the loader in place."""
        return default


def may_query(passive: Any) -> bool:
    """Tell whether a loader may ask the database; setting an attribute looks without asking."""
    return bool(passive & PassiveFlag.SQL_OK)


def find_instance_maker(mapper: Any) -> Callable[[], Any]:
    """Find what makes a mapped instance without calling its `__init__`."""
    make: Callable[[], Any] = mapper.class_manager.new_instance
    return make


def get_identity_class(mapper: Any) -> type[Any]:
    """Get the class under which a mapper's instances are identified."""
    found: type[Any] = mapper.identity_key_from_primary_key((0,))[0]
    return found


def count_listeners(attribute: Any) -> int:
    """Count what is called when an attribute of an instance is set."""
    return len(list(attribute.dispatch.set))


def mark_clean(state: Any) -> None:
    """Forget what was changed since the row was read or written."""
    if state.modified or state.committed_state:
        # A session that has the instance must not take it for a changed one either.
        session = state.session if state.session_id is not None else None
        state._commit_all(state.dict, None if session is None else session.identity_map)


def restore_changes(state: Any, key: Any, changes: Mapping[str, Any]) -> None:
    """Make an instance again what it was: its identity, and the values before its changes."""
    state.key = key
    state.committed_state.update(changes)
    state.modified = bool(state.committed_state)


def copy_state(source: Any, made: Any) -> None:
    """Let a new instance have the values, the identity and the changes of another."""
    values = {name: value for name, value in source.dict.items() if name != "_sa_instance_state"}
    made.dict.update(values)
    made.key = source.key
    made.committed_state.update(source.committed_state)
    made.modified = bool(made.committed_state)
    if "info" in source.__dict__:
        made.info.update(source.info)


def forget_value(state: Any, name: str) -> None:
    """Make a relation one that was never loaded, so that its next access loads it."""
    state.dict.pop(name, None)
    state.committed_state.pop(name, None)


def forget_identity(state: Any) -> None:
    """Make an instance one that was never saved."""
    state.key = None
    state.committed_state.clear()


# ------------------------------------------------------------------ pools


def is_stale(pool: Any, record: Any) -> bool:
    """Tell whether a pooled record must be reconnected before use."""
    return record.dbapi_connection is None or (
        pool._invalidate_time > record.starttime
        or record._soft_invalidate_time > record.starttime
        or (pool._recycle > -1 and time() - record.starttime > pool._recycle)
    )


def adopt_record(pool: Pool, record: Any) -> PoolProxiedConnection:
    """Wrap a record taken from the pool by hand, as `pool.connect()` would have."""
    fairy: Any = _ConnectionFairy(pool, record.dbapi_connection, record, False)
    # How often it is checked out, which decides whether closing it gives the record back.
    fairy._counter = 1
    record.fairy_ref = weakref.ref(fairy, lambda _reference: None)
    return fairy  # type: ignore[no-any-return]  # typed loosely for its private attributes


def is_given_back(fairy: Any) -> bool:
    """Tell whether SQLAlchemy has given a wrapped record back by itself, its connection broken."""
    return fairy._connection_record is None


def release_record(fairy: Any, record: Any) -> None:
    """Part a record from its wrapper, which must not give it back a second time."""
    record.fairy_ref = None
    fairy.dbapi_connection = None
    fairy._connection_record = None
    fairy._finalizer.detach()


# ------------------------------------------------------------------ tables


@contextmanager
def keep_constraints(tables: Iterable[sa.Table]) -> Generator[None]:
    """Keep foreign keys what they are while tables are made or dropped.

    Those of a circle are added by themselves, behind the tables, and SQLAlchemy marks them so for
    good: a database that takes them with their tables only, SQLite, would never get them.
    """
    keys: list[Any] = [key for table in tables for key in table.foreign_key_constraints]
    rules = [key._create_rule for key in keys]
    try:
        yield
    finally:
        for key, rule in zip(keys, rules, strict=True):
            key._create_rule = rule


# ------------------------------------------------------------------ compilation


def describe_expression(expression: Any) -> tuple[Any, list[sa.BindParameter[Any]]] | None:
    """Describe the structure of an expression, and list its values.

    Returns:
        A hashable key that leaves the values out, and the parameters in the key's order; None
        when SQLAlchemy cannot tell whether two such expressions are alike.
    """
    key = expression._generate_cache_key()
    return None if key is None else (key.key, list(key.bindparams))


def list_froms(expression: Any) -> list[Any]:
    """List the tables a query must name for an expression, those of subqueries left out.

    Functions that give tables are no tables of the database: to multiply by them is meant.
    """
    return [
        found._deannotate()
        for found in expression._from_objects
        if not isinstance(found, sa.TableValuedAlias)
    ]


#: A bound parameter, its element, what prepares the value; see `CompiledSQL`.
Slot: TypeAlias = tuple[sa.BindParameter[Any], int | tuple[int, int] | None, Processor | None]


def adapt_to_aliases(expression: Any, aliases: Mapping[Any, Any]) -> Any:
    """Let an expression on tables mean their aliases."""
    for alias in aliases.values():
        expression = ClauseAdapter(alias).traverse(expression)
    return expression


class CompiledSQL:
    """What is kept of a compiled statement.

    Attributes:
        sql: The text.
        slots: For each place in the text, in order: the bound parameter, which element of its
            list it takes (None: its value; a pair: row and column of a list of tuples), and what
            prepares the value.
        results: For each result column what turns the driver's value into ours, or None.
    """

    __slots__ = ("results", "slots", "sql")

    def __init__(
        self,
        sql: str,
        slots: list[Slot],
        results: list[Processor | None],
    ) -> None:
        self.sql = sql
        self.slots = slots
        self.results = results


def compile_statement(statement: sa.sql.ClauseElement, dialect: Dialect) -> CompiledSQL:
    """Compile a statement for positional parameters."""
    compiled: Any = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    return CompiledSQL(compiled.string, _list_slots(compiled), _list_results(compiled, dialect))


def _list_slots(compiled: Any) -> list[Slot]:
    binds: Mapping[str, sa.BindParameter[Any]] = compiled.binds
    names: dict[str, tuple[sa.BindParameter[Any], int | tuple[int, int] | None]] = {
        name: (bind, None) for name, bind in binds.items()
    }
    processors: dict[str, Processor] = dict(compiled._bind_processors)
    expanded = compiled._post_compile_expanded_state
    if expanded is not None:
        processors.update(expanded.processors)
        for name, parts in expanded.parameter_expansion.items():
            bind = binds[name]
            width = len(bind.type.types) if isinstance(bind.type, sa.TupleType) else None
            for index, part in enumerate(parts):
                names[part] = (bind, index if width is None else divmod(index, width))
    escaped: Mapping[str, str] = {new: old for old, new in compiled.escaped_bind_names.items()}
    order: Iterable[str] = compiled.positiontup or ()
    return [(*names[escaped.get(name, name)], processors.get(name)) for name in order]


def _list_results(compiled: Any, dialect: Dialect) -> list[Processor | None]:
    found: list[Processor | None] = []
    for entry in compiled._result_columns or ():
        column_type: Any = entry.type
        try:
            found.append(column_type._cached_result_processor(dialect, None))
        except (InvalidRequestError, TypeError):
            # PostgreSQL's number types want to know what the driver sends.
            code = _FLOAT_CODE if isinstance(entry.type, sa.Float) else _NUMERIC_CODE
            found.append(column_type._cached_result_processor(dialect, code))
    return found


def list_ancestors(bind: Any) -> Iterable[Any]:
    """List a bound parameter and those it was copied from during compilation."""
    found: Iterable[Any] = bind._cloned_set
    return found

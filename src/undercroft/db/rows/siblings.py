"""Load what an instance lacks at its first access: for all siblings of a result, in one query."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from undercroft.concurrency import is_on_loop
from undercroft.db.internals import LOADED, NOT_LOADED, SharedLoaders, may_query, state_of
from undercroft.db.mapping.options import ModelOptions, Relation
from undercroft.db.queries.conditions import pad
from undercroft.db.queries.lookups import resolve_lookup
from undercroft.db.queries.shape import Call, Shape
from undercroft.db.rows.notes import find_alias
from undercroft.errors import SynchronousOnlyOperation

#: Keys per query: below the limits on parameters of every database.
BATCH = 1024

#: Where an instance keeps the rows that were loaded with it, by accessor.
PREFETCHED = "_prefetched_objects_cache"

#: Where an instance keeps rows that were loaded for all its siblings, to be taken once.
BATCHED = "_batched_objects"

#: Runs a call on the database the result came from, and waits for it.
Run: TypeAlias = Callable[[Call], Any]


class Loaders(SharedLoaders):
    """The loaders of one result.

    Args:
        loaders: Those of the model, prepared once for every result.
        states: The states of the instances.
        run: Runs the queries.

    Attributes:
        references: The instances, held weakly.
    """

    __slots__ = ("references", "run")

    def __init__(self, loaders: Mapping[str, Any], states: Iterable[Any], run: Run) -> None:
        super().__init__(loaders)
        self.run = run
        # The state's own weak reference: a row must not keep its whole result alive.
        self.references = [state.obj for state in states]

    def __reduce__(self) -> Any:
        # A copy of an instance has no siblings, and what runs queries stays in its process.
        loaders: list[Any] = list(self.values())
        model = loaders[0].options.model if loaders else None
        return (dict, ()) if model is None else (restore_loaders, (model, tuple(self)))

    def list_alive(self) -> list[Any]:
        """List the instances that are still there."""
        return [one for reference in self.references if (one := reference()) is not None]


def build_loaders(
    options: ModelOptions, names: Iterable[str], deferred: Sequence[str] = ()
) -> dict[str, Any]:
    """Build what loads relations, and columns that were left out, of any result.

    Args:
        options: Of the model.
        names: The relations.
        deferred: The columns.
    """
    loaders: dict[str, Any] = {
        name: SiblingLoader(options, options.relations[name]) for name in names
    }
    return loaders | {key: ColumnLoader(options, key) for key in deferred}


#: Runs calls for instances that came with no result; see `use_run`.
_runs: list[Run] = []


def use_run(run: Run) -> None:
    """Let a function run the calls of instances that came with no result."""
    _runs[:] = [run]


def build_own_loaders(
    options: ModelOptions, names: Iterable[str], deferred: Sequence[str] = ()
) -> Loaders:
    """Build the loaders of an instance that has no siblings; as `build_loaders`."""
    return Loaders(build_loaders(options, names, deferred), (), _runs[0])


def restore_loaders(model: type[Any], names: Sequence[str]) -> Loaders:
    """Restore the loaders of an instance that was pickled or copied."""
    options: ModelOptions = model.__options__
    deferred = tuple(name for name in names if name not in options.relations)
    return build_own_loaders(options, set(names) - set(deferred), deferred)


def list_siblings(instance: Any) -> list[Any]:
    """List the instances of the result an instance came with, itself included."""
    loaders = state_of(instance).callables
    siblings = loaders.list_alive() if isinstance(loaders, Loaders) else []
    return siblings if any(one is instance for one in siblings) else [*siblings, instance]


class Loader:
    """Loads one attribute for the instances of one result.

    Args:
        options: Of the model the instances are of.
        name: The attribute.
    """

    __slots__ = ("name", "options")

    def __init__(self, options: ModelOptions, name: str) -> None:
        self.options = options
        self.name = name

    def check_may_block(self, hint: str) -> None:
        """Refuse to load on the event loop.

        Raises:
            SynchronousOnlyOperation: An event loop runs in this thread.
        """
        if is_on_loop():
            raise SynchronousOnlyOperation(
                f"{self.options.name}.{self.name} is not loaded, and loading it here would "
                "block the event loop.",
                hint=hint,
                code="db.not-loaded",
            )

    def list_waiting(self, state: Any) -> list[Any]:
        """List the states of the instances that lack the attribute."""
        alive = state.callables.list_alive()
        waiting = [state_of(one) for one in alive if self.name not in one.__dict__]
        if not any(one is state for one in waiting):
            waiting.append(state)
        return waiting


class SiblingLoader(Loader):
    """Loads one relation to one row each.

    Args:
        options: Of the model the instances are of.
        relation: What to load.
    """

    __slots__ = ("relation",)

    def __init__(self, options: ModelOptions, relation: Relation) -> None:
        super().__init__(options, relation.name)
        self.relation = relation

    def __call__(self, state: Any, passive: Any) -> Any:
        """Load the relation; SQLAlchemy calls this at the first access."""
        relation = self.relation
        is_deferred = relation.column in state.callables
        if state.dict.get(relation.column) is None and not is_deferred:
            state.dict[relation.name] = None
            return LOADED
        if not may_query(passive):
            return NOT_LOADED
        self.check_may_block(f'Ask for it with the query: `.select_related("{relation.name}")`.')
        waiting = self.list_waiting(state)
        keys = {_read(sibling, relation.column) for sibling in waiting} - {None}
        run, alias = state.callables.run, find_alias(state)
        found = load_by_keys(relation, list(keys), run, alias)
        for sibling in waiting:
            sibling.dict[relation.name] = found.get(_read(sibling, relation.column))
        return LOADED


def _read(state: Any, key: str) -> Any:
    """Read a column of an instance, loading it where it was deferred."""
    values = state.dict
    return values[key] if key in values else getattr(state.obj(), key, None)


class ColumnLoader(Loader):
    """Loads a column that `defer` or `only` left out."""

    __slots__ = ()

    def __call__(self, state: Any, passive: Any) -> Any:
        """Load the column; SQLAlchemy calls this at the first access."""
        if not may_query(passive):
            return NOT_LOADED
        self.check_may_block(f'Do not defer it, or read it with `.values("{self.name}")`.')
        options, name = self.options, self.name
        by_key: dict[Any, list[Any]] = {}
        for sibling in self.list_waiting(state):
            if sibling.key is not None:
                by_key.setdefault(sibling.key[1], []).append(sibling)
        nodes = tuple(("column", (), key) for key in (*options.primary_keys, name))
        loading = Loading(options, nodes, state.callables.run, find_alias(state))
        for row in _load_rows(loading, list(by_key)):
            for sibling in by_key[row[:-1]]:
                sibling.dict[name] = row[-1]
        if name not in state.dict:
            raise options.model.DoesNotExist(
                f"{options.name}.{name} cannot be loaded: its row is gone.", code="db.row-gone"
            )
        return LOADED


class Loading(NamedTuple):
    """Which columns of a model are loaded, and where."""

    options: ModelOptions
    nodes: Sequence[Any]
    run: Run
    alias: str


def _load_rows(loading: Loading, keys: list[tuple[Any, ...]]) -> Iterable[tuple[Any, ...]]:
    """Load columns of the rows with the given primary keys."""
    options, nodes, run, alias = loading
    columns = ("tuple", tuple(str(index) for index in range(len(nodes))), tuple(nodes))
    if len(options.primary_keys) == 1:
        lookup = resolve_lookup(options, f"{options.primary_key}__in")
        for batch in split(list({key[0] for key in keys})):
            shape = Shape("rows", options.model, columns, (("in", lookup, len(batch)),))
            yield from run(Call(shape, (batch,), alias))
        return
    lookups = [resolve_lookup(options, key) for key in options.primary_keys]
    condition = ("and", tuple(("where", lookup) for lookup in lookups))
    for key in keys:
        yield from run(Call(Shape("rows", options.model, columns, (condition,)), key, alias))


def split(keys: Sequence[Any]) -> Iterable[tuple[Any, ...]]:
    """Split keys into batches, padded so that few lengths of lists occur."""
    for start in range(0, len(keys), BATCH):
        batch = list(keys[start : start + BATCH])
        yield tuple(batch + batch[-1:] * (pad(len(batch)) - len(batch)))


def load_by_keys(relation: Relation, keys: Sequence[Any], run: Run, alias: str) -> dict[Any, Any]:
    """Load the targets of a relation by key."""
    target: ModelOptions = relation.target.__options__
    lookup = resolve_lookup(target, f"{relation.target_column}__in")
    found: dict[Any, Any] = {}
    for batch in split(keys):
        shape = Shape("instances", relation.target, None, (("in", lookup, len(batch)),))
        loaded = run(Call(shape, (batch,), alias))
        found.update({getattr(instance, relation.target_column): instance for instance in loaded})
    return found

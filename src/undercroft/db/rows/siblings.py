"""Load what an instance lacks at its first access: for all siblings of a result, in one query."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from undercroft.concurrency import is_on_loop
from undercroft.db.internals import LOADED, NOT_LOADED, SharedLoaders, may_query, state_of
from undercroft.db.mapping.options import ModelOptions, Relation
from undercroft.db.queries.conditions import pad
from undercroft.db.queries.lookups import resolve_lookup
from undercroft.db.queries.shape import Call, Shape
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
        options: Of the model its instances are of.
        states: Their states.
        run: Runs the queries.
        deferred: The columns they were loaded without.

    Attributes:
        references: The instances, held weakly.
    """

    def __init__(
        self,
        options: ModelOptions,
        states: Iterable[Any],
        run: Run,
        deferred: Sequence[str] = (),
    ) -> None:
        # The state's own weak reference: a row must not keep its whole result alive.
        self.references = [state.obj for state in states]
        super().__init__(
            (name, SiblingLoader(options, relation, self, run))
            for name, relation in options.relations.items()
        )
        for key in deferred:
            self[key] = ColumnLoader(options, key, self, run)

    def __reduce__(self) -> Any:
        # A copy of an instance has no siblings, and what runs queries stays in its process.
        return dict, ()

    def list_alive(self) -> list[Any]:
        """List the instances that are still there."""
        return [one for reference in self.references if (one := reference()) is not None]


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
        loaders: Those of the result.
        run: Runs the query.
    """

    __slots__ = ("loaders", "name", "options", "run")

    def __init__(self, options: ModelOptions, name: str, loaders: Loaders, run: Run) -> None:
        self.options = options
        self.name = name
        self.loaders = loaders
        self.run = run

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
        alive = self.loaders.list_alive()
        waiting = [state_of(one) for one in alive if self.name not in one.__dict__]
        if not any(one is state for one in waiting):
            waiting.append(state)
        return waiting


class SiblingLoader(Loader):
    """Loads one relation to one row each.

    Args:
        options: Of the model the instances are of.
        relation: What to load.
        loaders: Those of the result.
        run: Runs the query.
    """

    __slots__ = ("relation",)

    def __init__(
        self, options: ModelOptions, relation: Relation, loaders: Loaders, run: Run
    ) -> None:
        super().__init__(options, relation.name, loaders, run)
        self.relation = relation

    def __call__(self, state: Any, passive: Any) -> Any:
        """Load the relation; SQLAlchemy calls this at the first access."""
        relation = self.relation
        is_deferred = relation.column in self.loaders
        if state.dict.get(relation.column) is None and not is_deferred:
            state.dict[relation.name] = None
            return LOADED
        if not may_query(passive):
            return NOT_LOADED
        self.check_may_block(f'Ask for it with the query: `.select_related("{relation.name}")`.')
        waiting = self.list_waiting(state)
        keys = {_read(sibling, relation.column) for sibling in waiting} - {None}
        found = load_by_keys(relation, list(keys), self.run)
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
        waiting = self.list_waiting(state)
        by_key = {sibling.key[1]: sibling for sibling in waiting if sibling.key is not None}
        keys = options.primary_keys
        nodes = tuple(("column", (), key) for key in (*keys, name))
        for row in _load_rows(options, nodes, list(by_key), self.run):
            by_key[row[:-1]].dict[name] = row[-1]
        return LOADED if name in state.dict else NOT_LOADED


def _load_rows(
    options: ModelOptions, nodes: Sequence[Any], keys: list[tuple[Any, ...]], run: Run
) -> Iterable[tuple[Any, ...]]:
    """Load columns of the rows with the given primary keys."""
    columns = ("tuple", tuple(str(index) for index in range(len(nodes))), tuple(nodes))
    if len(options.primary_keys) == 1:
        lookup = resolve_lookup(options, f"{options.primary_key}__in")
        for batch in split(list({key[0] for key in keys})):
            shape = Shape("rows", options.model, columns, (("in", lookup, len(batch)),))
            yield from run(Call(shape, (batch,)))
        return
    lookups = [resolve_lookup(options, key) for key in options.primary_keys]
    condition = ("and", tuple(("where", lookup) for lookup in lookups))
    for key in keys:
        yield from run(Call(Shape("rows", options.model, columns, (condition,)), key))


def split(keys: Sequence[Any]) -> Iterable[tuple[Any, ...]]:
    """Split keys into batches, padded so that few lengths of lists occur."""
    for start in range(0, len(keys), BATCH):
        batch = list(keys[start : start + BATCH])
        yield tuple(batch + batch[-1:] * (pad(len(batch)) - len(batch)))


def load_by_keys(relation: Relation, keys: Sequence[Any], run: Run) -> dict[Any, Any]:
    """Load the targets of a relation by key."""
    target: ModelOptions = relation.target.__options__
    lookup = resolve_lookup(target, f"{relation.target_column}__in")
    found: dict[Any, Any] = {}
    for batch in split(keys):
        shape = Shape("instances", relation.target, None, (("in", lookup, len(batch)),))
        loaded = run(Call(shape, (batch,)))
        found.update({getattr(instance, relation.target_column): instance for instance in loaded})
    return found

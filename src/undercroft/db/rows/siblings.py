"""Load a to-one relation at its first access: for all siblings of a result, in one query."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from undercroft.concurrency import is_on_loop
from undercroft.db.internals import LOADED, NOT_LOADED, SharedLoaders, may_query, state_of
from undercroft.db.mapping.options import ModelOptions, Relation
from undercroft.db.queries.lookups import resolve_lookup
from undercroft.db.queries.shape import Call, Shape
from undercroft.errors import SynchronousOnlyOperation

#: Keys per query: below the limits on parameters of every database.
_BATCH = 1024

#: Runs a call on the database the result came from, and waits for it.
Run: TypeAlias = Callable[[Call], Any]


class Loaders(SharedLoaders):
    """The loaders of one result.

    Args:
        options: Of the model its instances are of.
        states: Their states.
        run: Runs the queries.
    """

    def __init__(self, options: ModelOptions, states: Iterable[Any], run: Run) -> None:
        states = list(states)
        super().__init__(
            (name, SiblingLoader(options, relation, states, run))
            for name, relation in options.relations.items()
        )

    def __reduce__(self) -> Any:
        # A copy of an instance has no siblings, and what runs queries stays in its process.
        return dict, ()


class SiblingLoader:
    """Loads one relation for the instances of one result.

    Args:
        options: Of the model the instances are of.
        relation: What to load.
        states: The states of the instances; they are held weakly.
        run: Runs the query.
    """

    __slots__ = ("options", "references", "relation", "run")

    def __init__(
        self, options: ModelOptions, relation: Relation, states: Iterable[Any], run: Run
    ) -> None:
        self.run = run
        self.options = options
        self.relation = relation
        # The state's own weak reference: a row must not keep its whole result alive.
        self.references = [state.obj for state in states]

    def __call__(self, state: Any, passive: Any) -> Any:
        """Load the relation; SQLAlchemy calls this at the first access."""
        relation = self.relation
        if state.dict.get(relation.column) is None:
            state.dict[relation.name] = None
            return LOADED
        if not may_query(passive):
            return NOT_LOADED
        if is_on_loop():
            raise SynchronousOnlyOperation(
                f"{self.options.name}.{relation.name} is not loaded, and loading it here would "
                "block the event loop.",
                hint=f'Ask for it with the query: `.select_related("{relation.name}")`.',
                code="db.not-loaded",
            )
        siblings = self._list_waiting()
        if not any(sibling is state for sibling in siblings):
            siblings.append(state)
        keys = {sibling.dict.get(relation.column) for sibling in siblings} - {None}
        found = load_by_keys(relation, list(keys), self.run)
        for sibling in siblings:
            sibling.dict[relation.name] = found.get(sibling.dict.get(relation.column))
        return LOADED

    def _list_waiting(self) -> list[Any]:
        alive = [instance for reference in self.references if (instance := reference()) is not None]
        return [state_of(one) for one in alive if self.relation.name not in one.__dict__]


def load_by_keys(relation: Relation, keys: Sequence[Any], run: Run) -> dict[Any, Any]:
    """Load the targets of a relation by key."""
    target: ModelOptions = relation.target.__options__
    lookup = resolve_lookup(target, f"{relation.target_column}__in")
    found: dict[Any, Any] = {}
    for start in range(0, len(keys), _BATCH):
        batch = list(keys[start : start + _BATCH])
        length = 1 << (len(batch) - 1).bit_length()
        batch += batch[-1:] * (length - len(batch))
        shape = Shape("instances", relation.target, None, (("in", lookup, length),))
        loaded = run(Call(shape, (tuple(batch),)))
        found.update({getattr(instance, relation.target_column): instance for instance in loaded})
    return found

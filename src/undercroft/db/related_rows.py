"""What the rows on the other side of a relation are for one instance, and for all its siblings."""

from copy import copy
from typing import TYPE_CHECKING, Any, Self, TypeVar

from undercroft.db.connections.epoch import get_epoch
from undercroft.db.connections.frames import find_frame
from undercroft.db.mapping.options import ModelOptions
from undercroft.db.prefetching import prefetch_steps
from undercroft.db.queries.prefetches import Prefetch
from undercroft.db.queryset import Manager
from undercroft.db.rows.siblings import BATCHED, PREFETCHED, list_siblings
from undercroft.db.twins import Steps, async_twin, twins

M = TypeVar("M")

#: How many times an instance's rows were looked at, and what its siblings' look loaded for it.
Looks = tuple[int, tuple[Any, list[Any]] | None]

_UNSEEN: Looks = (0, None)


class RelatedRows(Manager[M]):
    """What the managers of both kinds of relation share.

    Args:
        model: The model on the other side.
        alias: The database's name.
        instance: Whose rows.
        accessor: The attribute they are reached by.
    """

    __slots__ = ("_accessor", "_instance", "_keeps_rows")

    def __init__(self, model: type[Any], alias: str, instance: Any, accessor: str) -> None:
        super().__init__(model, alias)
        self._instance = instance
        self._accessor = accessor
        self._keeps_rows = False

    if TYPE_CHECKING:

        def __get__(  # type: ignore[override]  # it belongs to a row, other managers to a class
            self, instance: object | None, owner: type[Any], /
        ) -> Self:
            """Give the manager, where a class only says that it has one."""
            return self

    def describe(self) -> str:
        """Describe the manager as its author may have written it, for messages."""
        return f"{type(self._instance).__name__.lower()}.{self._accessor}"

    def _renew(self) -> Self:
        # Not a plain queryset, which would not load for siblings.
        rows = copy(self)
        rows._keeps_rows = True
        found = self._find_prefetched()
        rows._fetched = None if found is None else list(found)
        return rows

    def _check_blocking(self, call: str, twin: str) -> None:
        if self._find_prefetched() is None:
            super()._check_blocking(call, twin)

    def _fetch_steps(self) -> Steps[list[M]]:
        if self._keeps_rows and self._fetched is not None:
            return self._fetched
        rows = yield from self.load_steps()
        if self._keeps_rows:
            self._fetched = rows
        return rows

    def __len__(self) -> int:
        """Count the rows that are fetched, of what `all` gives."""
        return super(Manager, self).__len__() if self._keeps_rows else super().__len__()

    def _find_prefetched(self) -> list[M] | None:
        present = self._instance.__dict__
        cache: dict[str, list[M]] = present.get(PREFETCHED, {})
        found = cache.get(self._accessor)
        # What one of SQLAlchemy's loaders brought, it keeps under the relation's name.
        return present.get(self._accessor) if found is None else found

    def load_steps(self) -> Steps[list[M]]:
        """Give what was prefetched, else load the rows of all siblings at once."""
        found = self._find_prefetched()
        if found is not None:
            return list(found)
        looks, batch = self._look()
        if batch is None:
            yield from self._load_batch(looks)
            looks, batch = self._look()
        stamp, rows = batch or (None, [])
        self._batches[self._accessor] = (looks + 1, None)
        if batch is not None and stamp == self._stamp():
            return rows
        return (yield from super().load_steps())

    @property
    def _batches(self) -> dict[str, Looks]:
        """What was loaded for all siblings, by accessor."""
        batches: dict[str, Looks] = self._instance.__dict__.setdefault(BATCHED, {})
        return batches

    def _look(self) -> Looks:
        """Look for rows that were loaded for all siblings; they are taken once."""
        return self._batches.get(self._accessor, _UNSEEN)

    def _stamp(self) -> Any:
        """Tell when it is: after a write, or in another block, rows may be others."""
        frame = find_frame(self._alias)
        return get_epoch(), None if frame is None else frame.number

    def _load_batch(self, looks: int) -> Steps[None]:
        """Load the rows of the instance and its siblings, where there are any.

        Those are left out that were looked at more or fewer times: a loop that looks twice at
        each row, or writes in between, must not load everything each time.

        Args:
            looks: How many times the instance's rows were looked at before.
        """
        siblings = [
            each
            for each in list_siblings(self._instance)
            if each.__dict__.get(BATCHED, {}).get(self._accessor, _UNSEEN) == (looks, None)
        ]
        if len(siblings) < 2:
            return
        options: ModelOptions = self._instance.__options__
        yield from prefetch_steps(options, siblings, (Prefetch(self._accessor),), self._alias)
        stamp = self._stamp()
        for each in siblings:
            rows = each.__dict__[PREFETCHED].pop(self._accessor)
            each.__dict__.setdefault(BATCHED, {})[self._accessor] = (looks, (stamp, rows))

    def _forget(self) -> None:
        """Forget what was prefetched, because it is being changed."""
        self._instance.__dict__.get(PREFETCHED, {}).pop(self._accessor, None)
        self._instance.__dict__.pop(self._accessor, None)
        batches = self._instance.__dict__.get(BATCHED, {})
        if self._accessor in batches:
            batches[self._accessor] = (batches[self._accessor][0], None)

    @twins
    def count(self) -> Steps[int]:
        """Count the rows."""
        found = self._find_prefetched()
        if found is not None:
            return len(found)
        count: int = yield self.build_call("count")
        return count

    @twins
    def exists(self) -> Steps[bool]:
        """Tell whether there is a row."""
        prefetched = self._find_prefetched()
        if prefetched is not None:
            return bool(prefetched)
        found: bool = yield self.build_call("exists")
        return found

    acount = async_twin(count)
    aexists = async_twin(exists)

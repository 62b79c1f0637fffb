"""Rows to model instances, without a Session: detached, tracked, related ones included."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from undercroft.db.internals import find_instance_maker, state_of
from undercroft.db.mapping.options import ModelOptions
from undercroft.db.rows.notes import DEFAULT, note_alias, note_json
from undercroft.db.rows.siblings import Loaders, Run


@dataclass(frozen=True, slots=True)
class Layout:
    """Which stretch of a row makes which instance.

    Attributes:
        options: The model.
        start: The index of its first column in the row; all its columns follow.
        children: The relations whose rows follow in the same row.
    """

    options: ModelOptions
    start: int
    children: tuple[tuple[str, "Layout"], ...]


def note_all(options: ModelOptions, states: Sequence[Any], alias: str) -> None:
    """Note of each new instance what its row does not say."""
    for state in states:
        note_alias(state, alias)
        note_json(options, state)


def build_hydrator(layout: Layout, run: Run, alias: str) -> Callable[[Sequence[Any]], list[Any]]:
    """Build what makes instances from the rows of one statement.

    Args:
        layout: Of a row.
        run: Runs the queries that load relations later.
        alias: The name of the database they come from.
    """
    options = layout.options
    keys, identity = options.keys, options.identity_class
    make = find_instance_maker(options.mapper)
    start, stop = layout.start, layout.start + len(options.keys)
    key_index = start + keys.index(options.primary_key)
    children = [(name, build_hydrator(child, run, alias)) for name, child in layout.children]
    loaded = frozenset(name for name, _ in children)
    lazy = tuple(name for name in options.relations if name not in loaded)
    whole = not children and start == 0
    noted = alias != DEFAULT or bool(options.always_written)

    def hydrate(rows: Sequence[Any]) -> list[Any]:
        instances: list[Any] = []
        states: list[Any] = []
        for row in rows:
            primary_key = row[key_index]
            if primary_key is None:
                # The other side of an outer join had no row.
                instances.append(None)
                continue
            instance = make()
            instance.__dict__.update(zip(keys, row if whole else row[start:stop]))  # noqa: B905 - hot
            state = state_of(instance)
            state.key = (identity, (primary_key,), None)
            states.append(state)
            instances.append(instance)
        if lazy:
            # One mapping for the whole result, so that the first access loads for all.
            loaders = Loaders(options, states, run)
            for state in states:
                state.callables = loaders
        if noted:
            note_all(options, states, alias)
        for name, hydrate_child in children:
            for instance, related in zip(instances, hydrate_child(rows), strict=True):
                if instance is not None:
                    instance.__dict__[name] = related
        return instances

    return hydrate

"""Rows to model instances, without a Session: detached, tracked, related ones included."""

import gc
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

from undercroft.db.internals import find_instance_maker, state_of
from undercroft.db.mapping.options import ModelOptions, Relation
from undercroft.db.rows.notes import DEFAULT, note_alias, note_json
from undercroft.db.rows.siblings import Loaders, Run, build_loaders

#: Where related instances go, by which relation, and what makes them.
Child: TypeAlias = tuple[str, Relation, Callable[[Sequence[Any]], list[Any]]]


class Layout(NamedTuple):
    """Which stretch of a row makes which instance.

    Attributes:
        options: The model.
        keys: The columns it is loaded with.
        start: The index of the first of them in the row; the others follow.
        children: The relations whose rows follow in the same row, with the attribute they go to.
        annotations: The names of what stands at the end of the row.
        end: The index of the first of these.
    """

    options: ModelOptions
    keys: tuple[str, ...]
    start: int
    children: "tuple[tuple[str, str, Layout], ...]"
    annotations: tuple[str, ...] = ()
    end: int = 0


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
    options, keys = layout.options, layout.keys
    identity = options.identity_class
    make = find_instance_maker(options.mapper)
    start, stop = layout.start, layout.start + len(keys)
    find_key = _build_key_finder(layout)
    children = [
        (attribute, options.joins[name], build_hydrator(child, run, alias))
        for name, attribute, child in layout.children
    ]
    loaded = frozenset(name for name, _, _ in layout.children)
    deferred = tuple(key for key in options.keys if key not in keys)
    lazy = [name for name in options.relations if name not in loaded]
    prepared = build_loaders(options, lazy, deferred)
    has_accessors = bool(options.accessors)
    annotations, end = layout.annotations, layout.end
    whole = not children and start == 0 and not annotations
    noted = alias != DEFAULT or bool(options.always_written)

    def build(rows: Sequence[Any]) -> list[Any]:
        instances: list[Any] = []
        states: list[Any] = []
        for row in rows:
            primary_key = find_key(row)
            if primary_key is None:
                # The other side of an outer join had no row.
                instances.append(None)
                continue
            instance = make()
            values = instance.__dict__
            values.update(zip(keys, row if whole else row[start:stop]))  # noqa: B905 - hot
            if annotations:
                values.update(zip(annotations, row[end:]))  # noqa: B905 - hot
            state = state_of(instance)
            state.key = (identity, primary_key, None)
            states.append(state)
            instances.append(instance)
        if prepared or (has_accessors and len(states) > 1):
            # One mapping for the whole result, so that the first access loads for all.
            loaders = Loaders(prepared, states, run)
            for state in states:
                state.callables = loaders
        if noted:
            note_all(options, states, alias)
        for child in children:
            _attach(instances, child, rows)
        return instances

    return make_calmly(build)


#: From so many rows on, the collector of garbage would look at all that was made again and again.
_MANY = 1_000


def make_calmly(build: Callable[[Sequence[Any]], list[Any]]) -> Callable[..., list[Any]]:
    """Keep Python from looking for garbage for the moments in which only what stays is made.

    An instance is seven objects to it. It goes over the new ones after every 700 of them, and over
    everything once the new are a quarter: the time for each row would grow with the rows.
    """

    def hydrate(rows: Sequence[Any]) -> list[Any]:
        if len(rows) < _MANY or not gc.isenabled():
            return build(rows)
        gc.disable()
        try:
            return build(rows)
        finally:
            gc.enable()

    return hydrate


def _attach(instances: Sequence[Any], child: Child, rows: Sequence[Any]) -> None:
    """Give instances the related ones that came in the same rows."""
    attribute, relation, hydrate = child
    for instance, related in zip(instances, hydrate(rows), strict=True):
        if instance is None:
            continue
        instance.__dict__[attribute] = related
        if relation.is_reverse and related is not None:
            related.__dict__[relation.target_name] = instance


def _build_key_finder(layout: Layout) -> Callable[[Any], tuple[Any, ...] | None]:
    """Build what finds the primary key in a row; None where there is no row."""
    positions = [layout.start + layout.keys.index(key) for key in layout.options.primary_keys]
    if len(positions) > 1:
        take = itemgetter(*positions)

        def find_keys(row: Any) -> tuple[Any, ...] | None:
            found: tuple[Any, ...] = take(row)
            return None if found[0] is None else found

        return find_keys
    position = positions[0]

    def find_key(row: Any) -> tuple[Any, ...] | None:
        value = row[position]
        return None if value is None else (value,)

    return find_key

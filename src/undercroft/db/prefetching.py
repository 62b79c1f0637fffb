"""Load relations of many rows at once, one query for each step of a path."""

from collections.abc import Iterable, Sequence
from typing import Any

from undercroft.db.mapping.options import ManyRelation, ModelOptions, Relation
from undercroft.db.queries.prefetches import Prefetch
from undercroft.db.queries.shape import WHOLE
from undercroft.db.queries.terms import ROW
from undercroft.db.rows.siblings import PREFETCHED, split
from undercroft.db.twins import Steps

#: What a row on the far side of a relation of many to many is for.
NOTE = "_prefetched_for"


def prefetch_steps(
    options: ModelOptions, rows: Sequence[Any], prefetches: Iterable[Prefetch], alias: str
) -> Steps[None]:
    """Load relations of rows, in steps.

    Args:
        options: Of the rows' model.
        rows: The instances.
        prefetches: What to load, in order.
        alias: The database's name.
    """
    done: dict[tuple[str, ...], list[Any]] = {(): list(rows)}
    for prefetch in prefetches:
        *path, last = prefetch.path
        instances = done[()]
        for position, name in enumerate(path):
            key = tuple(path[: position + 1])
            if key not in done and instances:
                done[key] = yield from _load(name, instances, Prefetch(name), alias)
            instances = done.get(key, [])
        key = (*path, prefetch.to_attr or last)
        if instances and (key not in done or prefetch.queryset is not None):
            done[key] = yield from _load(last, instances, prefetch, alias)


def _load(name: str, instances: list[Any], prefetch: Prefetch, alias: str) -> Steps[list[Any]]:
    """Load one relation of instances; give the rows loaded."""
    options: ModelOptions = instances[0].__options__
    if name in options.relations:
        return (yield from _load_one(options.relations[name], instances, prefetch, alias))
    relation = options.accessors[name]
    if isinstance(relation, ManyRelation):
        return (yield from _load_many(options, relation, instances, prefetch, alias))
    return (yield from _load_reverse(relation, instances, prefetch, alias))


def _start(prefetch: Prefetch, relation: Relation | ManyRelation, alias: str) -> Any:
    """Start the query that loads a relation.

    A row that another refers to is there even where the model's own manager hides it.
    """
    query = prefetch.queryset
    if query is None:
        options: ModelOptions = relation.target.__options__
        is_single = isinstance(relation, Relation) and not relation.many
        query = (options.base_manager if is_single else options.manager).all()
    return query.using(alias) if query.db == "default" else query.all()


def _load_one(
    relation: Relation, instances: list[Any], prefetch: Prefetch, alias: str
) -> Steps[list[Any]]:
    query = _start(prefetch, relation, alias)
    attribute = prefetch.to_attr or relation.name
    if prefetch.queryset is None:
        loaded = [one.__dict__[attribute] for one in instances if attribute in one.__dict__]
        if len(loaded) == len(instances):
            return _unique(loaded)
    keys = {getattr(one, relation.column) for one in instances} - {None}
    found = yield from _fetch(query, relation.target_column, keys)
    by_key = {getattr(one, relation.target_column): one for one in found}
    for one in instances:
        one.__dict__[attribute] = by_key.get(getattr(one, relation.column))
    return list(by_key.values())


def _load_reverse(
    relation: Relation, instances: list[Any], prefetch: Prefetch, alias: str
) -> Steps[list[Any]]:
    query = _start(prefetch, relation, alias)
    keys = {getattr(one, relation.column) for one in instances}
    found = yield from _fetch(query, relation.target_column, keys)
    groups: dict[Any, list[Any]] = {}
    by_key = {getattr(one, relation.column): one for one in instances}
    for row in found:
        key = getattr(row, relation.target_column)
        groups.setdefault(key, []).append(row)
        row.__dict__[relation.target_name] = by_key[key]
    for one in instances:
        rows = groups.get(getattr(one, relation.column), [])
        if relation.many:
            store(one, relation.accessor, rows, prefetch.to_attr)
        else:
            one.__dict__[prefetch.to_attr or relation.accessor] = rows[0] if rows else None
    return found


def _load_many(
    options: ModelOptions,
    relation: ManyRelation,
    instances: list[Any],
    prefetch: Prefetch,
    alias: str,
) -> Steps[list[Any]]:
    query = _start(prefetch, relation, alias)
    key = options.reverses[relation.path[0]].column
    # The row between says which instance a row is for: one row may be for many.
    back = _find_back(relation)
    keys = {getattr(one, key) for one in instances}
    found = yield from _fetch(query, "__".join((*back[0], back[1])), keys, back)
    groups: dict[Any, list[Any]] = {}
    for row in found:
        groups.setdefault(row.__dict__.pop(NOTE), []).append(row)
    for one in instances:
        store(one, relation.accessor, groups.get(getattr(one, key), []), prefetch.to_attr)
    return _unique(found)


def _find_back(relation: ManyRelation) -> tuple[tuple[str, ...], str]:
    """Find the way from a row on the far side to the column between that names this side."""
    target: ModelOptions = relation.target.__options__
    through: ModelOptions = relation.through.__options__
    step = next(
        name
        for name, each in target.reverses.items()
        if each.target is relation.through and each.target_name == relation.far
    )
    return (step,), through.relations[relation.source].column


def _fetch(query: Any, lookup: str, keys: Iterable[Any], noted: Any = None) -> Steps[list[Any]]:
    """Fetch the rows that refer to keys, in batches; a slice is taken for each key.

    Args:
        query: Which rows.
        lookup: What refers to the keys.
        keys: The keys.
        noted: The path and column of the key, to be noted with each row.
    """
    found: list[Any] = []
    wanted = list(keys)
    window = query.window
    if window != WHOLE:
        query = _slice_each(query, lookup).cut_to(WHOLE)
    for batch in split(wanted):
        narrowed = query.filter(**{f"{lookup}__in": batch})
        if noted is not None:
            # After the condition, whose join it shares.
            narrowed = narrowed.derive((("annotate", NOTE, ("column", *noted), ROW),), ())
        loading: Steps[list[Any]] = narrowed.cut_to(window).load_steps()
        found.extend((yield from loading))
    return found


def _slice_each(query: Any, lookup: str) -> Any:
    node = query.build_namespace().find(lookup).node
    return query.derive((("rank", node),), ())


def store(instance: Any, accessor: str, rows: list[Any], to_attr: str | None = None) -> None:
    """Keep the rows of a relation with its instance."""
    if to_attr:
        instance.__dict__[to_attr] = rows
        return
    instance.__dict__.setdefault(PREFETCHED, {})[accessor] = rows


def _unique(instances: Iterable[Any]) -> list[Any]:
    return list({id(one): one for one in instances if one is not None}.values())

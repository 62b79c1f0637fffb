"""Delete rows, and tell how many went with them: cascades are the database's deed."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from undercroft.db.fields.info import FieldInfo
from undercroft.db.internals import forget_identity, state_of
from undercroft.db.mapping.options import ModelOptions, Relation
from undercroft.db.queries.lookups import resolve_lookup
from undercroft.db.queries.shape import Call, Shape
from undercroft.db.rows.siblings import split
from undercroft.db.rows.undoing import remember
from undercroft.db.signals import post_delete, pre_delete
from undercroft.db.twins import Steps, atomically
from undercroft.db.writes import match_key
from undercroft.errors import FieldError

#: The primary keys of rows by model.
Keys = dict[type[Any], set[tuple[Any, ...]]]


class Deletion(NamedTuple):
    """How many rows were deleted, in all and by the label of their model.

    Attributes:
        total: All of them.
        by_model: For example `{"blog.Author": 1, "blog.BlogPost": 3}`.
    """

    total: int
    by_model: dict[str, int]


def delete_instance_steps(instance: Any, alias: str) -> Steps[Deletion]:
    """Delete the row of an instance, which then counts as never saved.

    Raises:
        FieldError: It was never saved.
        IntegrityError: Rows that must stay refer to it.
    """
    options: ModelOptions = instance.__options__
    state = state_of(instance)
    if state.key is None:
        raise FieldError(
            f"This {options.name} cannot be deleted: it was never saved.", code="db.not-saved"
        )
    signalled = pre_delete.listens(options.model) or post_delete.listens(options.model)
    if not (signalled or _has_cascades(options)):
        count = yield from _delete_instance(instance, alias)
        return _report(options, count)
    return (yield from atomically(_delete_reported(instance, alias), alias))


def _delete_reported(instance: Any, alias: str) -> Steps[Deletion]:
    options: ModelOptions = instance.__options__
    model = options.model
    yield from pre_delete.send_steps(model, instance=instance, using=alias)
    key = state_of(instance).key[1]
    cascaded = yield from _follow(options, {key}, alias)
    count = yield from _delete_row(instance, alias)
    # Who listens still sees which row it was.
    yield from post_delete.send_steps(model, instance=instance, using=alias)
    _forget(instance, alias)
    return _report(options, count, cascaded)


def _delete_instance(instance: Any, alias: str) -> Steps[int]:
    count = yield from _delete_row(instance, alias)
    _forget(instance, alias)
    return count


def _delete_row(instance: Any, alias: str) -> Steps[int]:
    options: ModelOptions = instance.__options__
    conditions, key = match_key(options, state_of(instance).key[1])
    count: int = yield Call(Shape("delete", options.model, None, conditions), key, alias)
    return count


def _forget(instance: Any, alias: str) -> None:
    """Let an instance count as never saved."""
    options: ModelOptions = instance.__options__
    state = state_of(instance)
    remember(state, alias, options.primary_keys)
    forget_identity(state)
    if not options.is_composite:
        state.dict[options.primary_key] = None


def delete_rows_steps(query: Any) -> Steps[Deletion]:
    """Delete the rows of a queryset."""
    options: ModelOptions = query.model.__options__
    model = options.model
    if pre_delete.listens(model) or post_delete.listens(model):
        return (yield from atomically(_delete_each(query), query.db))
    if not _has_cascades(options):
        count: int = yield query.build_call("delete")
        return _report(options, count)
    return (yield from atomically(_delete_counted(query), query.db))


def _delete_each(query: Any) -> Steps[Deletion]:
    """Delete instances one by one, for those who want to know of each."""
    total: dict[str, int] = {}
    loading: Steps[list[Any]] = query.all().load_steps()
    rows = yield from loading
    for row in rows:
        if state_of(row).key is not None:
            deletion = yield from _delete_reported(row, query.db)
            for label, count in deletion.by_model.items():
                total[label] = total.get(label, 0) + count
    return Deletion(sum(total.values()), total)


def _delete_counted(query: Any) -> Steps[Deletion]:
    options: ModelOptions = query.model.__options__
    names = options.primary_keys
    nodes = tuple(("column", (), key) for key in names)
    found: list[tuple[Any, ...]] = yield query.build_call("rows", ("tuple", names, nodes))
    cascaded = yield from _follow(options, set(found), query.db)
    count: int = yield query.build_call("delete")
    # Rows that another row's cascade reached first are not among those the statement counts.
    return _report(options, max(count, len(set(found))), cascaded)


# ------------------------------------------------------------------ cascades


def _list_cascades(options: ModelOptions) -> Iterator[Relation]:
    """List the relations whose rows go when a row of this model goes."""
    for relation in options.reverses.values():
        other: ModelOptions = relation.target.__options__
        info: FieldInfo = other.fields[relation.target_column]
        if info.on_delete == "CASCADE":
            yield relation


def _has_cascades(options: ModelOptions) -> bool:
    return any(True for _ in _list_cascades(options))


def _follow(options: ModelOptions, keys: set[tuple[Any, ...]], alias: str) -> Steps[Keys]:
    """Find the rows that will go with others."""
    seen: Keys = {options.model: set(keys)}
    waiting: list[tuple[ModelOptions, set[tuple[Any, ...]]]] = [(options, keys)]
    while waiting:
        owner, parents = waiting.pop()
        for relation in _list_cascades(owner):
            if owner.is_composite or not parents:
                continue
            found = yield from _find_referring(relation, (key[0] for key in parents), alias)
            fresh = found - seen.setdefault(relation.target, set())
            seen[relation.target] |= fresh
            if fresh:
                waiting.append((relation.target.__options__, fresh))
    seen[options.model] -= keys
    return seen


def _find_referring(
    relation: Relation, keys: Iterable[Any], alias: str
) -> Steps[set[tuple[Any, ...]]]:
    target: ModelOptions = relation.target.__options__
    lookup = resolve_lookup(target, f"{relation.target_column}__in")
    names = target.primary_keys
    columns = ("tuple", names, tuple(("column", (), key) for key in names))
    found: set[tuple[Any, ...]] = set()
    for batch in split(list(keys)):
        shape = Shape("rows", target.model, columns, (("in", lookup, len(batch)), ("order", ())))
        rows: list[tuple[Any, ...]] = yield Call(shape, (batch,), alias)
        found.update(rows)
    return found


def _report(options: ModelOptions, count: int, cascaded: Keys | None = None) -> Deletion:
    by_model = {options.label: count} if count else {}
    for model, keys in (cascaded or {}).items():
        label = model.__options__.label
        if keys:
            by_model[label] = by_model.get(label, 0) + len(keys)
    return Deletion(sum(by_model.values()), by_model)

"""Save and delete one instance by direct statements: what changed is written, nothing else."""

from collections.abc import Collection
from typing import Any

from undercroft.db.fields.info import MISSING
from undercroft.db.fields.values import build_error
from undercroft.db.internals import forget_identity, forget_value, mark_clean, state_of
from undercroft.db.mapping.options import ModelOptions
from undercroft.db.queries.keys import take_keys
from undercroft.db.queries.lookups import resolve_lookup
from undercroft.db.queries.shape import Call, OrderTerm, Shape
from undercroft.db.rows.notes import list_changed_json, note_alias, note_json
from undercroft.db.rows.undoing import remember
from undercroft.db.twins import Steps
from undercroft.errors import FieldError, FieldValueError, UniqueViolation


def insert_steps(instance: Any, alias: str, kind: str = "insert") -> Steps[bool]:
    """Insert an instance; the database's own values come back into it.

    Args:
        instance: What to insert.
        alias: The database's name.
        kind: `insert`, or `insert-new` to leave it when another row is in its way.

    Returns:
        Whether it was inserted.

    Raises:
        FieldValueError: A value does not fit, or there is none where one is needed.
        FieldError: A relation's target was never saved.
    """
    options: ModelOptions = instance.__options__
    state = state_of(instance)
    values = state.dict
    if not options.relations.keys().isdisjoint(values):
        take_keys(instance)
    for key in options.moments:
        values[key] = options.fields[key].get_default()
    names: list[str] = []
    returned: list[str] = []
    parameters: list[Any] = []
    for key, convert in options.inserted.items():
        value = values.get(key, MISSING)
        if value is MISSING or (value is None and key == options.primary_key):
            if key in options.required:
                raise FieldValueError(f"{options.name}.{key} has no value: expected one.")
            returned.append(key)
            continue
        names.append(key)
        if value is not None:
            try:
                value = convert(value)
            except (ArithmeticError, TypeError, ValueError) as error:
                raise build_error(options.name, key, value, str(error)) from error
        parameters.append(value)
    returned.extend(options.generated)
    if kind != "insert" and not returned:
        # An answer without rows must mean that nothing was inserted.
        returned.append(options.primary_key)
    shape = Shape(kind, options.model, (tuple(names), tuple(returned)))
    call = Call(shape, tuple(parameters), alias)
    answered: dict[str, Any] | None
    answered = (yield call) if kind == "insert" else (yield from _insert_new_steps(call))
    if answered is None:
        return False
    remember(state, alias, returned)
    # Converted values too, so that the instance reads as it would after a query.
    values.update(zip(names, parameters, strict=True))
    values.update(answered)
    state.key = (options.identity_class, (values[options.primary_key],), None)
    note_alias(state, alias)
    note_json(options, state)
    mark_clean(state)
    return True


def _insert_new_steps(call: Call) -> Steps[dict[str, Any] | None]:
    """Insert a row unless another is in its way; answer None when one is."""
    try:
        answered: dict[str, Any] | None = yield call
    except UniqueViolation:
        # MariaDB cannot say "unless one is there" without hiding other errors; it fails instead,
        # which costs it the statement and not, as it would on PostgreSQL, the transaction.
        return None
    return answered


def update_steps(instance: Any, update_fields: Collection[str] | None, alias: str) -> Steps[None]:
    """Write the changed columns of a saved instance.

    Raises:
        FieldError: `update_fields` names what is no field.
        DoesNotExist: The model's own; the row is gone.
    """
    options: ModelOptions = instance.__options__
    state = state_of(instance)
    values = state.dict
    if options.relations:
        named = None if update_fields is None else [_find_key(options, n) for n in update_fields]
        take_keys(instance, named)
    names = _list_changed(options, state, update_fields)
    if not names:
        return
    parameters = [options.convert(name, values[name]) for name in names]
    lookup = resolve_lookup(options, options.primary_key)
    shape = Shape("update", options.model, tuple(names), (("where", lookup),))
    count: int = yield Call(shape, (*parameters, state.key[1][0]), alias)
    if count == 0:
        raise instance.DoesNotExist(
            f"{options.name} {state.key[1][0]!r} cannot be saved: its row is gone.",
            code="db.row-gone",
        )
    remember(state, alias)
    values.update(zip(names, parameters, strict=True))
    if options.generated:
        yield from _read_generated(options, values, alias)
    if options.primary_key in names:
        state.key = (options.identity_class, (values[options.primary_key],), None)
    note_alias(state, alias)
    note_json(options, state, None if update_fields is None else names)
    if update_fields is None:
        mark_clean(state)
    else:
        for name in names:
            state.committed_state.pop(name, None)


def _read_generated(options: ModelOptions, values: dict[str, Any], alias: str) -> Steps[None]:
    """Read what the database has computed anew."""
    names = options.generated
    terms = tuple(OrderTerm((), name, descending=False) for name in names)
    lookup = resolve_lookup(options, options.primary_key)
    shape = Shape("tuples", options.model, terms, (("where", lookup), ("order", ())))
    rows: list[Any] = yield Call(shape, (values[options.primary_key],), alias)
    values.update(zip(names, rows[0], strict=True) if rows else ())


def _list_changed(
    options: ModelOptions, state: Any, update_fields: Collection[str] | None
) -> list[str]:
    values = state.dict
    if update_fields is not None:
        changed = [_find_key(options, name) for name in update_fields]
    else:
        committed: dict[str, Any] = state.committed_state
        changed = [
            key
            for key in options.keys
            if key in values and key in committed and _differs(committed[key], values[key])
        ]
        if options.always_written:
            changed = [key for key in changed if key not in options.always_written]
            changed += list_changed_json(options, state)
    if changed:
        for key, make in options.on_update.items():
            if key in options.moments or key not in changed:
                values[key] = make()
            if key not in changed:
                changed.append(key)
    return changed


def _differs(before: Any, now: Any) -> bool:
    # True == 1 == 1.0, which are not the same to a column.
    return before.__class__ is not now.__class__ or bool(before != now)


def _find_key(options: ModelOptions, name: str) -> str:
    relation = options.relations.get(name)
    key = relation.column if relation is not None else name
    if key not in options.columns:
        raise options.build_unknown(name)
    return key


def delete_steps(instance: Any, alias: str) -> Steps[int]:
    """Delete the row of an instance, which then counts as never saved."""
    options: ModelOptions = instance.__options__
    state = state_of(instance)
    if state.key is None:
        raise FieldError(
            f"This {options.name} cannot be deleted: it was never saved.", code="db.not-saved"
        )
    lookup = resolve_lookup(options, options.primary_key)
    shape = Shape("delete", options.model, None, (("where", lookup),))
    count: int = yield Call(shape, (state.key[1][0],), alias)
    remember(state, alias, (options.primary_key,))
    forget_identity(state)
    state.dict[options.primary_key] = None
    return count


def refresh_steps(instance: Any, alias: str) -> Steps[None]:
    """Read the row of an instance again.

    Raises:
        DoesNotExist: The model's own; the row is gone.
    """
    options: ModelOptions = instance.__options__
    state = state_of(instance)
    key = state.dict[options.primary_key] if state.key is None else state.key[1][0]
    lookup = resolve_lookup(options, options.primary_key)
    shape = Shape("instances", options.model, None, (("where", lookup), ("order", ())))
    rows: list[Any] = yield Call(shape, (key,), alias)
    if not rows:
        raise instance.DoesNotExist(f"No {options.name} has the key {key!r}.")
    for name in options.relations:
        forget_value(state, name)
    fresh = state_of(rows[0])
    state.dict.update({name: fresh.dict[name] for name in options.keys})
    note_alias(state, alias)
    note_json(options, state)
    state.key, state.callables = fresh.key, build_own_loaders(options, state, fresh)
    mark_clean(state)


def build_own_loaders(options: ModelOptions, state: Any, fresh: Any) -> Any:
    """Give the loaders of a fresh row to the instance it refreshes."""
    loaders = fresh.callables
    for name in options.relations:
        loader = loaders.get(name)
        if loader is not None:
            loader.references = [state.obj]
    return loaders

"""Save and delete one instance by direct statements: what changed is written, nothing else."""

from collections.abc import Collection
from typing import Any

from undercroft.db.field_info import MISSING
from undercroft.db.internals import forget_identity, forget_value, mark_clean, state_of
from undercroft.db.lookups import resolve_lookup
from undercroft.db.options import ModelOptions
from undercroft.db.shape import Call, Shape
from undercroft.db.twins import Steps
from undercroft.db.values import build_error
from undercroft.errors import FieldError


def insert_steps(instance: Any, alias: str = "default") -> Steps[None]:
    """Insert an instance; the database's own values come back into it."""
    options: ModelOptions = instance.__options__
    state = state_of(instance)
    values = state.dict
    for key in options.moments:
        values[key] = options.fields[key].get_default()
    names: list[str] = []
    returned: list[str] = []
    parameters: list[Any] = []
    for key, convert in options.writers.items():
        value = values.get(key, MISSING)
        if value is MISSING or (value is None and key == options.primary_key):
            returned.append(key)
            continue
        names.append(key)
        if value is not None:
            try:
                value = convert(value)
            except (TypeError, ValueError) as error:
                raise build_error(options.name, key, value, str(error)) from error
        parameters.append(value)
    shape = Shape("insert", options.model, (tuple(names), tuple(returned)))
    answered: dict[str, Any] = yield Call(shape, tuple(parameters), alias)
    # Converted values too, so that the instance reads as it would after a query.
    values.update(zip(names, parameters, strict=True))
    values.update(answered)
    state.key = (options.identity_class, (values[options.primary_key],), None)
    mark_clean(state)


def update_steps(
    instance: Any, update_fields: Collection[str] | None, alias: str = "default"
) -> Steps[None]:
    """Write the changed columns of a saved instance.

    Raises:
        FieldError: `update_fields` names what is no field.
        DoesNotExist: The model's own; the row is gone.
    """
    options: ModelOptions = instance.__options__
    state = state_of(instance)
    names = _list_changed(options, state, update_fields)
    if not names:
        return
    values = state.dict
    parameters = [options.convert(name, values[name]) for name in names]
    lookup = resolve_lookup(options, options.primary_key)
    shape = Shape("update", options.model, tuple(names), (("where", lookup),))
    count: int = yield Call(shape, (*parameters, state.key[1][0]), alias)
    if count == 0:
        raise instance.DoesNotExist(
            f"{options.name} {state.key[1][0]!r} cannot be saved: its row is gone.",
            code="db.row-gone",
        )
    values.update(zip(names, parameters, strict=True))
    if update_fields is None:
        mark_clean(state)
    else:
        for name in names:
            state.committed_state.pop(name, None)


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
            if key in values and key in committed and committed[key] != values[key]
        ]
        changed += [key for key in options.always_written if key in values and key not in changed]
    if changed:
        for key, make in options.on_update.items():
            if key in options.moments or key not in changed:
                values[key] = make()
            if key not in changed:
                changed.append(key)
    return changed


def _find_key(options: ModelOptions, name: str) -> str:
    relation = options.relations.get(name)
    key = relation.column if relation is not None else name
    if key not in options.columns:
        raise options.build_unknown(name)
    return key


def delete_steps(instance: Any, alias: str = "default") -> Steps[int]:
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
    forget_identity(state)
    state.dict[options.primary_key] = None
    return count


def refresh_steps(instance: Any, alias: str = "default") -> Steps[None]:
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

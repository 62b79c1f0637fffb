"""Save one instance by direct statements: what changed is written, nothing else."""

from collections.abc import Collection, Mapping
from typing import Any

from undercroft.db.fields.info import MISSING
from undercroft.db.fields.values import build_error
from undercroft.db.internals import forget_value, mark_clean, state_of
from undercroft.db.mapping.options import ModelOptions
from undercroft.db.queries.conditions import PLAIN
from undercroft.db.queries.keys import take_keys
from undercroft.db.queries.lookups import resolve_lookup
from undercroft.db.queries.namespace import Namespace, is_expression
from undercroft.db.queries.shape import Call, Operations, Shape
from undercroft.db.queries.terms import has_node
from undercroft.db.rows.notes import find_alias, list_changed_json, note_alias, note_json
from undercroft.db.rows.siblings import BATCHED, PREFETCHED
from undercroft.db.rows.undoing import remember
from undercroft.db.signals import post_save, pre_save
from undercroft.db.twins import Steps
from undercroft.errors import FieldError, FieldValueError, UniqueViolation


def save_steps(
    instance: Any,
    alias: str,
    *,
    update_fields: Collection[str] | None = None,
    force_insert: bool = False,
    force_update: bool = False,
) -> Steps[None]:
    """Insert an instance, or write what changed, and tell those who want to know.

    Raises:
        FieldValueError: A value does not fit, or there is none where one is needed.
        FieldError: A name is no field, or a relation's target was never saved.
        DoesNotExist: The model's own; the row to update is gone.
    """
    options: ModelOptions = instance.__options__
    if update_fields is not None and not update_fields and not force_insert:
        return
    is_new = _is_new(instance, update_fields, force_insert=force_insert, force_update=force_update)
    told = {"instance": instance, "raw": False, "using": alias, "update_fields": update_fields}
    if pre_save.listens(options.model):
        yield from pre_save.send_steps(options.model, **told)
    if is_new:
        yield from insert_steps(instance, alias)
    elif is_row_of(instance, alias):
        yield from update_steps(instance, update_fields, alias)
    else:
        is_new = yield from _save_unread(
            instance, update_fields, alias, must_exist=force_update or update_fields is not None
        )
    if post_save.listens(options.model):
        yield from post_save.send_steps(options.model, created=is_new, **told)


def _is_new(
    instance: Any,
    update_fields: Collection[str] | None,
    *,
    force_insert: bool,
    force_update: bool,
) -> bool:
    """Tell whether an instance is to be inserted.

    Raises:
        FieldError: It cannot be what was asked for.
    """
    options: ModelOptions = instance.__options__
    must_update = force_update or update_fields is not None
    if force_insert and must_update:
        raise FieldError(
            "save() was told force_insert, and force_update or update_fields as well: they "
            "exclude each other.",
            code="db.save",
        )
    if has_no_key(options, instance.__dict__):
        if must_update:
            raise FieldError(
                f"This {options.name} cannot be updated: it has no key.", code="db.not-saved"
            )
        return True
    return force_insert or (state_of(instance).key is None and not must_update)


def is_row_of(instance: Any, alias: str) -> bool:
    """Tell whether an instance was read from a database, or written to it."""
    state = state_of(instance)
    return state.key is not None and find_alias(state) == alias


def _save_unread(
    instance: Any, update_fields: Collection[str] | None, alias: str, *, must_exist: bool
) -> Steps[bool]:
    """Save an instance whose row in this database was never read: all it has is written.

    Returns:
        Whether it was inserted, there being no such row.

    Raises:
        DoesNotExist: The model's own; there is no such row, and there must be one.
    """
    options: ModelOptions = instance.__options__
    state = state_of(instance)
    fixed = {*options.primary_keys, *options.generated}
    names = update_fields or [key for key in options.keys if key in state.dict and key not in fixed]
    key = read_key(options, state.dict)
    try:
        if not names:
            raise _build_gone(options, key)
        yield from update_steps(instance, names, alias, key)
    except instance.DoesNotExist:
        if must_exist:
            raise
        return (yield from insert_steps(instance, alias))
    if update_fields is None:
        mark_clean(state)
    return False


def insert_new_steps(instance: Any, alias: str) -> Steps[bool]:
    """Insert an instance unless another row is in its way, and tell those who want to know.

    Returns:
        Whether it was inserted.
    """
    options: ModelOptions = instance.__options__
    told = {"instance": instance, "raw": False, "using": alias, "update_fields": None}
    if pre_save.listens(options.model):
        yield from pre_save.send_steps(options.model, **told)
    is_new = yield from insert_steps(instance, alias, "insert-new")
    if is_new and post_save.listens(options.model):
        yield from post_save.send_steps(options.model, created=True, **told)
    return is_new


def read_key(options: ModelOptions, values: Mapping[str, Any]) -> tuple[Any, ...]:
    """Read the primary key of an instance."""
    return tuple(values.get(key) for key in options.primary_keys)


def has_no_key(options: ModelOptions, values: Mapping[str, Any]) -> bool:
    """Tell whether an instance lacks its key, or a part of it."""
    return any(values.get(key) is None for key in options.primary_keys)


def match_key(options: ModelOptions, key: tuple[Any, ...]) -> tuple[Operations, tuple[Any, ...]]:
    """Build the conditions for one row by its primary key, and their values."""
    conditions: Operations | None = options.lookups.get(_BY_KEY)
    if conditions is None:
        lookups = (resolve_lookup(options, name) for name in options.primary_keys)
        conditions = options.lookups[_BY_KEY] = tuple(("where", lookup) for lookup in lookups)
    return conditions, key


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
    names, returned, parameters, nodes = _collect(options, values)
    if kind != "insert" and not returned:
        # An answer without rows must mean that nothing was inserted.
        returned.append(options.primary_keys[0])
    shape = Shape(kind, options.model, (tuple(names), nodes, tuple(returned)))
    call = Call(shape, tuple(parameters), alias)
    answered: dict[str, Any] | None
    answered = (yield call) if kind == "insert" else (yield from _insert_new_steps(call))
    if answered is None:
        return False
    remember(state, alias, returned)
    if nodes is None:
        # Converted values too, so that the instance reads as it would after a query.
        values.update(zip(names, parameters, strict=True))
    values.update(answered)
    state.key = (options.identity_class, read_key(options, values), None)
    note_alias(state, alias)
    note_json(options, state)
    mark_clean(state)
    return True


def _collect(
    options: ModelOptions, values: dict[str, Any]
) -> tuple[list[str], list[str], list[Any], tuple[Any, ...] | None]:
    """Collect what is inserted: columns, those the database fills in, values, expressions."""
    names: list[str] = []
    returned: list[str] = []
    parameters: list[Any] = []
    nodes: dict[str, Any] = {}
    for key, convert in options.inserted.items():
        value = values.get(key, MISSING)
        if value is MISSING or (value is None and key in options.primary_keys):
            if key in options.required:
                raise FieldValueError(f"{options.name}.{key} has no value: expected one.")
            returned.append(key)
            continue
        names.append(key)
        if value is not None:
            if is_worked_out(value):
                nodes[key] = _resolve_new(options, key, value, parameters)
                returned.append(key)
                continue
            try:
                value = convert(value)
            except (ArithmeticError, TypeError, ValueError) as error:
                raise build_error(options.name, key, value, str(error)) from error
        parameters.append(value)
    returned.extend(options.generated)
    return names, returned, parameters, tuple(map(nodes.get, names)) if nodes else None


#: Where the conditions for one row are kept; no name is a number.
_BY_KEY: Any = 0


def _resolve_new(options: ModelOptions, key: str, value: Any, parameters: list[Any]) -> Any:
    """Resolve an expression for a row that is not there yet."""
    node = Namespace(options, {}, parameters).resolve(value).node
    if has_node(node, "column") or has_node(node, "aggregate"):
        raise FieldError(
            f"{options.name}.{key}={value!r} looks at columns of the row to be inserted, which is "
            "no row yet.",
            hint="Give it a value, or an expression of values.",
            code="db.update",
        )
    return node


def is_worked_out(value: Any) -> bool:
    """Tell whether the value of a column is to be worked out by the database."""
    return value.__class__ not in PLAIN and is_expression(value)


def _insert_new_steps(call: Call) -> Steps[dict[str, Any] | None]:
    """Insert a row unless another is in its way; answer None when one is."""
    try:
        answered: dict[str, Any] | None = yield call
    except UniqueViolation:
        # MariaDB cannot say "unless one is there" without hiding other errors; it fails instead,
        # which costs it the statement and not, as it would on PostgreSQL, the transaction.
        return None
    return answered


def update_steps(
    instance: Any,
    update_fields: Collection[str] | None,
    alias: str,
    key: tuple[Any, ...] | None = None,
) -> Steps[None]:
    """Write the changed columns of a saved instance.

    Args:
        instance: What to write.
        update_fields: The columns to write; those that have changed when None.
        alias: The database's name.
        key: Of its row; the one it was read or saved with when None.

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
    namespace = Namespace(options, {})
    columns = tuple((name, _place(options, name, values[name], namespace)) for name in names)
    conditions, key = match_key(options, state.key[1] if key is None else key)
    shape = Shape("update", options.model, columns, conditions)
    count: int = yield Call(shape, (*key, *namespace.parameters), alias)
    if count == 0:
        raise _build_gone(options, key)
    remember(state, alias)
    worked_out = [name for name, node in columns if node is not None]
    plain = [name for name, node in columns if node is None]
    if not worked_out:
        values.update(zip(plain, namespace.parameters, strict=True))
    if state.key is None or any(key in names for key in options.primary_keys):
        state.key = (options.identity_class, read_key(options, values), None)
    if worked_out or options.generated:
        yield from _read_back(options, state, [*worked_out, *options.generated], alias)
    note_alias(state, alias)
    note_json(options, state, None if update_fields is None else names)
    if update_fields is None:
        mark_clean(state)
    else:
        for name in names:
            state.committed_state.pop(name, None)


def _build_gone(options: ModelOptions, key: tuple[Any, ...]) -> Exception:
    """Build the error for a row that is not there."""
    shown = key[0] if len(key) == 1 else key
    gone: Exception = options.model.DoesNotExist(
        f"{options.name} {shown!r} cannot be saved: its row is gone.", code="db.row-gone"
    )
    return gone


def _place(options: ModelOptions, name: str, value: Any, namespace: Namespace) -> Any:
    """Collect the value of a column; give the node where it is an expression."""
    if is_worked_out(value):
        return namespace.resolve(value).node
    namespace.parameters.append(options.convert(name, value))
    return None


def _read_back(options: ModelOptions, state: Any, names: list[str], alias: str) -> Steps[None]:
    """Read what the database has worked out."""
    conditions, key = match_key(options, state.key[1])
    nodes = tuple(("column", (), name) for name in names)
    shape = Shape("rows", options.model, ("dict", tuple(names), nodes), conditions)
    rows: list[dict[str, Any]] = yield Call(shape, key, alias)
    if rows:
        state.dict.update(rows[0])


def _list_changed(
    options: ModelOptions, state: Any, update_fields: Collection[str] | None
) -> list[str]:
    values = state.dict
    if update_fields is not None:
        named = dict.fromkeys(_find_key(options, name) for name in update_fields)
        # What was not loaded has not changed either.
        changed = [name for name in named if name in values]
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


def refresh_steps(instance: Any, alias: str, fields: Collection[str] | None = None) -> Steps[None]:
    """Read the row of an instance again, or some of its columns.

    Raises:
        DoesNotExist: The model's own; the row is gone.
        FieldError: A name is no field.
    """
    options: ModelOptions = instance.__options__
    state = state_of(instance)
    key = read_key(options, state.dict) if state.key is None else state.key[1]
    conditions, parameters = match_key(options, key)
    shape = Shape("instances", options.model, None, (*conditions, ("order", ())))
    rows: list[Any] = yield Call(shape, parameters, alias)
    if not rows:
        shown = key[0] if len(key) == 1 else key
        raise instance.DoesNotExist(f"No {options.name} has the key {shown!r}.")
    fresh = state_of(rows[0])
    names = options.keys if fields is None else [_find_key(options, name) for name in fields]
    for name, relation in options.relations.items():
        if relation.column in names:
            forget_value(state, name)
    state.dict.update({name: fresh.dict[name] for name in names})
    note_alias(state, alias)
    note_json(options, state, None if fields is None else names)
    state.key = fresh.key
    if fields is not None:
        for name in names:
            state.committed_state.pop(name, None)
        return
    if fresh.callables:
        fresh.callables.references = [state.obj]
        state.callables = fresh.callables
    for cache in (PREFETCHED, BATCHED, *options.accessors):
        state.dict.pop(cache, None)
    mark_clean(state)

"""Many rows by few statements, of sizes that recur, so that their shapes are compiled once."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from undercroft.db.fields.info import MISSING
from undercroft.db.fields.values import build_error
from undercroft.db.internals import mark_clean, state_of
from undercroft.db.mapping.options import ModelOptions
from undercroft.db.queries.keys import take_keys
from undercroft.db.queries.shape import Call, Shape
from undercroft.db.rows.notes import note_alias, note_json
from undercroft.db.rows.undoing import remember
from undercroft.db.twins import Steps, atomically
from undercroft.db.writes import insert_steps, is_worked_out, update_steps
from undercroft.errors import FieldError, FieldValueError

#: Values per statement: below the limits of every database and driver.
_MAX_VALUES = 16_000

#: Rows per statement at most.
_MAX_ROWS = 1024

Conflict = tuple[tuple[str, ...], tuple[str, ...]] | None

#: Instances with their values, by the columns these are for.
Groups = dict[tuple[str, ...], list[tuple[Any, list[Any]]]]


def list_batches(count: int, width: int, batch_size: int | None) -> Iterator[tuple[int, int]]:
    """List where batches of rows begin and end; their sizes are powers of two, large ones first.

    Args:
        count: The rows.
        width: The values of each.
        batch_size: Rows per batch at most.

    Raises:
        FieldError: The size is not positive.
    """
    if batch_size is not None and batch_size < 1:
        raise FieldError(
            f"batch_size={batch_size!r} inserts nothing: expected 1 or more.", code="db.bulk"
        )
    limit = min(batch_size or _MAX_ROWS, _MAX_ROWS, max(1, _MAX_VALUES // max(width, 1)))
    start = 0
    while start < count:
        size = 1 << (min(limit, count - start).bit_length() - 1)
        yield start, start + size
        start += size


def insert_many_steps(
    options: ModelOptions,
    instances: Sequence[Any],
    alias: str,
    conflict: Conflict,
    batch_size: int | None,
) -> Steps[None]:
    """Insert instances, all or none of them.

    Raises:
        FieldValueError: A value does not fit, or there is none where one is needed.
        FieldError: An instance is of another model.
    """
    _check_model(options, instances)
    groups: Groups = {}
    apart: list[Any] = []
    for instance in instances:
        collected = _collect(options, instance)
        if collected is None:
            apart.append(instance)
        else:
            groups.setdefault(collected[0], []).append((instance, collected[1]))
    if apart and conflict is not None:
        raise FieldError(
            "A row with expressions cannot be inserted where others are in the way: expected "
            "values.",
            code="db.bulk",
        )
    steps = _insert_groups(options, groups, alias, conflict, batch_size)
    yield from atomically(_insert_all(steps, apart, alias), alias)


def _check_model(options: ModelOptions, instances: Iterable[Any]) -> None:
    for instance in instances:
        if not isinstance(instance, options.model):
            raise FieldError(f"{instance!r} is no {options.name}.", code="db.bulk")


def _insert_all(steps: Steps[None], apart: Iterable[Any], alias: str) -> Steps[None]:
    """Insert groups of rows, then one by one those the database has to work something out for."""
    yield from steps
    for instance in apart:
        yield from insert_steps(instance, alias)


def _collect(options: ModelOptions, instance: Any) -> tuple[tuple[str, ...], list[Any]] | None:
    """Collect the columns an instance has values for, and these; None if some are expressions."""
    if options.relations:
        take_keys(instance)
    values = state_of(instance).dict
    for key in options.moments:
        values[key] = options.fields[key].get_default()
    names: list[str] = []
    found: list[Any] = []
    for key, convert in options.inserted.items():
        value = values.get(key, MISSING)
        if value is MISSING or (value is None and key in options.primary_keys):
            if key in options.required:
                raise FieldValueError(f"{options.name}.{key} has no value: expected one.")
            continue
        names.append(key)
        try:
            found.append(value if value is None else convert(value))
        except (ArithmeticError, TypeError, ValueError) as error:
            if is_worked_out(value):
                return None
            raise build_error(options.name, key, value, str(error)) from error
    return tuple(names), found


def _insert_groups(
    options: ModelOptions,
    groups: Groups,
    alias: str,
    conflict: Conflict,
    batch_size: int | None,
) -> Steps[None]:
    for names, rows in groups.items():
        missing = tuple(key for key in options.keys if key not in names)
        returned = () if conflict is not None else missing
        # A row without any value has no multi-row INSERT.
        size = 1 if not names else batch_size
        for start, stop in list_batches(len(rows), len(names), size):
            batch = rows[start:stop]
            shape = Shape("insert-many", options.model, (names, len(batch), conflict, returned))
            parameters = tuple(value for _, values in batch for value in values)
            answered: list[dict[str, Any]] = yield Call(shape, parameters, alias)
            if conflict is None:
                _settle(options, names, batch, answered, alias)


def _settle(
    options: ModelOptions,
    names: tuple[str, ...],
    batch: Sequence[tuple[Any, list[Any]]],
    answered: Sequence[dict[str, Any]],
    alias: str,
) -> None:
    """Let instances be what was inserted."""
    for index, (instance, values) in enumerate(batch):
        state = state_of(instance)
        filled = answered[index] if answered else {}
        remember(state, alias, tuple(filled))
        state.dict.update(zip(names, values, strict=True))
        state.dict.update(filled)
        key = tuple(state.dict[name] for name in options.primary_keys)
        state.key = (options.identity_class, key, None)
        note_alias(state, alias)
        note_json(options, state)
        mark_clean(state)


def update_many_steps(
    options: ModelOptions,
    instances: Sequence[Any],
    fields: Sequence[str],
    alias: str,
    batch_size: int | None,
) -> Steps[int]:
    """Write fields of instances, all or none of them; answer how many rows were found.

    Raises:
        FieldError: A name is no field, or is the key; an instance was never saved.
    """
    names = [_find_column(options, name) for name in fields]
    if not names:
        raise FieldError("bulk_update() was told no fields.", code="db.bulk")
    _check_model(options, instances)
    for instance in instances:
        if state_of(instance).key is None:
            raise FieldError(
                f"This {options.name} cannot be updated: it was never saved.", code="db.not-saved"
            )
    if not instances:
        return 0
    apart: list[Any] = []
    plain: list[Any] = []
    for one in instances:
        is_apart = any(is_worked_out(one.__dict__.get(name)) for name in names)
        (apart if is_apart else plain).append(one)
    steps = _update_all(options, plain, names, alias, batch_size)
    return (yield from atomically(_update_apart(steps, apart, names, alias), alias))


def _update_apart(
    steps: Steps[int], apart: Iterable[Any], names: Sequence[str], alias: str
) -> Steps[int]:
    """Write batches, then one by one the rows the database has to work something out for."""
    total = yield from steps
    for instance in apart:
        try:
            yield from update_steps(instance, names, alias)
        except instance.DoesNotExist:
            continue
        total += 1
    return total


def _find_column(options: ModelOptions, name: str) -> str:
    name = options.primary_keys[0] if name == "pk" else name
    relation = options.relations.get(name)
    key = name if relation is None else relation.column
    if key not in options.columns:
        raise options.build_unknown(name)
    if key in options.primary_keys:
        raise FieldError(f"bulk_update() cannot change the key {name!r}.", code="db.bulk")
    return key


def _update_all(
    options: ModelOptions,
    instances: Sequence[Any],
    names: list[str],
    alias: str,
    batch_size: int | None,
) -> Steps[int]:
    total = 0
    on_update = [name for name in options.on_update if name not in names]
    columns = (*names, *on_update)
    width = len(columns) * (len(options.primary_keys) + 1) + len(options.primary_keys)
    for instance in instances:
        if options.relations:
            take_keys(instance, names)
        for name in on_update:
            state_of(instance).dict[name] = options.on_update[name]()
    for start, stop in list_batches(len(instances), width, batch_size):
        batch = instances[start:stop]
        keys = [state_of(one).key[1] for one in batch]
        values = [[options.convert(n, getattr(one, n)) for n in columns] for one in batch]
        shape = Shape("update-many", options.model, (columns, len(batch)))
        parameters = [
            *(part for key in keys for part in key),
            *(
                part
                for index in range(len(columns))
                for key, row in zip(keys, values, strict=True)
                for part in (*key, row[index])
            ),
        ]
        count: int = yield Call(shape, tuple(parameters), alias)
        total += count
        for one in batch:
            state = state_of(one)
            remember(state, alias)
            for name in columns:
                state.committed_state.pop(name, None)
            note_json(options, state, columns)
    return total

"""A compiled statement: its text, how to put values in order, how to read its rows."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from undercroft.db.connections.epoch import note_write
from undercroft.db.internals import CompiledSQL, compile_statement, list_ancestors
from undercroft.db.queries.shape import Call, Parameters
from undercroft.db.rows.siblings import Run
from undercroft.db.sql.select import Finish
from undercroft.db.sql.statements import build_statement
from undercroft.db.sql.writes import WRITES
from undercroft.errors import FieldValueError

_CONSTANT = -1

#: The kinds of statements that are answered by how many rows they changed.
COUNTED = frozenset({"delete", "update", "update-many"})

#: For one place in the text: the index of its value, which element of it, what prepares it, and
#: the value itself where it is no parameter of the call.
Place: TypeAlias = tuple[int, int | tuple[int, int] | None, Any, Any]


class CompiledCall:
    """What the lane needs to run one shape.

    Attributes:
        sql: The text.
        bind: Puts a call's parameters in the order of the text.
        finish: Turns the driver's rows (or count of rows) into the call's answer.
        counts: Whether the driver's count of rows is wanted, there being no rows.
        cacheable: Whether another call of the same shape may use it.
    """

    __slots__ = ("bind", "cacheable", "counts", "finish", "sql")

    def __init__(self, call: Call, dialect: Dialect, run: Run) -> None:
        statement, positions, finish, keyed, prefix = build_statement(call, dialect, run)
        compiled = compile_statement(statement, dialect)
        self.sql = prefix + compiled.sql
        self.counts = call.shape.kind in COUNTED
        bind, complete = _build_binder(compiled, positions, len(call.parameters))
        self.bind = _note_writes(bind) if call.shape.kind in WRITES else bind
        self.cacheable = complete and keyed
        # The rows of an explanation are not those of the query.
        is_plain = self.counts or prefix
        self.finish = finish if is_plain else _build_finish(compiled, finish)


def _note_writes(bind: Callable[[Parameters], Sequence[Any]]) -> Any:
    """Let what was read ahead be forgotten when something is about to be written."""

    def note_and_bind(parameters: Parameters) -> Sequence[Any]:
        note_write()
        return bind(parameters)

    return note_and_bind


def _build_binder(
    compiled: CompiledSQL, positions: dict[Any, int], count: int
) -> tuple[Callable[[Parameters], Sequence[Any]], bool]:
    """Build what orders a call's values; tell whether it found a place for every one of them."""
    slots: list[Place] = []
    for bind, element, processor in compiled.slots:
        position = _find_position(bind, positions)
        slots.append((position, element, processor, bind.effective_value))
    found = {slot[0] for slot in slots}
    # A value without a place would be frozen into the statement; an empty list has no place.
    complete = all(
        position in found or (bind.expanding and not bind.effective_value)
        for bind, position in positions.items()
    )
    return _choose_binder(slots, count), complete


def _choose_binder(slots: list[Place], count: int) -> Callable[[Parameters], Sequence[Any]]:
    plain = all(slot[0] != _CONSTANT and slot[1] is None and slot[2] is None for slot in slots)
    order = tuple(slot[0] for slot in slots)
    if plain and order == tuple(range(count)):
        return lambda parameters: parameters
    if plain:
        return lambda parameters: [parameters[position] for position in order]

    def bind(parameters: Parameters) -> Sequence[Any]:
        values: list[Any] = []
        try:
            for position, element, processor, constant in slots:
                value = constant if position == _CONSTANT else parameters[position]
                if element is not None:
                    value = _take(value, element)
                values.append(value if processor is None else processor(value))
        except (ArithmeticError, AttributeError, TypeError, ValueError) as error:
            raise FieldValueError(f"A value does not fit the statement: {error}.") from error
        return values

    return bind


def _take(value: Any, element: int | tuple[int, int]) -> Any:
    return value[element] if isinstance(element, int) else value[element[0]][element[1]]


def _find_position(bind: sa.BindParameter[Any], positions: dict[Any, int]) -> int:
    if bind in positions:
        return positions[bind]
    for ancestor in list_ancestors(bind):
        if ancestor in positions:
            return positions[ancestor]
    return _CONSTANT


def _build_finish(compiled: CompiledSQL, finish: Finish) -> Finish:
    processors = [
        (index, processor)
        for index, processor in enumerate(compiled.results)
        if processor is not None
    ]
    if not processors:
        return finish

    def process_and_finish(rows: Sequence[Any]) -> Any:
        processed: list[list[Any]] = []
        for row in rows:
            values = list(row)
            for index, processor in processors:
                values[index] = processor(values[index])
            processed.append(values)
        return finish(processed)

    return process_and_finish

"""The load plan: which columns and relations a caller needs, and rows straight to plain dicts."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from undercroft.db.mapping.options import ModelOptions


class Selection(NamedTuple):
    """What to load of one model.

    Attributes:
        columns: The attributes of columns, in the order they shall have in the dict.
        relations: To-one relations with what to load of each; they follow the columns.
    """

    columns: tuple[str, ...]
    relations: "tuple[tuple[str, Selection], ...]" = ()

    def check(self, options: ModelOptions) -> None:
        """Check that every name exists on the model.

        Raises:
            FieldError: One does not.
        """
        for name in self.columns:
            if name not in options.columns:
                raise options.build_unknown(name)
        for name, inner in self.relations:
            if name not in options.joins or options.joins[name].many:
                raise options.build_unknown(name)
            inner.check(options.joins[name].target.__options__)


#: Makes one dict from a row.
MakeDict = Callable[[Any], dict[str, Any] | None]


def build_dict_maker(
    options: ModelOptions, selection: Selection
) -> Callable[[Sequence[Any]], list[dict[str, Any]]]:
    """Build what turns the rows of a statement into dicts."""
    if not selection.relations:
        keys = selection.columns
        return lambda rows: [dict(zip(keys, row)) for row in rows]  # noqa: B905 - hot
    make, _ = _build_maker(options, selection, 0, guarded=False)
    # The outermost dict is never missing: only inner ones are guarded.
    return lambda rows: [make(row) for row in rows]  # type: ignore[misc]  # see above


def _build_maker(
    options: ModelOptions, selection: Selection, start: int, *, guarded: bool, null: bool = False
) -> tuple[MakeDict, int]:
    """Build the maker of one level; tell the index after its last column.

    Args:
        options: Of the model at this level.
        selection: What to load of it.
        start: The index of its first column.
        guarded: Whether a key column stands in front that is NULL when there is no row.
        null: Whether this level is reached through a relation that may lead nowhere.
    """
    guard, first = start, start + 1 if guarded else start
    keys, last = selection.columns, first + len(selection.columns)
    end = last
    inner: list[tuple[str, MakeDict]] = []
    for name, below in selection.relations:
        relation = options.joins[name]
        may_miss = relation.null or null
        target: ModelOptions = relation.target.__options__
        make, end = _build_maker(target, below, end, guarded=may_miss, null=may_miss)
        inner.append((name, make))

    def make_dict(row: Any) -> dict[str, Any] | None:
        if guarded and row[guard] is None:
            return None
        made: dict[str, Any] = dict(zip(keys, row[first:last]))  # noqa: B905 - hot
        for name, make in inner:
            made[name] = make(row)
        return made

    return make_dict, end

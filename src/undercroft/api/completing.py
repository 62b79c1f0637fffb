"""Loads the relations that instances still lack: each relation once, for all of them."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

from undercroft.db.mapping.options import Relation
from undercroft.db.queries.selection import Selection
from undercroft.db.rows.notes import find_database

#: Keys per query: below the limits on parameters of every database.
_BATCH = 1000


def is_incomplete(instance: Any, selection: Selection) -> bool:
    """Tell whether a relation the selection names is not loaded."""
    loaded = cast("dict[str, Any]", vars(instance))
    for name, inner in selection.relations:
        if name not in loaded:
            return True
        if loaded[name] is not None and is_incomplete(loaded[name], inner):
            return True
    return False


async def complete(instances: Sequence[Any], selection: Selection) -> None:
    """Load the relations that the selection names and instances of one model lack."""
    for name, inner in selection.relations:
        lacking = [each for each in instances if name not in vars(each)]
        if lacking:
            relation: Relation = lacking[0].__options__.relations[name]
            keys = {getattr(each, relation.column) for each in lacking} - {None}
            found = await load_targets(relation, list(keys), inner, find_database(lacking[0]))
            for each in lacking:
                vars(each)[name] = found.get(getattr(each, relation.column))
        related: list[Any] = [vars(each)[name] for each in instances]
        once = {id(each): each for each in related if each is not None}
        await complete(list(once.values()), inner)


async def load_targets(
    relation: Relation, keys: Sequence[Any], selection: Selection, alias: str
) -> dict[Any, Any]:
    """Load the targets of a relation by their keys, with what the selection names of them."""
    found: dict[Any, Any] = {}
    paths = list(list_paths(selection))
    for start in range(0, len(keys), _BATCH):
        batch = list(keys[start : start + _BATCH])
        rows = relation.target.objects.using(alias).filter(
            **{f"{relation.target_column}__in": batch}
        )
        loaded = await (rows.select_related(*paths) if paths else rows)
        found.update({getattr(each, relation.target_column): each for each in loaded})
    return found


def list_paths(selection: Selection) -> Iterator[str]:
    """List the paths of a selection's relations as `select_related` takes them."""
    for name, inner in selection.relations:
        deeper = [f"{name}__{path}" for path in list_paths(inner)]
        yield from deeper or [name]

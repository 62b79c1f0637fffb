"""Which columns instances are loaded with, from what `only` and `defer` name."""

from collections.abc import Iterable

from undercroft.db.mapping.options import ModelOptions
from undercroft.db.queries.names import split_name
from undercroft.errors import FieldError

Path = tuple[str, ...]


def list_deferred(
    options: ModelOptions, names: Iterable[str | None]
) -> frozenset[tuple[Path, str]]:
    """List the columns that names mean; a key is never left out.

    Raises:
        FieldError: A name is no field.
    """
    found = {_find_column(options, str(name)) for name in names}
    return frozenset((path, key) for path, owner, key in found if key not in owner.primary_keys)


def list_kept(options: ModelOptions, names: Iterable[str]) -> frozenset[tuple[Path, str]]:
    """List the columns to leave out so that only the named ones are left.

    Raises:
        FieldError: A name is no field.
    """
    kept: dict[Path, set[str]] = {(): set()}
    owners: dict[Path, ModelOptions] = {(): options}
    for name in names:
        path, owner, key = _find_column(options, name)
        kept.setdefault(path, set()).add(key)
        owners[path] = owner
    return frozenset(
        (path, key)
        for path, named in kept.items()
        for key in owners[path].keys
        if key not in named and key not in owners[path].primary_keys
    )


def _find_column(options: ModelOptions, name: str) -> tuple[Path, ModelOptions, str]:
    """Follow a name to a column, through relations to one row."""
    path: Path = ()
    parts = split_name(options, name)
    for part in parts[:-1]:
        relation = options.joins.get(part)
        if relation is None or relation.many:
            raise options.build_unknown(part)
        path, options = (*path, part), relation.target.__options__
    last = parts[-1]
    if last == "pk":
        return path, options, options.primary_keys[0]
    if last in options.relations:
        return path, options, options.relations[last].column
    if last not in options.columns:
        if not options.knows(last):
            raise options.build_unknown(last)
        raise FieldError(
            f"{last!r} is no column of {options.name}.",
            hint=f"Columns: {', '.join(options.columns)}.",
        )
    return path, options, last

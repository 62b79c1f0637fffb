"""What an instance notes beside its row: its database, and its JSON as it was there."""

from collections.abc import Collection
from typing import Any

from undercroft.db.fields.values import dump_json
from undercroft.db.internals import state_of
from undercroft.db.mapping.options import ModelOptions

#: The database of instances that note none.
DEFAULT = "default"

_ALIAS = "undercroft.alias"
_JSON = "undercroft.json"


def note_alias(state: Any, alias: str) -> None:
    """Note the database an instance was read from or written to."""
    # Most instances are of the default database and never get an `info`.
    if alias != DEFAULT or "info" in state.__dict__:
        state.info[_ALIAS] = alias


def find_alias(state: Any) -> str:
    """Find the database of an instance by its state."""
    # The state makes its `info` at the first access; most instances never need one.
    info: dict[str, Any] = state.__dict__.get("info", {})
    return info.get(_ALIAS, DEFAULT)  # type: ignore[no-any-return]  # we put it there


def find_database(instance: Any) -> str:
    """Find the name of the database an instance was read from or saved to."""
    return find_alias(state_of(instance))


def note_json(options: ModelOptions, state: Any, names: Collection[str] | None = None) -> None:
    """Note the JSON of an instance as text, for nobody reports a change within it.

    Args:
        options: Of its model.
        state: Its state.
        names: The columns that were read or written; all when None.
    """
    if not options.always_written:
        return
    values = state.dict
    noted = state.info.setdefault(_JSON, {})
    for key in options.always_written:
        if key in values and (names is None or key in names):
            noted[key] = _dump(values[key])


def list_changed_json(options: ModelOptions, state: Any) -> list[str]:
    """List the JSON columns that are not what was read or written; all when nothing was noted."""
    noted: dict[str, Any] = state.info.get(_JSON, {})
    values = state.dict
    return [
        key
        for key in options.always_written
        if key in values and (key not in noted or noted[key] != _dump(values[key]))
    ]


def _dump(value: Any) -> object:
    if value is None:
        return None
    try:
        return dump_json(value)
    except (RecursionError, TypeError, ValueError):
        # An array of other values; or no JSON at all, which differs from what was noted.
        return repr(value)

"""What instances are again when the block in which they were written is rolled back."""

from collections.abc import Collection
from typing import Any, cast

from undercroft.db.connections.frames import current, on_rollback
from undercroft.db.fields.info import MISSING
from undercroft.db.internals import restore_changes


def remember(state: Any, alias: str, given: Collection[str] = ()) -> None:
    """Remember what an instance was before a write, should that be rolled back.

    Its values stay as they are, so that saving it again writes them; it only counts as changed,
    or as never saved, as it did before. Call it once the write is done and nothing is noted yet.

    Args:
        state: The instance's.
        alias: The database that was written to.
        given: The columns whose values came from the database, and go with its row.
    """
    if current.get() is None:
        return
    key, changes, info = state.key, dict(state.committed_state), _copy(state.__dict__.get("info"))
    values = state.dict
    before = {name: values.get(name, MISSING) for name in given}

    def undo() -> None:
        # No instance any more, then this is a dictionary of its own, and harmless.
        values = state.dict
        for name, value in before.items():
            if value is MISSING:
                values.pop(name, None)
            else:
                values[name] = value
        if info is not None or "info" in state.__dict__:
            state.info.clear()
            state.info.update(_copy(info) or {})
        restore_changes(state, key, changes)

    on_rollback(undo, alias)


def _copy(info: dict[Any, Any] | None) -> dict[Any, Any] | None:
    """Copy an instance's notes, those that are mappings themselves included."""
    if info is None:
        return None
    return {
        key: cast(dict[str, Any], note).copy() if isinstance(note, dict) else note
        for key, note in info.items()
    }

"""How often this process has written: what was read ahead is not used after a write."""

_writes = 0


def get_epoch() -> int:
    """Get the number of statements that wrote so far."""
    return _writes


def note_write() -> None:
    """Note that a statement is about to write."""
    # A lost count of two threads is no loss: the number still changes.
    global _writes  # noqa: PLW0603 - one number for the process
    _writes += 1

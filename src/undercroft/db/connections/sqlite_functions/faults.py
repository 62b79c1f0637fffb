"""What went wrong in a function of ours, of which SQLite says no more than that something did."""

import threading
from typing import Any

from undercroft.errors import FieldValueError

_local: Any = threading.local()

#: How SQLite says it.
_SIGNS = ("user-defined function raised", "user-defined aggregate's")


def note_fault(error: Exception) -> None:
    """Keep an error of a function, in the thread in which a statement is run."""
    _local.error = error


def find_fault(error: BaseException | None) -> FieldValueError | None:
    """Find the error that a function's becomes; None where an error is about something else.

    Args:
        error: The driver's, in the thread in which it was raised.
    """
    if not str(error).startswith(_SIGNS):
        return None
    fault: Exception | None = _local.__dict__.pop("error", None)
    if isinstance(fault, FieldValueError):
        return fault
    reason = str(fault) if fault is not None and str(fault) else "it has no answer"
    return FieldValueError(f"A function of the statement refused a value: {reason}.")

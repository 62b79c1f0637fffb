"""Transactions by Django's name and with its words: `from undercroft import transaction`."""

from undercroft.db.connections.transactions import (
    Atomic,
    atomic,
    get_rollback,
    non_atomic_requests,
    on_commit,
    set_rollback,
)
from undercroft.errors import TransactionConflict, TransactionManagementError

__all__ = [
    "Atomic",
    "TransactionConflict",
    "TransactionManagementError",
    "atomic",
    "get_rollback",
    "non_atomic_requests",
    "on_commit",
    "set_rollback",
]

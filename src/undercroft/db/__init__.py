"""Models, querysets and transactions over SQLAlchemy; the public face is `undercroft.models`.

This package re-exports only the light names, so that importing it never loads SQLAlchemy.
"""

from undercroft.db import transaction
from undercroft.db.connections.databases import Database, databases
from undercroft.db.connections.transactions import RequestTransaction, atomic, on_commit
from undercroft.db.health import Health, acheck_health, check_health
from undercroft.errors import DatabaseError, IntegrityError

__all__ = [
    "Database",
    "DatabaseError",
    "Health",
    "IntegrityError",
    "RequestTransaction",
    "acheck_health",
    "atomic",
    "check_health",
    "databases",
    "on_commit",
    "transaction",
]

"""The sessions of a user, to show and to revoke, and those that are over."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Only for type checkers: an application without a database loads no SQLAlchemy.
    from undercroft.db.queryset import QuerySet
    from undercroft.sessions.models import StoredSession


def sessions_of(user_key: object) -> "QuerySet[StoredSession]":
    """Return a user's sessions in the database that are not over, as a queryset.

    To delete them is to revoke them: whoever holds their cookie is a stranger from then on.
    """
    # As above.
    from undercroft.sessions.models import StoredSession  # noqa: PLC0415

    now = datetime.now(UTC)
    return StoredSession.objects.filter(user_key=str(user_key), expires_at__gt=now)


def find_expired() -> "QuerySet[StoredSession]":
    """Return the sessions in the database that are over, as a queryset."""
    # As above.
    from undercroft.sessions.models import StoredSession  # noqa: PLC0415

    return StoredSession.objects.filter(expires_at__lte=datetime.now(UTC))

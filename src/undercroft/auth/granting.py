"""What was granted to a user, by itself and by its groups: one query, kept on the instance."""

from typing import Any

from undercroft.auth.permissions import get_permission_model, load_pairs
from undercroft.db.queries.q import Q
from undercroft.db.queries.subqueries import Exists
from undercroft.db.twins import Steps

Granted = frozenset[str]

#: Where an instance keeps what it was granted.
_KEPT = "_granted"


def list_granted(user: Any) -> Steps[Granted]:
    """List the permissions of a user, as `app.codename`, in steps.

    A superuser has all there are; who is not active has none.
    """
    kept: Granted | None = getattr(user, _KEPT, None)
    if kept is not None:
        return kept
    if not getattr(user, "is_active", True) or user.pk is None:
        return frozenset()
    permissions = get_permission_model().objects.all()
    if not user.is_superuser:
        permissions = permissions.filter(_build_granted(user))
    rows = permissions.values_list("app_label", "codename").distinct()
    pairs = yield from load_pairs(rows)
    granted = frozenset(f"{app_label}.{codename}" for app_label, codename in pairs)
    setattr(user, _KEPT, granted)
    return granted


def build_grant(user: Any, permission: str) -> Any:
    """Build the condition that an active user has a permission: an answer, where that is known.

    Else the query that it stands in finds out, and the event loop waits for nothing else.
    """
    kept: Granted | None = getattr(user, _KEPT, None)
    if kept is not None:
        return permission in kept
    if user.pk is None:
        return False
    app_label, _, codename = permission.partition(".")
    rows = get_permission_model().objects.filter(app_label=app_label, codename=codename)
    return Exists(rows.filter(_build_granted(user)))


def _build_granted(user: Any) -> Q:
    return Q(user_set=user.pk) | Q(group_set__user_set=user.pk)


def forget_granted(user: Any) -> None:
    """Forget what a user was granted, after that was changed."""
    setattr(user, _KEPT, None)


def holds_module(granted: Granted, app_label: str) -> bool:
    """Tell whether any of some permissions is of an app."""
    return any(permission.startswith(f"{app_label}.") for permission in granted)

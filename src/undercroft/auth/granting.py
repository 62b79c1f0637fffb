"""What was granted to a user, by itself and by its groups: one query, kept on the instance."""

from typing import Any

from undercroft.auth.permissions import get_permission_model, load_pairs
from undercroft.db.queries.q import Q
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
        permissions = permissions.filter(Q(user_set=user.pk) | Q(group_set__user_set=user.pk))
    rows = permissions.values_list("app_label", "codename").distinct()
    pairs = yield from load_pairs(rows)
    granted = frozenset(f"{app_label}.{codename}" for app_label, codename in pairs)
    setattr(user, _KEPT, granted)
    return granted


def forget_granted(user: Any) -> None:
    """Forget what a user was granted, after that was changed."""
    setattr(user, _KEPT, None)


def holds_module(granted: Granted, app_label: str) -> bool:
    """Tell whether any of some permissions is of an app."""
    return any(permission.startswith(f"{app_label}.") for permission in granted)

"""Why a user may do something, or may not: what decided, for people and for programs."""

from dataclasses import dataclass, field
from typing import Any

from undercroft.auth.allowing import meets_steps
from undercroft.auth.permissions import get_group_model, get_permission_model
from undercroft.auth.rules import Ground, list_grounds
from undercroft.auth.users import AnonymousUser
from undercroft.concurrency import check_not_on_loop
from undercroft.db.queries.q import Q
from undercroft.db.twins import Steps, arun_steps, run_steps, take_steps


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that could decide.

    Attributes:
        kind: `inactive`, `superuser`, `rule` or `permission`.
        name: Of the rule or permission.
        holds: Whether it grants.
        granted_by: Of a permission: who it was granted to, the user or groups.
        is_partial: Of a rule asked about a model: it grants those rows that fulfil it.
    """

    kind: str
    name: str
    holds: bool
    granted_by: tuple[str, ...] = ()
    is_partial: bool = False

    def __str__(self) -> str:
        if self.kind == "inactive":
            return "the account is not active"
        if self.kind == "superuser":
            return "a superuser may do everything"
        if self.is_partial:
            return f"the rule {self.name} grants the rows that fulfil it"
        if self.kind == "rule":
            return f"the rule {self.name} {'grants it' if self.holds else 'does not grant it'}"
        if not self.holds:
            return f"the permission {self.name} was not granted"
        granted_by = " and ".join(self.granted_by) or "the user"
        return f"the permission {self.name} was granted to {granted_by}"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What decided whether a user may do something; it is true where it may.

    Attributes:
        user: Who, as people read it.
        action: What.
        target: With which row, or model.
        is_allowed: Whether.
        reasons: All that was asked, in its order.
    """

    user: str
    action: str
    target: str
    is_allowed: bool
    reasons: tuple[Reason, ...] = field(default=())

    def __bool__(self) -> bool:
        return self.is_allowed

    def __str__(self) -> str:
        decided = [each for each in self.reasons if each.holds == self.is_allowed]
        told = "; ".join(map(str, decided))
        may = "may" if self.is_allowed else "may not"
        return f"{self.user} {may} {self.action} {self.target}: {told}."

    __repr__ = __str__


def explain_steps(user: Any, action: str, target: Any) -> Steps[Explanation]:
    """Explain an answer, in steps."""
    user = AnonymousUser() if user is None else user
    is_model = isinstance(target, type)
    model: Any = target if is_model else type(target)
    row = None if is_model else target
    reasons: list[Reason] = []
    for ground in list_grounds(model, user, action):
        reason = yield from weigh(user, ground, row)
        reasons.append(reason)
    options = model.__options__
    shown = options.verbose_name_plural if is_model else f"{options.verbose_name} {target.pk!r}"
    is_allowed = any(each.holds for each in reasons)
    return Explanation(str(user), action, shown, is_allowed, tuple(reasons))


def weigh(user: Any, ground: Ground, row: Any) -> Steps[Reason]:
    """Find out whether something grants, for a row or, without one, for any at all, in steps."""
    kind, name, condition = ground
    if kind == "permission":
        granted_by = yield from list_grantors(user, name)
        holds = bool(granted_by) or condition is True
        return Reason(kind, name, holds, granted_by)
    is_partial = row is None and not isinstance(condition, bool)
    holds = True if is_partial else (yield from meets_steps(row, condition))
    return Reason(kind, name, holds, is_partial=is_partial)


def list_grantors(user: Any, permission: str) -> Steps[tuple[str, ...]]:
    """List whom a user has a permission from, in steps: itself, and groups."""
    if user.pk is None or not hasattr(user, "user_permissions"):
        return ()
    app_label, _, codename = permission.partition(".")
    wanted = {"app_label": app_label, "codename": codename}
    own = get_permission_model().objects.filter(user_set=user.pk, **wanted)
    is_own: bool = yield from take_steps(own.exists)
    among = {f"permissions__{name}": value for name, value in wanted.items()}
    groups = get_group_model().objects.filter(Q(user_set=user.pk), **among)
    loading: Steps[list[str]] = groups.values_list("name", flat=True).distinct().load_steps()
    names = yield from loading
    return (*(("the user",) if is_own else ()), *(f"the group {name!r}" for name in sorted(names)))


def explain_access(user: Any, action: str, target: Any) -> Explanation:
    """Explain why a user may do something, or may not: `print` it, or look at its `reasons`.

    Args:
        user: Who; None is a stranger.
        action: `view`, `add`, `change`, `delete`, or another that the model's rules name.
        target: A stored row, or a model: then whether it may be done with any row at all.
    """
    check_not_on_loop("explain_access(...)", "await aexplain_access(...)")
    return run_steps(explain_steps(user, action, target))


async def aexplain_access(user: Any, action: str, target: Any) -> Explanation:
    """Explain why a user may do something, or may not, in async code."""
    return await arun_steps(explain_steps(user, action, target))

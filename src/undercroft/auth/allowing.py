"""Whether a user may do something with a row: the database is asked, by the rules of lists."""

from typing import Any

from undercroft.auth.rules import Condition, build_condition
from undercroft.concurrency import check_not_on_loop
from undercroft.db.rows.notes import find_database
from undercroft.db.twins import Steps, arun_steps, run_steps, take_steps
from undercroft.errors import NotFound, PermissionDenied


def meets_steps(row: Any, condition: Condition) -> Steps[bool]:
    """Tell whether a stored row fulfils a condition, in steps: by one query at most."""
    if isinstance(condition, bool):
        return condition
    if row.pk is None:
        raise ValueError(
            f"{row!r} is not stored, so no rule can be held against it. Save it first."
        )
    rows = row.__options__.base_manager.using(find_database(row)).filter(pk=row.pk)
    found: bool = yield from take_steps(rows.keep(condition).exists)
    return found


def allowed_steps(user: Any, action: str, row: Any) -> Steps[bool]:
    """Tell whether a user may do something with a row, in steps."""
    return (yield from meets_steps(row, build_condition(row.__class__, user, action)))


def check_steps(user: Any, action: str, row: Any) -> Steps[None]:
    """Check that a user may do something with a row, in steps."""
    if (yield from allowed_steps(user, action, row)):
        return
    options = row.__options__
    if action == "view" or not (yield from allowed_steps(user, "view", row)):
        # What may not be seen is answered as if it were not there.
        raise NotFound(f"There is no {options.verbose_name} with pk {row.pk!r}.")
    raise PermissionDenied(
        f"You may not {action} this {options.verbose_name}.", code="auth.permission"
    )


def is_allowed(user: Any, action: str, row: Any) -> bool:
    """Tell whether a user may do something with a stored row.

    Args:
        user: Who; None is a stranger.
        action: `view`, `change`, `delete`, or another that the model's rules name. A row just
            written may be asked about `add`.
        row: An instance.

    Raises:
        ValueError: The row is not stored.
    """
    check_not_on_loop("is_allowed(...)", "await ais_allowed(...)")
    return run_steps(allowed_steps(user, action, row))


async def ais_allowed(user: Any, action: str, row: Any) -> bool:
    """Tell whether a user may do something with a stored row, in async code."""
    return await arun_steps(allowed_steps(user, action, row))


def check_allowed(user: Any, action: str, row: Any) -> None:
    """Check that a user may do something with a stored row.

    Raises:
        NotFound: The user may not even see it.
        PermissionDenied: It may be seen, and no more.
    """
    check_not_on_loop("check_allowed(...)", "await acheck_allowed(...)")
    run_steps(check_steps(user, action, row))


async def acheck_allowed(user: Any, action: str, row: Any) -> None:
    """Check that a user may do something with a stored row, in async code.

    Raises:
        NotFound: The user may not even see it.
        PermissionDenied: It may be seen, and no more.
    """
    await arun_steps(check_steps(user, action, row))

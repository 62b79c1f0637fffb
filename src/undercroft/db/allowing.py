"""The rows that somebody may see or change: querysets ask whoever keeps the rules, `auth`.

A condition is a `Q`, an expression, or True for every row and False for none.
"""

from collections.abc import Callable
from typing import Any, Self, TypeVar

from undercroft.db.query_building import QueryBuilding
from undercroft.errors import ImproperlyConfigured

M = TypeVar("M")

#: Answers with the condition for the rows of a model, given a user and an action's name.
Decide = Callable[[type[Any], Any, str], Any]

_decider: list[Decide] = []


def set_decider(decide: Decide) -> None:
    """Let rows be allowed by what a function answers."""
    _decider[:] = [decide]


class Allowing(QueryBuilding[M]):
    """How a queryset is narrowed by the rules of who may do what."""

    __slots__ = ()

    def visible_to(self, user: Any) -> Self:
        """Keep the rows that a user may see; `None` is a stranger."""
        return self.allowed_to(user, "view")

    def allowed_to(self, user: Any, action: str) -> Self:
        """Keep the rows that a user may do something with.

        Args:
            user: Who; `None` and an `AnonymousUser` are strangers.
            action: `view`, `add`, `change`, `delete`, or one that rules of the model name.

        Raises:
            ImproperlyConfigured: Nobody keeps rules, for `undercroft.auth` was never imported.
        """
        if not _decider:
            raise ImproperlyConfigured(
                f"{self._options.name} has no rules of who may {action} its rows.",
                hint='Add "undercroft.auth" to `apps`, or import it.',
                code="auth.no-rules",
            )
        return self.keep(_decider[0](self.model, user, action))

    def keep(self, condition: Any) -> Self:
        """Keep the rows of a condition, each once though it may lead to many of another model.

        Args:
            condition: A `Q` or an expression; True keeps every row, False none.
        """
        if condition is True:
            return self.all()
        if condition is False:
            return self.none()
        operations, parameters = self._build_conditions((condition,), {})
        if not (operations and operations[0][0] == "together"):
            return self.derive(operations, parameters)
        # A join would give a row as often as it has others; a query within asks only whether.
        rows = self._options.base_manager.using(self._alias).filter(condition)
        return self.filter(pk__in=rows.values("pk"))

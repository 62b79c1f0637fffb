"""What stands in a condition for a row that there is not, such as a user whom nobody knows."""

from typing import Any, Never

from undercroft.errors import FieldError


class Absent:
    """Nothing is equal to it, not even what is null: `filter(author=stranger)` finds no row."""

    def resolve_in(self, namespace: Any) -> Never:
        """Refuse to be worked out.

        Raises:
            FieldError: Always; it can only be compared by `exact` and `in`.
        """
        raise FieldError(
            f"{type(self).__name__} is no row, so it has no value in a query.",
            hint="Compare a foreign key with it: author=user, or author__in=[user].",
            code="db.absent",
        )

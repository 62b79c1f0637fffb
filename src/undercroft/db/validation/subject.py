"""An instance under check: its values, what is left out, the rows it is compared with."""

from collections.abc import Collection
from typing import Any

from undercroft.db.internals import state_of
from undercroft.db.mapping.options import ModelOptions
from undercroft.db.queries.namespace import is_expression
from undercroft.db.rows.notes import find_alias


class Subject:
    """An instance under check.

    Args:
        instance: The instance.
        exclude: Names of fields that are left out, foreign keys by either name.
    """

    def __init__(self, instance: Any, exclude: Collection[str] | None) -> None:
        self.instance = instance
        self.options: ModelOptions = instance.__options__
        self.state = state_of(instance)
        self.values: dict[str, Any] = self.state.dict
        self.alias = find_alias(self.state)
        relations = self.options.relations
        self.excluded = {
            relations[name].column if name in relations else name for name in exclude or ()
        }
        # What the database will work out from the row, nobody can check before.
        self.excluded.update(key for key, value in self.values.items() if is_expression(value))

    @property
    def is_new(self) -> bool:
        """Whether there is no row of it yet."""
        return self.state.key is None

    def find_others(self) -> Any:
        """Find the rows it must not be like: all but its own."""
        rows = self.options.manager.using(self.alias)
        if self.is_new:
            return rows
        return rows.exclude(**dict(zip(self.options.primary_keys, self.state.key[1], strict=True)))

    def lacks(self, keys: Collection[str]) -> bool:
        """Tell whether a column is left out of the check, or left to the database."""
        return any(key in self.excluded or key not in self.values for key in keys)

"""What a queryset writes: new rows, changes and deletions of all its rows at once."""

from typing import Any, TypeVar

from undercroft.db.queries.keys import check_agreement, find_key
from undercroft.db.query import Query
from undercroft.db.twins import Steps, async_twin, twins
from undercroft.db.writes import insert_steps

M = TypeVar("M")


class QueryWrites(Query[M]):
    """The part of a queryset that writes."""

    __slots__ = ()

    @twins
    def create(self, /, **values: Any) -> Steps[M]:
        """Make an instance and insert it.

        Raises:
            IntegrityError: A constraint of the database forbids it.
        """
        instance = self.model(**self._complete(values))
        yield from insert_steps(instance, self._alias)
        return instance

    def _complete(self, values: dict[str, Any]) -> dict[str, Any]:
        """Add what every new row of this queryset has."""
        return values

    @twins
    def get_or_create(
        self, /, defaults: dict[str, Any] | None = None, **lookups: Any
    ) -> Steps[tuple[M, bool]]:
        """Get the row, or insert one from the look-ups and defaults; tell whether it is new.

        When two callers insert at once and a constraint allows one row only, both get that row.

        Args:
            defaults: Further values of a new row, or callables that make them.
            lookups: What the row is found by; those without `__` are values of a new row.

        Raises:
            MultipleObjectsReturned: The model's own; there are several.
            IntegrityError: A constraint of the database forbids the new row.
        """
        model = self._options.model
        try:
            return (yield from self.get_steps((), lookups)), False
        except model.DoesNotExist:
            pass
        values = {key: value for key, value in lookups.items() if "__" not in key}
        for key, value in (defaults or {}).items():
            values[key] = value() if callable(value) else value
        instance = self.model(**self._complete(values))
        if (yield from insert_steps(instance, self._alias, "insert-new")):
            return instance, True
        try:
            # Somebody else was faster.
            return (yield from self.get_steps((), lookups)), False
        except model.DoesNotExist:
            # Another row has a value that must be unique: let the database say which.
            yield from insert_steps(instance, self._alias)
            return instance, True

    @twins
    def update(self, /, **values: Any) -> Steps[int]:
        """Change columns of all rows, in one statement; answer how many rows.

        Raises:
            FieldError: A name is no field.
            FieldValueError: A value does not fit its field.
        """
        names, parameters = self._convert_values(values)
        if not names:
            return 0
        call = self.build_call("update", names)
        count: int = yield call._replace(parameters=(*parameters, *call.parameters))
        return count

    def _convert_values(self, values: dict[str, Any]) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        options = self._options
        changes: dict[str, Any] = {}
        for given, value in values.items():
            name = options.primary_key if given == "pk" else given
            relation = options.relations.get(name)
            if relation is not None:
                key = find_key(relation, value, options.name)
                if relation.column in values:
                    check_agreement(relation, key, values[relation.column], options.name)
                changes[relation.column] = key
            elif name in options.columns:
                changes[name] = options.convert(name, value)
            else:
                raise options.build_unknown(name)
        if changes:
            for name, make in options.on_update.items():
                changes.setdefault(name, make())
        return tuple(changes), tuple(changes.values())

    @twins
    def delete(self) -> Steps[int]:
        """Delete all rows, in one statement; answer how many. Relations are the database's care."""
        count: int = yield self.build_call("delete")
        return count

    acreate = async_twin(create)
    aget_or_create = async_twin(get_or_create)
    aupdate = async_twin(update)
    adelete = async_twin(delete)

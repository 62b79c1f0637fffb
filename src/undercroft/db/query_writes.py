"""What a queryset writes: new rows, changes and deletions of all its rows at once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from undercroft.db.bulk import insert_many_steps, update_many_steps
from undercroft.db.deleting import Deletion, delete_rows_steps
from undercroft.db.overriding import save_as_declared
from undercroft.db.queries.keys import check_agreement, find_key
from undercroft.db.queries.namespace import Namespace
from undercroft.db.queries.terms import ROW
from undercroft.db.query import Query
from undercroft.db.twins import Steps, async_twin, atomically, twins
from undercroft.db.writes import insert_new_steps, is_worked_out
from undercroft.errors import FieldError, UniqueViolation

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
        instance: M = self.model(**self._complete(values))
        yield from save_as_declared(instance, self._alias, force_insert=True)
        return instance

    def _complete(self, values: dict[str, Any]) -> dict[str, Any]:
        """Add what every new row of this queryset has."""
        return values

    def _adopt(self, rows: Iterable[M]) -> None:
        """Give rows that are about to be inserted what every new row of this queryset has."""

    @twins
    def get_or_create(
        self, /, defaults: Mapping[str, Any] | None = None, **lookups: Any
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
        return (yield from self._get_or_create(defaults or {}, lookups))

    def _get_or_create(
        self, defaults: Mapping[str, Any], lookups: dict[str, Any]
    ) -> Steps[tuple[M, bool]]:
        model = self._options.model
        try:
            return (yield from self.get_steps((), lookups)), False
        except model.DoesNotExist:
            pass
        values = {key: value for key, value in lookups.items() if "__" not in key}
        values.update(_call_all(defaults))
        instance: M = self.model(**self._complete(values))
        if (yield from self._insert_new(instance)):
            return instance, True
        try:
            # Somebody else was faster.
            return (yield from self.get_steps((), lookups)), False
        except model.DoesNotExist:
            # Another row has a value that must be unique: let the database say which.
            yield from save_as_declared(instance, self._alias, force_insert=True)
            return instance, True

    def _insert_new(self, instance: M) -> Steps[bool]:
        """Insert a row unless another one is in its way."""
        if not self._options.saves_itself:
            return (yield from insert_new_steps(instance, self._alias))
        steps = save_as_declared(instance, self._alias, force_insert=True)
        try:
            yield from atomically(steps, self._alias)
        except UniqueViolation:
            return False
        return True

    @twins
    def update_or_create(
        self,
        /,
        defaults: Mapping[str, Any] | None = None,
        create_defaults: Mapping[str, Any] | None = None,
        **lookups: Any,
    ) -> Steps[tuple[M, bool]]:
        """Change the row, or insert one from the look-ups and defaults; tell whether it is new.

        When two callers insert at once and a constraint allows one row only, the second changes it.

        Args:
            defaults: What to set, values or callables that make them.
            create_defaults: What a new row has in place of `defaults`.
            lookups: What the row is found by; those without `__` are values of a new row.

        Raises:
            MultipleObjectsReturned: The model's own; there are several.
            IntegrityError: A constraint of the database forbids it.
        """
        changes = defaults or {}
        fresh = changes if create_defaults is None else create_defaults
        instance, is_new = yield from self._get_or_create(fresh, lookups)
        if not is_new:
            for name, value in _call_all(changes).items():
                if name not in self._options.settable and name != "pk":
                    raise self._options.build_unknown(name)
                setattr(instance, name, value)
            yield from save_as_declared(instance, self._alias)
        return instance, is_new

    # -------------------------------------------------------------- many rows

    @twins
    def bulk_create(  # noqa: PLR0913 - Django's options, all by name
        self,
        instances: Iterable[M],
        batch_size: int | None = None,
        *,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Collection[str] | None = None,
        unique_fields: Collection[str] | None = None,
    ) -> Steps[list[M]]:
        """Insert many instances by few statements; `save` and its signals are not called.

        Args:
            instances: What to insert; they get the keys the database gives.
            batch_size: Rows per statement at most.
            ignore_conflicts: Leave out rows that others are in the way of; no keys are set then.
            update_conflicts: Change the rows that are in the way instead.
            update_fields: Which fields of them.
            unique_fields: Which fields say that a row is in the way.

        Raises:
            IntegrityError: A constraint of the database forbids a row; none is inserted.
            FieldError: The options contradict each other, or an instance is of another model.
        """
        rows = list(instances)
        self._adopt(rows)
        conflict = _choose_conflict(
            self._options,
            ignore=ignore_conflicts,
            update=update_conflicts,
            fields=(update_fields, unique_fields),
        )
        yield from insert_many_steps(self._options, rows, self._alias, conflict, batch_size)
        return rows

    @twins
    def bulk_update(
        self, instances: Iterable[M], fields: Collection[str], batch_size: int | None = None
    ) -> Steps[int]:
        """Write fields of many instances by few statements; answer how many rows were found.

        Args:
            instances: Rows that were saved before.
            fields: The fields to write.
            batch_size: Rows per statement at most.

        Raises:
            FieldError: A name is no field, or is the key; an instance was never saved.
        """
        return (
            yield from update_many_steps(
                self._options, list(instances), list(fields), self._alias, batch_size
            )
        )

    @twins
    def update(self, /, **values: Any) -> Steps[int]:
        """Change columns of all rows, in one statement; answer how many rows.

        Args:
            values: Values, or expressions such as `F("sold") + 1`.

        Raises:
            FieldError: A name is no field.
            FieldValueError: A value does not fit its field.
        """
        self._check_uncombined("update")
        columns, parameters = self._convert_values(values)
        if not columns:
            return 0
        call = self.build_call("update", columns)
        count: int = yield call._replace(parameters=(*call.parameters, *parameters))
        return count

    def _check_uncombined(self, method: str) -> None:
        if self._has("combine"):
            raise FieldError(f"{method}() cannot write the rows of a union.", code="db.combined")

    def _convert_values(
        self, values: dict[str, Any]
    ) -> tuple[tuple[tuple[str, Any], ...], tuple[Any, ...]]:
        options = self._options
        namespace = Namespace(options, self._annotations)
        changes: dict[str, Any] = {}
        for given, value in values.items():
            name = options.primary_key if given == "pk" else given
            relation = options.relations.get(name)
            key = name if relation is None else relation.column
            if key not in options.columns:
                raise options.build_unknown(name)
            if is_worked_out(value):
                changes[key] = value
            elif relation is not None:
                found = find_key(relation, value, options.name)
                if relation.column in values:
                    check_agreement(relation, found, values[relation.column], options.name)
                changes[key] = found
            else:
                changes[key] = options.convert(name, value)
        if changes:
            for name, make in options.on_update.items():
                changes.setdefault(name, make())
        return _resolve_all(namespace, changes), tuple(namespace.parameters)

    @twins
    def delete(self) -> Steps[Deletion]:
        """Delete all rows; answer how many, by model, those included that went with them.

        Relations are the database's care: what `on_delete` says happens there.

        Raises:
            IntegrityError: Rows that must stay refer to one.
            FieldError: The rows are those of a union.
        """
        self._check_uncombined("delete")
        return (yield from delete_rows_steps(self))

    acreate = async_twin(create)
    aget_or_create = async_twin(get_or_create)
    aupdate_or_create = async_twin(update_or_create)
    abulk_create = async_twin(bulk_create)
    abulk_update = async_twin(bulk_update)
    aupdate = async_twin(update)
    adelete = async_twin(delete)


def _call_all(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value() if callable(value) else value for key, value in values.items()}


def _resolve_all(namespace: Namespace, changes: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Resolve what columns are set to: None for a value of the call, else an expression's node."""
    columns: list[tuple[str, Any]] = []
    for name, value in changes.items():
        if is_worked_out(value):
            term = namespace.resolve(value)
            if term.level != ROW:
                raise FieldError(
                    f"{name}={value!r} is no value of a single row, which update() could set.",
                    hint="Use Subquery(...) with OuterRef.",
                    code="db.update",
                )
            columns.append((name, term.node))
        else:
            columns.append((name, None))
            namespace.parameters.append(value)
    return tuple(columns)


def _choose_conflict(
    options: Any, *, ignore: bool, update: bool, fields: Sequence[Collection[str] | None]
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Choose what happens to rows that are in the way: the columns to change, and to look at.

    Raises:
        FieldError: The options contradict each other.
    """
    if not ignore and not update:
        return None
    if ignore and update:
        raise FieldError(
            "ignore_conflicts and update_conflicts exclude each other.", code="db.bulk"
        )
    updated, unique = (
        tuple(_find_column(options, name) for name in given or ()) for given in fields
    )
    if ignore:
        return (), ()
    if not updated:
        raise FieldError(
            "update_conflicts=True needs update_fields: which fields are to be changed?",
            code="db.bulk",
        )
    return updated, unique or options.primary_keys


def _find_column(options: Any, name: str) -> str:
    if name == "pk":
        return str(options.primary_key)
    relation = options.relations.get(name)
    key = name if relation is None else relation.column
    if key not in options.columns:
        raise options.build_unknown(name)
    return str(key)

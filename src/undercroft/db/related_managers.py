"""The rows on the other side of a relation, of one instance: `author.books`, `book.tags`."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from undercroft.db.bulk import insert_many_steps
from undercroft.db.internals import state_of
from undercroft.db.mapping.options import ManyRelation, ModelOptions, Relation
from undercroft.db.overriding import save_as_declared
from undercroft.db.queries.keys import check_agreement, find_key
from undercroft.db.related_rows import RelatedRows
from undercroft.db.rows.undoing import remember
from undercroft.db.signals import m2m_changed
from undercroft.db.twins import Steps, async_twin, atomically, twins
from undercroft.errors import FieldError

M = TypeVar("M")

#: Named here, because `set` is a method below.
Keys = set[Any]


class RelatedManager(RelatedRows[M]):
    """The rows of another model that refer to one instance, such as `author.books`.

    Args:
        relation: The step to the other model.
        alias: The database's name.
        instance: What they refer to.
    """

    __slots__ = ("_key", "_relation")

    def __init__(self, relation: Relation, alias: str, instance: Any) -> None:
        super().__init__(relation.target, alias, instance, relation.accessor)
        self._relation = relation
        self._key = getattr(instance, relation.column)
        narrowed = self._options.manager.filter(**{relation.target_column: self._key})
        self._operations, self._parameters = narrowed._operations, narrowed._parameters
        self._annotations = narrowed._annotations

    def _complete(self, values: dict[str, Any]) -> dict[str, Any]:
        column, name = self._relation.target_column, self._relation.target_name
        relation = self._options.relations[name]
        for given in (name, column):
            if given in values:
                key = find_key(relation, values[given], self._options.name)
                check_agreement(relation, self._key, key, self._options.name)
        return {column: self._key, **values}

    def _adopt(self, rows: Iterable[Any]) -> None:
        self._forget()
        for row in rows:
            if row.__dict__.get(self._relation.target_column) is None:
                setattr(row, self._relation.target_column, self._key)

    @twins
    def create(self, /, **values: Any) -> Steps[M]:
        """Make a row that refers to the instance, and insert it.

        Raises:
            IntegrityError: A constraint of the database forbids it.
        """
        self._forget()
        instance: M = self.model(**self._complete(values))
        yield from save_as_declared(instance, self._alias, force_insert=True)
        return instance

    @twins
    def add(self, *rows: M, bulk: bool = True) -> Steps[None]:
        """Let rows refer to the instance.

        Args:
            rows: Instances that were saved before.
            bulk: By one statement; otherwise each is saved, signals and all.

        Raises:
            FieldError: One is of another model, or was never saved.
        """
        self._forget()
        for row in rows:
            self._check_row(row)
        if not bulk:
            for row in rows:
                setattr(row, self._relation.target_name, self._instance)
                yield from save_as_declared(row, self._alias)
            return
        keys = _list_keys(rows)
        yield from self._set_key(keys, self._key)
        for row in rows:
            self._note(row, self._key)
            row.__dict__[self._relation.target_name] = self._instance

    def _note(self, row: Any, key: Any) -> None:
        """Note in an instance what its row refers to now, unless that is rolled back."""
        state = state_of(row)
        if row.__dict__.get(self._relation.target_column) != key:
            setattr(row, self._relation.target_column, key)
        remember(state, self._alias)
        state.committed_state.pop(self._relation.target_column, None)

    def _check_row(self, row: Any) -> None:
        if not isinstance(row, self._options.model):
            raise FieldError(f"{row!r} is no {self._options.name}.", code="db.related")
        if row.pk is None:
            raise FieldError(
                f"This {self._options.name} was never saved.",
                hint="Save it first, or use create().",
                code="db.not-saved",
            )

    def _set_key(self, keys: list[Any], value: Any) -> Steps[int]:
        if not keys:
            return 0
        query = self._options.manager.using(self._alias).filter(pk__in=keys)
        updating: Steps[int] = query.update.steps(query, **{self._relation.target_column: value})
        return (yield from updating)

    @twins
    def remove(self, *rows: M) -> Steps[None]:
        """Let rows refer to the instance no longer.

        Raises:
            FieldError: The foreign key may not be NULL, or one is of another model.
            DoesNotExist: The other model's own; one refers to another row.
        """
        self._check_nullable("remove")
        self._forget()
        for row in rows:
            self._check_row(row)
            if getattr(row, self._relation.target_column) != self._key:
                raise self._options.model.DoesNotExist(
                    f"{row!r} is none of {self.describe()}: it refers to another row, or to none.",
                    code="db.related",
                )
        # Those that refer to another row by now are left alone.
        mine = self.filter(pk__in=_list_keys(rows))
        yield from type(mine).update.steps(mine, **{self._relation.target_column: None})
        for row in rows:
            setattr(row, self._relation.target_name, None)

    @twins
    def clear(self) -> Steps[None]:
        """Let no row refer to the instance.

        Raises:
            FieldError: The foreign key may not be NULL.
        """
        self._check_nullable("clear")
        self._forget()
        yield from type(self).update.steps(self, **{self._relation.target_column: None})

    @twins
    def set(self, rows: Iterable[M], *, clear: bool = False) -> Steps[None]:
        """Let exactly these rows refer to the instance.

        Args:
            rows: Instances that were saved before.
            clear: Remove all first, even those that stay.

        Raises:
            FieldError: The foreign key may not be NULL.
        """
        wanted = list(rows)
        yield from atomically(self._replace(wanted, clear=clear), self._alias)

    def _replace(self, wanted: list[Any], *, clear: bool) -> Steps[None]:
        self._forget()
        if clear:
            yield from type(self).clear.steps(self)
        else:
            keys = _list_keys(wanted)
            others = self.exclude(pk__in=keys)
            if self._options.columns[self._relation.target_column].nullable:
                yield from type(others).update.steps(others, **{self._relation.target_column: None})
        yield from type(self).add.steps(self, *wanted)

    def _check_nullable(self, method: str) -> None:
        if not self._options.columns[self._relation.target_column].nullable:
            name = f"{self._options.name}.{self._relation.target_name}"
            raise FieldError(
                f"{method}() would leave {name} without a value, and it may not be NULL.",
                hint="Delete the rows, or let them refer to another.",
                code="db.related",
            )

    acreate = async_twin(create)
    aadd = async_twin(add)
    aremove = async_twin(remove)
    aclear = async_twin(clear)
    aset = async_twin(set)


class ManyRelatedManager(RelatedRows[M]):
    """The rows of a relation of many to many, of one instance: `book.tags`.

    Args:
        relation: The relation, as seen from the instance.
        alias: The database's name.
        instance: Whose rows.
    """

    __slots__ = ("_key", "_many")

    def __init__(self, relation: ManyRelation, alias: str, instance: Any) -> None:
        super().__init__(relation.target, alias, instance, relation.accessor)
        self._many = relation
        owner: ModelOptions = instance.__options__
        self._key = getattr(instance, owner.reverses[relation.path[0]].column)
        narrowed = self._options.manager.filter(**{relation.back: self._key})
        self._operations, self._parameters = narrowed._operations, narrowed._parameters
        self._annotations = narrowed._annotations

    @property
    def through(self) -> type[Any]:
        """The model of the rows between."""
        return self._many.through

    @twins
    def add(self, *rows: Any, through_defaults: Mapping[str, Any] | None = None) -> Steps[None]:
        """Put rows into the relation; those that are in it stay as they are.

        Args:
            rows: Instances, or their keys.
            through_defaults: Further values of the rows between.

        Raises:
            FieldError: One was never saved, or is of another model.
        """
        yield from atomically(self._add(rows, through_defaults or {}), self._alias)

    def _get_or_create(
        self, defaults: Mapping[str, Any], lookups: dict[str, Any]
    ) -> Steps[tuple[M, bool]]:
        more: Mapping[str, Any] = lookups.pop("through_defaults", None) or {}
        steps = self._get_or_put_in(defaults, lookups, more)
        return (yield from atomically(steps, self._alias))

    def _get_or_put_in(
        self, defaults: Mapping[str, Any], lookups: dict[str, Any], more: Mapping[str, Any]
    ) -> Steps[tuple[M, bool]]:
        instance, is_new = yield from super()._get_or_create(defaults, lookups)
        if is_new:
            yield from self._add((instance,), more)
        return instance, is_new

    def _add(self, rows: Iterable[Any], more: Mapping[str, Any]) -> Steps[None]:
        self._forget()
        wanted = Keys(map(self._find_key, rows))
        present: list[Any] = yield from self._present(wanted)
        fresh = wanted - Keys(present)
        if not fresh:
            return
        yield from self._tell("pre_add", fresh)
        between: ModelOptions = self._many.through.__options__
        made = [self._make(key, more) for key in fresh]
        if self._many.is_symmetrical:
            made += [self._make(key, more, turned=True) for key in fresh if key != self._key]
        # Somebody else may put the same rows in at this moment.
        yield from insert_many_steps(between, made, self._alias, ((), ()), None)
        yield from self._tell("post_add", fresh)

    def _present(self, wanted: Iterable[Any]) -> Steps[list[Any]]:
        source, far = self._columns()
        query = self._query_between().filter(**{source: self._key, f"{far}__in": list(wanted)})
        found: list[Any] = yield query.values_list(far, flat=True).build_fetch()
        return found

    def _columns(self) -> tuple[str, str]:
        between: ModelOptions = self._many.through.__options__
        relations = between.relations
        return relations[self._many.source].column, relations[self._many.far].column

    def _query_between(self) -> Any:
        between: ModelOptions = self._many.through.__options__
        return between.manager.using(self._alias)

    def _make(self, key: Any, more: Mapping[str, Any], *, turned: bool = False) -> Any:
        source, far = self._columns()
        ends = (key, self._key) if turned else (self._key, key)
        values = {name: value() if callable(value) else value for name, value in more.items()}
        return self._many.through(**{source: ends[0], far: ends[1]}, **values)

    def _find_key(self, row: Any) -> Any:
        between: ModelOptions = self._many.through.__options__
        key = find_key(between.relations[self._many.far], row, between.name)
        if key is None:
            raise FieldError(f"None is no {self._options.name}.", code="db.related")
        return key

    def _tell(self, action: str, keys: Keys | None) -> Steps[None]:
        if m2m_changed.listens(self._many.through):
            yield from m2m_changed.send_steps(
                self._many.through,
                instance=self._instance,
                action=action,
                model=self._options.model,
                pk_set=keys,
                using=self._alias,
                reverse=self._many.is_reverse,
            )

    @twins
    def remove(self, *rows: Any) -> Steps[None]:
        """Take rows out of the relation.

        Args:
            rows: Instances, or their keys.
        """
        yield from atomically(self._remove(Keys(map(self._find_key, rows))), self._alias)

    def _remove(self, keys: Keys) -> Steps[None]:
        if not keys:
            return
        self._forget()
        yield from self._tell("pre_remove", keys)
        source, far = self._columns()
        ends = [(source, far)]
        if self._many.is_symmetrical:
            ends.append((far, source))
        for near, other in ends:
            query = self._query_between().filter(**{near: self._key, f"{other}__in": list(keys)})
            yield from query.delete.steps(query)
        yield from self._tell("post_remove", keys)

    @twins
    def clear(self) -> Steps[None]:
        """Take all rows out of the relation."""
        yield from atomically(self._clear(), self._alias)

    def _clear(self) -> Steps[None]:
        self._forget()
        yield from self._tell("pre_clear", None)
        source, far = self._columns()
        for near in (source, far) if self._many.is_symmetrical else (source,):
            query = self._query_between().filter(**{near: self._key})
            yield from query.delete.steps(query)
        yield from self._tell("post_clear", None)

    @twins
    def set(
        self,
        rows: Iterable[Any],
        *,
        clear: bool = False,
        through_defaults: Mapping[str, Any] | None = None,
    ) -> Steps[None]:
        """Let exactly these rows be in the relation.

        Args:
            rows: Instances, or their keys.
            clear: Take all out first, even those that stay.
            through_defaults: Further values of new rows between.
        """
        wanted = Keys(map(self._find_key, rows))
        steps = self._replace(wanted, through_defaults or {}, clear=clear)
        yield from atomically(steps, self._alias)

    def _replace(self, wanted: Keys, more: Mapping[str, Any], *, clear: bool) -> Steps[None]:
        if clear:
            yield from self._clear()
        else:
            source, far = self._columns()
            query = self._query_between().filter(**{source: self._key})
            present: list[Any] = yield query.values_list(far, flat=True).build_fetch()
            yield from self._remove(Keys(present) - wanted)
        yield from self._add(wanted, more)

    @twins
    def create(
        self, /, *, through_defaults: Mapping[str, Any] | None = None, **values: Any
    ) -> Steps[M]:
        """Insert a row on the other side, and put it into the relation.

        Raises:
            IntegrityError: A constraint of the database forbids it.
        """
        instance: M = self.model(**values)
        steps = self._create(instance, through_defaults or {})
        yield from atomically(steps, self._alias)
        return instance

    def _create(self, instance: M, more: Mapping[str, Any]) -> Steps[None]:
        yield from save_as_declared(instance, self._alias, force_insert=True)
        yield from self._add((instance,), more)

    acreate = async_twin(create)
    aadd = async_twin(add)
    aremove = async_twin(remove)
    aclear = async_twin(clear)
    aset = async_twin(set)


def _list_keys(rows: Iterable[Any]) -> list[Any]:
    return [row.pk for row in rows]

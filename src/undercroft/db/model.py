"""The model: a SQLAlchemy declarative class with Django's manners."""

import datetime as dt
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, overload

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedColumn

from undercroft.db import registry
from undercroft.db.fields import BigAutoField
from undercroft.db.foreign_keys import ForeignKeyDeclaration
from undercroft.db.internals import forget_value, state_of
from undercroft.db.lane import get_lane
from undercroft.db.manager import Manager, RelatedManager
from undercroft.db.options import ModelOptions, find_app_label, read_meta
from undercroft.db.relations import build_loaders
from undercroft.db.twins import Steps, async_twin, twins
from undercroft.db.types import UTCDateTime
from undercroft.db.writes import delete_steps, insert_steps, refresh_steps, update_steps
from undercroft.errors import (
    ImproperlyConfigured,
    MultipleObjectsReturned,
    ObjectDoesNotExist,
)

M = TypeVar("M", bound="Model")

#: Every constraint has a name that does not depend on the database: migrations need one to drop it.
NAMING_CONVENTION = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Objects:
    """`Model.objects`, typed by the class it is reached through."""

    @overload
    def __get__(self, instance: None, owner: type[M], /) -> Manager[M]: ...
    @overload
    def __get__(self, instance: object, owner: type[M], /) -> Any: ...
    def __get__(self, instance: object | None, owner: type[Any], /) -> Any:
        """Give the manager of a mapped class, which replaces this descriptor there."""
        if instance is not None:
            raise AttributeError(f"objects belongs to the class {owner.__name__}, not to a row.")
        raise ImproperlyConfigured(
            f"{owner.__name__} is abstract and has no rows.", code="db.abstract-model"
        )


class Related:
    """The other side of a foreign key: `author.posts`.

    Args:
        model: The model with the foreign key.
        column: The attribute of the foreign key.
        target_column: The attribute it refers to.
    """

    def __init__(self, model: type[Any], column: str, target_column: str) -> None:
        self.model = model
        self.column = column
        self.target_column = target_column

    def __get__(self, instance: Any, owner: type[Any], /) -> Any:
        """Give the rows that refer to an instance."""
        if instance is None:
            return self
        key = getattr(instance, self.target_column)
        if key is None:
            raise owner.DoesNotExist(
                f"This {owner.__name__} has no rows that refer to it: it was never saved.",
                code="db.not-saved",
            )
        return RelatedManager(self.model, "default", self.column, key)


class Model(DeclarativeBase):
    """A table's rows, as objects.

    ```python
    class Author(models.Model):
        name = models.CharField(max_length=100)

        class Meta:
            ordering = ["name"]
    ```

    An `id` is added unless a field has `primary_key=True`. The table is named `<app>_<model>`.
    It is a SQLAlchemy declarative class: `select(Author)`, `Session`, `__table_args__` and
    `Mapped[...] = mapped_column(...)` work as they do there.
    """

    metadata = sa.MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = {dt.datetime: UTCDateTime()}
    __options__: ClassVar[ModelOptions]
    objects: ClassVar[Objects] = Objects()

    class DoesNotExist(ObjectDoesNotExist):
        """No such row; each model has its own subclass."""

    class MultipleObjectsReturned(MultipleObjectsReturned):
        """More than one such row; each model has its own subclass."""

    if TYPE_CHECKING:
        # There at run time unless another field is the primary key.
        id: Mapped[int]

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Expand our declarations, let SQLAlchemy map the class, then prepare what queries need."""
        meta = read_meta(cls)
        if meta.get("abstract"):
            cls.__abstract__ = True
            super().__init_subclass__(**arguments)
            return
        cls.__abstract__ = False
        inherited = getattr(cls, "__options__", None)
        app_label = str(meta.get("app_label", find_app_label(cls.__module__)))
        name = cls.__name__.lower()
        if "__tablename__" not in vars(cls) and inherited is None and "__table__" not in vars(cls):
            default = f"{app_label}_{name}" if app_label else name
            cls.__tablename__ = str(meta.get("db_table", default))
        if inherited is None and not _has_primary_key(cls):
            cls.id = BigAutoField()
        _add_table_args(cls, _inherit_meta(cls, meta))
        keys = _list_foreign_keys(cls)
        for key_name, declaration in keys.items():
            declaration.expand(cls, key_name, app_label)
        for error in ("DoesNotExist", "MultipleObjectsReturned"):
            parent = getattr(cls, error)
            described = {
                "__module__": cls.__module__,
                "__qualname__": f"{cls.__qualname__}.{error}",
            }
            setattr(cls, error, type(error, (parent,), {**described, "__doc__": parent.__doc__}))
        super().__init_subclass__(**arguments)
        cls.__options__ = ModelOptions(cls, app_label, cls.__tablename__, _inherit_meta(cls, meta))
        type.__setattr__(cls, "objects", Manager(cls))
        for key_name, declaration in keys.items():
            _keep_in_step(cls, key_name)
            declaration.resolve(cls, key_name, app_label, _add_reverse_accessor)
        registry.register(app_label, cls)

    def __init__(self, **values: Any) -> None:
        """Make an instance; fields not given get their defaults.

        Raises:
            FieldError: A name is no field.
        """
        options = self.__options__
        state = state_of(self)
        present = state.dict
        if options.relations:
            state.callables = _get_loaders(options)
        direct = options.direct
        for name, value in values.items():
            if name in direct:
                present[name] = value
            elif name in options.settable:
                setattr(self, name, value)
            else:
                raise options.build_unknown(name)
        for key, default, is_called in options.defaults:
            if key not in present:
                present[key] = default() if is_called else default
        for key in options.nullable:
            if key not in present:
                present[key] = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self}>"

    def __str__(self) -> str:
        """Name the row; models usually have their own."""
        return f"{type(self).__name__} object ({self.pk})"

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Model) or type(self) is not type(other):
            return False
        return self.pk is not None and bool(self.pk == other.pk)

    def __hash__(self) -> int:
        return hash((type(self), self.pk)) if self.pk is not None else id(self)

    @property
    def pk(self) -> Any:
        """The value of the primary key, whatever the field is called."""
        return self.__dict__.get(self.__options__.primary_key)

    def describe(self) -> str:
        """Describe the row as a variable of its author's, for messages."""
        return type(self).__name__.lower()

    @twins
    def save(
        self,
        *,
        update_fields: Collection[str] | None = None,
        force_insert: bool = False,
        using: str = "default",
    ) -> Steps[None]:
        """Insert the row, or write what changed since it was read or saved.

        Args:
            update_fields: Write these, and `auto_now` fields, whatever else has changed.
            force_insert: Insert, even when the row was saved before.
            using: The database's name.

        Raises:
            IntegrityError: A constraint of the database forbids it.
            DoesNotExist: The model's own; the row to update is gone.
        """
        if state_of(self).key is None or force_insert:
            yield from insert_steps(self, using)
        else:
            yield from update_steps(self, update_fields, using)

    @twins
    def delete(self, *, using: str = "default") -> Steps[int]:
        """Delete the row; answer how many rows went. What refers to it is the database's care."""
        return (yield from delete_steps(self, using))

    @twins
    def refresh_from_db(self, *, using: str = "default") -> Steps[None]:
        """Read the row again, forgetting what was changed here.

        Raises:
            DoesNotExist: The model's own; the row is gone.
        """
        yield from refresh_steps(self, using)

    asave = async_twin(save)
    adelete = async_twin(delete)
    arefresh_from_db = async_twin(refresh_from_db)


def _get_loaders(options: ModelOptions) -> Any:
    """Get the loaders of instances that have no siblings."""
    if options.loaders is None:
        options.loaders = build_loaders(options, (), lambda call: get_lane(call.alias).run(call))
    return options.loaders


def _has_primary_key(model: type[Any]) -> bool:
    """Tell whether a field of a class about to be mapped is a primary key."""
    for parent in model.__mro__:
        for value in vars(parent).values():
            column: Any = getattr(value, "column", None)
            if isinstance(value, MappedColumn) and column.primary_key:
                return True
    return "__table__" in vars(model) or bool(
        getattr(model, "__mapper_args__", {}).get("primary_key")
    )


def _list_foreign_keys(model: type[Any]) -> dict[str, ForeignKeyDeclaration]:
    """List the declarations of a class, those of abstract parents and mixins included."""
    found: dict[str, ForeignKeyDeclaration] = {}
    for parent in reversed(model.__mro__):
        if "__mapper__" in vars(parent):
            continue
        declared = vars(parent).items()
        found.update({n: one for n, one in declared if isinstance(one, ForeignKeyDeclaration)})
    return found


def _inherit_meta(model: type[Any], own: dict[str, Any]) -> dict[str, Any]:
    """Add what abstract parents say, as far as it can hold for several tables."""
    if "Meta" in vars(model):
        return own
    for parent in model.__mro__[1:]:
        if "Meta" in vars(parent):
            meta = read_meta(parent)
            return {
                name: value for name, value in meta.items() if name not in ("abstract", "db_table")
            }
    return own


def _add_table_args(model: type[Any], meta: dict[str, Any]) -> None:
    """Turn `unique_together`, `constraints` and `indexes` into SQLAlchemy's table arguments."""
    together = meta.get("unique_together", ())
    if together and isinstance(together[0], str):
        together = (together,)
    added: list[Any] = [*meta.get("constraints", ()), *meta.get("indexes", ())]
    keys = _list_foreign_keys(model)
    for names in together:
        columns = [f"{name}_id" if name in keys else name for name in names]
        added.append(sa.UniqueConstraint(*columns))
    if not added:
        return
    present: Any = vars(model).get("__table_args__", ())
    model.__table_args__ = (*added, *([present] if isinstance(present, dict) else present))


def _keep_in_step(model: type[Any], name: str) -> None:
    """Let `post.author = ada` set `post.author_id`, and a new key forget the old `post.author`."""
    key = f"{name}_id"

    def follow_relation(instance: Any, value: Any, _old: object, _initiator: object) -> None:
        relation = instance.__options__.relations[name]
        new = None if value is None else getattr(value, relation.target_column)
        if instance.__dict__.get(key) != new or key not in instance.__dict__:
            setattr(instance, key, new)

    def follow_key(instance: Any, value: Any, _old: object, _initiator: object) -> None:
        related = instance.__dict__.get(name)
        if related is not None and related.pk != value:
            forget_value(state_of(instance), name)

    event.listen(getattr(model, name), "set", follow_relation)
    event.listen(getattr(model, key), "set", follow_key)


def _add_reverse_accessor(
    target: type[Any], model: type[Any], declaration: ForeignKeyDeclaration, name: str
) -> None:
    accessor = declaration.related_name or f"{model.__name__.lower()}_set"
    if accessor.endswith("+"):
        return
    present = getattr(target, accessor, None)
    if present is not None:
        raise ImproperlyConfigured(
            f"{model.__name__}.{name} cannot be reached as {target.__name__}.{accessor}: that name "
            "is taken.",
            hint='Give the foreign key another related_name, or "+" for none.',
            code="db.related-name",
        )
    mapper = registry.find_mapper(target)
    key: str = mapper.get_property_by_column(mapper.primary_key[0]).key
    type.__setattr__(target, accessor, Related(model, f"{name}_id", key))

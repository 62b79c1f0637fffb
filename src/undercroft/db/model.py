"""The model: a SQLAlchemy declarative class with Django's manners."""

import datetime as dt
from collections.abc import Collection
from copy import copy
from typing import TYPE_CHECKING, Any, ClassVar, Self

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import DeclarativeBase, Mapped, Mapper

from undercroft import errors
from undercroft.db.accessors import keep_in_step
from undercroft.db.composite import mark_composite, take_composite
from undercroft.db.connections.violations import use_names
from undercroft.db.deleting import Deletion, delete_instance_steps
from undercroft.db.fields.keys import BigAutoField
from undercroft.db.fields.time_types import UTCDateTime
from undercroft.db.inheritance import (
    check_parents,
    check_primary_keys,
    has_primary_key,
    hide_reverse_annotations,
    inherit_meta,
    list_foreign_keys,
    list_many_to_many,
)
from undercroft.db.internals import copy_state, find_instance_maker, state_of
from undercroft.db.lane import get_lane
from undercroft.db.linking import link_foreign_key
from undercroft.db.manager import find_managers, install_managers
from undercroft.db.many_to_many import resolve_many
from undercroft.db.mapping import registry
from undercroft.db.mapping.completing import complete_class, list_foreign_items
from undercroft.db.mapping.options import ModelOptions, find_app_label, read_meta
from undercroft.db.mapping.relationships import resolve_bare_names
from undercroft.db.mapping.slips import check_declarations
from undercroft.db.mapping.violations import find_names
from undercroft.db.overriding import add_async_overrides, has_own_save
from undercroft.db.queries.keys import set_relation
from undercroft.db.queryset import Objects
from undercroft.db.rows.notes import find_alias
from undercroft.db.rows.siblings import BATCHED, PREFETCHED, build_own_loaders, use_run
from undercroft.db.twins import Steps, async_twin, twins
from undercroft.db.validation.constraints import constraint_steps, unique_steps
from undercroft.db.validation.fields import clean_fields_steps
from undercroft.db.validation.instances import full_clean_steps
from undercroft.db.writes import read_key, refresh_steps, save_steps
from undercroft.errors import FieldError, ObjectDoesNotExist

#: Every constraint has a name that does not depend on the database: migrations need one to drop it.
NAMING_CONVENTION = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# Errors of the database name models and fields from now on.
use_names(find_names)
use_run(lambda call: get_lane(call.alias).run(call))


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

    SQLAlchemy's mapper events (`before_insert` and its kin) fire only when a `Session` writes:
    `save`, `create`, `update` and `delete` send their statements themselves. Its events of
    attributes and of connections fire always.
    """

    metadata = sa.MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = {dt.datetime: UTCDateTime()}
    __options__: ClassVar[ModelOptions]
    #: Django's name for `__options__`.
    _meta: ClassVar[ModelOptions]
    objects = Objects()

    class DoesNotExist(ObjectDoesNotExist):
        """No such row; each model has its own subclass."""

    class MultipleObjectsReturned(errors.MultipleObjectsReturned):
        """More than one such row; each model has its own subclass."""

    if TYPE_CHECKING:
        # There at run time unless another field is the primary key.
        id: Mapped[int]

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Expand our declarations, let SQLAlchemy map the class, then prepare what queries need."""
        check_declarations(cls, Model)
        meta = read_meta(cls)
        composite = take_composite(cls)
        if meta.get("abstract"):
            cls.__abstract__ = True
            super().__init_subclass__(**arguments)
            return
        cls.__abstract__ = False
        check_parents(cls)
        meta = inherit_meta(cls, meta)
        app_label = str(meta.get("app_label", find_app_label(cls.__module__)))
        name = cls.__name__.lower()
        if "__tablename__" not in vars(cls) and "__table__" not in vars(cls):
            default = f"{app_label}_{name}" if app_label else name
            cls.__tablename__ = str(meta.get("db_table", default))
        if not composite:
            check_primary_keys(cls)
            if not has_primary_key(cls):
                cls.id = BigAutoField()
        check_new(cls, app_label)
        hide_reverse_annotations(cls)
        add_table_args(cls, list_foreign_items(cls, meta))
        keys, many = list_foreign_keys(cls), list_many_to_many(cls)
        managers = find_managers(cls)
        for key_name, declaration in keys.items():
            declaration.expand(cls, key_name, app_label)
        for name_of_many in many:
            type.__setattr__(cls, name_of_many, None)
        if composite:
            mark_composite(cls, composite)
        add_errors(cls)
        super().__init_subclass__(**arguments)
        table: Any = cls.__table__
        cls.__options__ = cls._meta = ModelOptions(cls, app_label, table.name, meta)
        complete_class(cls, meta)
        cls.__options__.manager_name = install_managers(cls, managers)
        cls.__options__.saves_itself = has_own_save(cls, Model)
        add_async_overrides(cls)
        for key_name, declaration in keys.items():
            keep_in_step(cls, key_name)
            declaration.resolve(cls, key_name, app_label, link_foreign_key)
        registry.register(app_label, cls)
        for many_name, declared in many.items():
            resolve_many(cls, many_name, declared, Model)

    def __init__(self, **values: Any) -> None:
        """Make an instance; fields not given get their defaults.

        Raises:
            FieldError: A name is no field.
        """
        options = self.__options__
        state = state_of(self)
        present = state.dict
        if options.relations:
            state.callables = options.loaders or _set_loaders(options)
        direct = options.direct
        for name, value in values.items():
            if name in direct:
                present[name] = value
            elif name in options.relations:
                set_relation(self, options.relations[name], values)
            elif name in options.settable:
                setattr(self, name, value)
            elif name == "pk":
                self.pk = value
            else:
                raise _build_refused(options, name)
        _fill_in(options, present)

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

    def __copy__(self) -> Self:
        """Make an instance of the same values that is changed and saved by itself."""
        options = self.__options__
        made: Any = find_instance_maker(options.mapper)()
        source, state = state_of(self), state_of(made)
        copy_state(source, state)
        for name in (PREFETCHED, BATCHED):
            if name in state.dict:
                state.dict[name] = state.dict[name].copy()
        state.callables = copy(source.callables)
        return made  # type: ignore[no-any-return]  # of this class

    @property
    def pk(self) -> Any:
        """The value of the primary key, whatever the field is called; a tuple of several."""
        options = self.__options__
        if options.is_composite:
            key = read_key(options, self.__dict__)
            return None if None in key else key
        return self.__dict__.get(options.primary_key)

    @pk.setter
    def pk(self, value: Any) -> None:
        names = self.__options__.primary_keys
        values = (value,) if len(names) == 1 else value
        for name, part in zip(names, values, strict=True):
            setattr(self, name, part)

    def describe(self) -> str:
        """Describe the row as a variable of its author's, for messages."""
        return type(self).__name__.lower()

    @twins
    def save(
        self,
        *,
        update_fields: Collection[str] | None = None,
        force_insert: bool = False,
        force_update: bool = False,
        using: str | None = None,
    ) -> Steps[None]:
        """Insert the row, or write what changed since it was read or saved.

        A row whose key was set to None is inserted: a copy of the one it was.

        Args:
            update_fields: Write these, and `auto_now` fields, whatever else has changed.
            force_insert: Insert, even when the row was saved before.
            force_update: Update, even when the row was not read from the database.
            using: The database's name; that the row came from, or the default one, when None.

        Raises:
            IntegrityError: A constraint of the database forbids it.
            DoesNotExist: The model's own; the row to update is gone.
        """
        yield from save_steps(
            self,
            using or find_alias(state_of(self)),
            update_fields=update_fields,
            force_insert=force_insert,
            force_update=force_update,
        )

    @twins
    def delete(self, *, using: str | None = None) -> Steps[Deletion]:
        """Delete the row; answer how many rows went, by model, those that went with it included.

        Raises:
            FieldError: It was never saved.
            IntegrityError: Rows that must stay refer to it.
        """
        return (yield from delete_instance_steps(self, using or find_alias(state_of(self))))

    @twins
    def refresh_from_db(
        self, *, using: str | None = None, fields: Collection[str] | None = None
    ) -> Steps[None]:
        """Read the row again, forgetting what was changed here.

        Args:
            using: The database's name; that the row came from when None.
            fields: Read these only.

        Raises:
            DoesNotExist: The model's own; the row is gone.
        """
        yield from refresh_steps(self, using or find_alias(state_of(self)), fields)

    def clean(self) -> None:
        """Check what is about several fields; override it, and raise `ValidationError`."""

    @twins
    def clean_fields(self, exclude: Collection[str] | None = None) -> Steps[None]:
        """Check each field by itself: type, limits, `blank`, `choices`, validators, foreign keys.

        Args:
            exclude: The names of fields to leave out.

        Raises:
            ValidationError: Values are wrong, by field.
        """
        yield from clean_fields_steps(self, exclude)

    @twins
    def validate_unique(self, exclude: Collection[str] | None = None) -> Steps[None]:
        """Check that no other row has what must be unique.

        Raises:
            ValidationError: One has.
        """
        yield from unique_steps(self, exclude)

    @twins
    def validate_constraints(self, exclude: Collection[str] | None = None) -> Steps[None]:
        """Check the constraints of `Meta`: checks, and unique ones with conditions or expressions.

        Raises:
            ValidationError: One is violated.
        """
        yield from constraint_steps(self, exclude)

    @twins
    def full_clean(
        self,
        exclude: Collection[str] | None = None,
        validate_unique: bool = True,
        validate_constraints: bool = True,
    ) -> Steps[None]:
        """Check everything: fields, `clean`, uniqueness, constraints. `save` does not call it.

        Args:
            exclude: The names of fields to leave out.
            validate_unique: Ask for other rows with the same values.
            validate_constraints: Ask whether the constraints of `Meta` hold.

        Raises:
            ValidationError: Something is wrong; the messages are by field.
        """
        yield from full_clean_steps(
            self,
            exclude,
            validate_unique=validate_unique,
            validate_constraints=validate_constraints,
        )

    asave = async_twin(save)
    aclean_fields = async_twin(clean_fields)
    afull_clean = async_twin(full_clean)
    avalidate_constraints = async_twin(validate_constraints)
    avalidate_unique = async_twin(validate_unique)
    adelete = async_twin(delete)
    arefresh_from_db = async_twin(refresh_from_db)


def add_errors(model: type[Any]) -> None:
    """Give a class about to be mapped `DoesNotExist` and `MultipleObjectsReturned` of its own."""
    for name in ("DoesNotExist", "MultipleObjectsReturned"):
        parent = getattr(model, name)
        described = {
            "__module__": model.__module__,
            "__qualname__": f"{model.__qualname__}.{name}",
            "__doc__": parent.__doc__,
        }
        setattr(model, name, type(name, (parent,), described))


def check_new(model: Any, app_label: str) -> None:
    """Check that neither a class about to be mapped nor its table is there already."""
    table = None
    if "__table__" not in vars(model):
        table = Model.metadata.tables.get(model.__tablename__)
    registry.check_free(app_label, model.__name__, model.__module__, table)


event.listen(Mapper, "before_configured", lambda: resolve_bare_names(Model.registry.mappers))


def _build_refused(options: ModelOptions, name: str) -> FieldError:
    """Build the error for what a constructor was given and cannot take."""
    if name not in options.accessors:
        return options.build_unknown(name)
    return FieldError(
        f"{options.name}.{name} are other rows: a new instance cannot be given them.",
        hint=f"Save it first, then use .{name}.set([...]).",
        code="db.related",
    )


def _fill_in(options: ModelOptions, present: dict[str, Any]) -> None:
    """Fill in what a new instance was not given."""
    for key, default, is_called in options.defaults:
        if key not in present:
            present[key] = default() if is_called else default
    for key in options.nullable:
        if key not in present:
            present[key] = None


def _set_loaders(options: ModelOptions) -> Any:
    """Set the loaders of instances that have no siblings."""
    options.loaders = build_own_loaders(options, options.relations)
    return options.loaders


def add_table_args(model: type[Any], added: list[Any]) -> None:
    """Add SQLAlchemy's constraints and indexes to the table arguments of a class."""
    if not added:
        return
    present: Any = vars(model).get("__table_args__", ())
    model.__table_args__ = (*added, *([present] if isinstance(present, dict) else present))

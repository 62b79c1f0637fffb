"""What a model's `Meta` says, and everything prepared once per model for queries and writes."""

from collections import ChainMap
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property, partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import configure_mappers
from sqlalchemy.orm.interfaces import MANYTOONE

from undercroft.db.fields.arrays import Array
from undercroft.db.fields.info import MISSING, MUTABLE, FieldInfo, find_default, find_field_info
from undercroft.db.fields.limits import build_writer
from undercroft.db.fields.values import Convert, build_converter, build_error
from undercroft.db.internals import count_listeners, get_identity_class
from undercroft.db.mapping import registry
from undercroft.db.mapping.rules import Rule, list_rules
from undercroft.errors import FieldError, ImproperlyConfigured

#: What `Meta` may hold.
META_OPTIONS = frozenset(
    {
        "abstract",
        "app_label",
        "auto_created",
        "constraints",
        "db_table",
        "db_table_comment",
        "default_permissions",
        "default_related_name",
        "get_latest_by",
        "indexes",
        "managed",
        "ordering",
        "permissions",
        "rules",
        "unique_together",
        "verbose_name",
        "verbose_name_plural",
    }
)


#: What Django's `Meta` may hold and ours does not, with what to write instead.
FOREIGN_OPTIONS = {
    "index_together": 'Write indexes = [models.Index(fields=["a", "b"])].',
    "proxy": "Write a second manager, or functions that take the model: a class of its own for "
    "the same table would be unknown to SQLAlchemy.",
    "order_with_respect_to": 'Give the model a number field, and ordering = ["..."].',
}


@dataclass(frozen=True, slots=True)
class Relation:
    """One step from a model to another, along a foreign key or against it.

    Attributes:
        name: What look-ups call it, for example `author`.
        column: The key of the local column, for example `author_id`.
        target: The other model.
        target_column: The key of the column it is compared with.
        null: Whether there may be no target.
        is_reverse: Whether the foreign key is the target's.
        many: Whether there may be several targets.
        accessor: The attribute of instances; empty when they have none.
        target_name: Of a reverse one, what the target calls its foreign key.
    """

    name: str
    column: str
    target: type[Any]
    target_column: str
    null: bool
    is_reverse: bool = False
    many: bool = False
    accessor: str = ""
    target_name: str = ""


@dataclass(frozen=True, slots=True)
class ManyRelation:
    """A relation of many rows to many, by the rows of a third model between them.

    Attributes:
        name: What look-ups call it, for example `tags`.
        through: The model between.
        source: Its foreign key to this side, by name.
        far: Its foreign key to the other side, by name.
        target: The model on the other side.
        path: The two steps that lead there.
        back: The look-up from the other side to the column between that names this one.
        accessor: The attribute of instances; empty when they have none.
        is_symmetrical: Whether who is related to another is so the other way round.
        is_reverse: Whether it was declared on the other side.
        verbose_name: Its name for people; None for the attribute's in words.
        blank: Whether forms accept none at all.
        help_text: Shown beside it.
        editable: Whether forms show it.
    """

    name: str
    through: type[Any]
    source: str
    far: str
    target: type[Any]
    path: tuple[str, str]
    back: str
    accessor: str = ""
    is_symmetrical: bool = False
    is_reverse: bool = False
    verbose_name: str | None = None
    blank: bool = False
    help_text: str = ""
    editable: bool = True

    @property
    def label(self) -> str:
        """The name for people: the verbose name, or the attribute's in words."""
        return self.verbose_name or self.name.replace("_", " ")


@dataclass(eq=False)
class ModelOptions:
    """Everything the data layer knows about one model, reached as `Model.__options__`.

    Attributes:
        model: The mapped class.
        app_label: The app it belongs to; empty for a top-level module.
        db_table: The table's name.
        meta: The `Meta` options as given.
    """

    model: type[Any]
    app_label: str
    db_table: str
    meta: Mapping[str, Any]
    #: Look-ups by keyword, resolved once; filled by `lookups`.
    lookups: dict[str, Any] = field(default_factory=dict[str, Any])
    #: What loads the relations of an instance without siblings; filled by `model`.
    loaders: Any = None
    #: Foreign keys of other models that refer to this one, by the name look-ups have for them.
    reverses: dict[str, Relation] = field(default_factory=dict[str, Relation])
    #: Relations to other rows by the attribute instances have for them.
    accessors: dict[str, Any] = field(default_factory=dict[str, Any])
    #: Relations of many rows to many, by name.
    many: dict[str, ManyRelation] = field(default_factory=dict[str, ManyRelation])

    #: The name of the manager that relations and generic code begin with.
    manager_name: str = "objects"
    #: Whether the class has a `save` of its own.
    saves_itself: bool = False

    #: A manager that hides nothing, whatever the model's own begin with.
    base_manager: Any = None

    @property
    def manager(self) -> Any:
        """The model's default manager."""
        return getattr(self.model, self.manager_name)

    @property
    def name(self) -> str:
        """The model's class name."""
        return self.model.__name__

    @property
    def label(self) -> str:
        """The model's name with its app, for example `blog.BlogPost`."""
        return f"{self.app_label}.{self.name}".lstrip(".")

    @cached_property
    def verbose_name(self) -> str:
        """The model's name for people, in the singular."""
        words = "".join(f" {char.lower()}" if char.isupper() else char for char in self.name)
        return str(self.meta.get("verbose_name", words.strip()))

    @cached_property
    def verbose_name_plural(self) -> str:
        """The model's name for people, in the plural."""
        return str(self.meta.get("verbose_name_plural", f"{self.verbose_name}s"))

    @cached_property
    def ordering(self) -> tuple[str, ...]:
        """The order of querysets that ask for none."""
        return tuple(self.meta.get("ordering", ()))

    @property
    def object_name(self) -> str:
        """The model's class name, as Django calls it."""
        return self.name

    @property
    def model_name(self) -> str:
        """The model's class name in lower case."""
        return self.name.lower()

    @property
    def label_lower(self) -> str:
        """The model's label with its name in lower case, for example `blog.blogpost`."""
        return f"{self.app_label}.{self.model_name}".lstrip(".")

    @property
    def managed(self) -> bool:
        """Whether its table is made and migrated here."""
        return bool(self.meta.get("managed", True))

    @property
    def get_latest_by(self) -> tuple[str, ...]:
        """The fields that `latest()` and `earliest()` go by when they are given none."""
        given = self.meta.get("get_latest_by", ())
        return (given,) if isinstance(given, str) else tuple(given)

    @property
    def default_related_name(self) -> str | None:
        """What other models call its rows where a foreign key of its does not say."""
        given = self.meta.get("default_related_name")
        words = {
            "app_label": self.app_label,
            "class": self.model_name,
            "model_name": self.model_name,
        }
        return None if given is None else str(given) % words

    @property
    def pk(self) -> FieldInfo:
        """The description of the primary key."""
        return self.fields[self.primary_key]

    def get_field(self, name: str) -> FieldInfo:
        """Get the description of a field; of a foreign key by its relation's name too.

        Raises:
            FieldError: There is no such field.
        """
        relation = self.relations.get(name)
        key = relation.column if relation is not None else name
        found = self.fields.get(self.primary_key if key == "pk" else key)
        if found is None:
            raise self.build_unknown(name)
        return found

    @cached_property
    def mapper(self) -> Any:
        """SQLAlchemy's mapper, with every relation resolved."""
        registry.settle()
        configure_mappers()
        return registry.find_mapper(self.model)

    @cached_property
    def table(self) -> sa.Table:
        """The model's table."""
        mapper: Any = self.mapper
        return mapper.local_table  # type: ignore[no-any-return]  # mapped to a table, not to a query

    @cached_property
    def columns(self) -> dict[str, "sa.Column[Any]"]:
        """The columns by attribute, in the order of declaration."""
        found: dict[str, sa.Column[Any]] = {}
        for attribute in self.mapper.column_attrs:
            column = attribute.columns[0]
            if isinstance(column, sa.Column) and column.table is self.table:
                found[attribute.key] = column
        return found

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The attributes of the columns."""
        return tuple(self.columns)

    @cached_property
    def fields(self) -> dict[str, FieldInfo]:
        """The descriptions of the fields by attribute."""
        return {key: find_field_info(column) for key, column in self.columns.items()}

    @cached_property
    def primary_keys(self) -> tuple[str, ...]:
        """The attributes of the primary key's columns, in the key's order."""
        names = {column: key for key, column in self.columns.items()}
        return tuple(names[column] for column in self.mapper.primary_key)

    @cached_property
    def primary_key(self) -> str:
        """The attribute of the primary key, where that is one column.

        Raises:
            ImproperlyConfigured: The key has several columns.
        """
        if len(self.primary_keys) != 1:
            raise ImproperlyConfigured(
                f"{self.label} has a primary key of {len(self.primary_keys)} columns: expected "
                "one.",
                code="db.primary-key",
            )
        return self.primary_keys[0]

    @cached_property
    def is_composite(self) -> bool:
        """Whether the primary key has several columns."""
        return len(self.primary_keys) > 1

    @cached_property
    def identity_class(self) -> type[Any]:
        """The class under which SQLAlchemy identifies instances."""
        return get_identity_class(self.mapper)

    @cached_property
    def relations(self) -> dict[str, Relation]:
        """The to-one relations by name."""
        found: dict[str, Relation] = {}
        for relationship in self.mapper.relationships:
            if relationship.direction is not MANYTOONE or len(relationship.local_columns) != 1:
                continue
            local, remote = relationship.local_remote_pairs[0]
            key = self.mapper.get_property_by_column(local).key
            target = relationship.mapper
            remote_key = target.get_property_by_column(remote).key
            found[relationship.key] = Relation(
                relationship.key, key, target.class_, remote_key, bool(local.nullable)
            )
        return found

    @cached_property
    def joins(self) -> Mapping[str, Relation]:
        """Every step to another model, along a foreign key or against one."""
        return ChainMap(self.relations, self.reverses)

    def knows(self, name: str) -> bool:
        """Tell whether a look-up may go on with a name."""
        return name in self.columns or name in self.joins or name in self.many

    @cached_property
    def converters(self) -> dict[str, Convert]:
        """What checks and converts a value, by attribute."""
        return {key: build_converter(column) for key, column in self.columns.items()}

    @cached_property
    def writers(self) -> dict[str, Convert]:
        """As `converters`, with the field's limits as well: what is written must fit."""
        return {
            key: _refuse
            if column.computed is not None
            else build_writer(self.converters[key], self.fields[key], column.type)
            for key, column in self.columns.items()
        }

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """What rows must be beside what their fields say."""
        return list_rules(self.table, {column: key for key, column in self.columns.items()})

    @cached_property
    def generated(self) -> tuple[str, ...]:
        """Columns that the database computes."""
        return tuple(key for key, column in self.columns.items() if column.computed is not None)

    @cached_property
    def inserted(self) -> dict[str, Convert]:
        """As `writers`, for the columns that an insert may give a value."""
        return {key: write for key, write in self.writers.items() if key not in self.generated}

    @cached_property
    def always_written(self) -> tuple[str, ...]:
        """Columns of mutable values (JSON, arrays), whose changes nobody reports."""
        return tuple(
            key for key, column in self.columns.items() if isinstance(column.type, (sa.JSON, Array))
        )

    @cached_property
    def moments(self) -> tuple[str, ...]:
        """Columns that every save sets to the present moment."""
        return tuple(key for key, info in self.fields.items() if info.auto_now)

    @cached_property
    def on_update(self) -> dict[str, Callable[[], Any]]:
        """What every update sets by itself: `auto_now` fields, and SQLAlchemy's `onupdate`."""
        found = {key: find_default(column.onupdate) for key, column in self.columns.items()}
        return {
            key: made if callable(made) else partial(_identity, made)
            for key, made in found.items()
            if made is not MISSING
        }

    @cached_property
    def defaults(self) -> tuple[tuple[str, Any, bool], ...]:
        """Attribute, default, and whether the default is called, for each field with one."""
        found = {key: info.default for key, info in self.fields.items() if info.has_default}
        for key, default in found.items():
            if isinstance(default, MUTABLE):
                # Declared the SQLAlchemy way; our own fields refuse it.
                found[key] = partial(deepcopy, default)
        return tuple((key, default, callable(default)) for key, default in found.items())

    @cached_property
    def required(self) -> frozenset[str]:
        """Columns that need a value: neither NULL nor the database would do."""
        automatic = self.table.autoincrement_column
        return frozenset(
            key
            for key, column in self.columns.items()
            if not column.nullable
            and column is not automatic
            and column.server_default is None
            and column.computed is None
            and column.identity is None
        )

    @cached_property
    def settable(self) -> frozenset[str]:
        """What the constructor takes: columns, relations, and what SQLAlchemy maps besides."""
        found = {
            attribute.key
            for attribute in self.mapper.all_orm_descriptors
            if hasattr(attribute, "key")
        }
        return frozenset(
            found.union(attribute.key for attribute in self.mapper.attrs) - {*self.accessors}
        )

    @cached_property
    def direct(self) -> frozenset[str]:
        """Columns whose setting nobody listens to, so that a new instance may take them as is.

        Our own listener on a foreign key does not count: it minds a relation that is loaded.
        """
        owned = {relation.column for relation in self.relations.values()}
        return frozenset(
            key
            for key in self.columns
            if count_listeners(getattr(self.model, key)) <= (1 if key in owned else 0)
        )

    @cached_property
    def nullable(self) -> tuple[str, ...]:
        """Columns that are None when nothing is given and the database fills nothing in."""
        return tuple(
            key
            for key, column in self.columns.items()
            if column.nullable and column.server_default is None and column.computed is None
        )

    def convert(self, key: str, value: Any) -> Any:
        """Check and convert a value that is about to be written.

        Raises:
            FieldValueError: The value does not fit the column.
        """
        if value is None:
            return None
        try:
            return self.writers[key](value)
        except (ArithmeticError, TypeError, ValueError) as error:
            raise build_error(self.name, key, value, str(error)) from error

    def build_unknown(self, name: str) -> FieldError:
        """Build the error for a name that is no field of this model."""
        reverses = [reverse for reverse in self.reverses if reverse.isidentifier()]
        known = [*self.columns, *self.relations, *self.many, *reverses, "pk"]
        close = get_close_matches(name, known, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known)}."
        shown = name if len(name) <= 60 else name[:57] + "..."
        return FieldError(f"Field {shown!r} does not exist on {self.name}.", hint=hint)


def _identity(value: Any) -> Any:
    return value


def _refuse(_value: Any) -> Any:
    raise ValueError("no value, for the database computes it")


def read_meta(model: type[Any]) -> dict[str, Any]:
    """Read a class's own `Meta`.

    Raises:
        ImproperlyConfigured: It holds an option that does not exist.
    """
    inner: Any = vars(model).get("Meta")
    if inner is None:
        return {}
    found: dict[str, Any] = {}
    parents: list[Any] = [*reversed(inner.__mro__[:-1])]
    for parent in parents:
        own: dict[str, Any] = {**parent.__dict__}
        found.update({name: value for name, value in own.items() if name[:2] != "__"})
    if "abstract" not in vars(inner):
        # As in Django: a `Meta` that inherits from an abstract model's is not abstract itself.
        found.pop("abstract", None)
    for name in found:
        if name not in META_OPTIONS:
            close = get_close_matches(name, META_OPTIONS, n=1)
            hint = f"Did you mean {close[0]!r}?" if close else f"Known: {sorted(META_OPTIONS)}."
            hint = FOREIGN_OPTIONS.get(name, hint)
            raise ImproperlyConfigured(
                f"{model.__name__}.Meta has no option {name!r}.", hint=hint, code="db.meta"
            )
    if isinstance(ordering := found.get("ordering", ()), str):
        raise ImproperlyConfigured(
            f"{model.__name__}.Meta.ordering is text, {ordering!r}: expected a list.",
            hint=f"Write ordering = [{ordering!r}].",
            code="db.meta",
        )
    return found


def find_app_label(module: str) -> str:
    """Find the app of a module: `blog` for `blog.models`, nothing for a top-level module."""
    parts = module.split(".")
    if "models" in parts[1:]:
        return parts[parts.index("models", 1) - 1]
    return parts[-2] if len(parts) > 1 else ""

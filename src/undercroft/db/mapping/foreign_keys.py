"""The foreign key: one declaration that becomes a column, a relation and a reverse accessor."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, TypeVar, Unpack, overload

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, relationship
from sqlalchemy.types import NullType, TypeEngine

from undercroft.db.fields.info import INFO_KEY, FieldInfo
from undercroft.db.fields.options import FieldKind, FieldOptions, build_column, check_options
from undercroft.db.fields.types import BigId
from undercroft.db.mapping import registry
from undercroft.errors import ImproperlyConfigured

M = TypeVar("M", bound=DeclarativeBase)


class OnDelete(Enum):
    """What the database does with rows whose target is deleted."""

    CASCADE = "CASCADE"
    PROTECT = "RESTRICT"
    RESTRICT = "RESTRICT"  # noqa: PIE796 - Django has two names; databases have one deed
    SET_NULL = "SET NULL"
    SET_DEFAULT = "SET DEFAULT"
    DO_NOTHING = "NO ACTION"


CASCADE = OnDelete.CASCADE
PROTECT = OnDelete.PROTECT
RESTRICT = OnDelete.RESTRICT
SET_NULL = OnDelete.SET_NULL
SET_DEFAULT = OnDelete.SET_DEFAULT
DO_NOTHING = OnDelete.DO_NOTHING


@dataclass(frozen=True, slots=True)
class RelationOptions:
    """What is said of a relation beside the options of every field.

    Attributes:
        related_name: The accessor on the target; `<model>_set` when None, none when it ends in `+`.
        related_query_name: What look-ups from the target call it; as the accessor when None.
        to_field: The target's unique column it refers to; the key when None.
        db_constraint: Whether the database keeps watch over it.
        is_single: Whether only one row may refer to a target: a one-to-one relation.
    """

    related_name: str | None = None
    related_query_name: str | None = None
    to_field: str | None = None
    db_constraint: bool = True
    is_single: bool = False


class ForeignKeyDeclaration:
    """A foreign key as written in a class body, before the class is mapped.

    Args:
        to: The target model, or its name (`Author`, `blog.Author`, `self`).
        on_delete: What the database does when the target is deleted.
        relation: What is said of the relation.
        kind: The verbose name and `null`.
        options: The common field options.
    """

    def __init__(
        self,
        to: type[Any] | str,
        on_delete: OnDelete,
        relation: RelationOptions,
        kind: FieldKind,
        options: FieldOptions[Any],
    ) -> None:
        check_options(kind.name, options)
        given: Any = on_delete
        if not isinstance(given, OnDelete):
            known = ", ".join(f"models.{each.name}" for each in OnDelete)
            raise ImproperlyConfigured(
                f"{kind.name}(on_delete={given!r}) is none of what a database can do.",
                hint=f"Write one of {known}.",
                code="db.field-option",
            )
        if on_delete is OnDelete.SET_NULL and not kind.null:
            raise ImproperlyConfigured(
                f"{kind.name}(on_delete=SET_NULL) needs null=True.", code="db.field-option"
            )
        defaults = {"default", "db_default"}.intersection(options)
        if on_delete is OnDelete.SET_DEFAULT and defaults == {"default"}:
            raise ImproperlyConfigured(
                f"{kind.name}(on_delete=SET_DEFAULT) needs db_default=...: it is the database that "
                "sets it, and default=... is not known there.",
                code="db.field-option",
            )
        self.to = to
        self.on_delete = on_delete
        self.relation = relation
        self.kind = kind
        self.options = options

    @property
    def is_primary_key(self) -> bool:
        """Whether the column is the primary key."""
        return bool(self.options.get("primary_key"))

    def refer(self, model: type[Any], app_label: str) -> type[Any] | str:
        """Give the target, or its full name where it is the class itself."""
        return f"{app_label}.{model.__name__}".lstrip(".") if self.to == "self" else self.to

    def expand(self, model: type[Any], name: str, app_label: str) -> None:
        """Put the column `<name>_id` and the relation `<name>` on a class about to be mapped.

        Args:
            model: The class.
            name: The attribute the declaration stands under.
            app_label: Of the class, where a bare target name is looked up first.
        """
        reference = self.refer(model, app_label)
        key = f"{name}_id"
        to_field = self.relation.to_field
        options: FieldOptions[Any] = {"index": True, **self.options}
        if self.is_primary_key:
            # A key has an index, and is unique, by itself.
            options |= {"index": False, "unique": False}
        column = build_column(
            FieldKind(
                self.kind.name,
                _find_key_type(reference, to_field),
                self.kind.verbose_name,
                self.kind.null,
            ),
            options,
            relation=name,
            on_delete=self.on_delete.value if self.relation.db_constraint else None,
        )
        if self.is_primary_key:
            # It is given by the target, never counted.
            column.column.autoincrement = False
        setattr(model, key, column)

        def get_target() -> type[Any]:
            if isinstance(reference, str):
                return registry.get_model(reference, app_label)
            return reference

        def get_key() -> Any:
            # Says which end is "one", which a key to one's own table leaves open.
            return get_target_column(get_target(), to_field)

        def get_condition() -> Any:
            own = registry.find_mapper(model).columns[key]
            return own == get_key()

        setattr(
            model,
            name,
            relationship(
                get_target,
                foreign_keys=[column],
                remote_side=get_key,
                primaryjoin=get_condition,
            ),
        )

    def resolve(
        self,
        model: type[Any],
        name: str,
        app_label: str,
        link: Callable[[type[Any], type[Any], "ForeignKeyDeclaration", str], None],
    ) -> None:
        """Add the constraint once the target is known, which may be later.

        Args:
            model: The class, now mapped.
            name: The attribute the declaration stands under.
            app_label: Of the class.
            link: Called with the target, the class, the declaration and the name.
        """
        reference = self.refer(model, app_label)

        def add_constraint(target: type[Any]) -> None:
            mapper = registry.find_mapper(model)
            column: Any = mapper.columns[f"{name}_id"]
            key = get_target_column(target, self.relation.to_field)
            column.type = key.type
            if self.relation.db_constraint:
                column.append_foreign_key(sa.ForeignKey(key, ondelete=self.on_delete.value))
            link(target, model, self, name)

        if isinstance(reference, str):
            source = f"{app_label}.{model.__name__}.{name}".lstrip(".")
            registry.when_defined(reference, app_label, add_constraint, source)
        else:
            add_constraint(reference)


def get_target_column(model: type[Any], to_field: str | None) -> "sa.Column[Any]":
    """Get the column a foreign key refers to: the key, or a unique one.

    Raises:
        ImproperlyConfigured: There is no such column, or it is not unique.
    """
    if to_field is None:
        return get_single_key(model)
    column: Any = registry.find_mapper(model).columns.get(to_field)
    if column is None or not is_unique(column):
        raise ImproperlyConfigured(
            f"{model.__name__}.{to_field} cannot be the to_field of a ForeignKey: expected a field "
            "with unique=True.",
            code="db.foreign-key",
        )
    return column  # type: ignore[no-any-return]  # a mapper's columns


def is_unique(column: "sa.Column[Any]") -> bool:
    """Tell whether no two rows have the same value in a column, by itself or by a constraint."""
    if column.unique or column.primary_key:
        return True
    table: Any = column.table
    return any(
        list(constraint.columns) == [column]
        for constraint in table.constraints
        if isinstance(constraint, sa.UniqueConstraint)
    )


def get_single_key(model: type[Any]) -> "sa.Column[Any]":
    """Get the one primary-key column of a model.

    Raises:
        ImproperlyConfigured: It is not mapped, or its key has several columns.
    """
    mapper = registry.find_mapper(model)
    if mapper is None or len(mapper.primary_key) != 1:
        raise ImproperlyConfigured(
            f"{model!r} cannot be the target of a ForeignKey: expected a model whose primary key "
            "has one column.",
            code="db.foreign-key",
        )
    column: sa.Column[Any] = mapper.primary_key[0]
    return column


def _find_key_type(reference: type[Any] | str, to_field: str | None) -> TypeEngine[Any]:
    """Find the type of the target's key; that of an `id` until a target named by text is known."""
    return BigId if isinstance(reference, str) else get_target_column(reference, to_field).type


def find_relation(column: "sa.Column[Any]") -> str | None:
    """Find the name of the relation a column was made for."""
    info = column.info.get(INFO_KEY)
    return info.relation if isinstance(info, FieldInfo) else None


class RelationArguments(FieldOptions[Any], total=False):
    """What a foreign key may be told, beside what any field may.

    Attributes:
        related_name: The accessor on the target; `<model>_set` when left out, none for `+`.
        related_query_name: What look-ups from the target call it; as the accessor when left out.
        to_field: The target's unique field it refers to; its key when left out.
        db_constraint: Whether the database keeps watch over it; it does when left out.
    """

    related_name: str | None
    related_query_name: str | None
    to_field: str | None
    db_constraint: bool


class RelationField:
    """A field function that declares a relation to one row of another model.

    Args:
        name: The name it has for users.
        is_single: Whether only one row may refer to a target.
    """

    def __init__(self, name: str, *, is_single: bool) -> None:
        self.name = name
        self.is_single = is_single

    @overload
    def __call__(
        self,
        to: type[M],
        on_delete: OnDelete,
        verbose_name: str | None = None,
        *,
        null: Literal[False] = False,
        **options: Unpack[RelationArguments],
    ) -> Mapped[M]: ...

    @overload
    def __call__(
        self,
        to: type[M],
        on_delete: OnDelete,
        verbose_name: str | None = None,
        *,
        null: Literal[True],
        **options: Unpack[RelationArguments],
    ) -> Mapped[M | None]: ...

    @overload
    def __call__(
        self,
        to: str,
        on_delete: OnDelete,
        verbose_name: str | None = None,
        *,
        null: bool = False,
        **options: Unpack[RelationArguments],
    ) -> Mapped[Any]: ...

    def __call__(
        self,
        to: type[Any] | str,
        on_delete: OnDelete,
        verbose_name: str | None = None,
        *,
        null: bool = False,
        **options: Any,
    ) -> Any:
        """Declare a relation to one row of another model.

        `author = ForeignKey(Author, on_delete=CASCADE, related_name="posts")` gives the column
        `author_id`, the relation `author`, and `author.posts` on the other side. A model named by
        a string (`"Author"`, `"blog.Author"`, `"self"`) is typed `Any`. To have `post.author_id`
        typed, annotate it in the class body: `author_id: Mapped[int]`.
        """
        names = ("related_name", "related_query_name", "to_field", "db_constraint")
        told = {name: options.pop(name) for name in names if name in options}
        relation = RelationOptions(**told, is_single=self.is_single)
        if self.is_single:
            options["unique"] = True
        kind = FieldKind(self.name, NullType(), verbose_name, null)
        taken = FieldOptions[Any](**options)  # type: ignore[typeddict-item]  # checked at run time
        return ForeignKeyDeclaration(to, on_delete, relation, kind, taken)


ForeignKey = RelationField("ForeignKey", is_single=False)
OneToOneField = RelationField("OneToOneField", is_single=True)

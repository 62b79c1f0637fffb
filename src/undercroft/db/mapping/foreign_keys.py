"""The foreign key: one declaration that becomes a column, a relation and a reverse accessor."""

from collections.abc import Callable
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


class ForeignKeyDeclaration:
    """A foreign key as written in a class body, before the class is mapped.

    Args:
        to: The target model, or its name (`Author`, `blog.Author`, `self`).
        on_delete: What the database does when the target is deleted.
        related_name: The accessor on the target; `<model>_set` when None, none when `+`.
        kind: The verbose name and `null`.
        options: The common field options.
    """

    def __init__(
        self,
        to: type[Any] | str,
        on_delete: OnDelete,
        related_name: str | None,
        kind: FieldKind,
        options: FieldOptions[Any],
    ) -> None:
        check_options("ForeignKey", options)
        if on_delete is OnDelete.SET_NULL and not kind.null:
            raise ImproperlyConfigured(
                "ForeignKey(on_delete=SET_NULL) needs null=True.", code="db.field-option"
            )
        self.to = to
        self.on_delete = on_delete
        self.related_name = related_name
        self.kind = kind
        self.options = options

    def expand(self, model: type[Any], name: str, app_label: str) -> None:
        """Put the column `<name>_id` and the relation `<name>` on a class about to be mapped.

        Args:
            model: The class.
            name: The attribute the declaration stands under.
            app_label: Of the class, where a bare target name is looked up first.
        """
        reference = f"{app_label}.{model.__name__}".lstrip(".") if self.to == "self" else self.to
        key = f"{name}_id"
        column = build_column(
            FieldKind(
                "ForeignKey", _find_key_type(reference), self.kind.verbose_name, self.kind.null
            ),
            {"index": True, **self.options},
            relation=name,
            on_delete=self.on_delete.value,
        )
        setattr(model, key, column)

        def get_target() -> type[Any]:
            if isinstance(reference, str):
                return registry.get_model(reference, app_label)
            return reference

        def get_remote_side() -> Any:
            # Says which end is "one", which a key to one's own table leaves open.
            mapper = registry.find_mapper(get_target())
            return mapper.primary_key

        setattr(
            model,
            name,
            relationship(get_target, foreign_keys=[column], remote_side=get_remote_side),
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
        reference = f"{app_label}.{model.__name__}".lstrip(".") if self.to == "self" else self.to

        def add_constraint(target: type[Any]) -> None:
            mapper = registry.find_mapper(model)
            column: Any = mapper.columns[f"{name}_id"]
            key = get_single_key(target)
            column.type = key.type
            column.append_foreign_key(sa.ForeignKey(key, ondelete=self.on_delete.value))
            link(target, model, self, name)

        if isinstance(reference, str):
            source = f"{app_label}.{model.__name__}.{name}".lstrip(".")
            registry.when_defined(reference, app_label, add_constraint, source)
        else:
            add_constraint(reference)


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


def _find_key_type(reference: type[Any] | str) -> TypeEngine[Any]:
    """Find the type of the target's key; that of an `id` until a target named by text is known."""
    return BigId if isinstance(reference, str) else get_single_key(reference).type


def find_relation(column: "sa.Column[Any]") -> str | None:
    """Find the name of the relation a column was made for."""
    info = column.info.get(INFO_KEY)
    return info.relation if isinstance(info, FieldInfo) else None


@overload
def ForeignKey(
    to: type[M],
    on_delete: OnDelete,
    verbose_name: str | None = None,
    *,
    related_name: str | None = None,
    null: Literal[False] = False,
    **options: Unpack[FieldOptions[Any]],
) -> Mapped[M]: ...


@overload
def ForeignKey(
    to: type[M],
    on_delete: OnDelete,
    verbose_name: str | None = None,
    *,
    related_name: str | None = None,
    null: Literal[True],
    **options: Unpack[FieldOptions[Any]],
) -> Mapped[M | None]: ...


@overload
def ForeignKey(
    to: str,
    on_delete: OnDelete,
    verbose_name: str | None = None,
    *,
    related_name: str | None = None,
    null: bool = False,
    **options: Unpack[FieldOptions[Any]],
) -> Mapped[Any]: ...


def ForeignKey(  # noqa: N802 - Django's name and options
    to: type[Any] | str,
    on_delete: OnDelete,
    verbose_name: str | None = None,
    *,
    related_name: str | None = None,
    null: bool = False,
    **options: Any,
) -> Any:
    """Declare a relation to one row of another model.

    `author = ForeignKey(Author, on_delete=CASCADE, related_name="posts")` gives the column
    `author_id`, the relation `author`, and `author.posts` on the other side. A model named by a
    string (`"Author"`, `"blog.Author"`, `"self"`) is typed `Any`. To have `post.author_id` typed,
    annotate it in the class body: `author_id: Mapped[int]`.
    """
    kind = FieldKind("ForeignKey", NullType(), verbose_name, null)
    taken = FieldOptions[Any](**options)  # type: ignore[typeddict-item]  # checked at run time
    return ForeignKeyDeclaration(to, on_delete, related_name, kind, taken)

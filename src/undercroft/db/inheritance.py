"""What a class about to be mapped has from its parents and of itself, and what it may not have."""

import re
from typing import Any, ClassVar, TypeVar, get_origin

from sqlalchemy.orm import MappedColumn

from undercroft.db.fields.info import INFO_KEY
from undercroft.db.mapping.foreign_keys import ForeignKeyDeclaration
from undercroft.db.mapping.many_to_many import ManyToManyDeclaration
from undercroft.db.mapping.options import read_meta
from undercroft.db.queryset import Manager
from undercroft.errors import ImproperlyConfigured

D = TypeVar("D")

#: An annotation such as `models.RelatedManager["Post"]` that is still text.
_MANAGER = re.compile(r"(\w+\.)*(RelatedManager|ManyRelatedManager|Manager)\b")


def check_parents(model: type[Any]) -> None:
    """Check that a class inherits from no other table.

    Raises:
        ImproperlyConfigured: It does; its rows would be spread, and queries see half of them.
    """
    for parent in model.__mro__[1:]:
        if "__mapper__" in vars(parent):
            raise ImproperlyConfigured(
                f"{model.__name__} inherits from {parent.__name__}, which has a table of its own.",
                hint=f"Make {parent.__name__} abstract (`class Meta: abstract = True`), or refer "
                f"to it by a ForeignKey.",
                code="db.inheritance",
            )


def hide_reverse_annotations(model: type[Any]) -> None:
    """Let `posts: RelatedManager["Post"]` be what type checkers see, and no column."""
    annotations: dict[str, Any] = vars(model).get("__annotations__", {})
    hidden: dict[str, Any] = {}
    for name, annotation in annotations.items():
        origin = get_origin(annotation) or annotation
        is_text = isinstance(annotation, str)
        if (is_text and _MANAGER.match(annotation)) or (
            isinstance(origin, type) and issubclass(origin, Manager)
        ):
            hidden[name] = ClassVar[annotation]
    if hidden:
        model.__annotations__ = {**annotations, **hidden}


def check_primary_keys(model: type[Any]) -> None:
    """Check that of our fields one at most is the primary key.

    Raises:
        ImproperlyConfigured: Several are, which says nothing of their order.
    """
    declared: dict[str, Any] = {}
    for parent in reversed(model.__mro__):
        declared.update(vars(parent))
    keys = [name for name, value in declared.items() if _is_own_key(value)]
    if len(keys) > 1:
        named = ", ".join(f'"{name}"' for name in keys)
        raise ImproperlyConfigured(
            f"{model.__name__} has {len(keys)} fields with primary_key=True: {', '.join(keys)}.",
            hint=f"For a key of several columns write `pk = models.CompositePrimaryKey({named})`.",
            code="db.primary-key",
        )


def _is_own_key(value: Any) -> bool:
    """Tell whether a value in a class body is a field of ours that is the primary key."""
    if isinstance(value, ForeignKeyDeclaration):
        return value.is_primary_key
    column: Any = getattr(value, "column", None)
    return isinstance(value, MappedColumn) and column.primary_key and INFO_KEY in column.info


def has_primary_key(model: type[Any]) -> bool:
    """Tell whether a field of a class about to be mapped is a primary key."""
    for parent in model.__mro__:
        for value in vars(parent).values():
            column: Any = getattr(value, "column", None)
            if isinstance(value, MappedColumn) and column.primary_key:
                return True
            if isinstance(value, ForeignKeyDeclaration) and value.is_primary_key:
                return True
    return "__table__" in vars(model) or bool(
        getattr(model, "__mapper_args__", {}).get("primary_key")
    )


def list_foreign_keys(model: type[Any]) -> dict[str, ForeignKeyDeclaration]:
    """List the foreign keys of a class, those of abstract parents and mixins included."""
    return _list_declared(model, ForeignKeyDeclaration)


def list_many_to_many(model: type[Any]) -> dict[str, ManyToManyDeclaration]:
    """List the relations of many to many of a class, likewise."""
    return _list_declared(model, ManyToManyDeclaration)


def _list_declared(model: type[Any], kind: type[D]) -> dict[str, D]:
    found: dict[str, D] = {}
    for parent in reversed(model.__mro__):
        if "__mapper__" not in vars(parent):
            declared = vars(parent).items()
            found.update({name: one for name, one in declared if isinstance(one, kind)})
    return found


def inherit_meta(model: type[Any], own: dict[str, Any]) -> dict[str, Any]:
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

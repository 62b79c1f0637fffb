"""What a model's class has beside its columns: `objects`, relations in step with their keys."""

from typing import Any, TypeVar, overload

from sqlalchemy import event

from undercroft.db.fields.info import MISSING
from undercroft.db.fields.values import build_error
from undercroft.db.internals import forget_value, state_of
from undercroft.db.manager import Manager, RelatedManager
from undercroft.db.mapping import registry
from undercroft.db.mapping.foreign_keys import ForeignKeyDeclaration
from undercroft.db.mapping.options import ModelOptions
from undercroft.db.rows.notes import find_database
from undercroft.errors import ImproperlyConfigured

M = TypeVar("M")


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
        return RelatedManager(self.model, find_database(instance), self.column, key)


def keep_in_step(model: type[Any], name: str) -> None:
    """Let `post.author = ada` set `post.author_id`, and a new key forget the old `post.author`."""
    key = f"{name}_id"

    def follow_relation(instance: Any, value: Any, _old: object, _initiator: object) -> None:
        options: ModelOptions = instance.__options__
        relation = options.relations[name]
        new = None
        if value is not None:
            if not isinstance(value, relation.target):
                expected = f"a {relation.target.__name__}; a key goes to {key}"
                raise build_error(options.name, name, value, expected)
            new = getattr(value, relation.target_column)
        if instance.__dict__.get(key) != new or key not in instance.__dict__:
            setattr(instance, key, new)

    def follow_key(instance: Any, value: Any, _old: object, _initiator: object) -> None:
        related = instance.__dict__.get(name, MISSING)
        if related is MISSING:
            return
        target_column = instance.__options__.relations[name].target_column
        if value != (None if related is None else getattr(related, target_column)):
            forget_value(state_of(instance), name)

    event.listen(getattr(model, name), "set", follow_relation)
    event.listen(getattr(model, key), "set", follow_key)


def add_reverse_accessor(
    target: type[Any], model: type[Any], declaration: ForeignKeyDeclaration, name: str
) -> None:
    """Add the other side of a foreign key to its target.

    Raises:
        ImproperlyConfigured: The name is taken.
    """
    default = model.__options__.default_related_name or f"{model.__name__.lower()}_set"
    accessor = declaration.related_name or default
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

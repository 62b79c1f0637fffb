"""What a model's class has beside its columns: the other sides of relations, and their steps."""

from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from sqlalchemy import event

from undercroft.concurrency import is_on_loop
from undercroft.db.fields.info import MISSING
from undercroft.db.fields.values import add_article, build_error
from undercroft.db.internals import forget_value, state_of
from undercroft.db.mapping.options import ManyRelation, ModelOptions, Relation
from undercroft.db.prefetching import prefetch_steps
from undercroft.db.queries.prefetches import Prefetch
from undercroft.db.queryset import Manager
from undercroft.db.related_managers import ManyRelatedManager, RelatedManager
from undercroft.db.rows.notes import find_database
from undercroft.db.rows.siblings import list_siblings
from undercroft.db.twins import run_steps
from undercroft.errors import FieldError, SynchronousOnlyOperation

if TYPE_CHECKING:
    from undercroft.db.sides import ManySide, Side

M = TypeVar("M")

#: Manager classes made for the other side of relations to models with managers of their own.
_made: dict[tuple[type[Any], type[Any]], type[Any]] = {}


def build_manager_class(kind: type[Any], model: type[Any]) -> type[Any]:
    """Build a related manager that has the methods of the model's own manager."""
    options: ModelOptions = model.__options__
    manager: type[Any] = options.manager.__class__
    if manager is Manager:
        return kind
    found = _made.get((kind, manager))
    if found is None:
        described = {"queryset_class": manager.queryset_class, "__slots__": ()}
        found = _made[kind, manager] = type(kind.__name__, (kind, manager), described)
    return found


class Related:
    """The other side of a foreign key: `author.books`.

    Args:
        relation: The step to the rows that refer.
        side: What it is for SQLAlchemy.
    """

    def __init__(self, relation: Relation, side: "Side") -> None:
        self.relation = relation
        self.side = side

    def __get__(self, instance: Any, owner: type[Any], /) -> Any:
        """Give the rows that refer to an instance; of the class, what SQLAlchemy joins."""
        if instance is None:
            return self.side.get()
        relation = self.relation
        if getattr(instance, relation.column) is None:
            raise owner.DoesNotExist(
                f"This {owner.__name__} has no rows that refer to it: it was never saved.",
                code="db.not-saved",
            )
        kind = build_manager_class(RelatedManager, relation.target)
        return kind(relation, find_database(instance), instance)

    def __set__(self, instance: Any, value: Any) -> None:
        """Refuse: the rows are those of the database."""
        name = self.relation.accessor
        raise FieldError(
            f"{type(instance).__name__}.{name} cannot be assigned to.",
            hint=f"Use .{name}.set([...]).",
            code="db.related",
        )


class SingleRelated:
    """The other side of a one-to-one relation: `user.profile`.

    Args:
        relation: The step to the row that refers.
        side: What it is for SQLAlchemy.
    """

    def __init__(self, relation: Relation, side: "Side") -> None:
        self.relation = relation
        self.side = side

    def __get__(self, instance: Any, owner: type[Any], /) -> Any:
        """Give the row that refers to an instance; of the class, what SQLAlchemy joins and loads.

        Raises:
            DoesNotExist: The other model's own; there is none.
            SynchronousOnlyOperation: It is not loaded, and an event loop runs.
        """
        if instance is None:
            return self.side.get()
        name = self.relation.accessor
        found = instance.__dict__.get(name, MISSING)
        if found is MISSING:
            found = self._load(instance, owner)
        if found is None:
            raise self.missing(f"This {owner.__name__} has no {self.relation.target.__name__}.")
        return found

    @cached_property
    def missing(self) -> type[Exception]:
        """The other model's DoesNotExist, which `hasattr` and `getattr` understand as well."""
        parent: type[Exception] = self.relation.target.DoesNotExist
        described = {"__module__": parent.__module__, "__qualname__": parent.__qualname__}
        parents: Any = (parent, AttributeError)
        return type(parent.__name__, parents, {**described, "__doc__": None})

    def _load(self, instance: Any, owner: type[Any]) -> Any:
        relation = self.relation
        name, options = relation.accessor, instance.__options__
        if getattr(instance, relation.column) is None:
            return None
        if is_on_loop():
            raise SynchronousOnlyOperation(
                f"{owner.__name__}.{name} is not loaded, and loading it here would block the "
                "event loop.",
                hint=f'Ask for it with the query: `.select_related("{relation.name}")`.',
                code="db.not-loaded",
            )
        waiting = [each for each in list_siblings(instance) if name not in each.__dict__]
        run_steps(prefetch_steps(options, waiting, (Prefetch(name),), find_database(instance)))
        return instance.__dict__[name]

    def __set__(self, instance: Any, value: Any) -> None:
        """Let a row refer to the instance; it is not saved by that.

        Raises:
            FieldValueError: It is a row of another model.
        """
        relation = self.relation
        if value is not None and not isinstance(value, relation.target):
            expected = add_article(relation.target.__name__)
            raise build_error(type(instance).__name__, relation.accessor, value, expected)
        instance.__dict__[relation.accessor] = value
        if value is not None:
            setattr(value, relation.target_name, instance)


class ManyRelated(Generic[M]):
    """A relation of many to many: `book.tags`, and the other side of it.

    Args:
        name: What look-ups call it on the class it belongs to.
        model: That class.
        side: What it is for SQLAlchemy.
    """

    def __init__(self, name: str, model: type[Any], side: "Side") -> None:
        self.name = name
        self.model = model
        self.side = side

    @overload
    def __get__(self, instance: None, owner: type[Any], /) -> "ManySide[M]": ...
    @overload
    def __get__(self, instance: object, owner: type[Any], /) -> ManyRelatedManager[M]: ...
    def __get__(self, instance: Any, owner: type[Any], /) -> Any:
        """Give the rows related to an instance; of the class, what SQLAlchemy joins and loads.

        Raises:
            FieldError: It was never saved.
        """
        if instance is None:
            return self.side.get()
        relation = self.relation
        if instance.pk is None:
            raise FieldError(
                f"This {owner.__name__} has no {relation.accessor}: it was never saved.",
                hint="Save it first.",
                code="db.not-saved",
            )
        kind = build_manager_class(ManyRelatedManager, relation.target)
        return kind(relation, find_database(instance), instance)

    @property
    def relation(self) -> ManyRelation:
        """The relation."""
        options: ModelOptions = self.model.__options__
        return options.many[self.name]

    def __set__(self, instance: Any, value: Any) -> None:
        """Refuse: the rows are those of the database."""
        raise FieldError(
            f"{type(instance).__name__}.{self.name} cannot be assigned to.",
            hint=f"Use .{self.name}.set([...]).",
            code="db.related",
        )


def keep_in_step(model: type[Any], name: str) -> None:
    """Let `post.author = ada` set `post.author_id`, and a new key forget the old `post.author`."""
    key = f"{name}_id"

    def follow_relation(instance: Any, value: Any, _old: object, _initiator: object) -> None:
        options: ModelOptions = instance.__options__
        relation = options.relations[name]
        new = None
        if value is not None:
            if not isinstance(value, relation.target):
                expected = f"{add_article(relation.target.__name__)}; a key goes to {key}"
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

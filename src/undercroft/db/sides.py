"""The other sides of relations as SQLAlchemy's relationships, for its statements and loaders.

They only read: instances reach the rows by a manager, which finds what a loader brought. They are
mapped when SQLAlchemy is about to configure its mappers, for it may do so with each that is added.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sqlalchemy import event
from sqlalchemy.orm import (
    Mapper,
    QueryableAttribute,
    RelationshipProperty,
    configure_mappers,
    relationship,
)

from undercroft.db.mapping import registry
from undercroft.db.mapping.options import ManyRelation, ModelOptions, Relation

M = TypeVar("M")

if TYPE_CHECKING:

    class ManySide(QueryableAttribute[list[M]], Generic[M]):
        """What `Book.tags` is to type checkers."""

        through: Any


class Side:
    """What `Author.books` is for SQLAlchemy, once it is mapped.

    Args:
        model: The model on this side.
        name: The attribute.
        build: Makes the relationship, when every model it names is mapped.
    """

    def __init__(self, model: Any, name: str, build: Callable[[], Any]) -> None:
        self._model = model
        self._name = name
        self._build = build
        self._attribute: Any = None
        _waiting.append(self)

    def get(self) -> Any:
        """Get the attribute that statements and loaders take."""
        if self._attribute is None:
            registry.settle()
            configure_mappers()
        return self._attribute

    def map(self) -> None:
        """Map the relationship, and let the accessor stay where it is."""
        accessor: Any = self._model.__dict__[self._name]
        # SQLAlchemy replaces no attribute that is not its own.
        type.__delattr__(self._model, self._name)
        setattr(self._model, self._name, self._build())
        self._attribute = self._model.__dict__[self._name]
        type.__setattr__(self._model, self._name, accessor)


#: What is not mapped yet.
_waiting: list[Side] = []


@event.listens_for(Mapper, "before_configured")
def map_waiting() -> None:
    """Map what was declared since mappers were configured."""
    while _waiting:
        _waiting.pop(0).map()


def build_side(model: type[Any], relation: Relation) -> Side:
    """Build the side of a model whose rows others refer to.

    Args:
        model: The model they refer to.
        relation: The step to them.
    """

    def build() -> Any:
        own = registry.find_mapper(model).columns[relation.column]
        theirs = registry.find_mapper(relation.target).columns[relation.target_column]
        return relationship(
            relation.target,
            primaryjoin=own == theirs,
            foreign_keys=[theirs],
            remote_side=[theirs],
            uselist=relation.many,
            viewonly=True,
        )

    return Side(model, relation.accessor, build)


def build_many_side(model: type[Any], relation: ManyRelation) -> Side:
    """Build one side of a relation of many to many.

    Args:
        model: The model on this side.
        relation: The relation as seen from there.
    """

    class Comparator(RelationshipProperty.Comparator[Any]):
        """Knows, beside what SQLAlchemy asks, the model between: `Book.tags.through`."""

        through = relation.through

    def build() -> Any:
        return relationship(
            relation.target,
            secondary=registry.find_mapper(relation.through).local_table,
            primaryjoin=_join(relation.through, relation.source, model),
            secondaryjoin=_join(relation.through, relation.far, relation.target),
            comparator_factory=Comparator,
            viewonly=True,
        )

    return Side(model, relation.accessor, build)


def _join(through: type[Any], field: str, side: type[Any]) -> Any:
    """Build the condition between a row and one between, by the latter's foreign key."""
    options: ModelOptions = side.__options__
    step = next(
        each
        for each in options.reverses.values()
        if each.target is through and each.target_name == field
    )
    key = registry.find_mapper(side).columns[step.column]
    return registry.find_mapper(through).columns[step.target_column] == key

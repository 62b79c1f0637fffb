"""Where querysets come from: `Model.objects`, and the other side of a foreign key."""

from typing import Any, TypeVar

from undercroft.db.queries.keys import check_agreement, find_key
from undercroft.db.queryset import QuerySet
from undercroft.db.twins import Steps

M = TypeVar("M")


class Manager(QuerySet[M]):
    """`Model.objects`: the queryset of all rows, which every other one is made from."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._options.name}>"

    def _fetch_steps(self) -> Steps[list[M]]:
        # Shared by the whole process, so it never keeps rows.
        rows: list[M] = yield self.build_call("instances")
        return rows


class RelatedManager(Manager[M]):
    """The rows of another model that refer to one instance, such as `author.posts`.

    Args:
        model: The other model.
        alias: The database's name.
        column: The attribute of the other model's foreign key.
        key: What it refers to.
    """

    __slots__ = ("_column", "_key")

    def __init__(self, model: type[M], alias: str, column: str, key: Any) -> None:
        super().__init__(model, alias)
        self._column = column
        self._key = key
        operations, parameters = self._build_conditions((), {column: key})
        self._operations, self._parameters = operations, parameters

    def _complete(self, values: dict[str, Any]) -> dict[str, Any]:
        for relation in self._options.relations.values():
            if relation.column == self._column and relation.name in values:
                key = find_key(relation, values[relation.name], self._options.name)
                check_agreement(relation, self._key, key, self._options.name)
            if relation.column == self._column and self._column in values:
                check_agreement(relation, self._key, values[self._column], self._options.name)
        return {self._column: self._key, **values}

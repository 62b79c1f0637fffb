"""The queryset: an immutable list of operations with their values, run when rows are needed.

The manager, which is the queryset of all rows, stands beside it: each makes the other.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from keyword import iskeyword
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Self, TypeVar, overload

from undercroft.db.allowing import Allowing
from undercroft.db.fields.values import find_python_type
from undercroft.db.queries.expressions import Expression, F
from undercroft.db.queries.functions.moments import Trunc, TruncDate
from undercroft.db.queries.functions.search import SearchQuery, SearchType
from undercroft.db.queries.names import check_name, shorten
from undercroft.db.queries.prefetches import Prefetch
from undercroft.db.query_building import QueryBuilding, find_name
from undercroft.db.query_reading import QueryReading
from undercroft.db.query_writes import QueryWrites
from undercroft.db.raw import RawQuerySet
from undercroft.db.twins import Steps
from undercroft.errors import FieldError, ImproperlyConfigured

M = TypeVar("M")
Q = TypeVar("Q")


class QuerySet(QueryReading[M], QueryWrites[M], Allowing[M]):
    """Rows of a model, described but not fetched until they are needed.

    Every method that narrows or orders gives a new queryset. Iterate over it, index it, or call
    `get`, `first`, `count` and their kin; in async code `await` it, use `async for`, or call the
    twins `aget`, `afirst`, `acount`.

    Subclass it for methods of your own, and give them to a model by `objects =
    PostQuerySet.as_manager()`.

    Args:
        model: The model class.
        alias: The database's name.
    """

    __slots__ = ()

    @classmethod
    def as_manager(cls) -> "ManagerOf[Self]":
        """Make the manager whose querysets are of this class."""
        made: Any = Manager.from_queryset(cls)
        return made()  # type: ignore[no-any-return]  # typed as what a class sees of it

    # -------------------------------------------------------------- columns instead of instances

    def values(self, *names: Any, **expressions: Any) -> "QuerySet[dict[str, Any]]":
        """Give rows as dicts of these columns; of all columns when none is named.

        Args:
            names: Fields such as `author__name`, or annotations.
            expressions: Further columns, worked out by the database.

        Raises:
            FieldError: A name is no field.
        """
        chosen: QuerySet[dict[str, Any]] = self._choose("dict", names, expressions)
        return chosen

    @overload
    def values_list(
        self, *names: Any, flat: Literal[True], named: Literal[False] = False
    ) -> "QuerySet[Any]": ...
    @overload
    def values_list(
        self, *names: Any, flat: Literal[False] = False, named: Literal[True]
    ) -> "QuerySet[Any]": ...
    @overload
    def values_list(
        self, *names: Any, flat: Literal[False] = False, named: Literal[False] = False
    ) -> "QuerySet[tuple[Any, ...]]": ...
    @overload
    def values_list(self, *names: Any, flat: bool, named: bool = False) -> "QuerySet[Any]": ...
    def values_list(self, *names: Any, flat: bool = False, named: bool = False) -> "QuerySet[Any]":
        """Give rows as tuples of these columns; of all columns when none is named.

        Args:
            names: Fields, annotations or expressions.
            flat: Give the one column's values by themselves.
            named: Give named tuples.

        Raises:
            FieldError: A name is no field, or `flat` goes with several or with `named`.
        """
        if flat and (named or len(names) != 1):
            raise FieldError(
                f"flat=True goes with one field and without named=True, not with {len(names)}."
            )
        expressions = {
            find_name(each, f"{type(each).__name__.lower()}{index}"): each
            for index, each in enumerate(names, 1)
            if not isinstance(each, str)
        }
        kind = "flat" if flat else "named" if named else "tuple"
        if named:
            check_members(names)
        given = iter(expressions)
        ordered = tuple(each if isinstance(each, str) else next(given) for each in names)
        queryset = self._annotate("annotate", (), expressions) if expressions else self
        chosen: QuerySet[Any] = queryset._choose(kind, ordered, {})
        return chosen

    def _choose(self, form: str, names: tuple[Any, ...], expressions: dict[str, Any]) -> Any:
        if self._has("distinct"):
            # Fewer columns make other rows distinct.
            self._check_uncut("values")
        for name in names:
            if isinstance(name, Expression):
                expressions = {find_name(name, ""): name, **expressions}
            else:
                # What is no name at all must not come to mean all columns.
                check_name(self._options, name)
        names = tuple(name for name in names if isinstance(name, str))
        queryset = self._annotate("annotate", (), expressions) if expressions else self
        namespace = queryset.build_namespace()
        if not names and not expressions:
            shown = {each[1] for each in queryset._operations if each[0] == "annotate"}
            names = (
                *self._options.keys,
                *(each for each in queryset._annotations if each in shown),
            )
        names = (*names, *expressions)
        nodes = tuple(namespace.find(name).node for name in names)
        copy = queryset.derive((), ())
        copy._form = (form, names, nodes)
        return copy

    def dates(
        self, field: str, kind: str, order: Literal["ASC", "DESC"] = "ASC"
    ) -> "QuerySet[dt.date]":
        """Give the different dates of a field, cut off at a year, month, week or day.

        Raises:
            FieldError: The name is no field.
        """
        is_moment = find_python_type(self.build_namespace().find(field).type) is dt.datetime
        cut: Any = TruncDate(F(field)) if is_moment else F(field)
        return self._list_moments(Trunc(cut, kind), field, order)

    def datetimes(
        self, field: str, kind: str, order: Literal["ASC", "DESC"] = "ASC"
    ) -> "QuerySet[dt.datetime]":
        """Give the different moments of a field, cut off at a unit from year to second.

        Raises:
            FieldError: The name is no field.
        """
        return self._list_moments(Trunc(F(field), kind), field, order)

    def _list_moments(self, expression: Any, field: str, order: str) -> "QuerySet[Any]":
        if order not in ("ASC", "DESC"):
            raise FieldError(f"order={shorten(repr(order))} is no order: expected 'ASC' or 'DESC'.")
        rows = self.filter(**{f"{field}__isnull": False}).annotate(cut_off=expression)
        sign = "-" if order == "DESC" else ""
        return rows.values_list("cut_off", flat=True).distinct().order_by(f"{sign}cut_off")


def check_members(names: Iterable[Any]) -> None:
    """Check that columns can be members of a named tuple.

    Raises:
        FieldError: A name is there twice, or cannot be one.
    """
    texts = [name for name in names if isinstance(name, str)]
    wrong = [name for name in texts if iskeyword(name) or not name.isidentifier() or name[0] == "_"]
    if wrong or len(set(texts)) != len(texts):
        shown = f"{shorten(wrong[0])!r}" if wrong else "a column named twice"
        raise FieldError(
            f"values_list(named=True) was given {shown}: expected different names, such as Python "
            "has for attributes.",
            code="db.annotation",
        )


class Objects:
    """`Model.objects`, typed by the class it is reached through."""

    @overload
    def __get__(self, instance: None, owner: type[M], /) -> "Manager[M]": ...
    @overload
    def __get__(self, instance: object, owner: type[M], /) -> Any: ...
    def __get__(self, instance: object | None, owner: type[Any], /) -> Any:
        """Give the manager of a mapped class, which replaces this descriptor there."""
        if instance is not None:
            raise AttributeError(f"objects belongs to the class {owner.__name__}, not to a row.")
        raise ImproperlyConfigured(
            f"{owner.__name__} is abstract and has no rows.", code="db.abstract-model"
        )


class ManagerOf(Objects, Generic[Q]):
    """How a type checker sees a manager of one's own: as the querysets it makes."""

    if TYPE_CHECKING:

        @overload  # type: ignore[override]  # a manager of one's own is what it is
        def __get__(self, instance: None, owner: type[Any], /) -> Q: ...
        @overload
        def __get__(self, instance: object, owner: type[Any], /) -> Any: ...
        def __get__(  # pyright: ignore[reportIncompatibleMethodOverride] - see above
            self, instance: object | None, owner: type[Any], /
        ) -> Any:
            """Give the manager."""


if TYPE_CHECKING:
    # At run time a bound manager is a plain attribute of its class, which costs nothing.
    class _Declared(Objects, Generic[M]):
        """What a type checker sees of a manager: what it begins is a queryset, and no manager."""

        def all(self) -> QuerySet[M]: ...
        def none(self) -> QuerySet[M]: ...
        def using(self, alias: str) -> QuerySet[M]: ...
        def filter(self, /, *expressions: Any, **lookups: Any) -> QuerySet[M]: ...
        def exclude(self, /, *expressions: Any, **lookups: Any) -> QuerySet[M]: ...
        def visible_to(self, user: Any) -> QuerySet[M]: ...
        def allowed_to(self, user: Any, action: str) -> QuerySet[M]: ...
        def keep(self, condition: Any) -> QuerySet[M]: ...
        def search(
            self,
            query: str | SearchQuery,
            *,
            index: str | None = None,
            search_type: SearchType = "websearch",
            rank: str | None = None,
        ) -> QuerySet[M]: ...
        def order_by(self, *terms: Any) -> QuerySet[M]: ...
        def reverse(self) -> QuerySet[M]: ...
        def distinct(self, *names: str) -> QuerySet[M]: ...
        def select_for_update(
            self,
            *,
            nowait: bool = False,
            skip_locked: bool = False,
            of: Iterable[str] = (),
            no_key: bool = False,
        ) -> QuerySet[M]: ...
        def select_related(self, *names: str | None) -> QuerySet[M]: ...
        def prefetch_related(self, *lookups: str | Prefetch | None) -> QuerySet[M]: ...
        def only(self, *names: str) -> QuerySet[M]: ...
        def defer(self, *names: str | None) -> QuerySet[M]: ...
        def annotate(self, *expressions: Any, **named: Any) -> QuerySet[M]: ...
        def alias(self, *expressions: Any, **named: Any) -> QuerySet[M]: ...
        def union(self, *others: Any, all: bool = False) -> QuerySet[M]: ...
        def intersection(self, *others: Any) -> QuerySet[M]: ...
        def difference(self, *others: Any) -> QuerySet[M]: ...
        def __and__(self, other: QueryBuilding[M]) -> QuerySet[M]: ...
        def __or__(self, other: QueryBuilding[M]) -> QuerySet[M]: ...
        @overload
        def __getitem__(self, index: int) -> M: ...
        @overload
        def __getitem__(self, index: slice) -> QuerySet[M]: ...
        def __getitem__(self, index: int | slice) -> Any: ...
else:
    _Declared = Generic


class Manager(_Declared[M], QuerySet[M]):  # type: ignore[misc]  # see `_Declared`
    """`Model.objects`: the queryset of all rows, which every other one is made from.

    Subclass it to begin elsewhere:

    ```python
    class PublishedManager(models.Manager["BlogPost"]):
        def get_queryset(self):
            return super().get_queryset().filter(status="published")
    ```

    Args:
        model: The model; the class it is declared in when None.
        alias: The database's name.
    """

    __slots__ = ()

    #: The class of the querysets it makes.
    queryset_class: ClassVar[type[QuerySet[Any]]] = QuerySet

    def __init__(self, model: type[Any] | None = None, alias: str = "default") -> None:
        if model is not None:
            super().__init__(model, alias)

    if TYPE_CHECKING:

        @overload  # type: ignore[override]  # as for `ManagerOf`
        def __get__(self, instance: None, owner: type[Any], /) -> Self: ...
        @overload
        def __get__(self, instance: object, owner: type[Any], /) -> Any: ...
        def __get__(  # pyright: ignore[reportIncompatibleMethodOverride] - as for `ManagerOf`
            self, instance: object | None, owner: type[Any], /
        ) -> Any:
            """Give the manager."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._options.name}>"

    def raw(self, sql: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> RawQuerySet[M]:
        """Give the rows of a query of one's own, as instances.

        Args:
            sql: The query, with `%s` or `%(name)s` where values go.
            params: The values; they are bound, never part of the text.

        Raises:
            FieldError: The places and the values do not fit together.
        """
        return RawQuerySet(self.model, sql, params, self._alias)

    def get_queryset(self) -> QuerySet[M]:
        """Give the queryset that every query of this manager begins with."""
        return self.derive((), ())

    @classmethod
    def from_queryset(
        cls, queryset_class: type[QuerySet[Any]], class_name: str | None = None
    ) -> "type[Manager[Any]]":
        """Make a manager class with the methods of a queryset class as well."""
        name = class_name or f"{cls.__name__}From{queryset_class.__name__}"
        described = {
            "queryset_class": queryset_class,
            "__slots__": (),
            "__module__": queryset_class.__module__,
            "__doc__": queryset_class.__doc__,
        }
        return type(name, (cls, queryset_class), described)

    def bind(self, model: type[Any]) -> Self:
        """Make the manager of a model."""
        bound: Self = object.__new__(type(self))
        for name, value in vars(self).items() if hasattr(self, "__dict__") else ():
            setattr(bound, name, value)
        QuerySet.__init__(bound, model)  # pyright: ignore[reportUnknownMemberType] - rows of any kind
        return bound

    def begin(self) -> Self:
        """Make a manager whose queries begin with `get_queryset`, as it answers now."""
        found = self.get_queryset()
        begun = self.bind(self.model)
        begun._alias = found._alias
        begun._operations, begun._parameters = found._operations, found._parameters
        begun._annotations, begun._form = found._annotations, found._form
        begun._window, begun._prefetches = found._window, found._prefetches
        return begun

    def db_manager(self, using: str) -> Self:
        """Give this manager on another database, with the methods that are its own."""
        begun = self.begin()
        begun._alias = using
        return begun

    @property
    def is_fresh(self) -> bool:
        """Whether `get_queryset` is one's own, and has to be asked each time."""
        return type(self).get_queryset is not Manager[Any].get_queryset

    def __len__(self) -> int:
        """Refuse, so that `list(...)` does not ask for the rows twice.

        Raises:
            TypeError: Always.
        """
        raise TypeError(f"{type(self).__name__} has no len(): use .count(), or len(.all()).")

    def _derived_class(self) -> Any:
        return self.queryset_class

    def _fetch_steps(self) -> Steps[list[M]]:
        # Shared by the whole process, so it never keeps rows.
        return (yield from self.load_steps())

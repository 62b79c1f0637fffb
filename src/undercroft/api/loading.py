"""The load plan of a serializer: what to select, and how rows become JSON.

Where nothing but the model's columns is asked for, rows become dicts and dicts become bytes:
neither model instances nor Pydantic objects are made. A serializer with hooks of its own
(validators, computed fields, serializers) goes through Pydantic; one with fields the model does
not have goes through instances as well. The JSON is the same either way.
"""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import cached_property
from types import GenericAlias, NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from undercroft.api.completing import complete, is_incomplete
from undercroft.api.declarations import Declaration
from undercroft.api.fields import find_type
from undercroft.api.formats import write_base64
from undercroft.api.reading import build_reader
from undercroft.api.twins import run_twin
from undercroft.concurrency import is_on_loop
from undercroft.db.queries.selection import Selection
from undercroft.db.queryset import QuerySet
from undercroft.errors import ImproperlyConfigured, SerializationError
from undercroft.http.json import dump_json

Row = dict[str, Any]
Arrange = Callable[[Row], Row]

#: Pydantic's hooks that change what is read; a class with one of them needs its objects.
_HOOKS = (
    "computed_fields",
    "field_serializers",
    "field_validators",
    "model_serializers",
    "model_validators",
    "root_validators",
    "validators",
)


class LoadPlan:
    """How one serializer's answers are loaded and written.

    Attributes:
        serializer: The class.
        selection: The columns and to-one relations to select.
        is_plain: Rows need no Pydantic objects.
        needs_instances: A field is read that is no column.
        related: The paths of the relations, for `select_related`.
    """

    selection: Selection
    is_plain: bool
    needs_instances: bool
    related: tuple[str, ...]

    def __init__(self, serializer: Any) -> None:
        declaration: Declaration = serializer.declaration
        self.serializer = serializer
        self.declaration = declaration
        self.options = declaration.options
        self.nested = list_nested(serializer)
        by_name = {each.name: each for each in declaration.fields}
        read = self._fields = [by_name[name] for name in serializer.model_fields]
        columns = [each.key for each in read if each.key and each.name not in self.nested]
        plans = {name: plan for name, (plan, _) in self.nested.items()}
        self.selection = Selection(
            tuple(dict.fromkeys(columns)),
            tuple((name, plan.selection) for name, plan in plans.items()),
        )
        self.needs_instances = any(each.key is None for each in read) or any(
            plan.needs_instances for plan in plans.values()
        )
        self.is_plain = not has_hooks(serializer, self.nested) and all(
            plan.is_plain for plan in plans.values()
        )
        self.related = tuple(list_paths(plans))
        self._arrange = self._build_arrange() if self.is_plain else None

    @cached_property
    def _many(self) -> TypeAdapter[list[Any]]:
        """Pydantic's writing, which plain rows never need."""
        several: Any = GenericAlias(list, (self.serializer,))
        return TypeAdapter(several)

    @cached_property
    def reader(self) -> Any:
        """The class that rows and instances are read through."""
        nested = {name: (plan.reader, is_null) for name, (plan, is_null) in self.nested.items()}
        return build_reader(self.serializer, nested)

    def _build_arrange(self) -> Arrange | None:
        """Build what puts a row's members right; None where they are right already."""
        fields = self._fields
        inner = {name: plan.arrange for name, (plan, _) in self.nested.items()}
        sources = [each.name if each.name in self.nested else str(each.key) for each in fields]
        names = [each.name for each in fields]
        loaded = [*self.selection.columns, *(name for name, _ in self.selection.relations)]
        binary = [key for key in self.selection.columns if find_type(self.options, key) is bytes]
        if names == loaded and not any(inner.values()) and not binary:
            return None
        pairs = list(zip(names, sources, strict=True))
        nested = [(name, arrange) for name, arrange in inner.items() if arrange is not None]

        def arrange(row: Row) -> Row:
            for name, arrange_inner in nested:
                if row[name] is not None:
                    row[name] = arrange_inner(row[name])
            for key in binary:
                if row[key] is not None:
                    row[key] = write_base64(row[key])
            return {name: row[source] for name, source in pairs}

        return arrange

    @property
    def arrange(self) -> Arrange | None:
        """Put a row's members right; None where they are right already."""
        return self._arrange

    # ------------------------------------------------------------------------- from the rows

    async def load_one(self, queryset: QuerySet[Any]) -> Any:
        """Load the first row of a queryset, ready for `dump`; None when there is none."""
        if self.needs_instances:
            instance = await run_twin(self._relate(queryset), "first")
            return None if instance is None else self.from_instance(instance)
        row = await run_twin(queryset, "fetch_dict", self.selection)
        return None if row is None else self.from_rows([row])[0]

    async def load_many(self, queryset: QuerySet[Any]) -> list[Any]:
        """Load the rows of a queryset, ready for `dump`."""
        if self.needs_instances:
            return self.from_instances(await fetch(self._relate(queryset)))
        rows: list[Row] = await run_twin(queryset, "fetch_dicts", self.selection)
        return self.from_rows(rows)

    def _relate(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.select_related(*self.related) if self.related else queryset

    def from_rows(self, rows: list[Row]) -> list[Any]:
        """Turn loaded dicts into values for `dump`."""
        if not self.is_plain:
            return self._pass_through(rows)
        arrange = self._arrange
        return rows if arrange is None else [arrange(row) for row in rows]

    # ------------------------------------------------------------------- from other values

    def from_instance(self, instance: Any) -> Any:
        """Turn an instance, or what else Pydantic accepts for one, into a value for `dump`."""
        return self.from_instances([instance])[0]

    def from_instances(self, instances: Sequence[Any]) -> list[Any]:
        """Turn instances into values for `dump`; relations not loaded yet are loaded here."""
        if self.is_plain and all(type(each) is self.declaration.model for each in instances):
            return self.from_rows([read_instance(each, self.selection) for each in instances])
        return self._pass_through(instances)

    def _pass_through(self, values: Sequence[Any]) -> list[Any]:
        """Let Pydantic read the values and write them as JSON's own."""
        try:
            read = [
                value
                if isinstance(value, self.serializer)
                else self.reader.model_validate(value, from_attributes=True)
                for value in values
            ]
        except ValidationError as error:
            raise SerializationError(
                f"A value does not fit {self.serializer.__name__}: {error}",
                hint="Return instances of its model, dicts with its fields, or its objects.",
            ) from error
        written: list[Any] = self._many.dump_python(read, mode="json", by_alias=True)
        return written

    # ------------------------------------------------------------------- what handlers return

    def render_one(self, value: Any) -> bytes | Awaitable[bytes]:
        """Write one row as JSON; on the event loop what is not loaded yet is awaited."""
        if is_on_loop() and self.lacks_relation(value):
            return self._arender_one(value)
        return dump(self.from_instance(value))

    async def _arender_one(self, value: Any) -> bytes:
        await complete([value], self.selection)
        return dump(self.from_instance(value))

    def lacks_relation(self, value: Any) -> bool:
        """Tell whether an instance has a relation to read that is not loaded."""
        return isinstance(value, self.declaration.model) and is_incomplete(value, self.selection)

    def render_many(self, value: Any) -> bytes | Awaitable[bytes]:
        """Write rows as JSON: a queryset by the load plan, or a list of whatever one row is."""
        if not is_queryset(value):
            if is_on_loop() and any(self.lacks_relation(each) for each in value):
                return self._arender_list(value)
            return dump(self.from_instances(list(value)))
        queryset: QuerySet[Any] = value
        if queryset.model is not self.declaration.model:
            raise SerializationError(
                f"{self.serializer.__name__} is for {self.options.name}, and the handler returned"
                f" rows of {queryset.model.__name__}."
            )
        rendering = self._arender_queryset(queryset)
        return rendering if is_on_loop() else finish(rendering)

    async def _arender_queryset(self, queryset: QuerySet[Any]) -> bytes:
        return dump(await self.load_many(queryset))

    async def _arender_list(self, values: Sequence[Any]) -> bytes:
        rows = [each for each in values if isinstance(each, self.declaration.model)]
        await complete(rows, self.selection)
        return dump(self.from_instances(values))


def build_load_plan(serializer: Any) -> LoadPlan:
    """Build the load plan of a model serializer.

    Raises:
        ImproperlyConfigured: It has no model, or an annotation names what is not defined.
    """
    if serializer.declaration is None:
        raise ImproperlyConfigured(
            f"{serializer.__name__} has no Meta, so there is no model to load.",
            hint="Write `class Meta:` with `model` and `fields`.",
            code="api.no-model",
        )
    if not serializer.__pydantic_complete__:
        serializer.model_rebuild()
    return LoadPlan(serializer)


def list_nested(serializer: Any) -> dict[str, tuple[LoadPlan, bool]]:
    """List the nested serializers by field: their plans, and whether they may be None."""
    found: dict[str, tuple[LoadPlan, bool]] = {}
    for name, field in serializer.model_fields.items():
        nested = find_nested(field.annotation)
        if nested is not None:
            found[name] = (nested[0].get_load_plan(), nested[1])
    return found


def find_nested(annotation: Any) -> tuple[Any, bool] | None:
    """Find the model serializer an annotation names, and whether None may stand in its place."""
    if get_origin(annotation) is Annotated:
        return find_nested(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        parts = get_args(annotation)
        found = [nested for part in parts if (nested := find_nested(part)) is not None]
        return (found[0][0], NoneType in parts) if len(found) == 1 else None
    is_serializer = isinstance(annotation, type) and hasattr(annotation, "get_load_plan")
    has_model = is_serializer and getattr(annotation, "declaration", None) is not None
    return (annotation, False) if has_model else None


def has_hooks(serializer: Any, nested: dict[str, Any]) -> bool:
    """Tell whether anything of the class itself changes what is read from a row."""
    decorators = serializer.__pydantic_decorators__
    if any(getattr(decorators, name, None) for name in _HOOKS) or serializer.__pydantic_post_init__:
        return True
    if set(serializer.model_config) - {"from_attributes", "title"}:
        return True
    explicit = [each for each in serializer.declaration.fields if each.is_explicit]
    return any(
        each.name not in nested or serializer.model_fields[each.name].metadata for each in explicit
    ) or any(each.serialization_alias or each.exclude for each in serializer.model_fields.values())


def list_paths(plans: dict[str, LoadPlan]) -> list[str]:
    """List the paths of nested relations as `select_related` takes them."""
    paths: list[str] = []
    for name, plan in plans.items():
        paths += [f"{name}__{inner}" for inner in plan.related] or [name]
    return paths


def read_instance(instance: Any, selection: Selection) -> Row:
    """Read from an instance what the selection names, as a query would have."""
    row: Row = {key: getattr(instance, key) for key in selection.columns}
    for name, inner in selection.relations:
        related = getattr(instance, name)
        row[name] = None if related is None else read_instance(related, inner)
    return row


def is_queryset(value: Any) -> bool:
    """Tell whether a handler's value is a query still to run."""
    return isinstance(value, QuerySet)


async def fetch(queryset: QuerySet[Any]) -> list[Any]:
    """Fetch a queryset's instances, awaiting them where an event loop runs."""
    return await queryset if is_on_loop() else list(queryset)


def finish(coroutine: Coroutine[Any, Any, bytes]) -> bytes:
    """Finish a coroutine that has nothing to wait for, because no event loop runs."""
    try:
        coroutine.send(None)
    except StopIteration as finished:
        result: bytes = finished.value
        return result
    raise RuntimeError("Loading waited for an event loop where none runs.")


def dump(value: Any) -> bytes:
    """Write loaded values as JSON."""
    try:
        return dump_json(value)
    except SerializationError:
        # A JSON column may hold whole numbers of any size, which the fast writer refuses.
        return to_json(value)

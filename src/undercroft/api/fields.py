"""Makes Pydantic's fields from a model's columns: plain types to read, checked ones to write.

What is read comes from the database and is only described. What is written is checked: lengths,
choices, formats, ranges, and at last by the data layer's own rule for the column.
"""

from collections.abc import Callable
from datetime import datetime, time
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Optional

from pydantic import (
    AfterValidator,
    AliasChoices,
    AwareDatetime,
    BeforeValidator,
    Field,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic.fields import FieldInfo as PydanticField
from pydantic_core import PydanticCustomError

from undercroft.api.declarations import DeclaredField
from undercroft.api.describing import describe_column
from undercroft.api.formats import check_json, check_naive, read_base64, to_utc, write_base64
from undercroft.db.fields.arrays import Array
from undercroft.db.fields.info import EMPTY_VALUES, MISSING, FieldInfo
from undercroft.db.mapping.options import ModelOptions
from undercroft.errors import FieldValueError, ValidationError

#: An annotation and what `pydantic.create_model` takes beside it.
Definition = tuple[Any, Any]

#: What `extra_kwargs` says for people; the rest are constraints.
_DESCRIPTIVE: Final = ("title", "description", "examples", "deprecated", "json_schema_extra")

#: Bytes, which JSON has not: text in base64.
_BYTES: Final[Any] = Annotated[
    bytes,
    PlainSerializer(write_base64, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
]

#: Types whose check depends on nothing the column says.
_CHECKED: Final[dict[Any, Any]] = {
    datetime: Annotated[AwareDatetime, AfterValidator(to_utc)],
    time: Annotated[time, AfterValidator(check_naive)],
    float: Annotated[float, Field(allow_inf_nan=False)],
    bytes: Annotated[_BYTES, BeforeValidator(read_base64)],
}


def find_type(options: ModelOptions, key: str) -> Any:
    """Find the Python type of a column's values, without None."""
    return find_value_type(options.fields[key], options.columns[key].type)


def find_value_type(info: FieldInfo, column_type: Any) -> Any:
    """Find the Python type of the values of a field and its column's type."""
    if info.kind == "JSONField":
        return Any
    if isinstance(column_type, Array):
        return wrap(find_value_type(FieldInfo(kind=""), column_type.item_type), column_type)
    try:
        found: Any = column_type.python_type
    except NotImplementedError:
        found = Any
    return found


def wrap(item: Any, array: Array) -> Any:
    """Make the type of an array of that of its values."""
    for _ in range(array.dimensions):
        item = list[item]
    return item


def build_read_field(options: ModelOptions, declared: DeclaredField) -> Definition:
    """Build the field a serializer reads: the column's type, described."""
    if declared.is_explicit or declared.key is None:
        # Keeps the place of a field the class itself annotates.
        return (Any, ...)
    info = options.fields[declared.key]
    annotation = find_type(options, declared.key)
    annotation = _BYTES if annotation is bytes else annotation
    if info.null:
        annotation = Optional[annotation]  # noqa: UP045 - made at run time
    described = describe_field(info)
    if declared.relation is not None:
        described["validation_alias"] = AliasChoices(declared.key, declared.name)
    described["json_schema_extra"] = describe_column(info, is_written=False)
    return annotation, Field(**described)


def describe_field(info: FieldInfo) -> dict[str, Any]:
    """Say of a field what its column says for people."""
    described: dict[str, Any] = {}
    if info.verbose_name:
        described["title"] = info.verbose_name[:1].upper() + info.verbose_name[1:]
    if info.help_text:
        described["description"] = info.help_text
    return described


def build_write_field(
    options: ModelOptions,
    declared: DeclaredField,
    explicit: PydanticField | None,
    *,
    shows_default: bool,
    is_partial: bool,
) -> Definition:
    """Build the field a client writes.

    Args:
        options: Of the model.
        declared: The field, which has a column.
        explicit: The field as the class annotates it, where it does and is no relation.
        shows_default: A field that is left out takes its default, and OpenAPI says so.
        is_partial: Every field may be left out.
    """
    assert declared.key is not None
    info = options.fields[declared.key]
    if explicit is not None:
        annotation: Any = explicit.rebuild_annotation()
    else:
        annotation = build_write_type(*find_target(options, declared))
    may_be_none = info.null
    extra: dict[str, Any] = dict(declared.constraints)
    told: dict[str, Any] = {name: extra.pop(name) for name in _DESCRIPTIVE if name in extra}
    if extra:
        annotation = Annotated[annotation, Field(**extra)]
    checked: Any = Annotated[annotation, AfterValidator(build_check(options, declared.key))]
    if may_be_none:
        checked = Optional[checked]  # noqa: UP045 - made at run time
    described: dict[str, Any] = {**describe_field(info), **told}
    if declared.relation is not None and find_type(*find_target(options, declared)) is int:
        # What pages that make examples would make up is no key of any row.
        described.setdefault("examples", [1])
    if is_partial or not is_required(options, declared):
        described.update(build_default(info, shows_default=shows_default))
    return checked, Field(**described)


def find_target(options: ModelOptions, declared: DeclaredField) -> tuple[ModelOptions, str]:
    """Find the column whose values a field takes: of a relation, its target's key."""
    if declared.relation is not None:
        return declared.relation.target.__options__, declared.relation.target_column
    assert declared.key is not None
    return options, declared.key


def is_required(options: ModelOptions, declared: DeclaredField) -> bool:
    """Tell whether a client must send a field to create a row."""
    if declared.is_required is not None:
        return declared.is_required
    assert declared.key is not None
    info = options.fields[declared.key]
    by_database = options.columns[declared.key].server_default is not None
    return not (info.has_default or info.null or info.blank or by_database)


def build_default(info: FieldInfo, *, shows_default: bool) -> dict[str, Any]:
    """Build the default of a field that may be left out; it is only shown, never written."""
    if shows_default and info.default is not MISSING and not callable(info.default):
        return {"default": info.default}
    if shows_default and info.null:
        return {"default": None}
    # A factory's value does not show in the schema.
    return {"default_factory": _nothing}


def _nothing() -> None:
    return None


def build_write_type(options: ModelOptions, key: str) -> Any:
    """Build the checked type of a column, without None."""
    return build_checked_type(options.fields[key], options.columns[key].type)


def build_checked_type(info: FieldInfo, column_type: Any) -> Any:
    """Build the checked type of the values of a field and its column's type."""
    kind = find_value_type(info, column_type)
    if info.choices and info.enum is None:
        return build_choice(info, kind)
    extra = Field(json_schema_extra=describe_column(info, is_written=True))
    if isinstance(column_type, Array) and info.base is not None:
        deeper = info.base.kind == "ArrayField"
        item: Any = build_checked_type(info.base, column_type if deeper else column_type.item_type)
        item = Optional[item] if info.base.null else item  # noqa: UP045 - made at run time
        return Annotated[list[item], Field(max_length=info.size), extra]
    if kind is str:
        least = 0 if info.blank else 1
        return Annotated[str, Field(max_length=info.max_length, min_length=least), extra]
    if info.kind == "JSONField":
        return Annotated[Any, AfterValidator(check_json), extra]
    if kind is int and info.range is not None:
        least, most = info.range
        return Annotated[int, Field(ge=least, le=most), extra]
    if kind is Decimal:
        limits = Field(max_digits=info.max_digits, decimal_places=info.decimal_places)
        rounding = AfterValidator(build_rounding(info.decimal_places))
        return Annotated[Decimal, limits, rounding, extra]
    return Annotated[_CHECKED.get(kind, kind), extra]


def build_rounding(places: int | None) -> Callable[[Decimal], Decimal]:
    """Build what gives a decimal the zeros it is read back with."""
    if places is None:
        return lambda value: value
    unit = Decimal(1).scaleb(-places)
    # Databases know no negative zero; adding nothing turns it into the plain one.
    return lambda value: value.quantize(unit) + 0


def build_choice(info: FieldInfo, kind: Any) -> Any:
    """Build the type of a column with choices."""
    values = [value for value, _ in info.choices if value is not None]
    if info.blank and kind is str and "" not in values:
        values.append("")
    if all(type(value) in (str, int, bool) for value in values):
        return Literal[tuple(values)]
    shown = ", ".join(map(str, values))

    def check(value: Any) -> Any:
        if value not in values:
            raise PydanticCustomError("choice", "Expected one of: {choices}", {"choices": shown})
        return value

    return Annotated[kind, AfterValidator(check)]


def build_check(options: ModelOptions, key: str) -> Callable[[Any], Any]:
    """Build the last check of a value: the data layer's rule, then the field's own validators."""
    write, validators = options.writers[key], options.fields[key].validators
    is_null = options.fields[key].null

    def check(value: Any) -> Any:
        if value is None and is_null:
            return None
        try:
            if value is None:
                raise TypeError("a value")
            write(value)
        except (TypeError, ValueError) as error:
            expected = {"expected": str(error)}
            raise PydanticCustomError("value", "Expected {expected}", expected) from error
        # As everywhere, validators are not asked about what is left empty.
        for validate in () if value in EMPTY_VALUES else validators:
            run_validator(validate, value)
        return value

    return check


def run_validator(validate: Callable[[Any], object], value: Any) -> None:
    """Run a validator of the data layer's, whose errors Pydantic does not know."""
    try:
        validate(value)
    except ValidationError as error:
        first = error.error_list[0]
        code: Any = first.code
        raise PydanticCustomError(code, "{message}", {"message": first.message}) from error
    except FieldValueError as error:
        raise PydanticCustomError("value", "{message}", {"message": error.message}) from error

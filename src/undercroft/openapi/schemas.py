"""JSON Schemas of all types an API mentions, collected first and made by Pydantic in one go.

Made together, a type that several operations mention is one component, and its input and output
are two components only where they differ.
"""

import re
from collections import Counter
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import PydanticSerializationError, to_jsonable_python
from pydantic_core.core_schema import DecimalSchema

Schema = dict[str, Any]

_REFERENCE = "#/components/schemas/"
#: A decimal as text, where no digits are counted.
_DECIMAL = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
#: What Pydantic adds to the names of what differs.
_INPUT, _OUTPUT = "-Input", "-Output"
#: What OpenAPI allows as a component's key.
_NAME = re.compile(r"[a-zA-Z0-9._-]+")


class LenientJsonSchema(GenerateJsonSchema):
    """Describes what JSON Schema cannot express as "anything", instead of failing."""

    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}

    def decimal_schema(self, schema: DecimalSchema) -> JsonSchemaValue:
        """Say of a decimal as text that it is a number."""
        described = super().decimal_schema(schema)
        for part in described.get("anyOf", ()):
            if part.get("type") == "string":
                part.setdefault("pattern", _DECIMAL)
        return described

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> JsonSchemaValue:
        """Describe a type without a JSON form as any value."""
        return {}


class SchemaCollector:
    """Collects types while a document is written, and fills in their schemas at the end."""

    def __init__(self) -> None:
        self._wanted: list[tuple[Schema, JsonSchemaMode, TypeAdapter[Any]]] = []

    def add(self, annotation: Any, mode: JsonSchemaMode, **known: Any) -> Schema:
        """Return the place of a type's schema, filled in by `resolve`.

        Args:
            annotation: The type.
            mode: "validation" for what comes in, "serialization" for what goes out.
            known: Members the schema starts with, such as a default.
        """
        place: Schema = dict(known)
        self._wanted.append((place, mode, TypeAdapter(annotation)))
        return place

    def resolve(self) -> dict[str, Schema]:
        """Fill every place and return the components they refer to, by name in order."""
        inputs: list[tuple[int, JsonSchemaMode, TypeAdapter[Any]]] = [
            (index, mode, adapter) for index, (_, mode, adapter) in enumerate(self._wanted)
        ]
        if not inputs:
            return {}
        schemas, rest = TypeAdapter.json_schemas(
            inputs, ref_template=_REFERENCE + "{model}", schema_generator=LenientJsonSchema
        )
        components: dict[str, Schema] = rest.get("$defs", {})
        names = join_modes(components)
        joined = {
            names.get(key, key): rename_references(schema, names)
            for key, schema in components.items()
        }
        chosen = choose_names(joined)
        names = {key: chosen[names.get(key, key)] for key in components}
        for index, (place, mode, _) in enumerate(self._wanted):
            place.update(rename_references(schemas[index, mode], names))
        renamed = {chosen[key]: rename_references(schema, chosen) for key, schema in joined.items()}
        return dict(sorted(renamed.items()))


def join_modes(components: dict[str, Schema]) -> dict[str, str]:
    """Find the components that are the same for input and output, and what both become.

    Pydantic tells two apart that refer to themselves or to each other, however alike they are. So
    all are taken to be the same until one shows that they are not.
    """
    pairs = {
        key.removesuffix(_INPUT): (key, key.removesuffix(_INPUT) + _OUTPUT)
        for key in components
        if key.endswith(_INPUT)
    }
    pairs = {
        name: pair
        for name, pair in pairs.items()
        if pair[1] in components and name not in components
    }
    while True:
        names = {key: name for name, pair in pairs.items() for key in pair}
        differ = [
            name
            for name, (one, other) in pairs.items()
            if rename_references(components[one], names)
            != rename_references(components[other], names)
        ]
        if not differ:
            return names
        for name in differ:
            del pairs[name]


def choose_names(components: dict[str, Schema]) -> dict[str, str]:
    """Choose each component's name: its title, where that is a name and no other's.

    A model may so be called otherwise than its class: `model_config = {"title": "Post"}`.
    """
    titles = Counter(schema.get("title") for schema in components.values())
    names: dict[str, str] = {}
    for key, schema in components.items():
        title = schema.get("title", "")
        is_free = titles[title] == 1 and (title == key or title not in components)
        names[key] = title if is_free and _NAME.fullmatch(title) else key
    return names


def rename_references(value: Any, names: dict[str, str]) -> Any:
    """Copy a schema with its references renamed."""
    if isinstance(value, dict):
        copied: Schema = {key: rename_references(item, names) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType] - JSON
        target = copied.get("$ref")
        if isinstance(target, str) and target.startswith(_REFERENCE):
            name = target.removeprefix(_REFERENCE)
            copied["$ref"] = _REFERENCE + names.get(name, name)
        return copied
    if isinstance(value, list):
        return [rename_references(item, names) for item in value]  # pyright: ignore[reportUnknownVariableType] - JSON
    return value


def find_json(value: Any) -> tuple[Any] | None:
    """Find how a default reads in JSON, as a tuple of one; None where it has no JSON form."""
    try:
        return (to_jsonable_python(value),)
    except PydanticSerializationError:
        return None

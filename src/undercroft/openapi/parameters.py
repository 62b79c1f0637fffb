"""Describes what an operation reads: parameters of path, query, header and cookie, and the body."""

from collections.abc import Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from undercroft.binding.annotations import names_type
from undercroft.binding.parameters import Source
from undercroft.binding.signature import Argument, Member
from undercroft.http.forms import MULTIPART, URLENCODED
from undercroft.http.uploads import UploadFile
from undercroft.openapi.schemas import Schema, SchemaCollector, find_json
from undercroft.routing.converters import Converter, IntConverter
from undercroft.routing.template import PathParam

_JSON: Final = "application/json"
#: Bytes of which nothing is known (RFC 9110, section 8.3).
_BYTES: Final = "application/octet-stream"

#: What is part of a body, not a parameter.
_BODIES: Final = frozenset({Source.BODY, Source.FORM, Source.FILE})

#: Headers that OpenAPI describes elsewhere, and forbids as parameters.
_ELSEWHERE: Final = frozenset({"accept", "content-type", "authorization"})


def describe_parameters(
    path_params: Sequence[PathParam], arguments: Sequence[Argument], collector: SchemaCollector
) -> list[Schema]:
    """Describe every parameter once: those of the path first, then as the handler lists them."""
    found: dict[tuple[str, str], Schema] = {}
    converters = {param.name: param.converter for param in path_params}
    for param in path_params:
        found["path", param.name] = {
            "name": param.name,
            "in": "path",
            "required": True,
            "schema": describe_converter(param.converter, collector),
        }
    for argument in arguments:
        if argument.source in _BODIES or is_described_elsewhere(argument) or not argument.is_shown:
            continue
        if argument.source is Source.PATH and argument.alias not in converters:
            continue  # The host's, of which a path of the document knows nothing.
        if argument.members is not None:
            for described in describe_group(argument, collector):
                found.setdefault((argument.source.value, described["name"]), described)
            continue
        key = (argument.source.value, argument.alias)
        converter = converters.get(argument.alias) if argument.source is Source.PATH else None
        described = describe_argument(argument, converter, collector)
        if key not in found or converter is not None:
            found[key] = described
    return list(found.values())


def is_described_elsewhere(argument: Argument) -> bool:
    """Tell whether OpenAPI has a place of its own for what an argument reads."""
    return argument.source is Source.HEADER and argument.alias.lower() in _ELSEWHERE


def describe_argument(
    argument: Argument, converter: Converter[Any] | None, collector: SchemaCollector
) -> Schema:
    """Describe one parameter as OpenAPI's parameter object."""
    described: Schema = {"name": argument.alias, "in": argument.source.value}
    field = argument.field
    if field is not None and field.description:
        described["description"] = field.description
    described["required"] = argument.is_required or converter is not None
    if argument.is_deprecated:
        described["deprecated"] = True
    known: Schema = {}
    if converter is not None and get_plain_type(argument.annotation) in {
        converter.python_type,
        Any,
    }:
        known = build_converter_schema(converter)
    default = None if argument.is_required else find_json(argument.default)
    if default is not None and default[0] is not None:
        known["default"] = default[0]
    annotation = argument.annotation
    if converter is not None and get_plain_type(annotation) is Any:
        annotation = converter.python_type
    described["schema"] = collector.add(annotation, "validation", **known)
    if argument.openapi_examples:
        described["examples"] = dict(argument.openapi_examples)
    return described


def get_plain_type(annotation: Any) -> Any:
    """Return the type inside `Annotated`, which every argument's annotation is."""
    return get_args(annotation)[0] if hasattr(annotation, "__metadata__") else annotation


def without_none(annotation: Any) -> Any:
    """Return a type without `None` as an alternative, its constraints kept."""
    if hasattr(annotation, "__metadata__"):
        inner, *constraints = get_args(annotation)
        kept: Any = Annotated  # subscribed at run time, which type checkers need not follow
        return kept[(without_none(inner), *constraints)]
    if get_origin(annotation) not in {Union, UnionType}:
        return annotation
    parts = tuple(part for part in get_args(annotation) if part is not NoneType)
    return Union[parts]  # noqa: UP007 - made at run time


def describe_converter(converter: Converter[Any], collector: SchemaCollector) -> Schema:
    """Describe what a converter accepts."""
    known = build_converter_schema(converter)
    return collector.add(converter.python_type, "validation", **known)


def build_converter_schema(converter: Converter[Any]) -> Schema:
    """Build what JSON Schema can say of a converter beyond its Python type."""
    if isinstance(converter, IntConverter):
        # The upper bound is left out: JavaScript, and so Swagger UI, would round it.
        return {"minimum": 0}
    is_text = converter.python_type is str and not converter.spans_segments
    if is_text and converter.regex != Converter.regex:
        return {"pattern": f"^(?:{converter.regex})$"}
    return {}


def describe_group(argument: Argument, collector: SchemaCollector) -> list[Schema]:
    """Describe the members of a model, each as a parameter."""
    described: list[Schema] = []
    for member in argument.members or ():
        parameter: Schema = {"name": member.alias, "in": argument.source.value}
        if member.field.description:
            parameter["description"] = member.field.description
        parameter["required"] = argument.is_required and member.field.is_required
        if member.field.is_deprecated:
            parameter["deprecated"] = True
        default = None if member.field.is_required else find_json(member.field.default)
        known = {} if default is None or default[0] is None else {"default": default[0]}
        parameter["schema"] = collector.add(member.field.annotation, "validation", **known)
        described.append(parameter)
    return described


def describe_body(arguments: Sequence[Argument], collector: SchemaCollector) -> Schema | None:
    """Describe the body: JSON, whole or by members, a form, or bytes of any kind."""
    bodies = [argument for argument in arguments if argument.source in _BODIES]
    if not bodies:
        return None
    described: Schema = {}
    if bodies[0].is_raw:
        return describe_raw_body(bodies[0])
    is_form = bodies[0].source is not Source.BODY
    is_whole = bodies[0].members is not None if is_form else not bodies[0].embed
    if len(bodies) == 1 and is_whole:
        field = bodies[0].field
        if field is not None and field.description:
            described["description"] = field.description
        if bodies[0].members is not None:
            schema = describe_whole_form(bodies[0].members, collector)
        else:
            schema = collector.add(bodies[0].annotation, "validation")
    else:
        schema = describe_members(bodies, collector, is_form=is_form)
    told = next(filter(None, (argument.media_type for argument in bodies)), _JSON)
    content: Schema = {"schema": schema}
    examples = {
        name: example
        for argument in bodies
        for name, example in (argument.openapi_examples or {}).items()
    }
    if examples:
        content["examples"] = examples
    kinds = list_form_types(bodies) if is_form else [told]
    described["content"] = dict.fromkeys(kinds, content)
    described["required"] = any(argument.is_required for argument in bodies)
    return described


def describe_raw_body(argument: Argument) -> Schema:
    """Describe a body that is taken as it comes: its media type says all (3.1, 4.8.14.1)."""
    described: Schema = {}
    field = argument.field
    if field is not None and field.description:
        described["description"] = field.description
    content: Schema = {}
    if argument.openapi_examples:
        content["examples"] = dict(argument.openapi_examples)
    described["content"] = {argument.media_type or _BYTES: content}
    described["required"] = argument.is_required
    return described


def list_form_types(fields: Sequence[Argument]) -> list[str]:
    """List the media types a form may have; one with files has only one."""
    kinds = [field.annotation for field in fields]
    kinds += [member.field.annotation for field in fields for member in field.members or ()]
    has_files = any(field.source is Source.FILE for field in fields)
    has_files = has_files or any(names_type(kind, UploadFile) for kind in kinds)
    return [MULTIPART] if has_files else [URLENCODED, MULTIPART]


def describe_whole_form(members: Sequence[Member], collector: SchemaCollector) -> Schema:
    """Describe the object whose members are the fields of a form's model."""
    schema: Schema = {"type": "object", "properties": {}}
    for member in members:
        field = member.field
        default = None if field.is_required else find_json(field.default)
        known: Schema = {}
        if default is not None and default[0] is not None:
            known["default"] = default[0]
        if field.is_required and get_plain_type(field.annotation) is str:
            known["minLength"] = 1
        if field.description:
            known["description"] = field.description
        place = collector.add(without_none(field.annotation), "validation", **known)
        schema["properties"][member.alias] = place
    required = [member.alias for member in members if member.field.is_required]
    return {**schema, "required": required} if required else schema


def describe_members(
    bodies: Sequence[Argument], collector: SchemaCollector, *, is_form: bool = False
) -> Schema:
    """Describe the object whose members are the body arguments.

    A form has no null, and a field that is empty is not given: a required one is not empty.
    """
    members: Schema = {}
    for argument in bodies:
        annotation = argument.annotation
        default = None if argument.is_required else find_json(argument.default)
        known = {} if default is None else {"default": default[0]}
        if is_form:
            annotation = without_none(annotation)
            known = {} if known == {"default": None} else known
            if argument.is_required and get_plain_type(annotation) is str:
                known["minLength"] = 1
        members[argument.alias] = collector.add(annotation, "validation", **known)
    required = [argument.alias for argument in bodies if argument.is_required]
    schema: Schema = {"type": "object", "properties": members}
    return {**schema, "required": required} if required else schema

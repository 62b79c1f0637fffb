"""The signatures of the standard actions, as they follow from a viewset's serializer."""

from inspect import Parameter
from types import GenericAlias
from typing import Any

from pydantic import create_model

from undercroft.api.handlers import Signed
from undercroft.api.variants import Variant
from undercroft.errors import ImproperlyConfigured

_SUMMARIES = {
    "list": "List {plural}.",
    "create": "Create {one}.",
    "retrieve": "Show {one}.",
    "update": "Replace {one}.",
    "partial_update": "Change {one} in part.",
    "destroy": "Delete {one}.",
}


def describe_list(view: Any) -> Signed:
    """Describe a list: the pagination's parameters and its envelope."""
    serializer = get_serializer(view)
    if view.pagination_class is None:
        return Signed(GenericAlias(list, (serializer,)), summary=summarize(view, "list"))
    pagination = view.pagination_class()
    fields: Any = {
        name: (annotation, ...)
        for name, annotation in pagination.get_envelope_fields(serializer).items()
    }
    title = serializer.model_config.get("title", serializer.__name__)
    envelope = create_model(f"{title}Page", __module__=serializer.__module__, **fields)
    parameters = pagination.get_parameters()
    return Signed(envelope, parameters, errors=(404,), summary=summarize(view, "list"))


def describe_retrieve(view: Any) -> Signed:
    """Describe a look at one row."""
    return Signed(get_serializer(view), summary=summarize(view, "retrieve"))


def describe_create(view: Any) -> Signed:
    """Describe the creation of a row: what creates one is the body."""
    return _describe_write(view, Variant.CREATE, "create")


def describe_update(view: Any) -> Signed:
    """Describe the replacement of a row."""
    return _describe_write(view, Variant.UPDATE, "update")


def describe_partial_update(view: Any) -> Signed:
    """Describe the change of a row in part."""
    return _describe_write(view, Variant.PARTIAL_UPDATE, "partial_update")


def describe_destroy(view: Any) -> Signed:
    """Describe the deletion of a row."""
    return Signed(None, status_code=204, errors=(409,), summary=summarize(view, "destroy"))


def _describe_write(view: Any, variant: Variant, name: str) -> Signed:
    serializer = get_serializer(view)
    body = Parameter("data", Parameter.KEYWORD_ONLY, annotation=serializer.get_variant(variant))
    status = 201 if variant is Variant.CREATE else 200
    return Signed(serializer, [body], status, errors=(409,), summary=summarize(view, name))


def get_serializer(view: Any) -> Any:
    """Get a viewset's serializer at start, when there is no request.

    Raises:
        ImproperlyConfigured: It is no model serializer, or depends on the request.
    """
    try:
        serializer: Any = view.get_serializer_class()
    except AttributeError as error:
        raise ImproperlyConfigured(
            f"{type(view).__name__}.get_serializer_class cannot be asked at start: {error}.",
            hint="Choose by `self.action`; the request is not there yet.",
            code="api.serializer-class",
        ) from error
    if getattr(serializer, "declaration", None) is None:
        raise ImproperlyConfigured(
            f"{type(view).__name__} has the serializer {serializer!r}, which is for no model.",
            hint="Use a ModelSerializer with a Meta.",
            code="api.serializer-class",
        )
    return serializer


def summarize(view: Any, name: str) -> str:
    """Say in a line what an action does."""
    options = get_serializer(view).declaration.options
    one: str = options.verbose_name
    article = "an" if one[:1].lower() in "aeiou" else "a"
    return _SUMMARIES[name].format(plural=options.verbose_name_plural, one=f"{article} {one}")

"""What a route says of its answer, beside the handler's return type, by FastAPI's names."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, get_args, get_origin

from undercroft.binding.events import EventSourceResponse, ServerSentEvent
from undercroft.http.responses import JSONResponse, RedirectResponse, Response

#: "The handler's own return type counts"; None means that nothing is declared.
UNDECLARED: Final[Any] = object()

#: Options of a route, and what Pydantic calls them.
_DUMP_OPTIONS = {
    f"response_model_{name}": name
    for name in (
        "include",
        "exclude",
        "by_alias",
        "exclude_unset",
        "exclude_defaults",
        "exclude_none",
    )
}


@dataclass(frozen=True, slots=True)
class Shape:
    """How an answer is shaped.

    Attributes:
        model: The type of the answer, in place of the handler's return type.
        response_class: What answers are made of; None for what follows from the type.
        dump: What of a model's fields leaves, as Pydantic's options.
    """

    model: Any = UNDECLARED
    response_class: type[Response] | None = None
    dump: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def choose_type(self, declared: Any) -> Any:
        """Choose the type of the answer, from that and the handler's return type."""
        model = declared if self.model is UNDECLARED else self.model
        if self.model is None:
            model = Any
        if self.response_class is None:
            return model
        if issubclass(self.response_class, EventSourceResponse):
            item = (*get_args(model), Any)[0]
            is_event = (get_origin(item) or item) is ServerSentEvent
            # Subscribed at run time, which type checkers need not follow.
            stream: Any = AsyncIterator
            event: Any = ServerSentEvent
            return stream[item if is_event else event[item]]
        return self.response_class


#: A route that says nothing.
NO_SHAPE: Final = Shape()


def read_shape(options: Mapping[str, Any]) -> Shape:
    """Read a route's options."""
    response_class = options.get("response_class")
    # JSON is what answers are made of unless something else is said.
    is_json = response_class is None or issubclass(response_class, JSONResponse)
    return Shape(
        options.get("response_model", UNDECLARED),
        None if is_json else response_class,
        {name: options[key] for key, name in _DUMP_OPTIONS.items() if options.get(key) is not None},
    )


def build_dump_options(dump: Mapping[str, Any], annotation: Any) -> dict[str, Any]:
    """Build what Pydantic's serializer is called with; of a list, each item's fields are meant."""
    built = {"by_alias": True, **dump}
    if get_origin(annotation) is list:
        for name in {"include", "exclude"} & dump.keys():
            built[name] = {"__all__": dump[name]}
    return built


def build_response(response_class: type[Response], status: int) -> Callable[[Any], Response]:
    """Build what makes a response of a handler's value, such as the text of a page."""
    make: Callable[..., Response] = response_class
    if status == 200 and issubclass(response_class, RedirectResponse):
        return make
    return lambda value: make(value, status_code=status)

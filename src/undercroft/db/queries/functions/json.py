"""Functions that make JSON."""

from typing import Any

from undercroft.db.queries.functions.function import Function
from undercroft.db.queries.terms import Term


class JSONArray(Function):
    """A JSON list of the arguments: `JSONArray("title", "price")`.

    Moments are text in ISO 8601, lengths of time are seconds.
    """

    __slots__ = ()
    function, output, arity = "json_array", "json", (0, None)

    def is_null(self, terms: list[Term]) -> bool:
        """Never NULL."""
        return False


class JSONObject(Function):
    """A JSON object: `JSONObject(name="title", author="author__name")`.

    Args:
        fields: Names, values and expressions by key.
    """

    __slots__ = ("keys",)
    function, output, arity = "json_object", "json", (0, None)

    def __init__(self, **fields: Any) -> None:
        super().__init__(*fields.values())
        self.keys = tuple(fields)

    @property
    def option(self) -> tuple[str, ...]:
        """The keys."""
        return self.keys

    def is_null(self, terms: list[Term]) -> bool:
        """Never NULL."""
        return False

"""Functions that undercroft has no class for: the database's own, extensions', your own."""

import re
from typing import Any, ClassVar

from undercroft.db.queries.functions.function import Function
from undercroft.db.queries.shape import Node
from undercroft.errors import FieldError

#: A function's name, with that of its schema where it needs one.
_NAME = re.compile(r"(?:[a-z_]\w{0,62}\.)?[a-z_]\w{0,62}", re.ASCII | re.IGNORECASE)


class Func(Function):
    """A function of the database by its own name.

    `Func("title", function="soundex", output_field=models.TextField())`, or as a class:

    ```python
    class Soundex(models.Func):
        function = "soundex"
        arity = 1
        output_field = models.TextField()
    ```

    The name becomes part of the statement, so it must not come from users; what is no name is
    refused.

    Args:
        expressions: Names, values and expressions.
        function: The function's name; the class's when None.
        output_field: The type of the result; that of the first argument when None.

    Raises:
        FieldError: It is no name of a function, or the number of arguments is another.
    """

    __slots__ = ("name",)

    arity: ClassVar[Any] = (0, None)
    #: The type of the result when none is given.
    output_type: ClassVar[Any] = None

    def __init_subclass__(cls) -> None:
        """Read what the class says of its arguments and its result."""
        if isinstance(cls.arity, int):
            cls.arity = (cls.arity, cls.arity)
        if "output_field" in vars(cls):
            # An attribute of instances, too, which one of the class would hide.
            cls.output_type = vars(cls)["output_field"]
            type.__delattr__(cls, "output_field")

    def __init__(
        self, *expressions: Any, function: str | None = None, output_field: Any = None
    ) -> None:
        wanted = self.output_type if output_field is None else output_field
        super().__init__(*expressions, output_field=wanted)
        self.name = check_function_name(self.function if function is None else function)

    def build_node(self, nodes: tuple[Node, ...]) -> Node:
        """Build the call of the function by its name."""
        return ("call", "custom", nodes, self.name)


def check_function_name(name: str) -> str:
    """Check that what becomes part of a statement as a function's name is one; give it back.

    Raises:
        FieldError: It is none.
    """
    if _NAME.fullmatch(name):
        return name
    raise FieldError(
        f"{name[:60]!r} is no name of a function: expected one such as 'soundex' or "
        "'public.soundex'.",
        hint='Write Func(..., function="soundex").',
        code="db.function",
    )

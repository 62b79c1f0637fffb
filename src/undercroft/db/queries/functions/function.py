"""What a function of the database is: arguments, a name that `sql.functions` knows, a type."""

from typing import Any, ClassVar

from undercroft.db.queries.declaring import build_declared_call
from undercroft.db.queries.expressions import Expression
from undercroft.db.queries.namespace import Namespace
from undercroft.db.queries.outputs import get_output_type
from undercroft.db.queries.shape import Node, TypeKey
from undercroft.db.queries.terms import ROW, TYPES, Term, match_lists
from undercroft.errors import FieldError


class Function(Expression):
    """A function of the database.

    Args:
        expressions: Names, values and expressions.
        output_field: The type of the result, where it is not the usual one.

    Raises:
        FieldError: It takes another number of arguments.
    """

    __slots__ = ("expressions", "output_field")

    #: What `sql.functions` knows it by.
    function: ClassVar[str] = ""
    #: The least and the greatest number of arguments.
    arity: ClassVar[tuple[int, int | None]] = (1, 1)
    #: The type of the result by its name in `terms.TYPES`; that of the first argument when empty.
    output: ClassVar[str] = ""

    def __init__(self, *expressions: Any, output_field: Any = None) -> None:
        least, most = self.arity
        if len(expressions) < least or (most is not None and len(expressions) > most):
            wanted = f"{least}" if least == most else f"{least} to {most or 'any number'}"
            raise FieldError(
                f"{type(self).__name__}() takes {wanted} arguments: {len(expressions)} given.",
                code="db.function",
            )
        self.expressions = expressions
        self.output_field = output_field

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.expressions))})"

    @property
    def option(self) -> Any:
        """What else is part of the statement's text."""
        return None

    def build_declared_sql(self, model: Any) -> Any:
        """Build the call as part of a table's definition."""
        return build_declared_call(model, self.function, self.expressions)

    def resolve_in(self, namespace: Namespace) -> Term:
        """Resolve the arguments."""
        terms = match_lists([namespace.resolve_name(each) for each in self.expressions])
        nodes = tuple(term.node for term in terms)
        node = self.build_node(nodes)
        if self.output_field is not None:
            wanted = get_output_type(self.output_field)
            node = ("typed", node, TypeKey(wanted))
        else:
            wanted = self.find_output(terms)
        return Term(
            node,
            wanted,
            max((term.level for term in terms), default=ROW),
            self.is_null(terms),
            any(term.many for term in terms),
        )

    def build_node(self, nodes: tuple[Node, ...]) -> Node:
        """Build the call of the function."""
        return ("call", self.function, nodes, self.option)

    def find_output(self, terms: list[Term]) -> Any:
        """Find the type of the result."""
        if self.output:
            return TYPES[self.output]
        return next((each.type for each in terms if each.node[0] != "null"), TYPES["any"])

    def is_null(self, terms: list[Term]) -> bool:
        """Tell whether the result may be NULL."""
        return any(term.null for term in terms)

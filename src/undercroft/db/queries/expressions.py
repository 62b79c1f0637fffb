"""Expressions the database works out: `F`, `Value`, `Case`, arithmetic, and their order."""

from collections.abc import Mapping
from typing import Any, ClassVar

import sqlalchemy as sa

from undercroft.db.mapping.options import ModelOptions
from undercroft.db.queries.conditions import Conditions
from undercroft.db.queries.declaring import (
    build_declared_math,
    build_refused,
    find_declared_column,
)
from undercroft.db.queries.namespace import Namespace
from undercroft.db.queries.outputs import find_math_type, get_output_type
from undercroft.db.queries.q import Q
from undercroft.db.queries.shape import OrderTerm, TypeKey
from undercroft.db.queries.terms import ROW, TYPES, Term
from undercroft.errors import FieldError


class Expression:
    """Something the database works out for each row.

    Expressions are added, subtracted, multiplied and compared in look-ups; they go wherever a value
    or a name goes: `filter(pages__gt=F("sold") * 2)`.
    """

    __slots__ = ()

    #: What the result is called when it is given no name; None when it must be given one.
    default_alias: ClassVar[str | None] = None

    def resolve_in(self, namespace: Namespace) -> Term:
        """Resolve names in a queryset, whose values are collected.

        Raises:
            FieldError: A name does not exist there.
        """
        raise NotImplementedError

    def build_declared_sql(self, model: Any) -> Any:
        """Build the expression as part of a table's definition.

        Raises:
            ImproperlyConfigured: Databases do not agree on it.
        """
        raise build_refused(f"{self!r}")

    def __add__(self, other: Any) -> "Combined":
        return Combined("+", self, other)

    def __radd__(self, other: Any) -> "Combined":
        return Combined("+", other, self)

    def __sub__(self, other: Any) -> "Combined":
        return Combined("-", self, other)

    def __rsub__(self, other: Any) -> "Combined":
        return Combined("-", other, self)

    def __mul__(self, other: Any) -> "Combined":
        return Combined("*", self, other)

    def __rmul__(self, other: Any) -> "Combined":
        return Combined("*", other, self)

    def __truediv__(self, other: Any) -> "Combined":
        return Combined("/", self, other)

    def __rtruediv__(self, other: Any) -> "Combined":
        return Combined("/", other, self)

    def __mod__(self, other: Any) -> "Combined":
        return Combined("%", self, other)

    def __rmod__(self, other: Any) -> "Combined":
        return Combined("%", other, self)

    def __pow__(self, other: Any) -> "Combined":
        return Combined("**", self, other)

    def __rpow__(self, other: Any) -> "Combined":
        return Combined("**", other, self)

    def __neg__(self) -> "Combined":
        return Combined("*", self, -1)

    def bitand(self, other: Any) -> "Combined":
        """Combine the bits that both have."""
        return Combined("&", self, other)

    def bitor(self, other: Any) -> "Combined":
        """Combine the bits that either has."""
        return Combined("|", self, other)

    def bitxor(self, other: Any) -> "Combined":
        """Combine the bits that one has and the other has not."""
        return Combined("^", self, other)

    def __and__(self, other: Any) -> Q:
        return Q(self).combine(other, Q.AND)

    def __or__(self, other: Any) -> Q:
        return Q(self).combine(other, Q.OR)

    def __invert__(self) -> Q:
        return ~Q(self)

    def asc(self, *, nulls_first: bool = False, nulls_last: bool = False) -> "OrderBy":
        """Order by this, the least first."""
        return OrderBy(self, nulls_first=nulls_first, nulls_last=nulls_last)

    def desc(self, *, nulls_first: bool = False, nulls_last: bool = False) -> "OrderBy":
        """Order by this, the greatest first."""
        return OrderBy(self, descending=True, nulls_first=nulls_first, nulls_last=nulls_last)


class Combined(Expression):
    """Two expressions joined by an operator."""

    __slots__ = ("left", "operator", "right")

    def __init__(self, operator: str, left: Any, right: Any) -> None:
        self.operator = operator
        self.left = left
        self.right = right

    def __repr__(self) -> str:
        return f"{self.left!r} {self.operator} {self.right!r}"

    def build_declared_sql(self, model: Any) -> Any:
        """Build both sides."""
        return build_declared_math(model, self.operator, self.left, self.right)

    def resolve_in(self, namespace: Namespace) -> Term:
        """Resolve both sides."""
        left, right = namespace.resolve(self.left), namespace.resolve(self.right)
        return Term(
            ("math", self.operator, left.node, right.node),
            find_math_type(self.operator, left.type, right.type),
            max(left.level, right.level),
            left.null or right.null,
            left.many or right.many,
        )


class F(Expression):
    """A field, or an annotation, by its name: `F("author__name")`.

    Args:
        name: As look-ups write it, with parts of dates and keys of JSON.
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"F({self.name!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, F) and self.name == other.name

    def __hash__(self) -> int:
        return hash((F, self.name))

    def build_declared_sql(self, model: Any) -> Any:
        """Find the column."""
        return find_declared_column(model, self.name)

    def resolve_in(self, namespace: Namespace) -> Term:
        """Find what the name stands for."""
        return namespace.find(self.name)


class Value(Expression):
    """A Python value as an expression.

    Args:
        value: The value.
        output_field: A field or SQLAlchemy type, where Python's type does not tell.
    """

    __slots__ = ("output_field", "value")

    def __init__(self, value: Any, output_field: Any = None) -> None:
        self.value = value
        self.output_field = output_field

    def __repr__(self) -> str:
        return f"Value({self.value!r})"

    def build_declared_sql(self, model: Any) -> Any:
        """Write the value into the definition."""
        return sa.literal(self.value)

    def resolve_in(self, namespace: Namespace) -> Term:
        """Bind the value."""
        if self.output_field is None:
            return namespace.bind(self.value)
        wanted = get_output_type(self.output_field)
        namespace.parameters.append(self.value)
        return Term(("bind", TypeKey(wanted)), wanted, null=self.value is None)


class OuterRef(F):
    """A field of the query around a subquery: `OuterRef("pk")`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"OuterRef({self.name!r})"

    def resolve_in(self, namespace: Namespace) -> Term:
        """Leave the name for the query around, which is not known yet."""
        depth = 1
        name: Any = self.name
        while isinstance(name, OuterRef):
            depth, name = depth + 1, name.name
        return Term(("outer", name, depth), TYPES["any"])


class ExpressionWrapper(Expression):
    """An expression whose type is told.

    Args:
        expression: What to work out.
        output_field: A field or SQLAlchemy type.
    """

    __slots__ = ("expression", "output_field")

    def __init__(self, expression: Any, output_field: Any) -> None:
        self.expression = expression
        self.output_field = output_field

    def resolve_in(self, namespace: Namespace) -> Term:
        """Resolve the expression within."""
        if isinstance(self.expression, Q):
            return resolve_conditions(namespace, self.expression)
        term = namespace.resolve(self.expression)
        wanted = get_output_type(self.output_field)
        return Term(("typed", term.node, TypeKey(wanted)), wanted, term.level, term.null, term.many)


class Cast(ExpressionWrapper):
    """A value turned into another type by the database.

    Args:
        expression: A field's name, or an expression.
        output_field: The type wanted.
    """

    __slots__ = ()

    def resolve_in(self, namespace: Namespace) -> Term:
        """Resolve the expression within."""
        term = namespace.resolve_name(self.expression)
        wanted = get_output_type(self.output_field)
        return Term(("cast", term.node, TypeKey(wanted)), wanted, term.level, term.null, term.many)


class When(Expression):
    """One branch of a `Case`.

    Args:
        condition: A `Q`, or an expression that is true or false.
        then: What the result is if it holds.
        lookups: Conditions by keyword.
    """

    __slots__ = ("condition", "then")

    def __init__(self, condition: Any = None, then: Any = None, **lookups: Any) -> None:
        given = () if condition is None else (condition,)
        # Not by keyword: `_connector` and `_negated` are names like any other here.
        self.condition = Q(*given, *sorted(lookups.items()))
        self.then = then
        if not self.condition:
            raise FieldError("When() has no condition.", hint="Write When(title='x', then=...).")


class Case(Expression):
    """The result of the first branch whose condition holds.

    Args:
        branches: `When` objects.
        default: The result when none holds; NULL when left out.
        output_field: The type, where the results do not tell.
    """

    __slots__ = ("branches", "default", "output_field")

    def __init__(self, *branches: When, default: Any = None, output_field: Any = None) -> None:
        self.branches = branches
        self.default = default
        self.output_field = output_field

    def resolve_in(self, namespace: Namespace) -> Term:
        """Resolve every branch."""
        pairs: list[tuple[Any, Any]] = []
        results: list[Term] = []
        level, many = ROW, False
        for branch in self.branches:
            condition = resolve_conditions(namespace, branch.condition)
            result = namespace.resolve(branch.then)
            pairs.append((condition.node, result.node))
            results.append(result)
            level = max(level, condition.level)
            many = many or condition.many
        default = namespace.resolve(self.default)
        results.append(default)
        wanted = (
            get_output_type(self.output_field)
            if self.output_field is not None
            else next((each.type for each in results if each.node[0] != "null"), TYPES["any"])
        )
        return Term(
            ("case", tuple(pairs), default.node, TypeKey(wanted)),
            wanted,
            max(level, *(each.level for each in results)),
            any(each.null for each in results),
            many or any(each.many for each in results),
        )


def resolve_conditions(namespace: Namespace, condition: Any) -> Term:
    """Resolve conditions as a value that is true or false."""
    built = Conditions(namespace)
    operations = built.build((condition,), {})
    unwrapped = tuple(each[1] if each[0] in ("having", "qualify") else each for each in operations)
    level = max((_LEVEL_OF.get(each[0], ROW) for each in operations), default=ROW)
    return Term(("conditions", unwrapped), sa.Boolean(), level, null=False, many=built.many)


_LEVEL_OF = {"having": 1, "qualify": 2}


class OrderBy:
    """An expression with the direction to order by it."""

    __slots__ = ("descending", "expression", "nulls")

    def __init__(
        self,
        expression: Any,
        *,
        descending: bool = False,
        nulls_first: bool = False,
        nulls_last: bool = False,
    ) -> None:
        if nulls_first and nulls_last:
            raise FieldError("NULLs come first or last, not both.", code="db.order")
        self.expression = expression
        self.descending = descending
        self.nulls = "first" if nulls_first else "last" if nulls_last else ""

    def resolve_order(self, namespace: Namespace) -> OrderTerm:
        """Resolve the expression within."""
        return OrderTerm(namespace.resolve_name(self.expression).node, self.descending, self.nulls)


#: What `order_by("?")` orders by.
_RANDOM = ("call", "random", (), None)


def list_terms(given: Any) -> tuple[Any, ...]:
    """List what is given as one term or as several."""
    return tuple(given) if issubclass(type(given), (list, tuple)) else (given,)


def resolve_terms(namespace: Namespace, terms: tuple[Any, ...]) -> tuple[OrderTerm, ...]:
    """Resolve what to order by: names with `-` in front for descending, or expressions.

    Raises:
        FieldError: A name does not exist.
    """
    found: list[OrderTerm] = []
    for term in terms:
        if isinstance(term, str):
            found.extend(_resolve_name(namespace, term))
        elif isinstance(term, OrderBy):
            found.append(term.resolve_order(namespace))
        else:
            found.append(OrderTerm(namespace.resolve(term).node, descending=False))
    return tuple(found)


def resolve_own_order(options: ModelOptions, terms: Mapping[str, Term]) -> tuple[OrderTerm, ...]:
    """Resolve the order that a model's `Meta` asks for.

    Args:
        options: Of the model.
        terms: The annotations of the query, which come before fields.

    Raises:
        FieldError: It names what is no field; the model is named.
    """
    try:
        return resolve_terms(Namespace(options, terms), options.ordering)
    except FieldError as error:
        raise FieldError(
            f"{options.label} has a wrong Meta.ordering: {error.message}",
            hint=error.hint,
            code=error.code,
        ) from error


def _resolve_name(namespace: Namespace, name: str) -> list[OrderTerm]:
    if name == "?":
        return [OrderTerm(_RANDOM, descending=False)]
    descending = name.startswith("-")
    name = name.removeprefix("-").removeprefix("+")
    if name == "pk" and len(namespace.options.primary_keys) > 1:
        keys = namespace.options.primary_keys
        return [OrderTerm(("column", (), key), descending) for key in keys]
    return [OrderTerm(namespace.find(name).node, descending)]

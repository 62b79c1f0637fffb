"""Functions of numbers. Where mathematics has no answer, such as `Sqrt(-1)`, it is NULL."""

from typing import Any

from undercroft.db.queries.expressions import Combined, F
from undercroft.db.queries.functions.function import Function


class Abs(Function):
    """A number without its sign."""

    __slots__ = ()
    function = "abs"


class Round(Function):
    """A number rounded to a number of decimal places, none when left out; halves away from zero.

    Args:
        expression: The number.
        precision: The decimal places; negative ones round to tens, hundreds and so on.
        output_field: The type of the result.
    """

    __slots__ = ()
    function, arity = "round", (2, 2)

    def __init__(self, expression: Any, precision: Any = 0, output_field: Any = None) -> None:
        super().__init__(expression, precision, output_field=output_field)


class Ceil(Function):
    """The least whole number that is not less than a number."""

    __slots__ = ()
    function = "ceil"


class Floor(Function):
    """The greatest whole number that is not greater than a number."""

    __slots__ = ()
    function = "floor"


class Sign(Function):
    """-1, 0 or 1, as a number is negative, zero or positive."""

    __slots__ = ()
    function = "sign"


class Mod(Combined):
    """What is left of a division; it has the sign of the dividend, and is NULL for a divisor 0.

    Args:
        expression: The number divided: a name, a value or an expression.
        divisor: What it is divided by.
    """

    __slots__ = ()

    def __init__(self, expression: Any, divisor: Any) -> None:
        super().__init__("%", name(expression), name(divisor))


class Power(Combined):
    """A number raised to a power.

    Args:
        expression: The number: a name, a value or an expression.
        exponent: The power.
    """

    __slots__ = ()

    def __init__(self, expression: Any, exponent: Any) -> None:
        super().__init__("**", name(expression), name(exponent))


class Sqrt(Function):
    """The square root of a number; NULL of a negative one."""

    __slots__ = ()
    function, output = "sqrt", "float"


class Exp(Function):
    """The number e raised to a power."""

    __slots__ = ()
    function, output = "exp", "float"


class Ln(Function):
    """The natural logarithm of a number; NULL unless it is positive."""

    __slots__ = ()
    function, output = "ln", "float"


class Log(Function):
    """The logarithm to a base: `Log(10, "sold")`.

    Args:
        base: The base.
        expression: The number.
        output_field: The type of the result.
    """

    __slots__ = ()
    function, output, arity = "log", "float", (2, 2)


class Pi(Function):
    """The number π."""

    __slots__ = ()
    function, output, arity = "pi", "float", (0, 0)


class Random(Function):
    """A random number from 0 on, below 1, another one for each row."""

    __slots__ = ()
    function, output, arity = "random", "float", (0, 0)


class Sin(Function):
    """The sine of an angle in radians."""

    __slots__ = ()
    function, output = "sin", "float"


class Cos(Function):
    """The cosine of an angle in radians."""

    __slots__ = ()
    function, output = "cos", "float"


class Tan(Function):
    """The tangent of an angle in radians."""

    __slots__ = ()
    function, output = "tan", "float"


class Cot(Function):
    """The cotangent of an angle in radians; NULL of 0."""

    __slots__ = ()
    function, output = "cot", "float"


class ASin(Function):
    """The angle in radians of a sine; NULL outside of -1 to 1."""

    __slots__ = ()
    function, output = "asin", "float"


class ACos(Function):
    """The angle in radians of a cosine; NULL outside of -1 to 1."""

    __slots__ = ()
    function, output = "acos", "float"


class ATan(Function):
    """The angle in radians of a tangent."""

    __slots__ = ()
    function, output = "atan", "float"


class ATan2(Function):
    """The angle in radians of a point: `ATan2("y", "x")`."""

    __slots__ = ()
    function, output, arity = "atan2", "float", (2, 2)


class Degrees(Function):
    """An angle in radians, in degrees."""

    __slots__ = ()
    function, output = "degrees", "float"


class Radians(Function):
    """An angle in degrees, in radians."""

    __slots__ = ()
    function, output = "radians", "float"


def name(value: Any) -> Any:
    """Take text for a name."""
    return F(value) if isinstance(value, str) else value

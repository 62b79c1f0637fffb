"""Functions of numbers. Where mathematics has no answer, it is NULL."""

import math
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any


def _guard(function: Callable[..., float]) -> Callable[..., float | None]:
    """Answer NULL where a function has no answer; a number too large stays an error."""

    def call(*arguments: float) -> float | None:
        try:
            return function(*arguments)
        except (ValueError, ZeroDivisionError):
            return None

    return call


def _modulo(left: Any, right: Any) -> float | None:
    """Give what is left of a division, exactly, with the sign of the dividend."""
    if right == 0:
        return None
    if isinstance(left, int) and isinstance(right, int):
        rest = abs(left) % abs(right)
        return -rest if left < 0 else rest
    return float(Decimal(repr(left)) % Decimal(repr(right)))


def _round(number: Any, places: int) -> float:
    """Round halves away from zero; what a float is written as counts, not what it is in binary."""
    unit = Decimal(1).scaleb(-places)
    rounded = (Decimal(repr(number)) / unit).quantize(Decimal(1), ROUND_HALF_UP) * unit
    return int(rounded) if isinstance(number, int) else float(rounded)


def _sign(number: float) -> int:
    return (number > 0) - (number < 0)


def _log(base: float, number: float) -> float:
    return math.log(number) / math.log(base)


_FLOATS: dict[str, tuple[int, Callable[..., float]]] = {
    "acos": (1, math.acos),
    "asin": (1, math.asin),
    "atan": (1, math.atan),
    "atan2": (2, math.atan2),
    "ceil": (1, math.ceil),
    "cos": (1, math.cos),
    "degrees": (1, math.degrees),
    "exp": (1, math.exp),
    "floor": (1, math.floor),
    "ln": (1, math.log),
    "log": (2, _log),
    "power": (2, math.pow),
    "radians": (1, math.radians),
    "sin": (1, math.sin),
    "sqrt": (1, math.sqrt),
    "tan": (1, math.tan),
}

#: The functions, and how many arguments they take.
NUMBERS: dict[str, tuple[int, Callable[..., Any]]] = {
    "undercroft_mod": (2, _modulo),
    "undercroft_round": (2, _round),
    "undercroft_sign": (1, _sign),
    **{f"undercroft_{name}": (arity, _guard(call)) for name, (arity, call) in _FLOATS.items()},
}

"""Marks the dependencies that ask who makes a request, by whichever way the settings name.

So the description of an API can tell of these ways, and need not know who they are.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_MARK = "_identifies"


def identifies(*, insists: bool) -> Callable[[F], F]:
    """Mark a dependency.

    Args:
        insists: Whether somebody must be known; else nobody is an answer, too.
    """

    def mark(function: F) -> F:
        setattr(function, _MARK, insists)
        return function

    return mark


def find_identifying(functions: Iterable[Any]) -> bool | None:
    """Tell whether one of some dependencies insists on somebody; None where none asks at all."""
    found = [told for each in functions if (told := getattr(each, _MARK, None)) is not None]
    return any(found) if found else None

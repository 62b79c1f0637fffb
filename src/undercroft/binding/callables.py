"""Reads callables: how they are called, what they are annotated with, where they are written."""

import inspect
from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from typing import Any, get_type_hints


class Kind(Enum):
    """How a function is called."""

    PLAIN = auto()
    COROUTINE = auto()
    GENERATOR = auto()
    ASYNC_GENERATOR = auto()

    @property
    def is_generator(self) -> bool:
        """Tell whether calling it only begins it."""
        return self in {Kind.GENERATOR, Kind.ASYNC_GENERATOR}

    @property
    def is_async(self) -> bool:
        """Tell whether it must run on the loop."""
        return self in {Kind.COROUTINE, Kind.ASYNC_GENERATOR}


_TESTS: dict[Kind, Callable[[Any], bool]] = {
    Kind.COROUTINE: inspect.iscoroutinefunction,
    Kind.ASYNC_GENERATOR: inspect.isasyncgenfunction,
    Kind.GENERATOR: inspect.isgeneratorfunction,
}


def find_kind(function: Callable[..., Any]) -> Kind:
    """Find how a function, class, partial or callable object is called.

    A wrapper is called, so its own kind counts. A plain one may only hand on what the wrapped
    function returns, so then that one's kind does.
    """
    while True:
        written = strip_partial(function)
        if not inspect.isroutine(written) and not inspect.isclass(written):
            written = getattr(written, "__call__", written)  # noqa: B004 - the method, not a test
        for kind, test in _TESTS.items():
            if test(written):
                return kind
        wrapped = getattr(written, "__wrapped__", None)
        if wrapped is None:
            return Kind.PLAIN
        function = wrapped


def strip_partial(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function behind partials."""
    while isinstance(function, partial):
        function = function.func
    return function


def list_bound_names(function: Callable[..., Any]) -> set[str]:
    """List the arguments that partials have filled in by name: they are nobody else's."""
    names: set[str] = set()
    while isinstance(function, partial):
        names |= set(function.keywords)
        function = function.func
    return names


def read_hints(function: Callable[..., Any]) -> dict[str, Any]:
    """Resolve the annotations of a function, a class's `__init__` or a callable object."""
    function = strip_partial(function)
    if inspect.isclass(function):
        return get_type_hints(function.__init__, include_extras=True)
    if not inspect.isroutine(function):
        function = type(function).__call__
    return get_type_hints(strip_partial(inspect.unwrap(function)), include_extras=True)


def describe_place(function: Callable[..., Any]) -> str:
    """Name a function with its file and line, for errors found at start."""
    function = strip_partial(inspect.unwrap(strip_partial(function)))
    name = getattr(function, "__qualname__", repr(function))
    code = getattr(function, "__code__", None)
    return f"{name} ({code.co_filename}:{code.co_firstlineno})" if code else name

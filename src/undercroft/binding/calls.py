"""Calls a function later: with arguments of its own, the rest of its signature injected."""

import inspect
from collections.abc import Awaitable, Callable
from functools import lru_cache, partial
from typing import Any

from undercroft.binding.annotations import is_request
from undercroft.binding.callables import describe_place
from undercroft.binding.parameters import MISSING, Dependency, FindProvider
from undercroft.binding.plan import PreparedCall
from undercroft.binding.signature import read_markers, resolve_hints
from undercroft.errors import ImproperlyConfigured
from undercroft.http.request import Request


class InjectedCalls:
    """Knows which functions ask for dependencies, and calls them in the application's container.

    Args:
        find_provider: Knows the types that are injected by their name alone.
    """

    def __init__(self, find_provider: FindProvider) -> None:
        self._find_provider = find_provider
        # Bounded, for a function may be made anew for each request.
        self._find = lru_cache(256)(self._compile)

    def prepare(self, request: Request, call: partial[Any]) -> Callable[[], Awaitable[Any]] | None:
        """Find how to call a function, or None where nothing is to be injected.

        Nothing is read from the request but by what its dependencies say.

        Raises:
            TypeError: An argument is missing.
            ImproperlyConfigured: A dependency cannot be bound.
        """
        given = inspect_given(call)
        if given is None:
            return None
        prepared = self._find(call.func, given)
        return None if prepared is None else partial(prepared.run, request, call)

    def _compile(self, function: Callable[..., Any], given: frozenset[str]) -> PreparedCall | None:
        place = describe_place(function)
        try:
            hints = resolve_hints(function, place)
        except ImproperlyConfigured:
            # What names types that are not there at run time asks for nothing.
            return None
        filled: dict[str, Any] = dict.fromkeys(given)
        is_asking = False
        for name, parameter in inspect.signature(function).parameters.items():
            if name in given or parameter.kind in {
                parameter.VAR_KEYWORD,
                parameter.VAR_POSITIONAL,
            }:
                continue
            plain, marker, default = read_markers(parameter, hints.get(name, Any), place)
            if isinstance(marker, Dependency) or is_request(plain) or self._find_provider(plain):
                is_asking = True
            elif default is MISSING:
                raise TypeError(f"The call of {place} has no argument {name!r}.")
            else:
                filled[name] = default
        return PreparedCall(partial(function, **filled), self._find_provider) if is_asking else None


def inspect_given(call: partial[Any]) -> frozenset[str] | None:
    """List the arguments a call fills in, by name; None where the function does not tell them.

    Raises:
        TypeError: They do not fit the function.
    """
    try:
        signature = inspect.signature(call.func)
        hash(call.func)
    except (TypeError, ValueError):
        return None
    return frozenset(signature.bind_partial(*call.args, **call.keywords).arguments)

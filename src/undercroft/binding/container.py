"""Values that live as long as the application: made once, at first use, cleaned up at its end."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from contextlib import AsyncExitStack
from typing import Any

from undercroft.binding.parameters import Extra, FindProvider, Provider
from undercroft.concurrency import ensure_loop

Getter = Callable[[], Awaitable[Any]]


class Overrides(dict[Any, Callable[..., Any]]):
    """What takes the place of dependencies, by what it stands for; for tests, above all.

    Plans are compiled with it, so that a request pays nothing for it, and anew when it changes.

    Args:
        on_change: Called at every change.
    """

    def __init__(self, on_change: Callable[[], object]) -> None:
        super().__init__()
        self._on_change = on_change

    def __setitem__(self, function: Any, substitute: Callable[..., Any]) -> None:
        """Put a function, or a class, in the place of another one."""
        super().__setitem__(function, substitute)
        self._on_change()

    def __delitem__(self, function: Any) -> None:
        """Put the original in its place again."""
        super().__delitem__(function)
        self._on_change()

    def clear(self) -> None:
        """Put all originals in their places again."""
        super().clear()
        self._on_change()

    def pop(self, function: Any, *default: Any) -> Any:
        """Put the original in its place again, and return what stood there."""
        found = super().pop(function, *default)
        self._on_change()
        return found

    def update(self, *others: Any, **named: Any) -> None:
        """Put several in their places."""
        super().update(*others, **named)
        self._on_change()

    def find(self, function: Any) -> Any:
        """Find what stands in a function's place; itself, where nothing does."""
        if not self:
            return function
        try:
            return self.get(function, function)
        except TypeError:  # a callable object that has no hash
            return function


class Container:
    """Holds the values.

    Args:
        on_change: Called when the overrides change.
        on_first: Called when the first value is made: from then on `aclose` has something to do.
    """

    def __init__(
        self, on_change: Callable[[], object] = int, on_first: Callable[[], object] = int
    ) -> None:
        #: What becomes of members of a JSON body that no field has; None leaves it to the models.
        self.unknown_fields: Extra | None = None
        self.overrides = Overrides(on_change)
        self._on_first = on_first
        self._values: dict[Hashable, Any] = {}
        self._locks: dict[Hashable, asyncio.Lock] = {}
        self._stack = AsyncExitStack()

    def build_getter(
        self, key: Hashable, make: Callable[[AsyncExitStack], Awaitable[Any]]
    ) -> Getter:
        """Build what gets a value: made by the first who asks, while others wait."""
        values, locks = self._values, self._locks

        async def get() -> Any:
            if key in values:
                return values[key]
            await ensure_loop()
            async with locks.setdefault(key, asyncio.Lock()):
                if key not in values:
                    if not values:
                        self._on_first()
                    values[key] = await make(self._stack)
            return values[key]

        return get

    async def aclose(self) -> None:
        """Clean up, the youngest first; values asked for afterwards are made anew."""
        self._values.clear()
        self._locks.clear()
        stack, self._stack = self._stack, AsyncExitStack()
        await stack.aclose()

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to clean up."""
        return not self._values


class Injector:
    """Knows the types that are injected by their name alone, and the container of the rest.

    Args:
        find_provider: Knows the types.
        container: Holds what lives long.
    """

    def __init__(self, find_provider: FindProvider, container: Container) -> None:
        self._find_provider = find_provider
        self.container = container

    def __call__(self, annotation: Any) -> Provider | None:
        """Find how a type is injected."""
        provider = self._find_provider(annotation)
        if provider is None or not self.container.overrides:
            return provider
        substitute = self.container.overrides.find(annotation)
        return provider if substitute is annotation else Provider(substitute)


def find_container(find_provider: FindProvider) -> Container:
    """Find the container that belongs to what knows the types; a new one where there is none."""
    return find_provider.container if isinstance(find_provider, Injector) else Container()

"""What every cache offers, under Django's names; values are of JSON's kinds, and copies."""

import inspect
import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from undercroft.concurrency import check_not_on_loop, run_in_thread
from undercroft.errors import SerializationError

#: Seconds a value is kept unless told otherwise; Django's, too.
DEFAULT_TTL = 300.0

#: Changes a value: is given what is kept, or None, and returns what to keep; None deletes.
Change = Callable[[Any], Any]


class Cache(ABC):
    """Values by key, each for a time to live: `ttl` seconds, or None for as long as there is room.

    Every method has an async twin with an `a` before its name.

    Attributes:
        blocks: Whether a call waits for another process; on the event loop the twins are used then.
    """

    blocks: bool = False

    @abstractmethod
    def _read(self, key: str) -> str | None:
        """Read what is kept, or None."""

    @abstractmethod
    def _write(self, key: str, text: str, ttl: float | None, only_new: bool) -> bool:
        """Keep a text; tells whether it did."""

    @abstractmethod
    def _remove(self, key: str) -> bool:
        """Remove a text; tells whether there was one."""

    @abstractmethod
    def _change(self, key: str, change: Callable[[str | None], str | None], ttl: Any) -> Any:
        """Replace a text by what `change` makes of it, while nobody else does; returns that."""

    @abstractmethod
    def clear(self) -> None:
        """Remove everything."""

    def get(self, key: str, default: Any = None) -> Any:
        """Return what is kept under a key, or the default."""
        self._check_thread("get")
        text = self._read(key)
        return default if text is None else json.loads(text)

    def set(self, key: str, value: Any, ttl: float | None = DEFAULT_TTL) -> None:
        """Keep a value.

        Raises:
            SerializationError: It has no JSON form.
        """
        self._check_thread("set")
        self._write(key, encode(key, value), ttl, False)

    def add(self, key: str, value: Any, ttl: float | None = DEFAULT_TTL) -> bool:
        """Keep a value unless there is one; tells whether it did."""
        self._check_thread("add")
        return self._write(key, encode(key, value), ttl, True)

    def delete(self, key: str) -> bool:
        """Remove a value; tells whether there was one."""
        self._check_thread("delete")
        return self._remove(key)

    def incr(self, key: str, delta: int = 1) -> int:
        """Add to a number that is kept, and return it; its time to live stays.

        Raises:
            KeyError: There is none.
        """
        missing = False

        def add(value: Any) -> Any:
            nonlocal missing
            missing = value is None
            return None if missing else value + delta

        found = self.update(key, add, ttl=...)
        if missing:
            raise KeyError(key)
        return int(found)

    def update(self, key: str, change: Change, ttl: Any = DEFAULT_TTL) -> Any:
        """Replace a value by what a function makes of it, while nobody else changes it.

        Args:
            key: Where it is kept.
            change: Given the value or None; what it returns is kept, None deletes. It may be
                called again where somebody else was faster.
            ttl: As elsewhere; `...` leaves it as it is.
        """
        self._check_thread("update")

        def change_text(text: str | None) -> str | None:
            value = change(None if text is None else json.loads(text))
            return None if value is None else encode(key, value)

        text = self._change(key, change_text, ttl)
        return None if text is None else json.loads(text)

    def get_or_set(self, key: str, default: Any, ttl: float | None = DEFAULT_TTL) -> Any:
        """Return what is kept, or keep the default, which may be a function that makes it."""
        found = self.get(key)
        if found is not None:
            return found
        made = default() if callable(default) else default
        return made if self.add(key, made, ttl) else self.get(key, made)

    # ------------------------------------------------------------------- on the event loop

    async def aget(self, key: str, default: Any = None) -> Any:
        """Return what is kept under a key, or the default."""
        return await self._call(self.get, key, default)

    async def aset(self, key: str, value: Any, ttl: float | None = DEFAULT_TTL) -> None:
        """Keep a value."""
        await self._call(self.set, key, value, ttl)

    async def aadd(self, key: str, value: Any, ttl: float | None = DEFAULT_TTL) -> bool:
        """Keep a value unless there is one; tells whether it did."""
        added: bool = await self._call(self.add, key, value, ttl)
        return added

    async def adelete(self, key: str) -> bool:
        """Remove a value; tells whether there was one."""
        deleted: bool = await self._call(self.delete, key)
        return deleted

    async def aincr(self, key: str, delta: int = 1) -> int:
        """Add to a number that is kept, and return it.

        Raises:
            KeyError: There is none.
        """
        number: int = await self._call(self.incr, key, delta)
        return number

    async def aupdate(self, key: str, change: Change, ttl: Any = DEFAULT_TTL) -> Any:
        """Replace a value by what a function makes of it, while nobody else changes it."""
        return await self._call(self.update, key, change, ttl)

    async def aget_or_set(self, key: str, default: Any, ttl: float | None = DEFAULT_TTL) -> Any:
        """Return what is kept, or keep the default: a value, a function or a coroutine function."""
        found = await self.aget(key)
        if found is not None:
            return found
        made = default() if callable(default) else default
        made = await made if inspect.isawaitable(made) else made
        return made if await self.aadd(key, made, ttl) else await self.aget(key, made)

    async def aclear(self) -> None:
        """Remove everything."""
        await self._call(self.clear)

    async def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        if self.blocks:
            return await run_in_thread(function, *arguments)
        return function(*arguments)

    def _check_thread(self, name: str) -> None:
        if self.blocks:
            check_not_on_loop(f"cache.{name}(...)", f"await cache.a{name}(...)")


def encode(key: str, value: Any) -> str:
    """Write a value as JSON.

    Raises:
        SerializationError: It, or some part of it, is of no kind that JSON knows.
    """
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise SerializationError(
            f"The cache cannot keep {type(value).__name__} as {key!r}: {error}.",
            hint="Keep text, numbers, booleans, lists and dicts.",
            code="cache.value",
        ) from error

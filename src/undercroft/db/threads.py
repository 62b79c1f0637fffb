"""Threads for those who hold an open transaction, apart from everyone else's.

On SQLite a transaction that begins waits for the one before it. Were they all in one bounded pool,
the waiting could fill it, and the statement that ends the wait would find no thread.
"""

import asyncio
import os
from asyncio import (
    _get_running_loop as find_running_loop,  # pyright: ignore[reportPrivateUsage]  # documented
)
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")

#: They never wait for one another, so a few serve any number of transactions.
_LIMIT = 4


class _Threads:
    """One small pool per process; a forked worker starts with its own."""

    def __init__(self) -> None:
        self._process = 0
        self._pool: ThreadPoolExecutor | None = None

    def get(self) -> ThreadPoolExecutor:
        if self._pool is None or self._process != os.getpid():
            self._process = os.getpid()
            self._pool = ThreadPoolExecutor(_LIMIT, thread_name_prefix="undercroft-transaction")
        return self._pool


_threads = _Threads()


async def run_for_holder(function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
    """Call a blocking function of an open transaction without blocking the loop."""
    loop: asyncio.AbstractEventLoop | None = find_running_loop()
    if loop is None:
        return function(*args, **kwargs)
    call = partial(copy_context().run, function, *args, **kwargs)
    return await loop.run_in_executor(_threads.get(), call)

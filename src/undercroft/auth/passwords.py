"""Passwords: hashed, checked and hashed anew, beside the event loop.

A hash takes tens of milliseconds of a core on purpose. The threads for it are few and its own, so
that no number of log-ins takes those of the handlers.
"""

import logging
import os
from asyncio import get_running_loop
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from secrets import token_urlsafe
from typing import TypeVar

from undercroft.auth.hashers import FOREIGN_HASHERS, Argon2Hasher, Argon2Parameters
from undercroft.concurrency import is_on_loop

logger = logging.getLogger("undercroft.auth")

#: Begins the password of an account that nobody can log in to by one; Django's, too.
UNUSABLE_PREFIX = "!"

#: The longest password that is hashed, in characters: a longer one is refused, never cut.
LONGEST_PASSWORD = 4096

T = TypeVar("T")

_parameters = Argon2Parameters()


def configure(parameters: Argon2Parameters) -> None:
    """Let new hashes cost so much from now on; older ones are made anew at the next log-in."""
    global _parameters  # noqa: PLW0603 - one for the process, as the hashes in the database are
    _parameters = parameters
    get_hasher.cache_clear()
    get_decoy.cache_clear()


@cache
def get_hasher() -> Argon2Hasher:
    """Return what hashes new passwords."""
    return Argon2Hasher(_parameters)


@cache
def get_decoy() -> str:
    """Return a hash of no account's password, for accounts that do not exist."""
    return get_hasher().hash(token_urlsafe(16))


def make_password(password: str | None) -> str:
    """Hash a password; None makes one that nobody can log in with.

    Raises:
        ValueError: It is longer than 4,096 characters.
    """
    if password is None:
        return UNUSABLE_PREFIX + token_urlsafe(30)
    if len(password) > LONGEST_PASSWORD:
        raise ValueError(
            f"A password has at most {LONGEST_PASSWORD:,} characters, not {len(password):,}."
        )
    return get_hasher().hash(password)


def check_password(password: str | None, encoded: str | None) -> bool:
    """Tell whether a password is the stored one; wrong ones take as long for unknown accounts.

    Args:
        password: As it was typed.
        encoded: What is stored; None where there is no such account.
    """
    if password is None or len(password) > LONGEST_PASSWORD:
        password, encoded = "", None
    if encoded is None or not is_password_usable(encoded):
        get_hasher().verify(password, get_decoy())
        return False
    algorithm = encoded.partition("$")[0]
    try:
        if algorithm == Argon2Hasher.algorithm:
            return get_hasher().verify(password, encoded)
        return FOREIGN_HASHERS[algorithm].verify(password, encoded)
    except (KeyError, ValueError):
        logger.error("A stored password cannot be read; its format is %r", algorithm[:20])
        get_hasher().verify(password, get_decoy())
        return False


def is_password_usable(encoded: str) -> bool:
    """Tell whether anybody can log in with a stored password."""
    return not encoded.startswith(UNUSABLE_PREFIX) and bool(encoded)


def needs_rehash(encoded: str) -> bool:
    """Tell whether a stored password is of another format, or cost less, than new ones."""
    if encoded.partition("$")[0] != Argon2Hasher.algorithm:
        return True
    return get_hasher().needs_rehash(encoded)


async def amake_password(password: str | None) -> str:
    """Hash a password, beside the event loop."""
    return await run_beside(lambda: make_password(password))


async def acheck_password(password: str | None, encoded: str | None) -> bool:
    """Tell whether a password is the stored one, beside the event loop."""
    return await run_beside(lambda: check_password(password, encoded))


async def run_beside(function: Callable[[], T]) -> T:
    """Run what takes a core for a while in a thread for that; in place where there is no loop."""
    if not is_on_loop():
        return function()
    return await get_running_loop().run_in_executor(_get_threads(), function)


@cache
def _get_threads() -> ThreadPoolExecutor:
    """Return the threads that hash; one core stays for the rest where there are several."""
    count = max(1, (os.cpu_count() or 1) - 1)
    return ThreadPoolExecutor(count, thread_name_prefix="undercroft-hashing")


if hasattr(os, "register_at_fork"):
    # The threads of the parent are not in the child.
    os.register_at_fork(after_in_child=_get_threads.cache_clear)

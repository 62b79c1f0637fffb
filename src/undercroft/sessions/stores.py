"""Where sessions are kept: what every store offers, and the one that needs nothing, the cookie."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, NamedTuple

from undercroft.concurrency import is_on_loop
from undercroft.errors import BadSignature, ImproperlyConfigured
from undercroft.http.session import SessionChanges, SessionRecord, SessionStore
from undercroft.security.signing import Signer
from undercroft.settings import Settings


@dataclass(frozen=True, slots=True)
class Ages:
    """How long sessions live.

    Attributes:
        idle: Seconds since the last use.
        absolute: Seconds since the beginning; None is for ever.
        clock: Tells the time in seconds since 1970.
    """

    idle: float
    absolute: float | None
    clock: Callable[[], float] = time.time

    def find_end(self, record: SessionRecord) -> float:
        """Find when a session ends, unless it is used again."""
        ends = record.refreshed + self.idle
        return ends if self.absolute is None else min(ends, record.created + self.absolute)

    def is_over(self, record: SessionRecord) -> bool:
        """Tell whether a session has ended."""
        return self.find_end(record) <= self.clock()

    def find_left(self, record: SessionRecord) -> int:
        """Find how many seconds are left."""
        return max(1, int(self.find_end(record) - self.clock()))


@dataclass(frozen=True, slots=True)
class Saving:
    """A session to be stored.

    Attributes:
        token: The cookie's value it is kept under; None for a new one.
        record: As this request has left it.
        changes: What this request changed, to be applied to what others have stored by now.
        is_rotated: Whether it gets a new key.
        is_user_changed: Whether this request decided whose it is.
    """

    token: str | None
    record: SessionRecord
    changes: SessionChanges
    is_rotated: bool = False
    is_user_changed: bool = False

    def merge(self, kept: SessionRecord) -> SessionRecord:
        """Apply the request's changes to what is kept by now."""
        return replace(
            kept,
            data=self.changes.apply(kept.data),
            refreshed=self.record.refreshed,
            user_key=self.record.user_key if self.is_user_changed else kept.user_key,
        )


class ListedSession(NamedTuple):
    """A session of a user, to be shown and ended.

    Attributes:
        id: Names it; nobody can use the session by it.
        record: What is kept.
    """

    id: str
    record: SessionRecord


class Store(SessionStore, ABC):
    """Keeps sessions; the async twins are for the event loop.

    Args:
        ages: How long they live.

    Attributes:
        can_list: Whether it knows which sessions are whose.
    """

    blocks: bool = False
    can_list: bool = False

    def __init__(self, ages: Ages) -> None:
        self.ages = ages

    @abstractmethod
    def load(self, token: str) -> SessionRecord | None:
        """Load what is kept under a cookie's value; None where there is nothing that counts."""

    @abstractmethod
    def save(self, saving: Saving) -> str | None:
        """Store a session; returns the cookie's value, or None where it was deleted meanwhile."""

    @abstractmethod
    def delete(self, token: str) -> None:
        """Delete a session."""

    def list_of(self, user_key: str) -> list[ListedSession]:
        """List the sessions of a user that are not over, the one last used first.

        Raises:
            ImproperlyConfigured: The store does not know them.
        """
        raise build_unlisted()

    def end(self, user_key: str, ids: Collection[str]) -> int:
        """End sessions of a user by their ids; those of others are left alone.

        Raises:
            ImproperlyConfigured: The store does not know them.
        """
        raise build_unlisted()

    async def alist_of(self, user_key: str) -> list[ListedSession]:
        """List the sessions of a user."""
        return self.list_of(user_key)

    async def aend(self, user_key: str, ids: Collection[str]) -> int:
        """End sessions of a user."""
        return self.end(user_key, ids)

    async def aload(self, token: str) -> SessionRecord | None:
        """Load what is kept under a cookie's value."""
        return self.load(token)

    async def asave(self, saving: Saving) -> str | None:
        """Store a session."""
        return self.save(saving)

    async def adelete(self, token: str) -> None:
        """Delete a session."""
        self.delete(token)

    async def carry_out(self, saving: Saving | None, discarded: list[str]) -> str | None:
        """Delete and store, on the event loop or without one, as it may be under WSGI."""
        waits = self.blocks and is_on_loop()
        for token in discarded:
            if waits:
                await self.adelete(token)
            else:
                self.delete(token)
        if saving is None:
            return None
        return await self.asave(saving) if waits else self.save(saving)


class SignedCookieStore(Store):
    """Keeps a session in the cookie itself: everybody may read it, nobody can change it.

    Nothing can be revoked, an old cookie counts until its age is over, and of two requests at the
    same time the last answer counts.

    Args:
        settings: Have the keys.
        ages: How long sessions live.
    """

    def __init__(self, settings: Settings, ages: Ages) -> None:
        super().__init__(ages)
        self._signer = Signer(settings, "sessions")

    def load(self, token: str) -> SessionRecord | None:
        """Read a cookie."""
        try:
            kept = self._signer.read(token)
        except BadSignature:
            return None
        record = read_record(kept)
        return None if record is None or self.ages.is_over(record) else record

    def save(self, saving: Saving) -> str | None:
        """Write a cookie."""
        return self._signer.sign(write_record(saving.record))

    def delete(self, token: str) -> None:
        """Do nothing: the browser is told to forget the cookie."""


def build_unlisted() -> ImproperlyConfigured:
    """Build the error of a store that does not know whose sessions it has."""
    return ImproperlyConfigured(
        "Sessions are kept in signed cookies, which nobody can list or end.",
        hint='Set session_engine="db" or "cache".',
        code="sessions.unlisted",
    )


def sort_listed(found: Iterable[ListedSession]) -> list[ListedSession]:
    """Sort sessions, the one last used first."""
    return sorted(found, key=lambda each: each.record.refreshed, reverse=True)


def write_record(record: SessionRecord) -> list[Any]:
    """Write a record as a value of JSON's kinds."""
    return [record.data, int(record.created), int(record.refreshed), record.user_key]


def read_record(kept: Any) -> SessionRecord | None:
    """Read what `write_record` wrote; None for what was written by something else."""
    match kept:
        case [dict(), _, _, _]:
            return SessionRecord(*kept)
        case _:
            return None


def make_key() -> str:
    """Make a key that nobody can guess."""
    return token_urlsafe(32)


def hash_key(key: str) -> str:
    """Hash a key: who reads the store cannot take over a session. It needs no salt or stretching.

    A key is 256 random bits, which no list of likely ones can hold.
    """
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()

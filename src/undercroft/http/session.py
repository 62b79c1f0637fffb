"""The session of a visitor: a mapping that is loaded at its first touch and knows what changed.

Where it is kept is not its business: a `SessionStore` loads and stores it.
"""

import json
import time
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from undercroft.concurrency import check_not_on_loop
from undercroft.errors import SerializationError, WebSocketStateError


@dataclass(slots=True)
class SessionRecord:
    """What a store keeps of a session.

    Attributes:
        data: What the application put there, of JSON's kinds.
        created: When it began, in seconds since 1970.
        refreshed: When its idle age began anew.
        user_key: Whose it is; None where nobody has logged in.
    """

    data: dict[str, Any] = field(default_factory=dict[str, Any])
    created: float = field(default_factory=time.time)
    refreshed: float = field(default_factory=time.time)
    user_key: str | None = None


@dataclass(frozen=True, slots=True)
class SessionChanges:
    """What one request changed, to be applied to what is stored by then."""

    stored: dict[str, Any]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        """Tell whether anything changed."""
        return bool(self.stored or self.removed)

    def apply(self, data: dict[str, Any]) -> dict[str, Any]:
        """Apply the changes to data that others may have changed, too."""
        kept = {name: value for name, value in data.items() if name not in self.removed}
        return {**kept, **self.stored}


class SessionStore(Protocol):
    """How a session loads itself; `sessions.stores` has the rest.

    Attributes:
        blocks: Whether loading waits for something, so that the event loop must not do it.
    """

    blocks: bool

    def load(self, token: str) -> SessionRecord | None:
        """Load what is kept under a cookie's value; None where there is nothing that counts."""
        ...

    async def aload(self, token: str) -> SessionRecord | None:
        """Load it on the event loop."""
        ...


class Session(MutableMapping[str, Any]):
    """What is remembered of a visitor from one request to the next.

    Values are of JSON's kinds. A change within a value, `session["cart"].append(5)`, is seen.

    Args:
        store: Where it is kept.
        token: The value of the visitor's cookie; None without one.

    Attributes:
        discarded: Cookie values whose sessions are to be deleted.
        is_rotated: Whether it is to have a new key.
    """

    def __init__(self, store: SessionStore, token: str | None) -> None:
        self._store = store
        self._token = token
        self._record: SessionRecord | None = None
        self._original = "{}"
        self._original_user: str | None = None
        self.discarded: list[str] = []
        self.is_rotated = False
        self._is_sealed = False

    # ----------------------------------------------------------------------------- loading

    @property
    def is_touched(self) -> bool:
        """Whether anybody has looked into it."""
        return self._record is not None

    @property
    def token(self) -> str | None:
        """The cookie's value, as far as a session is kept under it."""
        return self._token

    @property
    def record(self) -> SessionRecord:
        """All that is kept, loaded at first use.

        Raises:
            SynchronousOnlyOperation: The store would block the event loop.
        """
        if self._record is None:
            found = None
            if self._token is not None:
                if self._store.blocks:
                    check_not_on_loop("request.session", "await request.session.aload()")
                found = self._store.load(self._token)
            return self._keep(found)
        return self._record

    def _touch(self) -> SessionRecord:
        return self.record

    async def aload(self) -> "Session":
        """Load it on the event loop; afterwards it is used like any mapping."""
        if self._record is None:
            found = None if self._token is None else await self._store.aload(self._token)
            self._keep(found)
        return self

    def _keep(self, found: SessionRecord | None) -> SessionRecord:
        if found is None:
            # Nobody chooses the key of a session: an unknown one is forgotten.
            self._token = None
            found = SessionRecord()
        self._original = json.dumps(found.data)
        self._original_user = found.user_key
        self._record = found
        return found

    # ------------------------------------------------------------------------- the mapping

    def __getitem__(self, name: str) -> Any:
        """Return a value."""
        return self.record.data[name]

    def __setitem__(self, name: str, value: Any) -> None:
        """Remember a value.

        Raises:
            SerializationError: It, or some part of it, is of no kind that JSON knows.
        """
        self._check_open()
        dump_value(name, value)
        self.record.data[name] = value

    def __delitem__(self, name: str) -> None:
        """Forget a value."""
        self._check_open()
        del self.record.data[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self.record.data)

    def __len__(self) -> int:
        """Count the values."""
        return len(self.record.data)

    def __repr__(self) -> str:
        """Show the names only: values may be private."""
        held = sorted(self._record.data) if self._record is not None else "not loaded"
        return f"<Session {held}>"

    # ----------------------------------------------------------------------------- its key

    @property
    def user_key(self) -> str | None:
        """Whose session it is, so that it can be listed and revoked; set at log-in."""
        return self.record.user_key

    @user_key.setter
    def user_key(self, value: object) -> None:
        self._check_open()
        self.record.user_key = None if value is None else str(value)

    def cycle_key(self) -> None:
        """Keep everything under a new key: at log-in, so that who knew the old one is out."""
        self._check_open()
        self._touch()
        self.is_rotated = self._token is not None

    def flush(self) -> None:
        """Forget everything, and delete what is stored: at log-out."""
        self._check_open()
        if self._token is not None:
            self.discarded.append(self._token)
        self._token, self.is_rotated = None, False
        self._record, self._original, self._original_user = SessionRecord(), "{}", None

    def seal(self) -> None:
        """Let it only be read from now on: the answer that would carry its cookie is sent."""
        self._is_sealed = True

    def _check_open(self) -> None:
        if self._is_sealed:
            raise WebSocketStateError(
                "The session cannot be changed: the WebSocket's handshake has been answered.",
                hint="Change it before `await socket.accept()`, whose answer carries its cookie.",
                code="sessions.sealed",
            )

    def find_changes(self) -> SessionChanges:
        """Find what changed since it was loaded.

        Raises:
            SerializationError: A value holds by now what JSON does not know.
        """
        data, original = self.record.data, json.loads(self._original)
        stored = {
            name: value
            for name, value in data.items()
            if name not in original or dump_value(name, value) != json.dumps(original[name])
        }
        return SessionChanges(stored, tuple(name for name in original if name not in data))

    @property
    def is_user_changed(self) -> bool:
        """Whether it belongs to somebody else than when it was loaded."""
        return self.record.user_key != self._original_user


def dump_value(name: object, value: Any) -> str:
    """Write a value as JSON.

    Raises:
        SerializationError: It has no JSON form, or its name is no text.
    """
    try:
        if isinstance(name, str):
            return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise SerializationError(
            f"The session cannot hold {type(value).__name__} as {name!r}: {error}.",
            hint="Store text, numbers, booleans, None, lists and dicts, or a row's id.",
            code="sessions.value",
        ) from error
    raise SerializationError(
        f"The session cannot hold a value under {name!r}.",
        hint="Names are text.",
        code="sessions.value",
    )

"""Sessions in the database: they can be listed and revoked, and no update is lost.

A row has a version. Who writes says which version the change was applied to; if the row has moved
on by then, the change is applied to what is there now.
"""

import json
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from undercroft.db.queryset import QuerySet
from undercroft.db.twins import Steps, arun_steps, run_steps, take_steps
from undercroft.errors import TransactionConflict
from undercroft.http.session import SessionRecord
from undercroft.sessions.listing import sessions_of
from undercroft.sessions.models import StoredSession
from undercroft.sessions.stores import ListedSession, Saving, Store, hash_key, make_key, sort_listed

#: Each attempt fails only because another request has stored something: one of N needs N at most.
MOST_ATTEMPTS = 50


class DatabaseStore(Store):
    """Keeps sessions in the table of `undercroft.sessions`, by the hash of their key."""

    blocks = True
    can_list = True

    def _load(self, token: str) -> Steps[SessionRecord | None]:
        row = yield from take_steps(find_rows(token).first)
        record = None if row is None else read_row(row)
        return None if record is None or self.ages.is_over(record) else record

    def _save(self, saving: Saving) -> Steps[str | None]:
        if saving.token is None:
            key = make_key()
            columns = self._build_columns(key, saving.record)
            yield from take_steps(StoredSession(**columns).save)
            return key
        for _ in range(MOST_ATTEMPTS):
            row = yield from take_steps(find_rows(saving.token).first)
            if row is None:
                return None
            key = make_key() if saving.is_rotated else saving.token
            columns = self._build_columns(key, saving.merge(read_row(row)), row.version + 1)
            rows = find_rows(saving.token).filter(version=row.version)
            if (yield from QuerySet.update.steps(rows, **columns)):
                return key
        raise TransactionConflict("A session was changed by too many requests at the same time.")

    def _delete(self, token: str) -> Steps[None]:
        yield from take_steps(find_rows(token).delete)

    def _list_of(self, user_key: str) -> Steps[list[ListedSession]]:
        rows = yield from sessions_of(user_key).load_steps()
        listed = (ListedSession(row.key_hash, read_row(row)) for row in rows)
        return sort_listed(each for each in listed if not self.ages.is_over(each.record))

    def _end(self, user_key: str, ids: Collection[str]) -> Steps[int]:
        rows = StoredSession.objects.filter(user_key=user_key, key_hash__in=list(ids))
        count, _ = yield from take_steps(rows.delete)
        return int(count)

    def list_of(self, user_key: str) -> list[ListedSession]:
        """List the sessions of a user that are not over, the one last used first."""
        return run_steps(self._list_of(user_key))

    async def alist_of(self, user_key: str) -> list[ListedSession]:
        """List the sessions of a user, on the event loop."""
        return await arun_steps(self._list_of(user_key))

    def end(self, user_key: str, ids: Collection[str]) -> int:
        """End sessions of a user by their ids; those of others are left alone."""
        return run_steps(self._end(user_key, ids))

    async def aend(self, user_key: str, ids: Collection[str]) -> int:
        """End sessions of a user, on the event loop."""
        return await arun_steps(self._end(user_key, ids))

    def load(self, token: str) -> SessionRecord | None:
        """Load a session."""
        return run_steps(self._load(token))

    async def aload(self, token: str) -> SessionRecord | None:
        """Load a session, on the event loop."""
        return await arun_steps(self._load(token))

    def save(self, saving: Saving) -> str | None:
        """Store a session; what other requests have stored meanwhile is kept.

        Raises:
            TransactionConflict: Others were faster every time.
        """
        return run_steps(self._save(saving))

    async def asave(self, saving: Saving) -> str | None:
        """Store a session, on the event loop."""
        return await arun_steps(self._save(saving))

    def delete(self, token: str) -> None:
        """Delete a session."""
        run_steps(self._delete(token))

    async def adelete(self, token: str) -> None:
        """Delete a session, on the event loop."""
        await arun_steps(self._delete(token))

    def _build_columns(self, key: str, record: SessionRecord, version: int = 0) -> dict[str, Any]:
        return {
            "key_hash": hash_key(key),
            "user_key": record.user_key,
            "data": json.dumps(record.data),
            "version": version,
            "created_at": datetime.fromtimestamp(record.created, UTC),
            "refreshed_at": datetime.fromtimestamp(record.refreshed, UTC),
            "expires_at": datetime.fromtimestamp(self.ages.find_end(record), UTC),
        }


def find_rows(token: str) -> QuerySet[StoredSession]:
    """Find the row of a session, if there is one."""
    return StoredSession.objects.filter(key_hash=hash_key(token))


def read_row(row: StoredSession) -> SessionRecord:
    """Read a row."""
    return SessionRecord(
        json.loads(row.data), row.created_at.timestamp(), row.refreshed_at.timestamp(), row.user_key
    )

"""Log-ins are throttled, for each account and for each address, by what the database remembers.

A few wrong passwords are free; after those each next attempt has to wait, twice as long each time.
An attempt is counted before the password is looked at, so that many at once get no more tries.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any

from undercroft.auth.identifiers import build_key
from undercroft.auth.stepping import carry_out
from undercroft.db.connections.frames import find_frame
from undercroft.db.mapping import registry
from undercroft.db.queries.expressions import F
from undercroft.db.twins import Steps, take_steps
from undercroft.errors import TooManyRequests
from undercroft.http.request import Request

#: An attempt that others are faster than is counted anew; each round, one of them is through.
_MOST_ROUNDS = 50


@dataclass(frozen=True, slots=True)
class Limit:
    """How many wrong attempts are free, and how long the next ones wait.

    Attributes:
        kind: What is counted, "account" or "address".
        free: Attempts without a wait.
        longest: Seconds the longest wait takes.
        forgotten_after: Seconds without an attempt until all are forgotten.
    """

    kind: str
    free: int
    longest: float = 900
    forgotten_after: float = 24 * 3600

    def find_wait(self, failures: int) -> timedelta:
        """Find how long the attempt after so many has to wait: 1, 2, 4 ... seconds."""
        if failures < self.free:
            return timedelta()
        return timedelta(seconds=min(2.0 ** min(failures - self.free, 30), self.longest))


#: An address may be that of a whole office.
LIMITS: Sequence[Limit] = (Limit("account", free=5), Limit("address", free=25))


class Throttle:
    """Counts the attempts to log in to one account from one address.

    Args:
        request: By which it is tried.
        keys: What each limit counts, in the order of the limits.
    """

    def __init__(self, request: Request, keys: Sequence[str]) -> None:
        self._request = request
        self._keys = dict(zip((limit.kind for limit in LIMITS), keys, strict=True))
        self._is_failure = True

    @classmethod
    def of(cls, request: Request, identifier: str) -> "Throttle":
        """Build what counts the attempts of a request; unknown accounts count as others do."""
        address = "" if request.client is None else request.client.host
        return cls(
            request, [hash_key("account", build_key(identifier)), hash_key("address", address)]
        )

    def enter(self) -> Steps[None]:
        """Count an attempt, in steps.

        Raises:
            TooManyRequests: It comes too early; it is not counted.
        """
        counted: list[Any] = []
        for limit in LIMITS:
            count = yield from self._count(limit)
            counted.append(count)
        if find_frame("default") is not None:
            # An error answer will take the count back with all the rest; it is then made good.
            self._request.call_at_end(partial(self._count_again, counted))

    def _count(self, limit: Limit) -> Steps[Any]:
        rows = get_attempts()
        key = self._keys[limit.kind]
        for _ in range(_MOST_ROUNDS):
            now = datetime.now(UTC)
            row = yield from take_steps(rows.filter(key=key).first)
            if row is None:
                # Of two at once one makes the row, and the other finds it.
                fresh = {"failures": 0, "waits_until": now, "last_at": now}
                row, _ = yield from take_steps(rows.get_or_create, fresh, key=key)
            if row.waits_until > now:
                raise build_refusal(row.waits_until - now)
            is_old = now - row.last_at > timedelta(seconds=limit.forgotten_after)
            failures = 1 if is_old else row.failures + 1
            changes = {
                "failures": failures,
                "waits_until": now + limit.find_wait(failures),
                "last_at": now,
            }
            unchanged = rows.filter(key=key, failures=row.failures, waits_until=row.waits_until)
            if (yield from take_steps(unchanged.update, **changes)):
                return key, changes
        raise build_refusal(timedelta(seconds=1))

    def leave(self) -> Steps[None]:
        """Take an attempt back that was right, in steps; the account's wrong ones are forgotten."""
        self._is_failure = False
        rows = get_attempts()
        yield from take_steps(rows.filter(key=self._keys["account"]).delete)
        address = rows.filter(key=self._keys["address"], failures__gt=0)
        yield from take_steps(
            address.update, failures=F("failures") - 1, waits_until=datetime.now(UTC)
        )

    async def _count_again(self, counted: Sequence[Any]) -> None:
        """Store what was counted in a transaction that may have been rolled back."""
        if self._is_failure:
            await carry_out(self._restore(counted))

    def _restore(self, counted: Sequence[Any]) -> Steps[None]:
        rows = get_attempts()
        for key, changes in counted:
            row, made = yield from take_steps(rows.get_or_create, changes, key=key)
            if not made and row.failures < changes["failures"]:
                lost = rows.filter(key=key, failures=row.failures)
                yield from take_steps(lost.update, **changes)


def get_attempts() -> Any:
    """Return the rows of attempts, which the table's module knows."""
    return registry.get_model("auth.LoginAttempts").objects


def hash_key(kind: str, value: str) -> str:
    """Hash what is counted: it has any length, and need not be readable."""
    return sha256(f"{kind}:{value}".encode("utf-8", "surrogatepass")).hexdigest()


def build_refusal(wait: timedelta) -> TooManyRequests:
    """Build the refusal of an attempt that has to wait."""
    seconds = max(1, int(wait.total_seconds() + 0.999))
    return TooManyRequests(
        "There were too many attempts to log in.",
        hint=f"Try again in {seconds} seconds.",
        headers={"retry-after": str(seconds)},
        code="auth.throttled",
    )

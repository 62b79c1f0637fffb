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

#: Of mails that anybody may have sent to anybody.
MAIL_LIMITS: Sequence[Limit] = (
    Limit("mail", free=3, longest=3600),
    Limit("mail-address", free=25, longest=3600),
)


class Throttle:
    """Counts the attempts to log in to one account from one address, or the like.

    Args:
        request: By which it is tried.
        counted: What each limit counts, in the order of the limits.
        limits: How many attempts are free.
        what: What there were too many of.
    """

    def __init__(
        self,
        request: Request,
        counted: Sequence[str],
        limits: Sequence[Limit] = LIMITS,
        what: str = "attempts to log in",
    ) -> None:
        self._request = request
        self._limits = limits
        self._keys = {
            limit.kind: hash_key(limit.kind, each)
            for limit, each in zip(limits, counted, strict=True)
        }
        self._what = what
        self._is_failure = True

    @classmethod
    def of(cls, request: Request, identifier: str) -> "Throttle":
        """Build what counts the attempts of a request; unknown accounts count as others do."""
        return cls(request, [build_key(identifier), find_address(request)])

    @classmethod
    def of_mail(cls, request: Request, address: str) -> "Throttle":
        """Build what counts the mails that a request has sent to an address, known or not."""
        counted = [build_key(address), find_address(request)]
        return cls(request, counted, MAIL_LIMITS, "mails sent to this address")

    def enter(self) -> Steps[None]:
        """Count an attempt, in steps.

        Raises:
            TooManyRequests: It comes too early; it is not counted.
        """
        counted: list[Any] = []
        # The address first: who has to wait there has not tried the account.
        for limit in reversed(self._limits):
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
                raise build_refusal(row.waits_until - now, self._what)
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
        raise build_refusal(timedelta(seconds=1), self._what)

    def leave(self) -> Steps[None]:
        """Take an attempt back that was right, in steps; the account's wrong ones are forgotten."""
        self._is_failure = False
        rows = get_attempts()
        account, address = (self._keys[limit.kind] for limit in self._limits)
        yield from take_steps(rows.filter(key=account).delete)
        others = rows.filter(key=address, failures__gt=0)
        yield from take_steps(
            others.update, failures=F("failures") - 1, waits_until=datetime.now(UTC)
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


def forget_attempts(user: Any) -> Steps[None]:
    """Forget the wrong attempts to log in to an account, in steps, as its owner is known now."""
    names = {user.USERNAME_FIELD, *user.LOGIN_FIELDS}
    keys = [hash_key("account", build_key(str(getattr(user, name) or ""))) for name in names]
    yield from take_steps(get_attempts().filter(key__in=sorted(keys)).delete)


def find_address(request: Request) -> str:
    """Find where a request comes from; "" where the server does not say."""
    return "" if request.client is None else request.client.host


def build_refusal(wait: timedelta, what: str) -> TooManyRequests:
    """Build the refusal of an attempt that has to wait."""
    seconds = max(1, int(wait.total_seconds() + 0.999))
    return TooManyRequests(
        f"There were too many {what}.",
        hint=f"Try again in {seconds} seconds.",
        headers={"retry-after": str(seconds)},
        code="auth.throttled",
    )

"""Steps that are carried out on the event loop or without one, and what they wait for here."""

from collections.abc import Awaitable
from typing import Any, TypeVar

from undercroft.auth.password_validation import validate_password
from undercroft.auth.passwords import (
    acheck_password,
    amake_password,
    check_password,
    make_password,
    run_beside,
)
from undercroft.concurrency import is_on_loop
from undercroft.db.connections.transactions import Atomic, BlockOptions
from undercroft.db.twins import Steps, arun_steps, run_steps
from undercroft.http.session import Session

T = TypeVar("T")


async def carry_out(steps: Steps[T]) -> T:
    """Carry out steps: awaiting on the loop, blocking where there is none, as under WSGI."""
    return await arun_steps(steps) if is_on_loop() else run_steps(steps)


async def run_within(work: Awaitable[Any], alias: str = "default") -> Any:
    """Await work within a transaction's block: all of it happens, or none."""
    block = Atomic(BlockOptions(alias))
    if is_on_loop():
        async with block:
            return await work
    with block:
        return await work


class LoadSession:
    """A session to be loaded."""

    __slots__ = ("session",)

    def __init__(self, session: Session) -> None:
        self.session = session

    def perform(self) -> Any:
        """Load it, blocking."""
        return self.session.record

    async def aperform(self) -> Any:
        """Load it on the event loop."""
        return (await self.session.aload()).record


class CheckPassword:
    """A password to be compared with what is stored."""

    __slots__ = ("encoded", "password")

    def __init__(self, password: str, encoded: str | None) -> None:
        self.password = password
        self.encoded = encoded

    def perform(self) -> bool:
        """Compare them here."""
        return check_password(self.password, self.encoded)

    async def aperform(self) -> bool:
        """Compare them beside the event loop."""
        return await acheck_password(self.password, self.encoded)


class HashPassword:
    """A password to be hashed."""

    __slots__ = ("password",)

    def __init__(self, password: str) -> None:
        self.password = password

    def perform(self) -> str:
        """Hash it here."""
        return make_password(self.password)

    async def aperform(self) -> str:
        """Hash it beside the event loop."""
        return await amake_password(self.password)


class ValidatePassword:
    """A new password to be held against the rules."""

    __slots__ = ("password", "user")

    def __init__(self, password: str, user: Any) -> None:
        self.password = password
        self.user = user

    def perform(self) -> None:
        """Check it here.

        Raises:
            ValidationError: It breaks a rule.
        """
        validate_password(self.password, self.user)

    async def aperform(self) -> None:
        """Check it beside the event loop: the lists are large, and comparing takes a while."""
        await run_beside(self.perform)

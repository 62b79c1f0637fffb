"""Signed cookies: sent by `response.set_signed_cookie`, read from `request.signed_cookies`.

Who signs is the application, which knows the keys; here is only what is asked of it.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple, Protocol

from undercroft.errors import BadSignature
from undercroft.http.cookies import CookieOptions, Cookies

#: "No default was given": a cookie that is not good is an error.
REQUIRED: Final[Any] = object()


class CookieSigner(Protocol):
    """Signs cookies, each name with a key of its own."""

    def sign(self, name: str, value: Any, max_age: int | None = None) -> str:
        """Sign a cookie's value, for this name alone and, if told, for so many seconds."""
        ...

    def read(self, name: str, text: str, max_age: timedelta | None = None) -> Any:
        """Read what `sign` gave.

        Raises:
            BadSignature: It was changed, signed for another name, or is too old.
        """
        ...


class SignedCookie(NamedTuple):
    """A cookie that is still to be signed: whoever sets it need not know the application."""

    name: str
    value: Any
    options: CookieOptions

    def sign(self, signer: CookieSigner) -> str:
        """Sign it."""
        return signer.sign(self.name, self.value, self.options.get("max_age"))


class SignedCookies(Mapping[str, Any]):
    """The signed cookies of a request; one that was forged, or is too old, is not there.

    Args:
        cookies: All that came.
        signer: Tells which are good.
    """

    __slots__ = ("_cookies", "_signer")

    def __init__(self, cookies: Cookies, signer: CookieSigner) -> None:
        self._cookies = cookies
        self._signer = signer

    def read(self, name: str, default: Any, max_age: timedelta | int | None) -> Any:
        """Return a cookie's value, or the default, unless it is `REQUIRED`.

        Raises:
            BadSignature: There is none, it was forged, or it is too old.
        """
        if isinstance(max_age, int):
            max_age = timedelta(seconds=max_age)
        try:
            if name not in self._cookies:
                raise BadSignature(f"There is no cookie {name!r}.")
            return self._signer.read(name, self._cookies[name], max_age)
        except BadSignature:
            if default is REQUIRED:
                raise
            return default

    def __getitem__(self, name: str) -> Any:
        """Return the value of a good cookie."""
        try:
            return self.read(name, REQUIRED, None)
        except BadSignature:
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of good ones."""
        return (name for name in self._cookies if name in self)

    def __len__(self) -> int:
        """Count the good ones."""
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        """Show the names only."""
        return f"SignedCookies({sorted(self)!r})"

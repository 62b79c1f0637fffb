"""Who makes a request: the ways to authenticate in their order, asked once, when it matters."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from undercroft.auth.authentication import (
    BaseAuthentication,
    BasicAuthentication,
    FindURL,
    SessionAuthentication,
)
from undercroft.auth.identity import Identity
from undercroft.auth.token_authentication import TokenAuthentication
from undercroft.auth.users import AnonymousUser
from undercroft.errors import ImproperlyConfigured, NotAuthenticated
from undercroft.http.request import Request
from undercroft.security.schemes import SecurityScheme
from undercroft.settings import Settings

Build = Callable[[Settings], BaseAuthentication]


def _build_jwt(settings: Settings) -> BaseAuthentication:
    try:
        # An optional dependency.
        from undercroft.auth.jwt_authentication import JWTAuthentication  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ImproperlyConfigured(
            f"Access tokens need the package {error.name}, which is not installed.",
            hint="Install undercroft[jwt].",
            code="auth.jwt-missing",
        ) from error
    return JWTAuthentication(settings)


#: The ways that settings may name, by their short names.
WAYS: dict[str, Build] = {
    "session": SessionAuthentication,
    "token": lambda _settings: TokenAuthentication(),
    "jwt": _build_jwt,
    "basic": lambda _settings: BasicAuthentication(),
}


class Identification:
    """Asks each way in turn; the first that knows decides.

    Args:
        ways: In their order.
    """

    def __init__(self, ways: Sequence[BaseAuthentication]) -> None:
        self.ways = tuple(ways)

    async def identify(self, request: Request) -> Identity:
        """Find out who makes a request: a user, or nobody in particular.

        Raises:
            NotAuthenticated: Something was sent as a proof, and proves nothing.
        """
        for way in self.ways:
            try:
                found = await way.authenticate(request)
            except NotAuthenticated as error:
                raise self.add_challenge(error, request) from None
            if found is not None:
                return found
        return Identity(AnonymousUser())

    def list_schemes(self, find_url: FindURL) -> list[SecurityScheme[Any]]:
        """List what OpenAPI is told of the ways."""
        built = [way.build_scheme(find_url) for way in self.ways]
        return [scheme for scheme in built if scheme is not None]

    def add_challenge(self, error: NotAuthenticated, request: Request) -> NotAuthenticated:
        """Say in an error which ways there are (RFC 9110, section 11.6.1)."""
        # Two ways may ask for the same.
        told = dict.fromkeys(way.authenticate_header(request) for way in self.ways)
        if any(told) and "www-authenticate" not in error.headers:
            error.headers = {**error.headers, "www-authenticate": ", ".join(filter(None, told))}
        return error

    def build_refusal(self, request: Request) -> NotAuthenticated:
        """Build the error for a request that nobody is known for."""
        return self.add_challenge(
            NotAuthenticated("Nobody is logged in.", code="auth.required"), request
        )


def build_identification(settings: Settings) -> Identification:
    """Build what the setting `authentication` names.

    Raises:
        ImproperlyConfigured: A name is neither a way's short name nor the path of a class.
    """
    return Identification([_find_way(name)(settings) for name in settings.authentication])


def _find_way(name: str) -> Build:
    if name in WAYS:
        return WAYS[name]
    module, _, attribute = name.rpartition(".")
    try:
        found: Any = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ImproperlyConfigured(
            f"The setting authentication names {name!r}, which cannot be imported.",
            hint=f"Write one of {', '.join(WAYS)}, or a class by its path, 'shop.auth.ByKey'.",
            code="auth.way",
        ) from error
    return lambda _settings: found()

"""Describes who may call: the security schemes among an operation's dependencies, with scopes."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from undercroft.binding.plan import Plan
from undercroft.binding.scopes import Requirement
from undercroft.errors import ImproperlyConfigured
from undercroft.openapi.schemas import Schema
from undercroft.security.schemes import SecurityScheme


def list_schemes(requirements: Iterable[Requirement]) -> dict[SecurityScheme[Any], list[str]]:
    """List the schemes among dependencies, each with all scopes that lead to it."""
    found: dict[SecurityScheme[Any], list[str]] = {}
    for requirement in requirements:
        function: Any = requirement.function
        if isinstance(function, SecurityScheme):
            scheme: SecurityScheme[Any] = function  # pyright: ignore[reportUnknownVariableType] - of any kind
            scopes = found.setdefault(scheme, [])
            scopes += [name for name in requirement.scopes if name not in scopes]
    return found


def check_schemes(plans: Iterable[Plan]) -> None:
    """Refuse, when the application is built, schemes that differ and share a name.

    Raises:
        ImproperlyConfigured: OpenAPI could show only one of them.
    """
    known: dict[str, Schema] = {}
    for plan in plans:
        for scheme in list_schemes(plan.requirements):
            described = scheme.describe()
            if known.setdefault(scheme.scheme_name, described) != described:
                raise ImproperlyConfigured(
                    f"Two security schemes that differ are called {scheme.scheme_name!r}.",
                    hint=f"Name one: {type(scheme).__name__}(..., scheme_name='Other').",
                    code="openapi.scheme",
                )


def describe_requirements(plan: Plan, options: Mapping[str, Any]) -> list[Schema]:
    """Describe what credentials an operation wants, as alternatives; empty for none.

    Schemes that insist (`auto_error`) are wanted together. One that does not is an alternative to
    others of its kind and to nothing at all, unless the route says `raises=[NotAuthenticated]`.
    """
    schemes = list_schemes(plan.requirements)
    needed: Schema = {}
    for scheme, scopes in schemes.items():
        if scheme.auto_error:
            needed[scheme.scheme_name] = scopes
    optional = [scheme for scheme in schemes if not scheme.auto_error]
    if not optional:
        return [needed] if needed else []
    alternatives = [{**needed, each.scheme_name: schemes[each]} for each in optional]
    raised: Sequence[Any] = options.get("raises", ())
    if any(kind.status_code == HTTPStatus.UNAUTHORIZED for kind in raised):
        return alternatives
    return [needed, *alternatives]


def insists(plan: Plan) -> bool:
    """Tell whether a request without credentials is answered 401."""
    return any(scheme.auto_error for scheme in list_schemes(plan.requirements))


def build_schemes(plans: Iterable[Plan]) -> dict[str, Schema]:
    """Build the components of all schemes, by name in order."""
    found = {
        scheme.scheme_name: scheme.describe()
        for plan in plans
        for scheme in list_schemes(plan.requirements)
    }
    return dict(sorted(found.items()))

"""Describes who may call: the security schemes among an operation's dependencies, with scopes."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from undercroft.binding.plan import Plan
from undercroft.binding.scopes import Requirement
from undercroft.errors import ImproperlyConfigured
from undercroft.openapi.schemas import Schema
from undercroft.security.identifying import find_identifying
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


def find_insisting(plan: Plan) -> bool | None:
    """Tell whether an operation insists on a known user; None where it asks for none."""
    return find_identifying(each.function for each in plan.requirements)


def check_schemes(plans: Iterable[Plan], ways: Sequence[SecurityScheme[Any]] = ()) -> None:
    """Refuse, when the application is built, schemes that differ and share a name.

    Args:
        plans: Of all operations.
        ways: In which users are found.

    Raises:
        ImproperlyConfigured: OpenAPI could show only one of them.
    """
    known: dict[str, Schema] = {way.scheme_name: way.describe() for way in ways}
    for plan in plans:
        for scheme in list_schemes(plan.requirements):
            described = scheme.describe()
            if known.setdefault(scheme.scheme_name, described) != described:
                raise ImproperlyConfigured(
                    f"Two security schemes that differ are called {scheme.scheme_name!r}.",
                    hint=f"Name one: {type(scheme).__name__}(..., scheme_name='Other').",
                    code="openapi.scheme",
                )


def describe_requirements(
    plan: Plan, options: Mapping[str, Any], ways: Sequence[SecurityScheme[Any]] = ()
) -> list[Schema]:
    """Describe what credentials an operation wants, as alternatives; empty for none.

    Where it asks for a user, each of the ways in which users are found is an alternative.
    """
    insisting = find_insisting(plan)
    own = describe_own_requirements(plan, options)
    if insisting is None or not ways:
        return own
    scopes = list_user_scopes(plan)
    alternatives = [{**each, way.scheme_name: scopes} for each in own or [Schema()] for way in ways]
    return alternatives if insisting else [*(own or [Schema()]), *alternatives]


def list_user_scopes(plan: Plan) -> list[str]:
    """List the scopes that lead to whatever asks for a user, each once."""
    found = [
        name
        for each in plan.requirements
        if find_identifying([each.function]) is not None
        for name in each.scopes
    ]
    return list(dict.fromkeys(found))


def describe_own_requirements(plan: Plan, options: Mapping[str, Any]) -> list[Schema]:
    """Describe what credentials the schemes among an operation's dependencies want.

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
    schemes = list_schemes(plan.requirements)
    return bool(find_insisting(plan)) or any(scheme.auto_error for scheme in schemes)


def build_schemes(
    plans: Sequence[Plan], ways: Sequence[SecurityScheme[Any]] = ()
) -> dict[str, Schema]:
    """Build the components of all schemes, by name in order."""
    asked = any(find_insisting(plan) is not None for plan in plans)
    found = {way.scheme_name: way.describe() for way in ways} if asked else {}
    found |= {
        scheme.scheme_name: scheme.describe()
        for plan in plans
        for scheme in list_schemes(plan.requirements)
    }
    return dict(sorted(found.items()))

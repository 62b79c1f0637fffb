"""What a handler asks its caller to be allowed to do, as a dependency of it sees it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from undercroft.binding.parameters import Dependency


@dataclass(frozen=True, slots=True)
class SecurityScopes:
    """The scopes that everything which depends on a function asks for by `Security`.

    Attributes:
        scopes: Their names, the handler's first, each once.
    """

    scopes: list[str] = field(default_factory=list[str])

    @property
    def scope_str(self) -> str:
        """All of them with a space between, as OAuth 2 writes them (RFC 6749, section 3.3)."""
        return " ".join(self.scopes)


@dataclass(frozen=True, slots=True)
class Requirement:
    """A dependency and the scopes that whoever leads to it asks for.

    Attributes:
        function: The dependency as it was written, whatever stands in its place.
        scopes: The names of the scopes.
    """

    function: Callable[..., Any]
    scopes: tuple[str, ...]


def add_scopes(scopes: Sequence[str], dependency: object) -> tuple[str, ...]:
    """Add what a dependency asks for to what was asked before, each scope once."""
    more = dependency.scopes if isinstance(dependency, Dependency) else ()
    return tuple(dict.fromkeys([*scopes, *more]))

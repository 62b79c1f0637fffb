"""Which checks there are, and how they are run; projects register theirs beside ours."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar, overload

from undercroft.checks.messages import CheckMessage
from undercroft.errors import ImproperlyConfigured

if TYPE_CHECKING:
    from undercroft.app.application import App

#: Is given the application and says what it finds.
Check = Callable[["App"], Iterable[CheckMessage]]
C = TypeVar("C", bound=Callable[..., Iterable[CheckMessage]])


class Tags(StrEnum):
    """What checks are about; a project may use words of its own."""

    api = "api"
    database = "database"
    mail = "mail"
    models = "models"
    security = "security"
    settings = "settings"
    staticfiles = "staticfiles"
    templates = "templates"
    urls = "urls"


@dataclass(frozen=True, slots=True)
class RegisteredCheck:
    """A check, and when it is run.

    Attributes:
        function: The check.
        tags: What it is about.
        is_for_deployment: Whether it is run by `--deploy` only.
    """

    function: Check
    tags: frozenset[str]
    is_for_deployment: bool


class CheckRegistry:
    """Checks in the order in which they were registered, each once."""

    def __init__(self) -> None:
        self._checks: dict[Check, RegisteredCheck] = {}

    @overload
    def register(self, check: C, /) -> C: ...
    @overload
    def register(self, *tags: str, deploy: bool = False) -> Callable[[C], C]: ...
    def register(self, *tags: Any, deploy: bool = False) -> Any:
        """Register a check: `@register`, or `@register(Tags.security, deploy=True)`.

        Args:
            tags: What it is about.
            deploy: Run it by `check --deploy` only.
        """
        bare: Any = tags[0] if len(tags) == 1 and callable(tags[0]) else None
        names = frozenset(str(tag) for tag in tags if tag is not bare)

        def remember(check: Check) -> Check:
            self._checks[check] = RegisteredCheck(check, names, deploy)
            return check

        return remember if bare is None else remember(bare)

    def unregister(self, check: Check) -> None:
        """Forget a check, if it is there."""
        self._checks.pop(check, None)

    def tags_available(self, include_deployment_checks: bool = False) -> set[str]:
        """Return every tag that a check has."""
        return {tag for each in self._choose(include_deployment_checks, ()) for tag in each.tags}

    def run_checks(
        self,
        app: "App",
        tags: Iterable[str] = (),
        include_deployment_checks: bool = False,
    ) -> list[CheckMessage]:
        """Run checks on an application that has been built.

        Args:
            app: Is looked at.
            tags: Only checks that have one of them; all when left out.
            include_deployment_checks: Those that ask whether it may meet the world as well.

        Raises:
            ImproperlyConfigured: No check has such a tag.
        """
        wanted = list(map(str, tags))
        known = self.tags_available(include_deployment_checks=True)
        for tag in wanted:
            if tag not in known:
                raise ImproperlyConfigured(
                    f"No check has the tag {tag!r}.",
                    hint=f"Known are {', '.join(sorted(known))}.",
                    code="checks.tag",
                )
        chosen = self._choose(include_deployment_checks, wanted)
        return [message for each in chosen for message in each.function(app)]

    def _choose(
        self, include_deployment_checks: bool, tags: Collection[str]
    ) -> Iterator[RegisteredCheck]:
        for each in tuple(self._checks.values()):
            if each.is_for_deployment and not include_deployment_checks:
                continue
            if not tags or each.tags & set(tags):
                yield each


registry = CheckRegistry()
register = registry.register

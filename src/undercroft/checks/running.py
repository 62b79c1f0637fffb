"""Runs every check there is, ours registered first."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

# Imported for what they register.
from undercroft.checks import (  # noqa: F401
    api,  # pyright: ignore[reportUnusedImport] - as said
    cookies,  # pyright: ignore[reportUnusedImport] - as said
    databases,  # pyright: ignore[reportUnusedImport] - as said
    environment,  # pyright: ignore[reportUnusedImport] - as said
    headers,  # pyright: ignore[reportUnusedImport] - as said
    hosts,  # pyright: ignore[reportUnusedImport] - as said
    keys,  # pyright: ignore[reportUnusedImport] - as said
    limits,  # pyright: ignore[reportUnusedImport] - as said
    mail,  # pyright: ignore[reportUnusedImport] - as said
    models,  # pyright: ignore[reportUnusedImport] - as said
    services,  # pyright: ignore[reportUnusedImport] - as said
    templates,  # pyright: ignore[reportUnusedImport] - as said
    urls,  # pyright: ignore[reportUnusedImport] - as said
)
from undercroft.checks.messages import CheckMessage
from undercroft.checks.registry import registry

if TYPE_CHECKING:
    from undercroft.app.application import App


def run_checks(
    app: "App", tags: Iterable[str] = (), include_deployment_checks: bool = False
) -> list[CheckMessage]:
    """Build an application and check it; what `silenced_system_checks` names is left out.

    Args:
        app: Is looked at.
        tags: Only checks that have one of them.
        include_deployment_checks: Those that ask whether it may meet the world as well.

    Raises:
        ImproperlyConfigured: It cannot be built, or no check has such a tag.
    """
    app.build()
    silenced = set(app.settings.silenced_system_checks)
    found = registry.run_checks(app, tags, include_deployment_checks)
    return [message for message in found if message.id not in silenced]

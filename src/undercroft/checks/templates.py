"""Checks of templates: each compiles. Their links are checked whenever an application is built."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from undercroft.checks.messages import CheckMessage, Error
from undercroft.checks.registry import Tags, register

if TYPE_CHECKING:
    from undercroft.app.application import App


@register(Tags.templates)
def check_templates(app: "App") -> Iterator[CheckMessage]:
    """Find templates that cannot be read."""
    folders = app.find_folders(app.settings.templates, "templates")
    if not any(folder.is_dir() for folder in folders):
        return
    # Jinja2 is slow to import, and an API needs none.
    from undercroft.templating.literals import find_broken  # noqa: PLC0415

    for broken in find_broken(app.templates):
        yield Error(
            broken.problem,
            "Mend it: whoever asks for it is told 500.",
            f"{broken.template}:{broken.line}",
            id="templates.syntax",
        )

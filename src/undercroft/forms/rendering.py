"""Renders forms: in a project's page by its own templates first, else by those of the package."""

from functools import cache
from pathlib import Path
from typing import Any

from undercroft.templating.engine import Templates
from undercroft.templating.forms import build_form_globals

#: The last folder in which an application looks for templates.
TEMPLATES = Path(__file__).parent / "templates"


@cache
def get_templates() -> Templates:
    """Return the package's own templates."""
    return Templates([TEMPLATES], globals=build_form_globals())


def render_alone(name: str, **context: Any) -> str:
    """Render a part of a form outside of any page."""
    return str(get_templates().render(name, context))

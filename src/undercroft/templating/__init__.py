"""Templating: Jinja2 templates of the project and its apps, always escaped."""

from markupsafe import Markup

from undercroft.templating.engine import Templates
from undercroft.templating.links import build_links

__all__ = ["Markup", "Templates", "build_links"]

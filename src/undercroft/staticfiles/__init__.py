"""Static files: style sheets, scripts and images of the project and its apps."""

from undercroft.staticfiles.finders import find_static
from undercroft.staticfiles.routes import build_static_routes

__all__ = ["build_static_routes", "find_static"]

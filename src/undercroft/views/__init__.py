"""Views: classes that answer an address, Django's generic ones for rows and forms among them.

Names are imported when they are first used: an application without forms and models loads neither.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from undercroft.views.base import View, ViewHandler

if TYPE_CHECKING:
    from undercroft.views.editing import (
        CreateView,
        DeleteView,
        FormView,
        ModelFormSetView,
        UpdateView,
    )
    from undercroft.views.objects import DetailView, ListView
    from undercroft.views.pages import Page, Paginator
    from undercroft.views.templates import RedirectView, TemplateView

__all__ = [
    "CreateView",
    "DeleteView",
    "DetailView",
    "FormView",
    "ListView",
    "ModelFormSetView",
    "Page",
    "Paginator",
    "RedirectView",
    "TemplateView",
    "UpdateView",
    "View",
    "ViewHandler",
]

#: Where each name is defined.
_NAMES = {
    "CreateView": "editing",
    "DeleteView": "editing",
    "DetailView": "objects",
    "FormView": "editing",
    "ListView": "objects",
    "ModelFormSetView": "editing",
    "Page": "pages",
    "Paginator": "pages",
    "RedirectView": "templates",
    "TemplateView": "templates",
    "UpdateView": "editing",
}


def __getattr__(name: str) -> Any:
    """Import a name at its first use (PEP 562)."""
    if name not in _NAMES:
        raise AttributeError(f"module 'undercroft.views' has no attribute {name!r}")
    found = getattr(import_module(f"undercroft.views.{_NAMES[name]}"), name)
    globals()[name] = found
    return found

"""Views: classes that answer an address, with Django's generic ones for templates and rows."""

from undercroft.views.base import View, ViewHandler
from undercroft.views.objects import DetailView, ListView
from undercroft.views.pages import Page, Paginator
from undercroft.views.templates import RedirectView, TemplateView

__all__ = [
    "DetailView",
    "ListView",
    "Page",
    "Paginator",
    "RedirectView",
    "TemplateView",
    "View",
    "ViewHandler",
]

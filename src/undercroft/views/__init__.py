"""Views: classes that answer an address, Django's generic ones for rows and forms among them."""

from undercroft.views.base import View, ViewHandler
from undercroft.views.editing import CreateView, DeleteView, FormView, UpdateView
from undercroft.views.objects import DetailView, ListView
from undercroft.views.pages import Page, Paginator
from undercroft.views.templates import RedirectView, TemplateView

__all__ = [
    "CreateView",
    "DeleteView",
    "DetailView",
    "FormView",
    "ListView",
    "Page",
    "Paginator",
    "RedirectView",
    "TemplateView",
    "UpdateView",
    "View",
    "ViewHandler",
]

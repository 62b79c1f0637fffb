"""undercroft: the Python back end in one piece.

Names are imported when they are first used: a script that needs only the data layer never
imports the server, and the other way round.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from undercroft import forms as forms
    from undercroft import models as models
    from undercroft import pagination as pagination
    from undercroft import permissions as permissions
    from undercroft import routers as routers
    from undercroft import serializers as serializers
    from undercroft import validators as validators
    from undercroft import viewsets as viewsets
    from undercroft.app.application import App as App
    from undercroft.background.tasks import BackgroundTask as BackgroundTask
    from undercroft.background.tasks import BackgroundTasks as BackgroundTasks
    from undercroft.binding.events import EventSourceResponse as EventSourceResponse
    from undercroft.binding.events import LastEventID as LastEventID
    from undercroft.binding.events import ServerSentEvent as ServerSentEvent
    from undercroft.binding.parameters import Body as Body
    from undercroft.binding.parameters import Cookie as Cookie
    from undercroft.binding.parameters import Depends as Depends
    from undercroft.binding.parameters import File as File
    from undercroft.binding.parameters import Form as Form
    from undercroft.binding.parameters import Header as Header
    from undercroft.binding.parameters import Path as Path
    from undercroft.binding.parameters import Query as Query
    from undercroft.binding.parameters import Security as Security
    from undercroft.binding.scopes import SecurityScopes as SecurityScopes
    from undercroft.broadcast import Broadcast as Broadcast
    from undercroft.db import transaction as transaction
    from undercroft.errors import HTTPException as HTTPException
    from undercroft.errors import WebSocketDisconnect as WebSocketDisconnect
    from undercroft.errors import WebSocketException as WebSocketException
    from undercroft.http.files import FileResponse as FileResponse
    from undercroft.http.files import send_file as send_file
    from undercroft.http.request import Request as Request
    from undercroft.http.request import RequestState as RequestState
    from undercroft.http.responses import HTMLResponse as HTMLResponse
    from undercroft.http.responses import JSONResponse as JSONResponse
    from undercroft.http.responses import PlainTextResponse as PlainTextResponse
    from undercroft.http.responses import RedirectResponse as RedirectResponse
    from undercroft.http.responses import Response as Response
    from undercroft.http.responses import StreamingResponse as StreamingResponse
    from undercroft.http.uploads import UploadFile as UploadFile
    from undercroft.http.websockets import WebSocket as WebSocket
    from undercroft.middleware.caching import cache_control as cache_control
    from undercroft.middleware.caching import never_cache as never_cache
    from undercroft.middleware.caching import vary_on as vary_on
    from undercroft.middleware.compression import Compression as Compression
    from undercroft.middleware.conditions import condition as condition
    from undercroft.middleware.conditions import conditional_get as conditional_get
    from undercroft.openapi.routes import OpenAPIOptions as OpenAPIOptions
    from undercroft.routing.mounts import mount as mount
    from undercroft.routing.router import Router as Router
    from undercroft.routing.urls import host as host
    from undercroft.routing.urls import include as include
    from undercroft.routing.urls import path as path
    from undercroft.routing.urls import re_path as re_path
    from undercroft.sessions import messages as messages
    from undercroft.settings import DatabaseSettings as DatabaseSettings
    from undercroft.settings import Settings as Settings
    from undercroft.shortcuts import abort as abort
    from undercroft.shortcuts import aget_list_or_404 as aget_list_or_404
    from undercroft.shortcuts import aget_object_or_404 as aget_object_or_404
    from undercroft.shortcuts import get_list_or_404 as get_list_or_404
    from undercroft.shortcuts import get_object_or_404 as get_object_or_404
    from undercroft.shortcuts import redirect as redirect
    from undercroft.shortcuts import render as render
    from undercroft.shortcuts import reverse as reverse
    from undercroft.shortcuts import send_from_directory as send_from_directory
    from undercroft.shortcuts import stream_template as stream_template
    from undercroft.views.base import View as View
    from undercroft.views.objects import DetailView as DetailView
    from undercroft.views.objects import ListView as ListView
    from undercroft.views.templates import RedirectView as RedirectView
    from undercroft.views.templates import TemplateView as TemplateView

__version__ = "0.1.0"

#: Where each public name is defined. A module stands for itself.
_NAMES = {
    "forms": "",
    "DetailView": "undercroft.views.objects",
    "ListView": "undercroft.views.objects",
    "RedirectView": "undercroft.views.templates",
    "RequestState": "undercroft.http.request",
    "TemplateView": "undercroft.views.templates",
    "abort": "undercroft.shortcuts",
    "aget_list_or_404": "undercroft.shortcuts",
    "get_list_or_404": "undercroft.shortcuts",
    "reverse": "undercroft.shortcuts",
    "App": "undercroft.app.application",
    "BackgroundTask": "undercroft.background.tasks",
    "BackgroundTasks": "undercroft.background.tasks",
    "Body": "undercroft.binding.parameters",
    "Broadcast": "undercroft.broadcast",
    "Compression": "undercroft.middleware.compression",
    "Cookie": "undercroft.binding.parameters",
    "DatabaseSettings": "undercroft.settings",
    "Depends": "undercroft.binding.parameters",
    "EventSourceResponse": "undercroft.binding.events",
    "File": "undercroft.binding.parameters",
    "FileResponse": "undercroft.http.files",
    "Form": "undercroft.binding.parameters",
    "HTMLResponse": "undercroft.http.responses",
    "HTTPException": "undercroft.errors",
    "Header": "undercroft.binding.parameters",
    "JSONResponse": "undercroft.http.responses",
    "LastEventID": "undercroft.binding.events",
    "OpenAPIOptions": "undercroft.openapi.routes",
    "Path": "undercroft.binding.parameters",
    "PlainTextResponse": "undercroft.http.responses",
    "Query": "undercroft.binding.parameters",
    "RedirectResponse": "undercroft.http.responses",
    "Request": "undercroft.http.request",
    "Response": "undercroft.http.responses",
    "Router": "undercroft.routing.router",
    "Security": "undercroft.binding.parameters",
    "SecurityScopes": "undercroft.binding.scopes",
    "ServerSentEvent": "undercroft.binding.events",
    "Settings": "undercroft.settings",
    "StreamingResponse": "undercroft.http.responses",
    "UploadFile": "undercroft.http.uploads",
    "View": "undercroft.views.base",
    "WebSocket": "undercroft.http.websockets",
    "WebSocketDisconnect": "undercroft.errors",
    "WebSocketException": "undercroft.errors",
    "aget_object_or_404": "undercroft.shortcuts",
    "cache_control": "undercroft.middleware.caching",
    "condition": "undercroft.middleware.conditions",
    "conditional_get": "undercroft.middleware.conditions",
    "get_object_or_404": "undercroft.shortcuts",
    "host": "undercroft.routing.urls",
    "include": "undercroft.routing.urls",
    "messages": "undercroft.sessions",
    "models": "",
    "mount": "undercroft.routing.mounts",
    "never_cache": "undercroft.middleware.caching",
    "pagination": "",
    "permissions": "",
    "path": "undercroft.routing.urls",
    "re_path": "undercroft.routing.urls",
    "redirect": "undercroft.shortcuts",
    "render": "undercroft.shortcuts",
    "routers": "",
    "send_file": "undercroft.http.files",
    "send_from_directory": "undercroft.shortcuts",
    "stream_template": "undercroft.shortcuts",
    "serializers": "",
    "transaction": "undercroft.db",
    "validators": "",
    "vary_on": "undercroft.middleware.caching",
    "viewsets": "",
}

__all__ = [
    "App",
    "BackgroundTask",
    "BackgroundTasks",
    "Body",
    "Broadcast",
    "Compression",
    "Cookie",
    "DatabaseSettings",
    "Depends",
    "DetailView",
    "EventSourceResponse",
    "File",
    "FileResponse",
    "Form",
    "HTMLResponse",
    "HTTPException",
    "Header",
    "JSONResponse",
    "LastEventID",
    "ListView",
    "OpenAPIOptions",
    "Path",
    "PlainTextResponse",
    "Query",
    "RedirectResponse",
    "RedirectView",
    "Request",
    "RequestState",
    "Response",
    "Router",
    "Security",
    "SecurityScopes",
    "ServerSentEvent",
    "Settings",
    "StreamingResponse",
    "TemplateView",
    "UploadFile",
    "View",
    "WebSocket",
    "WebSocketDisconnect",
    "WebSocketException",
    "__version__",
    "abort",
    "aget_list_or_404",
    "aget_object_or_404",
    "cache_control",
    "condition",
    "conditional_get",
    "forms",
    "get_list_or_404",
    "get_object_or_404",
    "host",
    "include",
    "messages",
    "models",
    "mount",
    "never_cache",
    "pagination",
    "path",
    "permissions",
    "re_path",
    "redirect",
    "render",
    "reverse",
    "routers",
    "send_file",
    "send_from_directory",
    "serializers",
    "stream_template",
    "transaction",
    "validators",
    "vary_on",
    "viewsets",
]


def __getattr__(name: str) -> Any:
    """Import a public name at its first use (PEP 562)."""
    if name not in _NAMES:
        raise AttributeError(f"module 'undercroft' has no attribute {name!r}")
    home = _NAMES[name]
    found = getattr(import_module(home), name) if home else import_module(f"undercroft.{name}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """List every public name, imported or not."""
    return sorted({*globals(), *_NAMES})

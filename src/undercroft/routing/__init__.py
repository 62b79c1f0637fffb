"""Routing: from method and path to a route and its parameters, and back."""

from undercroft.routing.converters import Converter, register_converter
from undercroft.routing.decorators import RouteDecorators
from undercroft.routing.inclusion import Inclusion
from undercroft.routing.mounts import Mount, mount
from undercroft.routing.reverse import Reverser
from undercroft.routing.route import Route, RouteEntry, RouteOptions
from undercroft.routing.router import Router
from undercroft.routing.template import PathParam
from undercroft.routing.tree import AutomaticOptions, RouteTree
from undercroft.routing.urls import host, include, path, re_path

__all__ = [
    "AutomaticOptions",
    "Converter",
    "Inclusion",
    "Mount",
    "PathParam",
    "Reverser",
    "Route",
    "RouteDecorators",
    "RouteEntry",
    "RouteOptions",
    "RouteTree",
    "Router",
    "host",
    "include",
    "mount",
    "path",
    "re_path",
    "register_converter",
]

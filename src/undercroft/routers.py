"""Routers of viewsets: `from undercroft import routers`."""

from undercroft.api.routers import DefaultRouter, SimpleRouter

__all__ = ["DefaultRouter", "SimpleRouter"]

"""Viewsets and their mixins: `from undercroft import viewsets`."""

from undercroft.api.handlers import action
from undercroft.api.viewsets import (
    CreateModelMixin,
    DestroyModelMixin,
    GenericViewSet,
    ListModelMixin,
    ModelViewSet,
    ReadOnlyModelViewSet,
    RetrieveModelMixin,
    UpdateModelMixin,
)

__all__ = [
    "CreateModelMixin",
    "DestroyModelMixin",
    "GenericViewSet",
    "ListModelMixin",
    "ModelViewSet",
    "ReadOnlyModelViewSet",
    "RetrieveModelMixin",
    "UpdateModelMixin",
    "action",
]

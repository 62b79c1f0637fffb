"""The API toolkit: serializers, viewsets, routers, pagination, with REST framework's names."""

from undercroft.api.pagination import PageNumberPagination
from undercroft.api.routers import DefaultRouter, SimpleRouter
from undercroft.api.serializers import ModelSerializer, Serializer
from undercroft.api.viewsets import GenericViewSet, ModelViewSet, ReadOnlyModelViewSet

__all__ = [
    "DefaultRouter",
    "GenericViewSet",
    "ModelSerializer",
    "ModelViewSet",
    "PageNumberPagination",
    "ReadOnlyModelViewSet",
    "Serializer",
    "SimpleRouter",
]

"""Permission classes of views: `from undercroft import permissions`."""

from undercroft.auth.permission_classes import (
    SAFE_METHODS,
    AllowAny,
    BasePermission,
    DjangoModelPermissions,
    DjangoModelPermissionsOrAnonReadOnly,
    DjangoObjectPermissions,
    IsAdminUser,
    IsAuthenticated,
    IsAuthenticatedOrReadOnly,
    ModelPermissions,
    ModelPermissionsOrAnonReadOnly,
    ObjectPermissions,
)

__all__ = [
    "SAFE_METHODS",
    "AllowAny",
    "BasePermission",
    "DjangoModelPermissions",
    "DjangoModelPermissionsOrAnonReadOnly",
    "DjangoObjectPermissions",
    "IsAdminUser",
    "IsAuthenticated",
    "IsAuthenticatedOrReadOnly",
    "ModelPermissions",
    "ModelPermissionsOrAnonReadOnly",
    "ObjectPermissions",
]

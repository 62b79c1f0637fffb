"""A Django project in one module, as small as its admin allows."""

from typing import Any

import django
from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import path, reverse
from django.views.decorators.csrf import csrf_exempt


@csrf_exempt
def count(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"size": len(request.body), "link": reverse("count")})


def build_django() -> None:
    """Configure Django once in this process; its admin's log-in page needs no table."""
    if settings.configured:
        return
    contrib = [f"django.contrib.{name}" for name in ("admin", "auth", "contenttypes", "sessions")]
    settings.configure(
        SECRET_KEY="k" * 50,
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=[*contrib, "django.contrib.messages"],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        STATIC_URL="static/",
    )
    django.setup()
    from django.contrib import admin

    urlpatterns[:] = [path("admin/", admin.site.urls), path("count", count, name="count")]


urlpatterns: list[Any] = []


def build_django_wsgi() -> Any:
    build_django()
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()


def build_django_asgi() -> Any:
    build_django()
    from django.core.asgi import get_asgi_application

    return get_asgi_application()

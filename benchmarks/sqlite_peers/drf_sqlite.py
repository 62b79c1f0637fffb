"""Django with REST framework on an SQLite file, as somebody who knows both would set them up.

The middleware is what `startproject` turns on.
"""

import os
from pathlib import Path

import _pyd
import django
from django.conf import settings

settings.configure(
    DEBUG=False,
    SECRET_KEY="benchmark-only",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "rest_framework",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [Path(_pyd.__file__).parent / "templates"],
        }
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ["BENCH_DSN"].removeprefix("sqlite:///"),
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "timeout": 30,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;",
            },
        }
    },
    REST_FRAMEWORK={
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    },
    LOGGING_CONFIG=None,
)
django.setup()

from django.core.wsgi import get_wsgi_application
from django.db import models
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from rest_framework import generics, pagination, serializers
from rest_framework.response import Response


class Author(models.Model):
    id = models.AutoField(primary_key=True)
    name = models.CharField(max_length=100)

    class Meta:
        app_label = "bench"
        db_table = "authors"


class Post(models.Model):
    id = models.AutoField(primary_key=True)
    title = models.CharField(max_length=200)
    content = models.TextField()
    pub_date = models.DateTimeField(default=timezone.now)
    author = models.ForeignKey(Author, on_delete=models.CASCADE)

    class Meta:
        app_label = "bench"
        db_table = "posts"


class Fortune(models.Model):
    id = models.AutoField(primary_key=True)
    message = models.CharField(max_length=500)

    class Meta:
        app_label = "bench"
        db_table = "fortunes"


class AuthorSerializer(serializers.ModelSerializer):
    class Meta:
        model = Author
        fields = ["id", "name"]


class PostSerializer(serializers.ModelSerializer):
    author = AuthorSerializer(read_only=True)

    class Meta:
        model = Post
        fields = ["id", "title", "content", "pub_date", "author"]


class NewPostSerializer(serializers.ModelSerializer):
    author_id = serializers.PrimaryKeyRelatedField(source="author", queryset=Author.objects.all())

    class Meta:
        model = Post
        fields = ["id", "title", "content", "pub_date", "author_id"]
        read_only_fields = ["id", "pub_date"]


class Pages(pagination.PageNumberPagination):
    page_size = 50

    def get_paginated_response(self, data):
        page = self.page
        return Response({"count": page.paginator.count, "page": page.number, "results": data})


class PostList(generics.ListCreateAPIView):
    queryset = Post.objects.select_related("author").order_by("id")
    pagination_class = Pages

    def get_serializer_class(self):
        return NewPostSerializer if self.request.method == "POST" else PostSerializer


class PostDetail(generics.RetrieveAPIView):
    queryset = Post.objects.select_related("author")
    serializer_class = PostSerializer


def plaintext(_request):
    return HttpResponse("Hello, World!", content_type="text/plain")


def fortunes(request):
    return render(request, "fortunes.html", {"fortunes": Fortune.objects.order_by("id")})


urlpatterns = [
    path("plaintext", plaintext),
    path("posts", PostList.as_view()),
    path("posts/<int:pk>", PostDetail.as_view()),
    path("fortunes", fortunes),
]
app = get_wsgi_application()

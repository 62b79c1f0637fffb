"""The application, composed: `undercroft run mysite.app:app`."""

from blog import api, views
from mysite.settings import settings
from undercroft import App, OpenAPIOptions, include, path

app = App(
    settings,
    apps=["blog"],
    openapi=OpenAPIOptions(
        title="Blog",
        version="1.0",
        license={"name": "MIT", "identifier": "MIT"},
        tags=[
            {"name": "authors", "description": "Who writes"},
            {"name": "posts", "description": "What has been written"},
        ],
    ),
    routes=[
        path("", views.home, name="home"),
        path("hello/{name}", views.hello, name="hello"),
        path("class/hello/{name}", views.Hello.as_view(), name="class-hello"),
        path("blog/", include("blog.urls")),
        path("api/", include(api.router.urls)),
    ],
)

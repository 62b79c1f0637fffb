"""The addresses of the blog's pages."""

from blog import views
from undercroft import path

app_name = "blog"

urlpatterns = [
    path("", views.post_list, name="list"),
    path("{id:int}/", views.post_detail, name="detail"),
]

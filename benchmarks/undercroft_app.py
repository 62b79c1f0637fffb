"""undercroft on the eight workloads, as its documentation would write them."""

PEERS = {
    "undercroft": "{bin}/undercroft serve undercroft_app:app --bind 127.0.0.1:{port}"
    " --workers 1 --no-access-log --log-level warning",
}
WORKLOADS = "1-8"

import os
from pathlib import Path
from typing import Annotated

import _pyd
from _pyd import Order, OrderOut, order_out
from markupsafe import Markup

from undercroft import (
    App,
    Query,
    Request,
    Settings,
    aget_object_or_404,
    include,
    models,
    pagination,
    path,
    render,
    routers,
    serializers,
    viewsets,
)


class Author(models.Model):
    name = models.CharField(max_length=100)

    class Meta:
        db_table = "authors"


class Post(models.Model):
    title = models.CharField(max_length=200)
    content = models.TextField()
    pub_date = models.DateTimeField(auto_now_add=True)
    author = models.ForeignKey(Author, on_delete=models.CASCADE)

    class Meta:
        db_table = "posts"


class Fortune(models.Model):
    message = models.CharField(max_length=500)

    class Meta:
        db_table = "fortunes"


class AuthorSerializer(serializers.ModelSerializer):
    class Meta:
        model = Author
        fields = ["id", "name"]


class PostSerializer(serializers.ModelSerializer):
    author: AuthorSerializer

    class Meta:
        model = Post
        fields = ["id", "title", "content", "pub_date", "author"]


class PostCreatedSerializer(serializers.ModelSerializer):
    class Meta:
        model = Post
        fields = ["id", "title", "content", "pub_date", "author_id"]


class PostPagination(pagination.PageNumberPagination):
    """The envelope every peer answers with."""

    page_size = 50

    def get_envelope_fields(self, item):
        return {"count": int, "page": int, "results": list[item]}

    def get_paginated_response(self, page):
        return {"count": page.count, "page": page.number, "results": page.results}


class PostViewSet(viewsets.ListModelMixin):
    queryset = Post.objects.order_by("id")
    serializer_class = PostSerializer
    pagination_class = PostPagination


router = routers.SimpleRouter(trailing_slash=False)
router.register("posts", PostViewSet)

app = App(
    Settings(
        database_url=os.environ.get("BENCH_DSN"),
        templates=[Path(_pyd.__file__).parent / "templates"],
    ),
    routes=[path("", include(router.urls))],
)


@app.get("/plaintext")
async def plaintext() -> str:
    return "Hello, World!"


@app.get("/json")
async def hello() -> dict[str, str]:
    return {"message": "Hello, World!"}


@app.get("/items/{item_id}")
async def item(
    item_id: int,
    q: Annotated[str, Query(max_length=50)],
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
) -> dict[str, int | str]:
    return {"id": item_id, "q": q, "limit": limit}


@app.post("/orders")
async def order(body: Order) -> OrderOut:
    return order_out(body)


@app.get("/posts/{post_id}")
async def post(post_id: int) -> PostSerializer:
    return await aget_object_or_404(Post.objects.select_related("author"), id=post_id)


@app.post("/posts", status_code=201)
async def create_post(body: PostCreatedSerializer.Create) -> PostCreatedSerializer:
    return await Post.objects.acreate(**body.model_dump())


@app.get("/fortunes")
async def fortunes(request: Request) -> Markup:
    rows = [fortune async for fortune in Fortune.objects.order_by("id")]
    return render(request, "fortunes.html", {"fortunes": rows})

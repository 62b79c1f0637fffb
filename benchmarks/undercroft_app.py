"""undercroft on the eight workloads, as its documentation would write them."""
PEERS = {
    "undercroft": "{bin}/undercroft serve undercroft_app:app --bind 127.0.0.1:{port} --workers 1 --no-access-log --log-level warning",
}
WORKLOADS = "1-8"

import os
from pathlib import Path as FilePath
from typing import Annotated

from markupsafe import Markup
from pydantic import BaseModel, Field

from undercroft import (
    App,
    Query,
    Request,
    Settings,
    models,
    pagination,
    render,
    routers,
    serializers,
    viewsets,
)

EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"


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


class Customer(BaseModel):
    name: Annotated[str, Field(min_length=1, max_length=100)]
    email: Annotated[str, Field(pattern=EMAIL)]


class Line(BaseModel):
    sku: Annotated[str, Field(min_length=1, max_length=40)]
    qty: Annotated[int, Field(gt=0)]
    price: Annotated[float, Field(ge=0)]


class Order(BaseModel):
    customer: Customer
    lines: list[Line]


class OrderOut(Order):
    total: float


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
    page_size = 50
    # The peers answer count, page and results; links are not asked for.


class PostViewSet(viewsets.ModelViewSet):
    queryset = Post.objects.select_related("author").order_by("id")
    serializer_class = PostSerializer
    pagination_class = PostPagination


app = App(
    Settings(
        database_url=os.environ.get("BENCH_DSN"),
        templates=[FilePath(os.environ.get("BENCH_TEMPLATES", "templates"))],
    )
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
    total = sum(line.qty * line.price for line in body.lines)
    return OrderOut(customer=body.customer, lines=body.lines, total=total)


@app.get("/fortunes")
async def fortunes(request: Request) -> Markup:
    rows = [fortune async for fortune in Fortune.objects.order_by("id")]
    return render(request, "fortunes.html", {"fortunes": rows})

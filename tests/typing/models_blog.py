"""What type checkers infer of models, fields, querysets and their twins, with no plugin."""

import datetime as dt
import uuid
from collections.abc import Coroutine
from decimal import Decimal
from typing import Any, assert_type

from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from undercroft import models
from undercroft.db.connections.transactions import atomic
from undercroft.db.deleting import Deletion


class Author(models.Model):
    name = models.CharField(max_length=100)
    nick = models.CharField("nick name", max_length=20, null=True, default=None)
    email = models.EmailField(unique=True)
    born = models.DateField(null=True)


class BlogPost(models.Model):
    title = models.CharField(max_length=200, default="untitled")
    content = models.TextField(blank=True)
    pub_date = models.DateTimeField("date published", auto_now_add=True)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    token = models.UUIDField(default=uuid.uuid4)
    draft = models.BooleanField(default=False)
    stars = models.FloatField(null=True)
    at = models.TimeField(auto_now=True)
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="posts")
    author_id: Mapped[int]
    editor = models.ForeignKey(Author, models.SET_NULL, null=True)
    later = models.ForeignKey("Later", on_delete=models.CASCADE)
    plain: Mapped[int] = mapped_column(default=0)

    class Meta:
        ordering = ["-pub_date"]

    def __str__(self) -> str:
        return self.title


def check_instances(post: BlogPost) -> None:
    assert_type(post.id, int)
    assert_type(post.title, str)
    assert_type(post.content, str)
    assert_type(post.pub_date, dt.datetime)
    assert_type(post.price, Decimal)
    assert_type(post.token, uuid.UUID)
    assert_type(post.draft, bool)
    assert_type(post.stars, float | None)
    assert_type(post.at, dt.time)
    assert_type(post.plain, int)
    assert_type(post.author, Author)
    assert_type(post.author.name, str)
    assert_type(post.author.nick, str | None)
    assert_type(post.author.born, dt.date | None)
    assert_type(post.author_id, int)
    assert_type(post.editor, Author | None)


def check_classes() -> None:
    assert_type(BlogPost.title, InstrumentedAttribute[str])
    assert_type(BlogPost.stars, InstrumentedAttribute[float | None])
    assert_type(BlogPost.author, InstrumentedAttribute[Author])


def check_querysets() -> None:
    assert_type(BlogPost.objects, models.Manager[BlogPost])
    found = BlogPost.objects.filter(BlogPost.title.contains("x"), author__name="Ada")
    assert_type(found, models.QuerySet[BlogPost])
    assert_type(found.order_by("-pub_date")[:10], models.QuerySet[BlogPost])
    assert_type(found[0], BlogPost)
    assert_type(found.get(id=1), BlogPost)
    assert_type(found.first(), BlogPost | None)
    assert_type(found.count(), int)
    assert_type(found.exists(), bool)
    assert_type(found.create(title="x"), BlogPost)
    assert_type(found.get_or_create(title="x"), tuple[BlogPost, bool])
    assert_type(found.update(title="x"), int)
    assert_type(found.fetch_dicts(models.Selection(("id",))), list[dict[str, Any]])
    assert_type(list(found), list[BlogPost])


async def check_twins(post: BlogPost) -> None:
    found = BlogPost.objects.select_related("author")
    assert_type(await found, list[BlogPost])
    assert_type(await found.aget(id=1), BlogPost)
    assert_type(await found.afirst(), BlogPost | None)
    assert_type(await found.acount(), int)
    assert_type(await BlogPost.objects.acreate(title="x"), BlogPost)
    exists: Coroutine[Any, Any, bool] = found.aexists()
    assert_type(await exists, bool)
    async for row in found:
        assert_type(row, BlogPost)
    await post.asave(update_fields=["title"])
    assert_type(await post.adelete(), Deletion)
    post.save()
    post.refresh_from_db()


@atomic()
def keep_signature(title: str) -> int:
    return len(title)


assert_type(keep_signature("x"), int)

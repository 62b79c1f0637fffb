"""What type checkers infer of full-text search."""

from typing import Any, assert_type

from undercroft import models


class Author(models.Model):
    name = models.CharField(max_length=20)
    posts: models.RelatedManager["Post"]

    class Meta:
        indexes = (models.SearchIndex(fields=["name"], name="author_search"),)


class PostQuerySet(models.QuerySet["Post"]):
    def about(self, text: str) -> "PostQuerySet":
        return self.search(text, search_type="plain")


class Post(models.Model):
    title = models.CharField(max_length=100)
    body = models.TextField()
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="posts")

    objects = PostQuerySet.as_manager()

    class Meta:
        indexes = (
            models.SearchIndex(
                fields=["title", "body"], name="post_search", weights={"title": "A"}
            ),
        )


def check_search(author: Author) -> None:
    assert_type(Author.objects.search("x"), models.QuerySet[Author])
    assert_type(
        Author.objects.search("x", index="author_search", rank="fit")[:3], models.QuerySet[Author]
    )
    assert_type(author.posts.search("x"), models.QuerySet[Post])
    assert_type(author.posts.all().search("x").first(), Post | None)
    assert_type(Post.objects.search("x").about("y"), PostQuerySet)
    Post.objects.search("x", search_type="web")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - no such type


def check_expressions() -> None:
    query = models.SearchQuery("fox", search_type="phrase", config="simple")
    assert_type(query & ~models.SearchQuery("x") | query, models.SearchQuery)
    vector = models.SearchVector("title", weight="A") + models.SearchVector("body")
    assert_type(vector, models.SearchVector)
    ranked = Post.objects.annotate(fit=models.SearchRank(vector, query)).order_by("-fit")
    assert_type(ranked, PostQuerySet)
    shown = ranked.annotate(part=models.SearchHeadline("body", query))
    assert_type(shown.values("title", "part"), models.QuerySet[dict[str, Any]])
    assert_type(Post.objects.filter(words=query).search(query), PostQuerySet)


async def check_async() -> None:
    assert_type(await Author.objects.search("x"), list[Author])
    assert_type(await Author.objects.search("x").acount(), int)

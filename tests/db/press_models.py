"""Models for the tests of managers and signals: a small newsroom."""

from typing import Any

from undercroft import models


class ArticleQuerySet(models.QuerySet["Article"]):
    def published(self) -> "ArticleQuerySet":
        """Those that everybody may read."""
        return self.filter(status="published")

    def by(self, name: str) -> "ArticleQuerySet":
        """Those of one author."""
        return self.filter(author__name=name)


class LivingManager(models.Manager["Author"]):
    """Leaves out who was deleted, softly."""

    def get_queryset(self) -> models.QuerySet["Author"]:
        return super().get_queryset().filter(is_deleted=False)

    def make(self, name: str) -> "Author":
        return self.create(name=name)


class StatusManager(models.Manager[Any]):
    """Keeps what it is told when it is declared."""

    def __init__(self, status: str = "") -> None:
        super().__init__()
        self.status = status

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(status=self.status)


class Dated(models.Model):
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True


class Publishable(Dated):
    status = models.CharField(max_length=20, default="draft")

    objects = models.Manager[Any]()
    drafts = StatusManager("draft")

    class Meta:
        abstract = True


class Author(models.Model):
    name = models.CharField(max_length=50)
    is_deleted = models.BooleanField(default=False)

    objects = LivingManager()
    everyone = models.Manager["Author"]()

    class Meta:
        app_label = "press"


class Article(Publishable):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="articles")

    objects = ArticleQuerySet.as_manager()
    shouted = models.Manager["Article"].from_queryset(ArticleQuerySet)()

    class Meta:
        app_label = "press"

    def __str__(self) -> str:
        return self.title


class Note(Publishable):
    text = models.TextField(default="")

    class Meta:
        app_label = "press"

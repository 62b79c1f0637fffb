"""Models for the tests of the data layer, with something of everything."""

import enum
import uuid
from decimal import Decimal
from typing import ClassVar

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from undercroft import models


class Colour(enum.Enum):
    RED = "red"
    DARK_BLUE = "blue"


class Named(models.Model):
    name = models.CharField(max_length=100)

    class Meta:
        abstract = True
        ordering = ["name"]


class Publisher(Named):
    pass


class Author(Named):
    email = models.EmailField(unique=True)
    publisher = models.ForeignKey(
        Publisher, on_delete=models.SET_NULL, null=True, related_name="authors"
    )


class Book(models.Model):
    title = models.CharField("book title", max_length=20, help_text="As on the cover.")
    summary = models.TextField(blank=True, default="")
    pages = models.PositiveIntegerField(default=1)
    price = models.DecimalField(max_digits=8, decimal_places=2, default=Decimal("9.99"))
    rating = models.FloatField(null=True)
    colour = models.CharField(max_length=10, choices=Colour, default="red")
    in_print = models.BooleanField(default=True)
    published = models.DateField(null=True)
    opens = models.TimeField(null=True)
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)
    token = models.UUIDField(default=uuid.uuid4, unique=True)
    data = models.JSONField(null=True)
    stock = models.SmallIntegerField(db_default=sa.text("7"))
    sold = models.BigIntegerField(default=0, db_column="copies_sold")
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="books")
    author_id: Mapped[int]
    sequel_to = models.ForeignKey("self", on_delete=models.SET_NULL, null=True)
    review_count: Mapped[int] = mapped_column(default=0)

    reviews: ClassVar[models.RelatedManager["Review"]]

    class Meta:
        unique_together = [("author", "title")]
        indexes: ClassVar[list[sa.Index]] = []

    def __str__(self) -> str:
        return self.title


class Review(models.Model):
    book = models.ForeignKey("db.Book", on_delete=models.CASCADE, related_name="reviews")
    critic = models.ForeignKey("Critic", on_delete=models.PROTECT)
    text = models.TextField()


class Critic(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)  # type: ignore[assignment]
    name = models.SlugField()


class Counter(models.Model):
    value = models.IntegerField(default=0)


def make_author(name: str = "Ada", **values: object) -> Author:
    """Insert an author whose address follows from the name."""
    return Author.objects.create(name=name, email=f"{name.lower()}@example.org", **values)

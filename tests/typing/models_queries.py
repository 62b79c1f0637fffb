"""What type checkers infer of relations, expressions, rows of values and managers of one's own."""

import datetime as dt
from typing import Any, Self, assert_type

from undercroft import aget_object_or_404, get_object_or_404, models
from undercroft.db.deleting import Deletion


class Tag(models.Model):
    name = models.CharField(max_length=20)


class BookQuerySet(models.QuerySet["Book"]):
    def dear(self) -> Self:
        return self.filter(price__gt=50)


class InPrint(models.Manager["Book"]):
    def get_queryset(self) -> models.QuerySet["Book"]:
        return super().get_queryset().filter(in_print=True)

    def newest(self) -> "Book | None":
        return self.order_by("-released").first()


class Book(models.Model):
    title = models.CharField(max_length=100)
    price = models.IntegerField(default=10)
    released = models.DateField()
    in_print = models.BooleanField(default=True)
    tags = models.ManyToManyField(Tag, related_name="books")
    sequels: models.RelatedManager["Book"]
    after = models.ForeignKey("Book", models.SET_NULL, null=True, related_name="sequels")

    objects = BookQuerySet.as_manager()
    printed = InPrint()


class Cover(models.Model):
    book = models.OneToOneField(Book, on_delete=models.CASCADE)
    artist = models.OneToOneField(Tag, models.SET_NULL, null=True)


def check_relations(book: Book, cover: Cover, tag: Tag) -> None:
    assert_type(book.tags, models.ManyRelatedManager[Tag])
    assert_type(book.tags.filter(name="x"), models.QuerySet[Tag])
    assert_type(list(book.tags.all()), list[Tag])
    assert_type(book.tags.create(name="x", through_defaults={}), Tag)
    assert_type(book.tags.count(), int)
    book.tags.add(tag, 1)
    book.tags.set([tag])
    assert_type(book.sequels.all(), models.QuerySet[Book])
    assert_type(book.sequels.create(title="x"), Book)
    book.sequels.add(book, bulk=False)
    assert_type(cover.book, Book)
    assert_type(cover.artist, Tag | None)


def check_managers() -> None:
    assert_type(Book.objects, BookQuerySet)
    assert_type(Book.objects.filter(title="x").dear(), BookQuerySet)
    assert_type(Book.objects.dear().order_by("title")[:3], BookQuerySet)
    assert_type(Book.printed, InPrint)
    assert_type(Book.printed.newest(), Book | None)
    assert_type(Book.printed.filter(title="x"), models.QuerySet[Book])
    assert_type(Book.printed.get_queryset(), models.QuerySet[Book])
    assert_type(Tag.objects, models.Manager[Tag])
    assert_type(Tag.objects.exclude(name="x")[0], Tag)
    assert_type(Tag.objects.all() | Tag.objects.none(), models.QuerySet[Tag])
    assert_type(Tag.objects[:2], models.QuerySet[Tag])


def check_expressions() -> None:
    cheap = models.Q(price__lt=5) | ~models.Q(title="x")
    assert_type(cheap, models.Q)
    found = Tag.objects.filter(models.Q(books__price=1), name=models.F("books__title"))
    assert_type(found, models.QuerySet[Tag])
    counted = found.annotate(size=models.Count("books")).filter(size__gt=1)
    assert_type(counted, models.QuerySet[Tag])
    assert_type(counted.aggregate(most=models.Max("size")), dict[str, Any])
    assert_type(Book.objects.update(price=models.F("price") + 1), int)
    assert_type(found.delete(), Deletion)


def check_values() -> None:
    tags = Tag.objects
    assert_type(tags.values("id", "name"), models.QuerySet[dict[str, Any]])
    assert_type(tags.values("name").first(), dict[str, Any] | None)
    assert_type(tags.values_list("id", "name"), models.QuerySet[tuple[Any, ...]])
    assert_type(tags.values_list("name", flat=True), models.QuerySet[Any])
    assert_type(tags.values_list("name", named=True), models.QuerySet[Any])
    assert_type(list(Book.objects.dates("released", "year")), list[dt.date])
    assert_type(tags.in_bulk([1]), dict[Any, Tag])


async def check_twins(book: Book) -> None:
    assert_type(await book.tags.acreate(name="x"), Tag)
    assert_type(await book.tags.acount(), int)
    assert_type(await Book.objects.adelete(), Deletion)
    assert_type(await Tag.objects.aaggregate(models.Count("id")), dict[str, Any])
    assert_type(await Book.printed.filter(title="x"), list[Book])
    async for tag in Tag.objects.aiterator():
        assert_type(tag, Tag)


async def check_shortcuts(tag: Tag) -> None:
    assert_type(get_object_or_404(Book, id=1), Book)
    assert_type(get_object_or_404(Book.objects.dear(), Book.price > 60), Book)
    assert_type(await aget_object_or_404(Book.objects.select_related("after"), id=1), Book)
    assert_type(await aget_object_or_404(Book.printed.all(), title="x"), Book)

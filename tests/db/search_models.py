"""Models for the tests of full-text search: a magazine, whose tables are made where needed."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import mapped_column

from tests.db.gallery_models import forget
from undercroft import models
from undercroft.db.connections.databases import databases


class Writer(models.Model):
    name = models.CharField(max_length=50)
    bio = models.TextField(default="")
    essays: models.RelatedManager["Essay"]

    class Meta:
        indexes = (models.SearchIndex(fields=["bio"], name="writer_search", weights={"bio": "B"}),)


class Label(models.Model):
    name = models.CharField(max_length=50)

    class Meta:
        indexes = (models.SearchIndex(fields=["name"], name="label_search", config="simple"),)


class Essay(models.Model):
    title = models.CharField(max_length=100)
    text = models.TextField(null=True)
    note = models.CharField(max_length=100, default="", db_column="remark")
    words = models.IntegerField(default=0)
    writer = models.ForeignKey(Writer, models.CASCADE, null=True, related_name="essays")
    labels = models.ManyToManyField(Label, related_name="essays")

    class Meta:
        ordering = ("title",)
        indexes = (
            models.SearchIndex(
                fields=["title", "text"], name="essay_search", weights={"title": "A"}
            ),
            models.SearchIndex(fields=["note"], name="essay_notes", config="simple"),
        )


class Plain(models.Model):
    """Has no index."""

    text = models.TextField()


class Stored(models.Model):
    """Keeps its words in a column, which PostgreSQL alone can."""

    title = models.CharField(max_length=50)
    text = models.TextField()
    words = models.GeneratedField(
        expression="setweight(to_tsvector('english', title), 'A') || to_tsvector('english', text)",
        output_field=mapped_column(TSVECTOR),
    )

    class Meta:
        indexes = (sa.Index("stored_words", "words", postgresql_using="gin"),)


STORED = forget(Stored)
THROUGH = Essay._meta.many["labels"].through

# Tables are looked for by name while classes are mapped, so that comes first.
TABLES = [forget(model) for model in (Writer, Label, Essay, THROUGH, Plain) if model._meta.mapper]


@contextmanager
def made_tables() -> Iterator[None]:
    """Have the tables while the block runs."""
    for table in TABLES:
        table.create(databases["default"].sync_engine)
    try:
        yield
    finally:
        for table in reversed(TABLES):
            # Not the same engine any more where a test has closed all connections.
            table.drop(databases["default"].sync_engine)


def fill() -> Writer:
    """Write a few essays; gives the first writer."""
    ada = Writer.objects.create(name="Ada", bio="Writes of engines and foxes")
    ben = Writer.objects.create(name="Ben", bio="Sings")
    Essay.objects.create(title="The quick fox", text="It jumps over lazy dogs", writer=ada)
    Essay.objects.create(
        title="Dogs", text="A fox is quick as dogs: fox, fox", writer=ben, note="the end"
    )
    Essay.objects.create(title="Cats", text=None, writer=ada, note="Jumping cats")
    Essay.objects.create(title="Engines", text="Brown and quick, naïve", words=7)
    return ada

"""Instances remember the database they came from."""

from pathlib import Path

import pytest

from tests.db.shop_models import Author, Counter, Publisher
from undercroft import models
from undercroft.db.connections.databases import databases

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def other(tmp_path: Path) -> str:
    """A second database, called other."""
    default = databases["default"].url
    databases.configure({"default": default, "other": f"sqlite:///{tmp_path / 'other.sqlite3'}"})
    models.create_all("other")
    return "other"


def test_a_row_is_saved_where_it_came_from(other: str) -> None:
    """Saving, reading again and deleting go to the database a row was read from."""
    Counter.objects.create(value=1)
    Counter.objects.using(other).create(value=2)
    row = Counter.objects.using(other).get(id=1)
    row.value = 9
    row.save()
    assert Counter.objects.get(id=1).value == 1
    assert Counter.objects.using(other).get(id=1).value == 9
    row.refresh_from_db()
    assert row.value == 9
    row.delete()
    assert Counter.objects.count() == 1
    assert Counter.objects.using(other).count() == 0


def test_a_new_row_remembers_where_it_was_saved(other: str) -> None:
    """What `create` or `save(using=...)` put elsewhere is changed there afterwards."""
    made = Counter.objects.using(other).create(value=1)
    made.value = 2
    made.save()
    saved = Counter(value=3)
    saved.save(using=other)
    saved.value = 4
    saved.save()
    values = Counter.objects.using(other).order_by("id").values_list("value", flat=True)
    assert list(values) == [2, 4]
    assert Counter.objects.count() == 0


def test_relations_stay_in_their_database(other: str) -> None:
    """Both sides of a foreign key are looked for where the row came from."""
    Publisher.objects.create(name="here")
    there = Publisher.objects.using(other).create(name="there")
    there.authors.create(name="Ada", email="ada@example.org")
    assert Author.objects.count() == 0
    author = Author.objects.using(other).select_related("publisher").get()
    assert [one.name for one in author.publisher.authors.all()] == ["Ada"]
    author.publisher.name = "changed"
    author.publisher.save()
    assert Publisher.objects.get().name == "here"
    assert Author.objects.using(other).get().publisher.name == "changed"

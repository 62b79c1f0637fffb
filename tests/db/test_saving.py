# ruff: noqa: PT012 - what a block does with an exception is what is tested
"""Saving what was never read: by its key, some of its fields, or in another database."""

from pathlib import Path

import pytest

from tests.db.shop_models import Author, Counter, Publisher, make_author
from undercroft import models
from undercroft.db.connections.databases import databases
from undercroft.db.connections.transactions import atomic
from undercroft.db.sessions import session
from undercroft.db.signals import post_save
from undercroft.errors import FieldError

pytestmark = pytest.mark.usefixtures("database")


def test_a_row_is_updated_without_having_been_read() -> None:
    """`force_update` writes all an instance has, `update_fields` these fields and no others."""
    author = make_author("Ada")
    Author(id=author.id, name="Bob", email="bob@example.org").save(force_update=True)
    author.refresh_from_db()
    assert (author.name, author.email) == ("Bob", "bob@example.org")
    Author(id=author.id, name="Cyd").save(update_fields=["name"])
    author.refresh_from_db()
    assert (author.name, author.email) == ("Cyd", "bob@example.org")
    assert Author.objects.count() == 1


@pytest.mark.parametrize("told", [{"force_update": True}, {"update_fields": ["name"]}])
def test_a_row_that_must_be_there_is_never_inserted(told: dict[str, object]) -> None:
    """Without a row of that key there is an error, after which the instance can be inserted."""
    author = Author(id=77, name="Ada", email="ada@example.org")
    with pytest.raises(Author.DoesNotExist, match="its row is gone"):
        author.save(**told)  # type: ignore[arg-type]
    assert Author.objects.count() == 0
    author.save()
    assert Author.objects.get().id == 77
    with pytest.raises(FieldError, match="it has no key"):
        Author(name="Bob", email="bob@example.org").save(**told)  # type: ignore[arg-type]
    with pytest.raises(FieldError, match="exclude each other"):
        author.save(force_insert=True, **told)  # type: ignore[arg-type]


def test_an_update_of_what_was_not_read_is_taken_back() -> None:
    """After a rollback such an instance counts as never saved, as it did before."""
    author = make_author("Ada")
    other = Author(id=author.id, name="Bob")
    with pytest.raises(ZeroDivisionError), atomic():
        other.save(update_fields=["name"])
        _ = 1 / 0
    other.save(update_fields=["name"])
    assert Author.objects.get().name == "Bob"


def test_no_fields_are_no_save() -> None:
    """With empty `update_fields` nothing is written, and nobody is told."""
    heard: list[object] = []

    def hear(**told: object) -> None:
        heard.append(told)

    post_save.connect(hear, sender=Author)
    try:
        Author(name="Ada", email="ada@example.org").save(update_fields=[])
    finally:
        post_save.disconnect(hear, sender=Author)
    assert (Author.objects.count(), heard) == (0, [])


def test_a_field_that_was_not_loaded_is_not_written() -> None:
    """A deferred field among `update_fields` stays as it is."""
    make_author("Ada")
    author = Author.objects.only("name").get()
    author.name = "Bob"
    author.save(update_fields=["name", "email"])
    assert list(Author.objects.values_list("name", "email")) == [("Bob", "ada@example.org")]


def test_a_row_is_copied_to_another_database(tmp_path: Path) -> None:
    """`save(using=...)` elsewhere writes the whole row: inserts it, or updates the one there."""
    default = databases["default"].url
    databases.configure({"default": default, "other": f"sqlite:///{tmp_path / 'other.sqlite3'}"})
    models.create_all("other")
    made = Counter.objects.create(value=3)
    row = Counter.objects.get()
    row.save(using="other")
    assert Counter.objects.using("other").get(id=made.id).value == 3
    changed = Counter.objects.get()
    changed.value = 4
    changed.save()
    changed.save(using="other")
    assert Counter.objects.using("other").get().value == 4
    changed.value = 5
    changed.save()
    assert Counter.objects.using("other").get().value == 5
    assert Counter.objects.get().value == 4


def test_a_relation_is_loaded_where_the_row_was_saved(tmp_path: Path) -> None:
    """A new row of another database finds the row it refers to there."""
    default = databases["default"].url
    databases.configure({"default": default, "other": f"sqlite:///{tmp_path / 'other.sqlite3'}"})
    models.create_all("other")
    there = Publisher.objects.using("other").create(id=5, name="there")
    Publisher.objects.create(id=5, name="here")
    author = Author.objects.using("other").create(name="A", email="a", publisher_id=there.id)
    assert author.publisher.name == "there"


def test_what_was_deferred_is_still_loaded_after_a_refresh() -> None:
    """Reading some fields again leaves the others that are not loaded to their first use."""
    make_author("Ada")
    author = Author.objects.only("id").get()
    author.refresh_from_db(fields=["name"])
    assert author.email == "ada@example.org"


def test_an_instance_of_a_session_may_save_itself() -> None:
    """What `save` has written, the session neither writes nor takes for a change."""
    author = make_author("Ada")
    with atomic(), session() as opened:
        found = opened.get(Author, author.id)
        assert found is not None
        found.name = "Bob"
        found.save()
        assert found not in opened.dirty
        found.email = "bob@example.org"
        opened.commit()
    author.refresh_from_db()
    assert (author.name, author.email) == ("Bob", "bob@example.org")

"""What stands for a relation's target: an instance of it that was saved, or its key."""

import pytest

from tests.db.shop_models import Author, Book, Counter, Publisher, make_author
from undercroft.errors import FieldError, FieldValueError

pytestmark = pytest.mark.usefixtures("database")


def test_update_takes_a_target_or_its_key() -> None:
    """Neither another model's row nor an unsaved one is written as NULL."""
    first, second = Publisher.objects.create(name="a"), Publisher.objects.create(name="b")
    author = make_author(publisher=first)
    for value in (author, Publisher(name="new"), "x", object()):
        with pytest.raises(FieldValueError):
            Author.objects.update(publisher=value)
    assert Author.objects.get().publisher_id == first.id
    Author.objects.update(publisher=second.id)
    assert Author.objects.get().publisher == second
    Author.objects.update(publisher=first)
    assert Author.objects.get().publisher == first
    Author.objects.update(publisher=None)
    assert Author.objects.get().publisher is None


def test_lookups_compare_with_the_target_only() -> None:
    """The key of another model's row means nothing here."""
    publisher = Publisher.objects.create(name="a")
    Book.objects.create(title="x", author=make_author())
    with pytest.raises(FieldValueError, match="Author"):
        Book.objects.filter(author=publisher)
    with pytest.raises(FieldValueError, match="Author"):
        Book.objects.filter(author__in=[publisher])
    with pytest.raises(FieldValueError, match="save it first"):
        Book.objects.filter(author=Author(name="new"))
    assert Book.objects.filter(author=Author.objects.get()).count() == 1


def test_a_relation_is_set_to_its_target_only() -> None:
    """Another model's row is refused at the assignment, and a key goes to its own attribute."""
    author = make_author()
    with pytest.raises(FieldValueError, match="a Publisher"):
        author.publisher = make_author("Bob")
    with pytest.raises(FieldValueError, match="publisher_id"):
        author.publisher = 5
    assert (author.publisher_id, author.publisher) == (None, None)


def test_the_constructor_takes_a_key_for_a_relation() -> None:
    """`Author(publisher=5)` is `Author(publisher_id=5)`."""
    publisher = Publisher.objects.create(name="a")
    assert Author(publisher=publisher.id).publisher_id == publisher.id
    assert make_author(publisher=publisher.id).publisher == publisher
    with pytest.raises(FieldValueError):
        Author(publisher="x")
    with pytest.raises(FieldValueError):
        Author(publisher=Counter())


def test_a_target_may_be_saved_after_it_was_assigned() -> None:
    """The key is taken when the row is written."""
    publisher = Publisher(name="a")
    author = Author(name="Ada", email="a@example.org", publisher=publisher)
    with pytest.raises(FieldError, match="Save it first"):
        author.save()
    publisher.save()
    author.save()
    assert Author.objects.get().publisher_id == publisher.id
    author.publisher = other = Publisher(name="b")
    author.save(update_fields=["name"])
    with pytest.raises(FieldError, match="Save it first"):
        author.save()
    other.save()
    author.save()
    assert Author.objects.get().publisher_id == other.id


def test_a_relation_that_was_none_follows_its_key() -> None:
    """After a new key the relation is loaded anew, even when there was none before."""
    publisher = Publisher.objects.create(name="a")
    author = Author.objects.get(id=make_author().id)
    assert author.publisher is None
    author.publisher_id = publisher.id
    assert author.publisher == publisher
    author.publisher_id = None
    assert author.publisher is None


def test_arguments_must_agree() -> None:
    """A relation and its column that contradict each other are refused, whoever takes them."""
    one, two = Publisher.objects.create(name="a"), Publisher.objects.create(name="b")
    assert Author(publisher=one, publisher_id=one.id).publisher_id == one.id
    for given in ({"publisher": one}, {"publisher": one.id}, {"publisher": None}):
        with pytest.raises(FieldError, match="beside it"):
            Author(**given, publisher_id=two.id)
        with pytest.raises(FieldError, match="beside it"):
            Author.objects.update(publisher_id=two.id, **given)
    with pytest.raises(FieldError, match="beside it"):
        one.authors.create(name="x", email="x@example.org", publisher=two)
    with pytest.raises(FieldError, match="beside it"):
        one.authors.create(name="x", email="x@example.org", publisher_id=two.id)


def test_pk_names_the_key_in_writes() -> None:
    """`pk` is taken by the constructor, `create`, `get_or_create` and `update`."""
    assert Counter(pk=5).id == 5
    assert Counter.objects.create(pk=5).id == 5
    assert Counter.objects.get_or_create(pk=6)[0].id == 6
    Counter.objects.filter(pk=6).update(pk=7)
    assert Counter.objects.filter(pk=7).exists()
    row = Counter.objects.get(pk=7)
    row.pk = 8
    row.save()
    row.value = 3
    row.save()
    assert Counter.objects.get(pk=8).value == 3
    assert Counter.objects.count() == 2


def test_a_row_without_its_key_is_a_new_one() -> None:
    """Setting the key to None and saving inserts a copy."""
    row = Counter.objects.create(value=4)
    row.pk = None
    row.save()
    assert sorted(Counter.objects.values_list("id", "value")) == [(1, 4), (2, 4)]
    row.value = 5
    row.save()
    assert sorted(Counter.objects.values_list("id", "value")) == [(1, 4), (2, 5)]

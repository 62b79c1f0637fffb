"""Model classes: tables, keys, Meta, inheritance, and what each field says of itself."""

import copy
import datetime as dt
import pickle
import subprocess
import sys
import uuid
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tests.db.shop_models import (
    Author,
    Book,
    Colour,
    Counter,
    Critic,
    Named,
    Publisher,
    Review,
    make_author,
)
from undercroft import models
from undercroft.db.connections.databases import databases
from undercroft.db.fields.values import add_article
from undercroft.db.mapping.options import find_app_label
from undercroft.errors import FieldValueError, ForeignKeyViolation, ImproperlyConfigured


def test_tables_are_named_after_app_and_model() -> None:
    """The app is the package around `models`; a top-level module has none."""
    assert find_app_label("blog.models") == "blog"
    assert find_app_label("mysite.blog.models") == "blog"
    assert find_app_label("blog.models.post") == "blog"
    assert find_app_label("blog.entities") == "blog"
    assert find_app_label("main") == ""
    assert find_app_label("models") == ""
    assert Book.__tablename__ == "db_book"
    assert Book.__options__.label == "db.Book"
    assert Book.__options__.verbose_name_plural == "books"


def test_constraints_have_names_that_do_not_depend_on_the_database() -> None:
    """Migrations can drop every constraint by its name."""
    table = Book.__table__
    assert isinstance(table, sa.Table)
    names = {str(constraint.name) for constraint in table.constraints}
    assert {
        "pk_db_book",
        "fk_db_book_author_id_db_author",
        "uq_db_book_token",
        "uq_db_book_author_id_title",
    } <= names
    assert {str(index.name) for index in table.indexes} == {
        "ix_db_book_author_id",
        "ix_db_book_sequel_to_id",
    }


def test_meta_is_inherited_from_abstract_models() -> None:
    """Fields and order come from an abstract parent, its table and abstractness do not."""
    assert Publisher.__options__.ordering == Author.__options__.ordering == ("name",)
    assert "name" in Publisher.__options__.columns
    assert not hasattr(Named, "__table__")
    with pytest.raises(ImproperlyConfigured, match="abstract"):
        _ = Named.objects


def test_options_of_meta_are_checked() -> None:
    """A typo in Meta is an error at import."""
    with pytest.raises(ImproperlyConfigured, match="Did you mean 'ordering'"):

        class Wrong(models.Model):
            class Meta:
                odering: ClassVar[list[str]] = ["x"]


def test_options_of_fields_are_checked() -> None:
    """A typo in a field's options, and options that exclude each other, are errors at import."""
    with pytest.raises(ImproperlyConfigured, match="no option 'uniqe'"):
        models.TextField(uniqe=True)  # type: ignore[call-overload]
    with pytest.raises(ImproperlyConfigured, match="positive length"):
        models.CharField(max_length=0)
    with pytest.raises(ImproperlyConfigured, match="one of auto_now"):
        models.DateField(auto_now=True, default=dt.date.today)
    with pytest.raises(ImproperlyConfigured, match="null=True"):
        models.ForeignKey(Author, on_delete=models.SET_NULL)


def test_each_field_describes_itself() -> None:
    """Forms, serializers and admin read a field's options from its column."""
    fields = Book.__options__.fields
    assert fields["title"].kind == "CharField"
    assert fields["title"].verbose_name == "book title"
    assert fields["title"].max_length == 20
    assert fields["title"].help_text == "As on the cover."
    assert fields["summary"].blank
    assert fields["price"].max_digits == 8
    assert fields["price"].decimal_places == 2
    assert fields["colour"].choices == (("red", "Red"), ("blue", "Dark blue"))
    assert fields["created"].auto_now_add
    assert not fields["created"].editable
    assert fields["author_id"].kind == "ForeignKey"
    assert fields["author_id"].relation == "author"
    assert fields["author_id"].on_delete == "CASCADE"
    assert fields["rating"].null
    assert not fields["title"].has_default
    assert fields["pages"].has_default
    assert fields["pages"].get_default() == 1
    assert fields["pages"].min_value == 0
    assert fields["id"].primary_key
    assert fields["review_count"].get_default() == 0
    assert models.find_field_info(Book.__options__.columns["title"]) is fields["title"]
    assert Colour.RED.value == "red"


def test_keys_of_ones_own_take_the_place_of_id() -> None:
    """A field with primary_key=True is the key, and `pk` leads to it."""
    assert Critic.__options__.primary_key == "id"
    critic = Critic(name="c")
    assert isinstance(critic.pk, uuid.UUID)
    assert isinstance(Critic.__table__.c["id"].type, sa.Uuid)
    assert Review.__options__.relations["critic"].target is Critic
    assert Book.__options__.relations["sequel_to"].target is Book


def test_sqlalchemys_declarations_stand_beside_ours() -> None:
    """`Mapped[...] = mapped_column(...)`, `__table_args__` and column options are SQLAlchemy's."""

    class Mixed(models.Model):
        name = models.CharField(max_length=5)
        when: Mapped[dt.datetime]
        number: Mapped[int | None] = mapped_column(sa.SmallInteger, unique=True)

        __table_args__ = (sa.CheckConstraint("number > 0", name="positive"), {"comment": "x"})

        class Meta:
            db_table = "mixed_things"
            unique_together = ("name", "number")

    table = Mixed.__table__
    assert isinstance(table, sa.Table)
    assert table.name == "mixed_things"
    assert table.comment == "x"
    assert isinstance(table.c.when.type, models.UTCDateTime)
    assert "uq_mixed_things_name_number" in {str(item.name) for item in table.constraints}
    assert "ck_mixed_things_positive" in {str(item.name) for item in table.constraints}
    models.Model.metadata.remove(table)


def test_a_key_may_be_called_otherwise() -> None:
    """Models whose key has another name or type are written, found and referred to."""
    before = databases["default"].url

    class Country(models.Model):
        code = models.CharField(max_length=2, primary_key=True)

    class City(models.Model):
        name = models.CharField(max_length=50, db_column="city_name")
        country = models.ForeignKey(Country, on_delete=models.CASCADE, related_name="cities")

    databases.configure({"default": "sqlite://"})
    try:
        Country.metadata.create_all(
            databases["default"].sync_engine, tables=[Country.__table__, City.__table__]
        )
        country = Country.objects.create(code="de")
        city = City.objects.create(name="Ulm", country=country)
        assert Country.__options__.columns.keys() == {"code"}
        assert City.objects.get(country__code="de", name="Ulm").country_id == "de"  # type: ignore[attr-defined]
        assert City.objects.select_related("country").get(pk=city.pk).country == country
        assert list(City.objects.order_by("country__pk").values_list("name", flat=True)) == ["Ulm"]
        country.code = "at"
        # The key is written where the row was read, and the database keeps the city's.
        with pytest.raises(ForeignKeyViolation, match=r"City\.country"):
            country.save()
    finally:
        databases.dispose()
        databases.configure({"default": before})
        for model in (City, Country):
            models.Model.metadata.remove(model.__table__)


def test_instances_compare_by_key() -> None:
    """Two instances of one row are equal and hash alike; unsaved ones are only themselves."""
    one, two, other = Publisher(name="a"), Publisher(name="b"), Author(name="c")
    one.id = two.id = other.id = 5
    assert one == two
    assert hash(one) == hash(two)
    assert one != other
    assert Publisher(name="a") != Publisher(name="a")
    assert str(one) == "Publisher object (5)"
    assert repr(Book(title="T")) == "<Book: T>"


def test_a_reverse_name_can_be_taken_once() -> None:
    """Two foreign keys cannot answer to the same name on their target."""
    with pytest.raises(ImproperlyConfigured, match="related_name"):

        class Clash(models.Model):
            author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="books")


@pytest.mark.parametrize(
    "default, hint",
    [({}, "default=dict"), ([], "default=list"), (set(), "default=set"), ({"a": 1}, "lambda")],
)
def test_a_default_is_not_shared_by_instances(default: Any, hint: str) -> None:
    """A mutable default is refused where it is declared, with what to write instead."""
    with pytest.raises(ImproperlyConfigured, match=hint):
        models.JSONField(default=default)


def test_sqlalchemys_mutable_default_is_copied() -> None:
    """SQLAlchemy allows it, so each instance gets one of its own."""

    class Bag(models.Model):
        things: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default={})

        class Meta:
            app_label = "shared"

    assert Bag().things is not Bag().things


def test_a_table_has_no_subclasses() -> None:
    """Inheriting from a mapped model is refused, also through an abstract one."""
    with pytest.raises(ImproperlyConfigured, match="abstract"):
        type("Child", (Counter,), {"__module__": __name__})
    middle = type(
        "Middle",
        (Counter,),
        {"__module__": __name__, "Meta": type("Meta", (), {"abstract": True})},
    )
    with pytest.raises(ImproperlyConfigured, match="Counter"):
        type("Child", (middle,), {"__module__": __name__})


def test_targets_that_nobody_defines_are_named() -> None:
    """A check at start-up says which foreign key names what, and what may be meant."""
    # In a process of its own, for such a model stays in the way of all others.
    program = (
        "from undercroft import models\n"
        "from undercroft.db.mapping.registry import check_targets\n"
        "class Author(models.Model):\n    pass\n"
        "check_targets()\n"
        "class Post(models.Model):\n"
        "    author = models.ForeignKey('Athor', on_delete=models.CASCADE)\n"
        "check_targets()\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert "'Athor', which Post.author names, is not defined" in answer.stderr
    assert "Did you mean 'Author'?" in answer.stderr


def test_the_other_side_may_be_annotated() -> None:
    """`RelatedManager[...]` is what a type checker sees; it makes no column."""

    class Shelf(models.Model):
        boards: models.RelatedManager["Board"]
        more: "models.RelatedManager[Board]"

        class Meta:
            app_label = "shelves"

    class Board(models.Model):
        shelf = models.ForeignKey(Shelf, on_delete=models.CASCADE, related_name="boards")

        class Meta:
            app_label = "shelves"

    assert tuple(Shelf.__options__.columns) == ("id",)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_instances_can_be_copied(database: str, duplicate: Any) -> None:
    """A copy has the row's values, changes by itself, and is saved like the original."""
    author = Author.objects.get(id=make_author(publisher=Publisher.objects.create(name="a")).id)
    other = duplicate(author)
    assert (other, other.publisher_id) == (author, author.publisher_id)
    other.name = "Bob"
    assert author.name == "Ada"
    other.save()
    assert Author.objects.get().name == "Bob"


def test_messages_speak_of_models_as_people_do() -> None:
    """It is an Author and a Book, a User and a Unit, an Order and an Umbrella."""
    names = ["Author", "Book", "User", "Unit", "Usage", "Europe", "Order", "Umbrella", "Item"]
    assert [add_article(name).split()[0] for name in names] == (
        ["an", "a", "a", "a", "a", "a", "an", "an", "an"]
    )
    wrong: Any = Book(title="x")
    with pytest.raises(FieldValueError, match="expected an Author; a key goes to author_id"):
        Book(title="y").author = wrong
    with pytest.raises(FieldValueError, match="expected an Author"):
        Book.objects.filter(author=wrong)

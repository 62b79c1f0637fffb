"""What `Meta` declares: constraints, indexes, their names, what children inherit of them."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from tests.db.gallery_models import forget
from undercroft import models
from undercroft.db.mapping.names import shorten_name
from undercroft.errors import FieldError, ImproperlyConfigured

NUMBER = iter(range(1000))


def declare(*bases: type[Any], meta: dict[str, Any] | None = None, **attributes: Any) -> Any:
    """Make a model of the app `shop`, which nothing else sees."""
    inner = type("Meta", (), {"app_label": "shop", **(meta or {})})
    body = {"__module__": __name__, **attributes, "Meta": inner}
    model = type(f"Item{next(NUMBER)}", bases or (models.Model,), body)
    if not inner.__dict__.get("abstract"):
        forget(model)
    return model


def write_tables(model: Any) -> str:
    """The statements that make the table on PostgreSQL."""
    dialect = postgresql.dialect()
    indexes = sorted(model.__table__.indexes, key=lambda each: str(each.name))
    statements = [CreateTable(model.__table__), *map(CreateIndex, indexes)]
    return "\n".join(str(each.compile(dialect=dialect)) for each in statements)


def build_fields() -> dict[str, Any]:
    return {
        "title": models.CharField(max_length=20, db_column="heading"),
        "price": models.IntegerField(default=0),
        "sold": models.BooleanField(default=False),
    }


@pytest.mark.parametrize(
    "declared, expected",
    [
        (models.CheckConstraint(condition="price > 5", name="c"), "CONSTRAINT c CHECK (price > 5)"),
        (
            models.CheckConstraint(condition=lambda item: item.title != "a:b%", name="c"),
            "CHECK (heading != 'a:b%%')",
        ),
        (
            models.CheckConstraint(
                condition=models.Q(price__gte=1) | models.Q(sold=True), name="c"
            ),
            "CHECK (price >= 1 OR sold = true)",
        ),
        (
            models.CheckConstraint(condition="price::text <> ':x'", name="c"),
            "CHECK (price::text <> ':x')",
        ),
        (models.UniqueConstraint(fields=["title", "price"]), "UNIQUE (heading, price)"),
        (models.UniqueConstraint(fields=["title"], name="u"), "CONSTRAINT u UNIQUE (heading)"),
        (
            models.UniqueConstraint(
                fields=["title"], name="u", deferrable=models.Deferrable.DEFERRED
            ),
            "UNIQUE (heading) DEFERRABLE INITIALLY DEFERRED",
        ),
        (
            models.UniqueConstraint(fields=["title"], name="u", nulls_distinct=False),
            "UNIQUE NULLS NOT DISTINCT (heading)",
        ),
        (
            models.UniqueConstraint(fields=["title"], name="u", include=["price"]),
            "CREATE UNIQUE INDEX u ON {table} (heading) INCLUDE (price)",
        ),
        (
            models.UniqueConstraint(
                fields=["title"], name="u", condition=lambda item: item.price > 5
            ),
            "CREATE UNIQUE INDEX u ON {table} (heading) WHERE price > 5",
        ),
        (
            models.UniqueConstraint(lambda item: sa.func.lower(item.title), name="u"),
            "CREATE UNIQUE INDEX u ON {table} (lower(heading))",
        ),
    ],
)
def test_constraints_become_sqlalchemys(declared: Any, expected: str) -> None:
    """Conditions and fields are those of the model, whatever its columns are called."""
    model = declare(meta={"constraints": [declared]}, **build_fields())
    assert expected.format(table=model.__tablename__) in write_tables(model)


@pytest.mark.parametrize(
    "declared, expected",
    [
        (models.Index(fields=["-price", "title"]), "ix_{table}_price_title ON {table} (price DE"),
        (models.Index(fields=["title"], name="i"), "INDEX i ON {table} (heading)"),
        (
            models.Index(fields=["title"], name="i", opclasses=["varchar_pattern_ops"]),
            "(heading varchar_pattern_ops)",
        ),
        (models.Index(fields=["title"], include=["price"]), "(heading) INCLUDE (price)"),
        (models.Index(fields=["price"], name="i", condition="sold"), "(price) WHERE sold"),
        (models.Index("lower(heading)", name="i"), "INDEX i ON {table} (lower(heading))"),
        (
            models.Index(models.F("price"), lambda item: item.title.desc(), name="i"),
            "(price, heading DESC)",
        ),
        (sa.Index("i", "price", postgresql_using="brin"), "USING brin (price)"),
    ],
)  # fmt: skip
def test_indexes_become_sqlalchemys(declared: Any, expected: str) -> None:
    """Order, operator classes, conditions and expressions are kept; SQLAlchemy's own are taken."""
    model = declare(meta={"indexes": [declared]}, **build_fields())
    assert expected.format(table=model.__tablename__) in write_tables(model)


def test_children_get_constraints_of_their_own() -> None:
    """An abstract model's constraints and indexes are made anew for each child, under its name."""
    meta = {
        "abstract": True,
        "constraints": [models.CheckConstraint(condition="price > 0", name="%(class)s_price")],
        "indexes": [models.Index(fields=["title"], name="%(app_label)s_%(class)s_title")],
        "unique_together": ("title", "price"),
    }
    parent = declare(meta=meta, **build_fields())
    one, two = (forget(type(name, (parent,), {"__module__": __name__})) for name in ("One", "Two"))
    for table in (one, two):
        name = table.name.partition("_")[2]
        named = {str(each.name) for each in (*table.constraints, *table.indexes)}
        assert {f"{name}_price", f"shop_{name}_title"} <= named
        assert f"uq_{table.name}_heading_price" in named
        assert all(each.table is table for each in table.constraints)


def test_fields_come_from_plain_classes() -> None:
    """A mixin that is no model gives fields, generated ones and choices among them."""

    class Sized:
        size = models.IntegerField(choices=[(1, "Small")], default=1)
        double = models.GeneratedField(
            expression=lambda item: item.size * 2, output_field=models.IntegerField()
        )

    one, two = declare(Sized, models.Model), declare(Sized, models.Model)
    for model in (one, two):
        assert "GENERATED ALWAYS AS (size * 2) STORED" in write_tables(model)
        assert model().get_size_display() == "Small"
        assert model._meta.get_field("double").is_generated
    assert one.__table__.c.size is not two.__table__.c.size


def test_the_name_of_the_other_side_has_a_default() -> None:
    """`default_related_name` is that of foreign keys which say nothing else."""
    target = declare()
    child = declare(
        meta={"default_related_name": "%(class)s_list"},
        owner=models.ForeignKey(target, on_delete=models.CASCADE),
        other=models.ForeignKey(target, on_delete=models.CASCADE, related_name="others"),
    )
    assert hasattr(target, f"{child.__name__.lower()}_list")
    assert hasattr(target, "others")


@pytest.mark.parametrize(
    "declare_it, message",
    [
        (lambda: models.UniqueConstraint(name="u"), "0 expressions"),
        (lambda: models.UniqueConstraint("a", fields=["b"], name="u"), "1 expressions"),
        (lambda: models.UniqueConstraint(fields="title", name="u"), "expected a list"),
        (lambda: models.UniqueConstraint(fields=["a"], condition="b"), "has no name"),
        (lambda: models.Index("lower(a)"), "Index with expressions .* has no name"),
        (lambda: models.Index(fields=["a"], opclasses=["x", "y"]), "2 opclasses for 1 fields"),
        (
            lambda: models.UniqueConstraint(
                fields=["a"], name="u", condition="b", deferrable=models.Deferrable.IMMEDIATE
            ),
            "cannot be deferred",
        ),
    ],
    ids=range(7),
)
def test_what_means_nothing_is_refused(declare_it: Callable[[], Any], message: str) -> None:
    """Fields and expressions exclude each other; what has no plain name needs one."""
    with pytest.raises(ImproperlyConfigured, match=message) as caught:
        declare_it()
    assert caught.value.code == "db.constraint"


@pytest.mark.parametrize(
    "meta, message",
    [
        ({"indexes": [models.Index(fields=["titel"])]}, "Did you mean 'title'"),
        ({"unique_together": [("title", "prize")]}, "Did you mean 'price'"),
        ({"indexes": [models.Index(fields=["title"], name="x" * 64)]}, "too long"),
        ({"constraints": ["price > 0"]}, "models.CheckConstraint"),
        ({"constraints": [models.CheckConstraint(condition=5, name="c")]}, "is no SQL"),
        ({"index_together": [("title", "price")]}, "models.Index"),
        ({"proxy": True}, "second manager"),
        ({"order_with_respect_to": "title"}, "number field"),
        ({"db_tabel": "x"}, "Did you mean 'db_table'"),
    ],
    ids=range(9),
)
def test_what_meta_cannot_mean_is_refused(meta: dict[str, Any], message: str) -> None:
    """Unknown fields and options are errors at import, with what was meant or is to be written."""
    with pytest.raises((ImproperlyConfigured, FieldError), match=message):
        declare(meta=meta, **build_fields())


def test_one_object_of_sqlalchemys_belongs_to_one_table() -> None:
    """A second child that would take it over from the first is told what to write instead."""
    meta = {"abstract": True, "constraints": [sa.CheckConstraint("price > 0", name="c")]}
    parent = declare(meta=meta, **build_fields())
    forget(type("First", (parent,), {"__module__": __name__}))
    with pytest.raises(ImproperlyConfigured, match="each child gets anew"):
        type("Second", (parent,), {"__module__": __name__})


def test_long_names_stay_apart() -> None:
    """A name that is cut ends in what tells it from others, the same in every process."""
    one, two = (shorten_name(f"ck_{'x' * 70}_{end}") for end in "ab")
    assert one != two
    assert len(one) == len(two) == 63
    assert one == shorten_name(f"ck_{'x' * 70}_a")
    assert shorten_name("short") == "short"


def test_a_long_table_has_checks_with_short_names() -> None:
    """Positive fields and enums of long names get checks that every database takes."""
    model = declare(
        meta={"db_table": "t" * 40}, **{"n" * 30: models.PositiveIntegerField(default=0)}
    )
    names = [str(each.name) for each in model.__table__.constraints]
    assert all(len(name) <= 63 for name in names)
    assert sum(name.startswith("ck_") for name in names) == 1


def test_a_table_of_sqlalchemys_makes_a_model() -> None:
    """A class with `__table__` has options, fields and querysets as any other."""

    class Handmade(models.Model):
        __table__ = sa.Table(
            "handmade",
            models.Model.metadata,
            sa.Column("key", sa.Integer, primary_key=True),
            sa.Column("note", sa.String(5), nullable=True),
        )

    forget(Handmade)
    assert Handmade._meta.db_table == "handmade"
    assert Handmade._meta.get_field("note").max_length == 5
    assert Handmade._meta.pk.name == "key"
    assert Handmade(note="x").note == "x"

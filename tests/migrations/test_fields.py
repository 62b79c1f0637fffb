"""Migrations of what models declare: each thing added, altered and dropped, on every database."""

import datetime as dt
import enum
import itertools
import re
import uuid
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from tests.db.gallery_models import forget
from tests.migrations.conftest import Project
from undercroft import models
from undercroft.db.connections.databases import databases
from undercroft.db.schema import list_tables
from undercroft.errors import ImproperlyConfigured, MigrationError
from undercroft.migrations.making import describe_models
from undercroft.migrations.state import TableState, describe_table

_count = itertools.count()


class Tone(enum.Enum):
    WARM = "warm"
    COLD = "cold"


class Mood(enum.Enum):
    WARM = "warm"
    COLD = "cold"
    TEPID = "tepid"


def declare(meta: dict[str, Any] | None = None, **fields: Any) -> TableState:
    """Describe the table `shop_item` of a model with these fields."""
    options = {"db_table": "shop_item", "app_label": "shop", **(meta or {})}
    attributes = {"__module__": __name__, **fields, "Meta": type("Meta", (), options)}
    model: Any = type(f"Item{next(_count)}", (models.Model,), attributes)
    return describe_table(forget(model), "shop")


def advance(project: Project, table: TableState) -> tuple[str, ...]:
    """Make and apply what leads to a version of the table, after which nothing is left to do."""
    made = project.make_of(table)
    assert len(made) == 1
    project.migrate()
    again = project.make_of(table)
    assert [each.changes for each in again] == []
    return made[0].changes


def get_vendor() -> str:
    return databases["default"].vendor


def get_row(project: Project, *columns: str) -> tuple[Any, ...]:
    (row,) = project.query(f"SELECT {', '.join(columns)} FROM shop_item")
    return tuple(row)


def read(project: Project, table: TableState) -> dict[str, Any]:
    """Read the one row through the columns of the models, which make Python's values of it."""
    columns = [each.source for each in table.columns.values()]
    with databases["default"].sync_engine.connect() as connection:
        row = connection.execute(sa.select(*columns)).one()  # type: ignore[arg-type]
    return dict(zip(table.columns, row, strict=True))


MOMENT = dt.datetime(2026, 1, 2, 3, 4, 5, 6, dt.UTC)
TOKEN = uuid.UUID(int=0x1234_4000_8000 << 40)


def build_fields() -> dict[str, Any]:
    """A field of every kind, none of which may be NULL, each with a default."""
    return {
        "line": models.CharField(max_length=20, default="it's \\ 100%"),
        "text": models.TextField(blank=True),
        "slug": models.SlugField(default="s"),
        "small": models.SmallIntegerField(default=-5),
        "big": models.BigIntegerField(default=2**40),
        "count": models.PositiveIntegerField(default=3),
        "ratio": models.FloatField(default=1.5),
        "price": models.DecimalField(max_digits=8, decimal_places=2, default=Decimal("9.99")),
        "flag": models.BooleanField(default=True),
        "day": models.DateField(default=MOMENT.date()),
        "hour": models.TimeField(default=MOMENT.time()),
        "moment": models.DateTimeField(default=MOMENT),
        "length": models.DurationField(default=dt.timedelta(hours=-1, microseconds=7)),
        "none": models.DurationField(default=dt.timedelta),
        "token": models.UUIDField(default=TOKEN),
        "data": models.JSONField(default=dict),
        "raw": models.BinaryField(default=b"\x00\xff'"),
        "empty": models.BinaryField(default=b""),
        "ip": models.GenericIPAddressField(default="::1"),
        "tone": models.EnumField(Tone, default=Tone.COLD),
    }


VALUES = {
    "line": "it's \\ 100%", "text": "", "slug": "s", "small": -5, "big": 2**40, "count": 3,
    "ratio": 1.5, "price": Decimal("9.99"), "flag": True, "day": MOMENT.date(),
    "hour": MOMENT.time(), "moment": MOMENT, "length": dt.timedelta(hours=-1, microseconds=7),
    "none": dt.timedelta(), "token": TOKEN, "data": {}, "raw": b"\x00\xff'", "empty": b"",
    "ip": "::1", "tone": Tone.COLD,
}  # fmt: skip


def test_every_kind_of_column_is_made_added_and_dropped(project: Project) -> None:
    """Rows that are there get the default, read back as the value it is; a second run is idle."""
    advance(project, declare())
    project.query("INSERT INTO shop_item (id) VALUES (1)")
    full = declare(**build_fields())
    assert len(advance(project, full)) == len(full.columns) - 1 + 2
    assert read(project, full) == {"id": 1, **VALUES}
    advance(project, declare())
    assert get_row(project, "*") == (1,)
    project.query("DELETE FROM shop_item")
    project.migrate("shop", "zero")
    advance_again = declare(**build_fields())
    assert project.make_of(advance_again)[0].changes


def test_every_kind_of_column_is_made_with_its_table(project: Project) -> None:
    """A first migration makes all of it, with its checks, and takes it back."""
    full = declare(**build_fields())
    advance(project, full)
    names = {each["name"] for each in project.inspect().get_columns("shop_item")}
    assert names == set(full.columns)
    with pytest.raises(sa.exc.DBAPIError):
        project.query("INSERT INTO shop_item (id, count) VALUES (1, -1)")
    project.migrate("shop", "zero")
    assert "shop_item" not in project.inspect().get_table_names()


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_arrays_are_made_and_added(project: Project) -> None:
    """Lists, lists of lists, of values of other types; with a default for rows that are there."""
    advance(project, declare())
    project.query("INSERT INTO shop_item (id) VALUES (1)")
    full = declare(
        tags=models.ArrayField(
            models.CharField(max_length=5), default=lambda: ['a"b', "c,d", "{}"]
        ),
        grid=models.ArrayField(
            models.ArrayField(models.IntegerField()), default=lambda: [[1], [2]]
        ),
        moments=models.ArrayField(models.DateTimeField(), null=True),
        tones=models.ArrayField(models.EnumField(Tone), default=list),
    )
    advance(project, full)
    assert read(project, full) == {
        "id": 1,
        "tags": ['a"b', "c,d", "{}"],
        "grid": [[1], [2]],
        "moments": None,
        "tones": [],
    }


def test_a_unique_column_is_not_filled_with_one_value(project: Project) -> None:
    """A default that makes a value for each row cannot be given to rows by the database."""
    advance(project, declare())
    with pytest.raises(MigrationError, match="would all get the same value") as caught:
        project.make_of(declare(token=models.UUIDField(default=uuid.uuid4, unique=True)))
    assert caught.value.code == "migrations.no-default"


def test_null_gives_way_to_a_default_of_any_kind(project: Project) -> None:
    """Rows that hold NULL get the default when a column may no longer."""
    advance(
        project, declare(length=models.DurationField(null=True), raw=models.BinaryField(null=True))
    )
    project.query("INSERT INTO shop_item (id) VALUES (1)")
    full = declare(
        length=models.DurationField(default=dt.timedelta(1)), raw=models.BinaryField(default=b"x")
    )
    advance(project, full)
    assert read(project, full) == {"id": 1, "length": dt.timedelta(1), "raw": b"x"}


def violates(project: Project, statement: str) -> bool:
    """Tell whether a statement breaks a constraint, and nothing else."""
    try:
        project.query(statement)
    except sa.exc.DBAPIError as error:
        if re.search(r"unique|check|duplicate|constraint", str(error.orig), re.IGNORECASE):
            return True
        raise
    return False


def build_shop(**options: Any) -> TableState:
    """A table with names that are SQL's own, which have to be quoted."""
    return declare(
        {"constraints": options.pop("constraints", []), "indexes": options.pop("indexes", [])},
        order=models.IntegerField(default=1, **options),
        group=models.CharField(max_length=20, default="a"),
        price=models.IntegerField(null=True),
    )


def test_checks_are_added_changed_and_dropped(project: Project) -> None:
    """A check holds from its migration on, quoted names and percent signs included."""

    def build(least: int | None) -> TableState:
        if least is None:
            return build_shop()
        return build_shop(
            constraints=[
                models.CheckConstraint(condition=lambda each: each.order >= least, name="least"),
                models.CheckConstraint(
                    condition=lambda each: ~each.group.like("100%"), name="no_percent"
                ),
                models.CheckConstraint(condition="\"group\" <> ':x'", name="no_colon"),
                models.CheckConstraint(condition=lambda each: each.group != ":y", name="no_y"),
            ]
        )

    advance(project, build(1))
    assert violates(
        project, "INSERT INTO shop_item (id, {}, {}) VALUES (1, 0, 'a')".format(*quote())
    )
    assert violates(
        project, "INSERT INTO shop_item (id, {}, {}) VALUES (1, 1, '100x')".format(*quote())
    )
    for text in (":x", ":y"):
        values = f"VALUES (1, 1, '{text}')".replace(":", "\\:")
        assert violates(project, "INSERT INTO shop_item (id, {}, {}) ".format(*quote()) + values)
    advance(project, build(0))
    assert not violates(
        project, "INSERT INTO shop_item (id, {}, {}) VALUES (1, 0, 'a')".format(*quote())
    )
    advance(project, build(None))
    assert not violates(
        project, "INSERT INTO shop_item (id, {}, {}) VALUES (2, -5, '100x')".format(*quote())
    )
    advance(project, declare())
    project.query("DELETE FROM shop_item")
    project.migrate("shop", "zero")


def quote() -> tuple[str, str]:
    quote = databases["default"].sync_engine.dialect.identifier_preparer.quote
    return quote("order"), quote("group")


def test_unique_constraints_are_added_changed_and_dropped(project: Project) -> None:
    """Over fields, with a condition, deferred, with NULL alike: as far as the database can."""
    kinds: list[list[Any]] = [
        [models.UniqueConstraint(fields=["order", "group"], name="one")],
        [models.UniqueConstraint(fields=["group"], name="one")],
        [
            models.UniqueConstraint(
                fields=["group"], condition=lambda each: each.order > 5, name="one"
            )
        ],
        [models.UniqueConstraint(fields=["group"], condition="price > 5", name="one")],
        [models.UniqueConstraint(fields=["price"], name="one", nulls_distinct=False)],
        [models.UniqueConstraint(fields=["group"], name="one", include=["price"])],
        [
            models.UniqueConstraint(
                fields=["group"], name="one", deferrable=models.Deferrable.DEFERRED
            )
        ],
        [],
    ]
    twice = (
        "INSERT INTO shop_item (id, {}, {}, price) VALUES (1, 3, 'a', NULL), (2, 4, 'a', NULL)",
        "INSERT INTO shop_item (id, {}, {}, price) VALUES (3, 6, 'b', 6), (4, 6, 'b', 6)",
    )
    refused: list[tuple[bool, bool]] = []
    for constraints in kinds:
        advance(project, build_shop(constraints=constraints))
        answers = tuple(violates(project, each.format(*quote())) for each in twice)
        refused.append(answers)  # type: ignore[arg-type]
        project.query("DELETE FROM shop_item")
    nulls_alike = get_vendor() == "postgresql"
    assert refused == [
        (False, True),
        (True, True),
        (False, True),
        (False, True),
        (nulls_alike, True),
        (True, True),
        (True, True),
        (False, False),
    ]
    project.migrate("shop", "zero")


def test_indexes_are_added_changed_and_dropped(project: Project) -> None:
    """Order, conditions, further columns, operator classes; expressions where there are such."""
    kinds: list[list[Any]] = [
        [models.Index(fields=["-order", "group"])],
        [models.Index(fields=["order"], name="by_order")],
        [models.Index(fields=["-order"], name="by_order")],
        [models.Index(fields=["order"], condition=lambda each: each.price > 5, name="by_order")],
        [models.Index(fields=["group"], opclasses=["varchar_pattern_ops"], name="by_order")],
        [models.Index(fields=["group"], include=["price"], name="by_order")],
        [],
    ]
    if get_vendor() != "mariadb":
        kinds[-1:-1] = [
            [models.Index(lambda each: sa.func.lower(each.group), name="by_order")],
            [models.Index('upper("group")', "price", name="by_order")],
        ]
    for indexes in kinds:
        advance(project, build_shop(indexes=indexes))
        assert count_indexes(project) == len(indexes)
    project.migrate("shop", "zero")


def count_indexes(project: Project) -> int:
    if get_vendor() == "sqlite":
        return len(project.query("SELECT * FROM sqlite_master WHERE type='index' AND sql <> ''"))
    return len(project.inspect().get_indexes("shop_item"))


@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)
def test_an_index_over_an_expression_is_refused_where_there_is_none(project: Project) -> None:
    """MariaDB says so when the migration is applied, with the way round."""
    index = models.Index(lambda each: sa.func.lower(each.group), name="by_lower")
    project.make_of(build_shop(indexes=[index]))
    with pytest.raises((MigrationError, ImproperlyConfigured), match="GeneratedField"):
        project.migrate()


def test_a_table_made_anew_keeps_all_that_stands_on_it(project: Project) -> None:
    """SQLite copies a table to alter a column: checks, conditions, order and computing stay."""

    def build(length: int) -> TableState:
        return declare(
            {
                "constraints": [
                    models.CheckConstraint(
                        condition=lambda each: (each.low < each.high) | (each.high > 100),
                        name="low_high",
                    ),
                    models.UniqueConstraint(
                        fields=["name"], condition=lambda each: each.low > 5, name="one_name"
                    ),
                ],
                "indexes": [
                    models.Index(fields=["-high", "name"], name="by_high"),
                    models.Index(fields=["low"], condition="high > 5", name="by_low"),
                ],
            },
            name=models.CharField(max_length=length, default=""),
            low=models.IntegerField(default=0),
            high=models.PositiveIntegerField(default=1),
            tone=models.EnumField(Tone, default=Tone.WARM),
            area=models.GeneratedField(
                expression=lambda each: each.low * each.high, output_field=models.IntegerField()
            ),
        )

    def list_objects() -> list[Any]:
        """What SQLite keeps of the indexes."""
        if get_vendor() != "sqlite":
            return []
        return project.query("SELECT name, sql FROM sqlite_master WHERE type='index' ORDER BY name")

    advance(project, build(20))
    before = list_objects()
    project.query("INSERT INTO shop_item (id, name, low, high, tone) VALUES (1, 'a', 2, 3, 'warm')")
    for length in (30, 40):
        advance(project, build(length))
        assert list_objects() == before
        assert get_row(project, "id", "name", "area") == (1, "a", 6)
        fields = "INSERT INTO shop_item (id, name, low, high, tone) VALUES"
        assert violates(project, f"{fields} (2, 'b', 5, 5, 'warm')")
        assert violates(project, f"{fields} (2, 'b', 0, -1, 'warm')")
        assert violates(project, f"{fields} (2, 'b', 0, 1, 'hot')")
        assert violates(project, f"{fields} (2, 'b', 6, 7, 'warm'), (3, 'b', 7, 8, 'warm')")
        assert not violates(project, f"{fields} (2, 'b', 1, 2, 'warm'), (3, 'b', 2, 3, 'warm')")
        project.query("DELETE FROM shop_item WHERE id > 1")


def test_generated_columns_follow_their_expression(project: Project) -> None:
    """Added, computed otherwise, with an index on them, and dropped with what they came from."""

    def build(factor: int, *, unique: bool = False, stored: bool = True) -> TableState:
        return declare(
            total=models.GeneratedField(
                expression=lambda each: each.price * factor,
                output_field=models.IntegerField(),
                unique=unique,
                index=not unique,
                db_persist=stored,
            ),
            price=models.IntegerField(default=2),
        )

    advance(project, declare(price=models.IntegerField(default=2)))
    project.query("INSERT INTO shop_item (id, price) VALUES (1, 7)")
    assert "Add column shop_item.total" in advance(project, build(2))
    assert get_row(project, "total") == (14,)
    advance(project, build(3))
    assert get_row(project, "total") == (21,)
    advance(project, build(4, unique=True))
    assert get_row(project, "total") == (28,)
    assert violates(project, "INSERT INTO shop_item (id, price) VALUES (2, 7)")
    if get_vendor() != "postgresql":
        advance(project, build(4, unique=True, stored=False))
        assert get_row(project, "total") == (28,)
    advance(project, declare())
    project.query("DELETE FROM shop_item")
    project.migrate("shop", "zero")


def test_values_the_database_fills_in_are_added_changed_and_dropped(project: Project) -> None:
    """Literals and expressions, for new rows and for those that are there."""

    def build(**options: Any) -> TableState:
        return declare(
            count=models.IntegerField(**options.get("count", {"null": True})),
            name=models.CharField(max_length=20, **options.get("name", {"null": True})),
            flag=models.BooleanField(**options.get("flag", {"null": True})),
            made=models.DateTimeField(**options.get("made", {"null": True})),
            tone=models.EnumField(Tone, **options.get("tone", {"null": True})),
            data=models.JSONField(**options.get("data", {"null": True})),
        )

    advance(project, declare())
    project.query("INSERT INTO shop_item (id) VALUES (1)")
    full = build(
        count={"db_default": 5},
        name={"db_default": "it's 100%"},
        flag={"db_default": True},
        made={"db_default": sa.func.now()},
        tone={"db_default": Tone.COLD},
        data={"db_default": {"a": [1, "x"]}},
    )
    advance(project, full)
    project.query("INSERT INTO shop_item (id) VALUES (2)")
    columns = [each.source for each in full.columns.values()]
    with databases["default"].sync_engine.connect() as connection:
        rows = connection.execute(sa.select(*columns)).all()  # type: ignore[arg-type]
    for row in rows:
        found = dict(zip(full.columns, row, strict=True))
        assert found.pop("made").year >= 2026
        assert found.pop("id") in (1, 2)
        expected = {"count": 5, "name": "it's 100%", "flag": True, "tone": Tone.COLD}
        assert found == {**expected, "data": {"a": [1, "x"]}}
    changed = build(
        count={"db_default": sa.text("1 + 2")},
        name={"db_default": ""},
        flag={"db_default": False},
        made={"null": True},
        tone={"db_default": Tone.WARM},
        data={"db_default": []},
    )
    advance(project, changed)
    project.query("INSERT INTO shop_item (id) VALUES (3)")
    found = project.query("SELECT count, name, flag, made, tone FROM shop_item WHERE id = 3")
    assert [tuple(row) for row in found] == [(3, "", 0, None, "warm")]
    advance(project, build())
    project.query("DELETE FROM shop_item")
    project.migrate("shop", "zero")


def test_enums_gain_and_lose_members(project: Project) -> None:
    """The check of an enum's values changes with the enum."""
    advance(project, declare(tone=models.EnumField(Tone, default=Tone.WARM)))
    insert = "INSERT INTO shop_item (id, tone) VALUES (1, 'tepid')"
    assert violates(project, insert)
    changes = advance(project, declare(tone=models.EnumField(Mood, default=Mood.WARM)))
    assert changes == (
        "Drop constraint ck_shop_item_tone_enum",
        "Add constraint ck_shop_item_tone_enum",
    )
    assert not violates(project, insert)


def test_comments_are_added_changed_and_dropped(project: Project) -> None:
    """Where the database keeps comments, it has those of the models; elsewhere nothing happens."""

    def build(table: str | None, column: str | None) -> TableState:
        meta = {} if table is None else {"db_table_comment": table}
        return declare(meta, name=models.CharField(max_length=5, default="x", db_comment=column))

    def find() -> tuple[str | None, str | None]:
        inspector = project.inspect()
        columns = {each["name"]: each for each in inspector.get_columns("shop_item")}
        return inspector.get_table_comment("shop_item")["text"] or None, columns["name"]["comment"]

    for table, column in [("It's", "a 'b'"), ("Other 100%", "c"), (None, None), ("x", "y")]:
        advance(project, build(table, column))
        if get_vendor() != "sqlite":
            assert find() == (table, column)
    changed = declare(
        {"db_table_comment": "x"}, name=models.CharField(max_length=9, default="x", db_comment="y")
    )
    advance(project, changed)
    if get_vendor() != "sqlite":
        assert find() == ("x", "y")
    project.migrate("shop", "zero")


def test_unmanaged_models_have_no_migrations() -> None:
    """Tables with `managed = False` are somebody else's: not described, not made, not dropped."""

    class ForeignThing(models.Model):
        class Meta:
            managed = False
            db_table = "foreign_thing"

    try:
        assert "foreign_thing" in models.Model.metadata.tables
        assert "foreign_thing" not in describe_models()
        assert "foreign_thing" not in {table.name for table in list_tables()}
    finally:
        forget(ForeignThing)

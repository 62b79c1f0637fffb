"""Models for the tests of dumping and loading: every kind of value, reference and key."""

import datetime as dt
import enum
import uuid
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from undercroft import models


class Level(enum.Enum):
    LOW = "low"
    HIGH = "high"


class Sample(models.Model):
    """A column of every type."""

    text = models.TextField(null=True)
    code = models.CharField(max_length=200, null=True)
    number = models.BigIntegerField(null=True)
    ratio = models.FloatField(null=True)
    price = models.DecimalField(max_digits=30, decimal_places=10, null=True)
    flag = models.BooleanField(null=True)
    day = models.DateField(null=True)
    hour = models.TimeField(null=True)
    moment = models.DateTimeField(null=True)
    token = models.UUIDField(null=True)
    data = models.JSONField(null=True)
    raw: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    length: Mapped[dt.timedelta | None] = mapped_column(sa.Interval)
    level: Mapped[Level | None] = mapped_column(sa.Enum(Level, native_enum=False))
    touched = models.DateTimeField(auto_now=True)
    stock = models.IntegerField(db_default=sa.text("7"))
    renamed = models.IntegerField(db_column="Odd name", default=3)


SAMPLES: dict[str, list[Any]] = {
    "text": ["", "a\nb\tc\\ \"quoted\" 'x'", "フレーム \U0001f600 \u202e", "%s %(x)s :x {0}", None],
    "code": ["x" * 200, "null", None],
    "number": [0, 2**63 - 1, -(2**63), None],
    "ratio": [0.1, 1e300, -5e-324, 1.0, 2.0**70, None],
    "price": [Decimal("0.1000000000"), Decimal("-12345.6789000000"), None],
    "flag": [True, False, None],
    "day": [dt.date(1, 1, 1), dt.date(9999, 12, 31), None],
    "hour": [dt.time(0), dt.time(23, 59, 59, 999999), None],
    "moment": [
        dt.datetime(2026, 2, 3, 4, 5, 6, 789012, tzinfo=dt.UTC),
        dt.datetime(1970, 1, 1, tzinfo=dt.UTC),
        None,
    ],
    "token": [uuid.UUID(int=2**127 + 5), None],
    "data": [
        {"a": [1, 2.5, None, True, {"b": "x"}], "n": 10**25, "f": 1.0, "t": "1.50"},
        [],
        "text",
        0,
        False,
        None,
    ],
    "raw": [b"", b"\x00\xff\x80", bytes(range(256)), None],
    "length": [
        dt.timedelta(days=3, hours=4, microseconds=7),
        dt.timedelta(microseconds=-1),
        dt.timedelta(0),
        dt.timedelta(days=-2, seconds=5),
        None,
    ],
    "level": [Level.LOW, None],
}


class Member(models.Model):
    """A tree, whose rows may refer to later ones."""

    name = models.CharField(max_length=50)
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="+")
    parent_id: Mapped[int | None]
    club = models.ForeignKey("fixtures.Club", on_delete=models.CASCADE, null=True, related_name="+")
    club_id: Mapped[int | None]

    class Meta:
        app_label = "fixtures"


class Club(models.Model):
    """One half of a cycle: a club has a member for its head, members have a club."""

    name = models.CharField(max_length=50, unique=True)
    head = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="+")
    head_id: Mapped[int]

    class Meta:
        app_label = "fixtures"


class CountryManager(models.Manager["Country"]):
    """Hides a country, which files know all the same."""

    def get_queryset(self) -> models.QuerySet["Country"]:
        return super().get_queryset().exclude(code="XX")

    def get_by_natural_key(self, code: str) -> "Country":
        return self.get(code=code)


class Country(models.Model):
    """A row known by its code."""

    code = models.CharField(max_length=2, unique=True)
    name = models.CharField(max_length=50)

    objects = CountryManager()

    class Meta:
        app_label = "fixtures"

    def natural_key(self) -> tuple[str]:
        return (self.code,)


class City(models.Model):
    """A row known by its country and name."""

    country = models.ForeignKey(Country, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=50)
    twin = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        app_label = "fixtures"
        unique_together = [("country", "name")]

    def natural_key(self) -> tuple[str, str]:
        return (*self.country.natural_key(), self.name)

    @classmethod
    def get_by_natural_key(cls, code: str, name: str) -> "City":
        return cls.objects.get(country__code=code, name=name)


class Ticket(models.Model):
    """A row without references, whose key is text."""

    code = models.CharField(max_length=20, primary_key=True)
    seat = models.IntegerField()

    class Meta:
        app_label = "fixtures"


class Seat(models.Model):
    """A row with a key of two columns."""

    row = models.CharField(max_length=5)
    number = models.IntegerField()
    pk = models.CompositePrimaryKey("row", "number")
    note = models.CharField(max_length=20, default="")

    class Meta:
        app_label = "fixtures"


class Guide(models.Model):
    """A row with relations of many to many: plain, to its like, and with a model between."""

    title = models.CharField(max_length=50)
    countries = models.ManyToManyField(Country)
    friends = models.ManyToManyField("self")
    cities = models.ManyToManyField(City, through="fixtures.Chapter")

    class Meta:
        app_label = "fixtures"


class Chapter(models.Model):
    guide = models.ForeignKey(Guide, on_delete=models.CASCADE)
    city = models.ForeignKey(City, on_delete=models.CASCADE)
    page = models.IntegerField()

    class Meta:
        app_label = "fixtures"

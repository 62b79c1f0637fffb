"""What type checkers infer of every field function, choices, constraints and checks."""

import datetime as dt
import enum
import uuid
from decimal import Decimal
from typing import Any, assert_type

from sqlalchemy.orm import InstrumentedAttribute

from undercroft import models, validators
from undercroft.errors import ValidationError


class Status(models.TextChoices):
    DRAFT = "draft"
    PUBLISHED = "published", "In print"


class Floor(models.IntegerChoices):
    GROUND = 0
    FIRST = 1, "First floor"


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Thing(models.Model):
    line = models.CharField(max_length=20, db_index=True, db_comment="x")
    slug = models.SlugField(allow_unicode=True, max_length=20)
    slug_or_none = models.SlugField(null=True)
    email = models.EmailField(error_messages={"unique": "Taken."})
    small = models.SmallIntegerField()
    count = models.PositiveIntegerField(validators=[validators.MinValueValidator(1)])
    small_count = models.PositiveSmallIntegerField(null=True)
    big_count = models.PositiveBigIntegerField()
    length = models.DurationField()
    length_or_none = models.DurationField(null=True, default=None)
    token = models.UUIDField(default=models.uuid7)
    raw = models.BinaryField()
    raw_or_none = models.BinaryField(max_length=5, null=True)
    ip = models.GenericIPAddressField(protocol="ipv4")
    ip_or_none = models.GenericIPAddressField(unpack_ipv4=True, null=True, blank=True)
    colour = models.EnumField(Colour, default=Colour.RED)
    colour_or_none = models.EnumField(Colour, null=True)
    status = models.EnumField(Status, default=Status.DRAFT)
    floor = models.IntegerField(choices=Floor, default=Floor.GROUND)
    kind = models.CharField(max_length=1, choices=[("a", "A"), ("Group", [("b", "B")])])
    tags = models.ArrayField(models.CharField(max_length=5), default=list)
    grid = models.ArrayField(models.ArrayField(models.IntegerField()), size=3)
    dates = models.ArrayField(models.DateField(null=True), null=True)
    total = models.GeneratedField(
        expression=small * count,
        output_field=models.DecimalField(max_digits=5, decimal_places=2),
    )
    maybe = models.GeneratedField(
        expression="small", output_field=models.IntegerField(null=True), db_persist=False
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=lambda thing: thing.small > 0, name="positive"),
            models.UniqueConstraint(
                fields=["line"], name="one_line", deferrable=models.Deferrable.DEFERRED
            ),
        ]
        indexes = [models.Index(fields=["-small", "line"], name="by_size")]


def check_instances(thing: Thing) -> None:
    assert_type(thing.line, str)
    assert_type(thing.slug, str)
    assert_type(thing.slug_or_none, str | None)
    assert_type(thing.email, str)
    assert_type(thing.small, int)
    assert_type(thing.count, int)
    assert_type(thing.small_count, int | None)
    assert_type(thing.big_count, int)
    assert_type(thing.length, dt.timedelta)
    assert_type(thing.length_or_none, dt.timedelta | None)
    assert_type(thing.token, uuid.UUID)
    assert_type(thing.raw, bytes)
    assert_type(thing.raw_or_none, bytes | None)
    assert_type(thing.ip, str)
    assert_type(thing.ip_or_none, str | None)
    assert_type(thing.colour, Colour)
    assert_type(thing.colour_or_none, Colour | None)
    assert_type(thing.status, Status)
    assert_type(thing.status.label, str)
    assert_type(thing.floor, int)
    assert_type(thing.kind, str)
    assert_type(thing.tags, list[str])
    assert_type(thing.grid, list[list[int]])
    assert_type(thing.dates, list[dt.date | None] | None)
    assert_type(thing.total, Decimal)
    assert_type(thing.maybe, int | None)


def check_classes() -> None:
    assert_type(Thing.colour, InstrumentedAttribute[Colour])
    assert_type(Thing.tags, InstrumentedAttribute[list[str]])
    assert_type(Thing.__options__.get_field("line"), models.FieldInfo)
    assert_type(Status.choices, list[tuple[Any, str]])
    assert_type(Status.labels, list[str])
    assert_type(Status("draft"), Status)
    assert_type(Status.DRAFT.value, str)
    assert_type(Floor.FIRST.value, int)
    assert_type(Floor.FIRST.label, str)
    assert_type(models.uuid7(), uuid.UUID)


async def check_checks(thing: Thing) -> None:
    try:
        thing.full_clean(exclude=["line"], validate_constraints=False)
        thing.clean_fields()
        thing.validate_unique()
        await thing.afull_clean()
        await thing.avalidate_constraints(exclude={"line"})
    except ValidationError as error:
        assert_type(error.message_dict, dict[str, list[str]])
        assert_type(error.messages, list[str])


class Strict(models.Model):
    name = models.CharField(max_length=5)

    def clean(self) -> None:
        super().clean()
        if not self.name:
            raise ValidationError({"name": ValidationError("Too short.", code="short")})

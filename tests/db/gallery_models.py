"""Models with a field of every kind, and with every kind of constraint and index."""

import datetime as dt
import enum
import uuid
from typing import Any

from undercroft import models, validators
from undercroft.db.mapping import registry
from undercroft.errors import ValidationError


class Size(models.TextChoices):
    SMALL = "s"
    LARGE = "l", "As large as it gets"


class Floor(models.IntegerChoices):
    GROUND = 0
    FIRST = 1, "First floor"


class Tone(enum.Enum):
    WARM = "warm"
    COLD = "cold"


class Grade(enum.Enum):
    LOW = 1
    HIGH = 2


class Thing(models.Model):
    """A field of every kind that every database has."""

    line = models.CharField(max_length=20, default="")
    text = models.TextField(default="")
    slug = models.SlugField(default="s")
    page = models.URLField(default="https://example.org")
    small = models.SmallIntegerField(default=0)
    number = models.IntegerField(default=0)
    big = models.BigIntegerField(default=0)
    small_count = models.PositiveSmallIntegerField(default=0)
    count = models.PositiveIntegerField(default=0)
    big_count = models.PositiveBigIntegerField(default=0)
    ratio = models.FloatField(default=0.0)
    price = models.DecimalField(max_digits=12, decimal_places=4, default=0)
    flag = models.BooleanField(default=False)
    day = models.DateField(null=True)
    hour = models.TimeField(null=True)
    moment = models.DateTimeField(null=True)
    length = models.DurationField(default=dt.timedelta)
    token = models.UUIDField(default=uuid.uuid4)
    data = models.JSONField(null=True)
    raw = models.BinaryField(default=b"")
    ip = models.GenericIPAddressField(null=True, blank=True)
    tone = models.EnumField(Tone, default=Tone.WARM)
    grade = models.EnumField(Grade, null=True, blank=True)
    size = models.CharField(max_length=1, choices=Size, blank=True)
    floor = models.IntegerField(choices=Floor, default=Floor.GROUND)


class Exact(models.Model):
    """More digits than a floating-point number keeps."""

    number = models.DecimalField(max_digits=30, decimal_places=10)


class Tagged(models.Model):
    """Arrays, which PostgreSQL alone has: its table is left to the test that uses it."""

    tags = models.ArrayField(models.CharField(max_length=5), default=list)
    counts = models.ArrayField(models.PositiveIntegerField(null=True), size=3, null=True)
    grid = models.ArrayField(models.ArrayField(models.IntegerField()), default=list)
    moments = models.ArrayField(models.DateTimeField(), default=list)
    prices = models.ArrayField(
        models.DecimalField(max_digits=6, decimal_places=2), default=list, blank=True
    )
    tones = models.ArrayField(models.EnumField(Tone), default=list)


def forget(model: Any) -> Any:
    """Let a model be no part of what is made, dumped and migrated; gives its table."""
    models.Model.metadata.remove(model.__table__)
    registry._models.pop((model._meta.app_label, model.__name__))
    return model.__table__


TAGGED = forget(Tagged)


class Stamped:
    """No model: its fields go to the models that inherit it."""

    made = models.DateTimeField(auto_now_add=True)
    doubled = models.GeneratedField(
        expression=lambda piece: piece.number * 2, output_field=models.IntegerField()
    )


class Ware(Stamped, models.Model):
    """Constraints, indexes and columns the database fills in."""

    name = models.CharField(max_length=50, db_index=True, db_comment="As on the shelf.")
    number = models.IntegerField(db_default=7)
    price = models.DecimalField(max_digits=8, decimal_places=2, db_column="cost")
    sold = models.BooleanField(default=False)
    shelf = models.CharField(max_length=5, null=True, blank=True)
    place = models.IntegerField(null=True, blank=True)
    even = models.IntegerField(
        default=2, validators=[validators.StepValueValidator(2)], help_text="No odd ones."
    )
    total = models.GeneratedField(
        expression=price * number,
        output_field=models.DecimalField(max_digits=10, decimal_places=2),
    )

    class Meta:
        ordering = ["-number"]
        get_latest_by = "made"
        db_table_comment = "What is for sale."
        constraints = [
            models.CheckConstraint(
                condition=lambda ware: ware.price >= 0,
                name="%(app_label)s_%(class)s_price",
                violation_error_message="Nothing is cheaper than free.",
            ),
            models.CheckConstraint(condition="number <> 13", name="no_thirteen"),
            models.UniqueConstraint(fields=["shelf", "place"], name="one_ware_a_place"),
            models.UniqueConstraint(
                fields=["name"], condition=lambda ware: ware.sold.is_(False), name="one_unsold"
            ),
        ]
        indexes = [
            models.Index(fields=["-number", "name"]),
            models.Index(fields=["price"], condition=lambda ware: ware.sold, name="sold_price"),
        ]


class Owner(models.Model):
    email = models.EmailField(unique=True, error_messages={"unique": "This address is taken."})
    name = models.CharField("full name", max_length=20)


class Lot(models.Model):
    """What `full_clean` has to check, of every kind."""

    code = models.SlugField(max_length=8, primary_key=True)
    owner = models.ForeignKey(Owner, on_delete=models.CASCADE, related_name="+")
    title = models.CharField(
        max_length=20,
        validators=[
            validators.MinLengthValidator(3),
            validators.RegexValidator("^[A-Z]", "Begin with a capital.", code="capital"),
        ],
        error_messages={"min_length": "Too short: %(show_value)s."},
    )
    note = models.TextField(blank=True)
    size = models.CharField(max_length=1, choices=Size, default=Size.SMALL.value)
    tone = models.EnumField(Tone, null=True)
    low = models.IntegerField(default=0)
    high = models.IntegerField(default=1)
    stock = models.PositiveIntegerField(db_default=5)
    sold_at = models.DateTimeField(null=True, blank=True)
    price = models.DecimalField(max_digits=6, decimal_places=2, default=1)
    area = models.GeneratedField(expression="low * high", output_field=models.IntegerField())

    class Meta:
        unique_together = [("owner", "title")]
        constraints = [
            models.CheckConstraint(condition=lambda lot: lot.low < lot.high, name="low_below_high"),
            models.CheckConstraint(
                condition="price < 1000 AND stock >= 0",
                name="cheap",
                violation_error_code="dear",
                violation_error_message="Too dear (%(name)s).",
            ),
            models.UniqueConstraint(
                fields=["low"], condition=lambda lot: lot.sold_at.is_(None), name="one_open_low"
            ),
            models.UniqueConstraint(fields=["high"], condition="size = 'l'", name="one_large_high"),
        ]

    def clean(self) -> None:
        if self.note and self.title == self.note:
            raise ValidationError({"note": "Say more than the title.", "title": ["See the note."]})
        if self.note == "bad":
            raise ValidationError("This lot is %(what)s.", "bad", {"what": "bad"})

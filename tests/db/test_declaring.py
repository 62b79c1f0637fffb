"""`Q`, `F` and functions as parts of a table's definition."""

import pytest
import sqlalchemy as sa

from undercroft import models
from undercroft.db.fields.expressions import build_sql
from undercroft.errors import CheckViolation, FieldError, ImproperlyConfigured, UniqueViolation
from undercroft.models import F, Lower, Q, Substr, Value


class Offer(models.Model):
    title = models.CharField(max_length=20)
    price = models.IntegerField()
    reduced = models.IntegerField(null=True)
    is_open = models.BooleanField(default=True)
    saving = models.GeneratedField(
        expression=F("price") - F("reduced"), output_field=models.IntegerField(null=True)
    )

    class Meta:
        app_label = "declared"
        constraints = [
            models.CheckConstraint(
                condition=Q(reduced__isnull=True) | Q(reduced__lt=F("price")), name="is_reduced"
            ),
            models.CheckConstraint(
                condition=~Q(title="") & Q(price__range=(0, 1000)), name="has_title"
            ),
            models.UniqueConstraint(fields=["title"], condition=Q(is_open=True), name="one_open"),
        ]


@pytest.mark.usefixtures("database")
def test_conditions_written_as_q_hold_in_the_database() -> None:
    """A check, a condition of a unique constraint and a generated column are made from Q and F."""
    offer = Offer.objects.create(title="a", price=10, reduced=7)
    offer.refresh_from_db()
    assert offer.saving == 3
    with pytest.raises(CheckViolation, match="is_reduced"):
        Offer.objects.create(title="b", price=10, reduced=12)
    with pytest.raises(CheckViolation, match="has_title"):
        Offer.objects.create(title="", price=10)
    with pytest.raises(UniqueViolation, match="one_open"):
        Offer.objects.create(title="a", price=1)
    Offer.objects.create(title="a", price=1, is_open=False)


@pytest.mark.parametrize(
    "condition, expected",
    [
        (Q(title__startswith="x_"), "title LIKE 'x/_' || '%' ESCAPE '/'"),
        (Q(price__in=[1, 2]), "price IN (1, 2)"),
        (Q(price__gt=F("reduced") * 2 + 1), "price > "),
        (Q(title=Lower("title")), "title = lower("),
        (Q(Q(price=1), ~Q(reduced=2)), "price = 1 AND "),
        (Value(3) + F("price"), "3 + "),
    ],
)
def test_expressions_become_sql_of_the_tables_own_columns(condition: object, expected: str) -> None:
    """Values are written into the definition, quoted by SQLAlchemy."""
    built = build_sql(condition, Offer)
    text = str(
        built.compile(
            dialect=sa.create_engine("sqlite://").dialect, compile_kwargs={"literal_binds": True}
        )
    )
    assert expected in text.replace("declared_offer.", "")


@pytest.mark.parametrize(
    "condition, error",
    [
        (Q(titel="x"), FieldError),
        (Q(author__name="x"), ImproperlyConfigured),
        (Q(title__iregex="x"), ImproperlyConfigured),
        (F("price") ** 2, ImproperlyConfigured),
        (Substr("title", 1, 2), ImproperlyConfigured),
    ],
)
def test_what_databases_say_differently_is_refused(
    condition: object, error: type[Exception]
) -> None:
    """So is the name of what is no column of the table."""
    with pytest.raises(error):
        build_sql(condition, Offer)


def test_a_new_instance_cannot_be_given_related_rows() -> None:
    """The error says to save first."""
    from tests.db.music_models import Album

    with pytest.raises(FieldError, match="Save it first"):
        Album(title="x", genres=[])

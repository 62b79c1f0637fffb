"""Foreign keys that are the key of their own row, or refer to another field than the key."""

from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from undercroft import models
from undercroft.db.connections.databases import databases
from undercroft.errors import ImproperlyConfigured, UniqueViolation

pytestmark = pytest.mark.usefixtures("database")


class Citizen(models.Model):
    name = models.CharField(max_length=50)

    class Meta:
        app_label = "target_keys"


class Passport(models.Model):
    """Its key is the citizen's."""

    citizen = models.OneToOneField(Citizen, on_delete=models.CASCADE, primary_key=True)
    citizen_id: Mapped[int]
    number = models.CharField(max_length=20)

    class Meta:
        app_label = "target_keys"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["number"], name="one_passport")
        ]


class Stamp(models.Model):
    passport = models.ForeignKey(Passport, on_delete=models.CASCADE, to_field="number")
    passport_id: Mapped[str]
    visa = models.ForeignKey(Passport, on_delete=models.CASCADE, null=True, related_name="visas")
    place: Mapped[Any] = mapped_column(models.DatabaseType("varchar(5)"), nullable=True)

    class Meta:
        app_label = "target_keys"


def test_a_relation_is_the_key() -> None:
    """The key is the target's, there is one row for each, and no counter or second index."""
    ada = Citizen.objects.create(name="Ada")
    passport = Passport.objects.create(citizen=ada, number="A1")
    assert passport.pk == ada.id
    assert ada.passport == Passport.objects.get(pk=ada.id)
    with pytest.raises(UniqueViolation):
        Passport.objects.create(citizen=ada, number="A2")
    table = Passport.__options__.table
    assert [column.name for column in table.primary_key] == ["citizen_id"]
    with databases["default"].sync_engine.connect() as connection:
        inspector = sa.inspect(connection)
        (column,) = [
            each for each in inspector.get_columns(table.name) if each["name"] == "citizen_id"
        ]
        assert column.get("default") is None
        assert column.get("autoincrement") is not True
        assert [each["name"] for each in inspector.get_unique_constraints(table.name)] == [
            "one_passport"
        ]


def test_a_constraint_makes_a_field_a_target() -> None:
    """`to_field` takes what a constraint of the model makes unique, and nothing else."""
    passport = Passport.objects.create(citizen=Citizen.objects.create(name="Bob"), number="B1")
    stamp = Stamp.objects.create(passport=passport, visa=passport, place="Rome")
    assert (stamp.passport_id, stamp.visa_id) == ("B1", passport.pk)
    found = Stamp.objects.get(passport__citizen__name="Bob")
    assert (found.visa, found.place) == (passport, "Rome")
    with pytest.raises(ImproperlyConfigured, match="to_field"):
        type(
            "Wrong",
            (models.Model,),
            {
                "__module__": __name__,
                "to": models.ForeignKey(Citizen, on_delete=models.CASCADE, to_field="name"),
            },
        )


def test_a_type_is_only_a_type() -> None:
    """The text of a `DatabaseType` goes into SQL, so it can hold nothing but a type."""
    for text in ("int); DROP TABLE x", "int -- x", "int 'x'", 'a"b', "x\ny;"):
        with pytest.raises(ImproperlyConfigured):
            models.DatabaseType(text)


def test_rows_of_a_query_are_compared_by_the_field() -> None:
    """A foreign key to another field than the key is looked for among those fields of a query."""
    ada = Citizen.objects.create(name="Ada")
    Passport.objects.create(citizen=ada, number="A1")
    bob = Passport.objects.create(citizen=Citizen.objects.create(name="Bob"), number="B1")
    Stamp.objects.create(passport=bob, visa=bob)
    passports = Passport.objects.filter(citizen__name="Bob")
    assert Stamp.objects.filter(passport__in=passports).count() == 1
    assert Stamp.objects.filter(visa__in=passports).count() == 1
    assert Stamp.objects.exclude(passport__in=passports).count() == 0
    assert Citizen.objects.filter(passport__stamp__passport__in=passports[:1]).count() == 1


def test_a_default_that_the_database_sets_must_be_known_there() -> None:
    """`SET_DEFAULT` with Python's default only is refused: the database would set NULL."""
    with pytest.raises(ImproperlyConfigured, match="needs db_default"):
        models.ForeignKey(Citizen, on_delete=models.SET_DEFAULT, default=1, null=True)
    models.ForeignKey(Citizen, on_delete=models.SET_DEFAULT, default=1, db_default=sa.text("1"))

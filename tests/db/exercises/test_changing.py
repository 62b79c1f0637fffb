"""Exercises of writing: the same rows are there as after plain SQL."""

import datetime as dt
from decimal import Decimal

from tests.db.exercises.club_models import Boat, Coach, Member, Outing, Payment, Salary, Skill, Tag
from tests.db.exercises.conftest import Club
from undercroft.models import Case, Exists, F, OuterRef, Subquery, Sum, Upper, Value, When

BOATS = "SELECT name, kind, seats, member_fee, guest_fee, upkeep FROM club_boat ORDER BY name"
MEMBERS = "SELECT id, first_name, last_name, town, joined, sponsor_id FROM club_member ORDER BY id"
SALARIES = "SELECT coach_id, amount, since FROM club_salary ORDER BY coach_id, since, amount"


def test_one_row(club: Club) -> None:
    """Buy a boat; what a guest costs is left to the field's default."""
    club.writes(
        lambda: Boat.objects.create(name="Smew", kind="skiff", seats=1, member_fee=3, upkeep=240),
        "INSERT INTO club_boat (name, kind, seats, member_fee, guest_fee, upkeep)"
        " VALUES ('Smew', 'skiff', 1, 3, 5, 240)",
        seen=BOATS,
    )


def test_several_rows(club: Club) -> None:
    """Offer two more skills, by one statement."""
    club.writes(
        lambda: Skill.objects.bulk_create([Skill(name="Knots"), Skill(name="Weather")]),
        "INSERT INTO club_skill (name) VALUES ('Knots'), ('Weather')",
        seen="SELECT name FROM club_skill ORDER BY name",
    )


def test_a_row_from_others(club: Club) -> None:
    """Give coach 1 a salary that is 100 more than the highest of all."""
    top = Subquery(
        Salary.objects.annotate(more=F("amount") + 100).order_by("-amount").values("more")[:1]
    )
    club.writes(
        lambda: Salary.objects.create(coach_id=1, amount=top, since=dt.date(2030, 1, 1)),
        "INSERT INTO club_salary (coach_id, amount, since)"
        " SELECT 1, max(amount) + 100, '2030-01-01' FROM club_salary",
        postgresql=(
            "INSERT INTO club_salary (coach_id, amount, since)"
            " SELECT 1, max(amount) + 100, date '2030-01-01' FROM club_salary",
        ),
        seen=SALARIES,
    )


def test_one_value(club: Club) -> None:
    """Correct what Pike costs to keep."""
    club.writes(
        lambda: Boat.objects.filter(name="Pike").update(upkeep=999),
        "UPDATE club_boat SET upkeep = 999 WHERE name = 'Pike'",
        seen=BOATS,
    )


def test_values_from_values(club: Club) -> None:
    """Let members pay a half more, and guests what members paid before on top."""
    club.writes(
        lambda: Boat.objects.update(
            member_fee=F("member_fee") * Decimal("1.5"), guest_fee=F("guest_fee") + F("member_fee")
        ),
        "UPDATE club_boat SET guest_fee = guest_fee + member_fee, member_fee = member_fee * 1.5",
        seen=BOATS,
    )


def test_values_by_class(club: Club) -> None:
    """Charge a half more for large boats, a fifth less for skiffs, the same for others."""
    fee = Case(
        When(seats__gt=2, then=F("guest_fee") * Decimal("1.5")),
        When(kind="skiff", then=F("guest_fee") - 1),
        default=F("guest_fee"),
    )
    club.writes(
        lambda: Boat.objects.update(guest_fee=fee),
        "UPDATE club_boat SET guest_fee = CASE WHEN seats > 2 THEN guest_fee * 1.5"
        " WHEN kind = 'skiff' THEN guest_fee - 1 ELSE guest_fee END",
        seen=BOATS,
    )


def test_a_value_of_another_row(club: Club) -> None:
    """Let Coot cost a tenth more than Tern."""
    tern = Boat.objects.filter(name="Tern").annotate(more=F("upkeep") * Decimal("1.1"))
    club.writes(
        lambda: Boat.objects.filter(name="Coot").update(upkeep=Subquery(tern.values("more"))),
        "UPDATE club_boat SET upkeep = (SELECT upkeep * 1.1 FROM"
        " (SELECT upkeep FROM club_boat WHERE name = 'Tern') AS t) WHERE name = 'Coot'",
        seen=BOATS,
    )


def test_values_of_another_table(club: Club) -> None:
    """Move members without a town to that of their sponsor."""
    town = Member.objects.filter(id=OuterRef("sponsor")).values("town")
    lost = Member.objects.filter(town__isnull=True, sponsor__isnull=False)
    club.writes(
        lambda: lost.update(town=Subquery(town)),
        "UPDATE club_member SET town = (SELECT town FROM (SELECT id, town FROM club_member) AS s"
        " WHERE s.id = club_member.sponsor_id) WHERE town IS NULL AND sponsor_id IS NOT NULL",
        seen=MEMBERS,
    )


def test_a_total_kept_beside(club: Club) -> None:
    """Let every boat's upkeep be the hours it was out."""
    hours = Outing.objects.filter(boat=OuterRef("pk")).values("boat").annotate(n=Sum("hours"))
    club.writes(
        lambda: Boat.objects.filter(outings__isnull=False).update(
            upkeep=Subquery(hours.values("n"))
        ),
        "UPDATE club_boat SET upkeep ="
        " (SELECT sum(hours) FROM club_outing o WHERE o.boat_id = club_boat.id)"
        " WHERE id IN (SELECT boat_id FROM club_outing)",
        seen=BOATS,
    )


def test_rows_of_another_table(club: Club) -> None:
    """Double what those of Marl who paid by card have paid."""
    club.writes(
        lambda: Payment.objects.filter(member__town="Marl", method="card").update(
            amount=F("amount") * 2
        ),
        "UPDATE club_payment SET amount = amount * 2 WHERE method = 'card'"
        " AND member_id IN (SELECT id FROM club_member WHERE town = 'Marl')",
        seen="SELECT id, amount FROM club_payment ORDER BY id",
    )


def test_text_changed(club: Club) -> None:
    """Write the names of skiffs large."""
    club.writes(
        lambda: Boat.objects.filter(kind="skiff").update(name=Upper("name")),
        "UPDATE club_boat SET name = upper(name) WHERE kind = 'skiff'",
        seen=BOATS,
    )


def test_many_instances(club: Club) -> None:
    """Write the number of each coach behind the name, by few statements."""

    def number() -> None:
        coaches = list(Coach.objects.all())
        for coach in coaches:
            coach.name = f"{coach.name} {coach.id}"
        assert Coach.objects.bulk_update(coaches, ["name"]) == len(coaches)

    club.writes(
        number,
        "UPDATE club_coach SET name = concat(name, ' ', id)",
        sqlite=("UPDATE club_coach SET name = name || ' ' || id",),
        seen="SELECT id, name FROM club_coach ORDER BY id",
    )


def test_new_or_changed(club: Club) -> None:
    """Set Tern's upkeep and buy Smew, whichever is there already."""
    boats = [
        Boat(name=name, kind="canoe", seats=2, member_fee=1, guest_fee=2, upkeep=77)
        for name in ("Tern", "Smew")
    ]
    insert = (
        "INSERT INTO club_boat (name, kind, seats, member_fee, guest_fee, upkeep)"
        " VALUES ('Tern', 'canoe', 2, 1, 2, 77), ('Smew', 'canoe', 2, 1, 2, 77)"
    )
    club.writes(
        lambda: Boat.objects.bulk_create(
            boats, update_conflicts=True, update_fields=["upkeep"], unique_fields=["name"]
        ),
        f"{insert} ON CONFLICT (name) DO UPDATE SET upkeep = excluded.upkeep",
        mariadb=(f"{insert} ON DUPLICATE KEY UPDATE upkeep = values(upkeep)",),
        seen=BOATS,
    )


def test_found_or_made(club: Club) -> None:
    """Let there be a tag for night, and let the one for races be one for regattas."""

    def name_tags() -> None:
        assert Tag.objects.get_or_create(name="night")[1]
        assert not Tag.objects.get_or_create(name="sea")[1]
        assert not Tag.objects.update_or_create(name="race", defaults={"name": "regatta"})[1]

    club.writes(
        name_tags,
        "INSERT INTO club_tag (name) VALUES ('night')",
        "UPDATE club_tag SET name = 'regatta' WHERE name = 'race'",
        seen="SELECT name FROM club_tag ORDER BY name",
    )


def test_rows_between(club: Club) -> None:
    """Let Tern be for the sea and for nothing else, and Coot for races as well."""

    def tag() -> None:
        Boat.objects.get(name="Tern").tags.set(Tag.objects.filter(name="sea"))
        Boat.objects.get(name="Coot").tags.add(Tag.objects.get(name="race"))

    club.writes(
        tag,
        "DELETE FROM club_boat_tags WHERE boat_id = 1",
        "INSERT INTO club_boat_tags (boat_id, tag_id) VALUES (1, 1), (3, 3)",
        seen="SELECT boat_id, tag_id FROM club_boat_tags ORDER BY boat_id, tag_id",
    )


def test_all_rows_gone(club: Club) -> None:
    """Forget all payments."""
    club.writes(
        lambda: Payment.objects.all().delete(),
        "DELETE FROM club_payment",
        seen="SELECT count(*) FROM club_payment",
    )


def test_what_goes_along(club: Club) -> None:
    """Let member 1 go, with outings, payments and certificates; who was brought stays."""
    seen = (
        "SELECT (SELECT count(*) FROM club_member), (SELECT count(*) FROM club_outing),"
        " (SELECT count(*) FROM club_payment), (SELECT count(*) FROM club_certificate),"
        " (SELECT count(*) FROM club_member WHERE sponsor_id IS NULL)"
    )
    club.writes(
        lambda: Member.objects.filter(id=1).delete(),
        "DELETE FROM club_outing WHERE member_id = 1",
        "DELETE FROM club_payment WHERE member_id = 1",
        "DELETE FROM club_certificate WHERE member_id = 1",
        "UPDATE club_member SET sponsor_id = NULL WHERE sponsor_id = 1",
        "DELETE FROM club_member WHERE id = 1",
        seen=seen,
    )


def test_rows_that_others_do_not_need(club: Club) -> None:
    """Let those go who never went out, never paid, and brought nobody."""
    idle = Member.objects.filter(
        ~Exists(Outing.objects.filter(member=OuterRef("pk"))),
        ~Exists(Payment.objects.filter(member=OuterRef("pk"))),
        sponsored__isnull=True,
    )
    club.writes(
        idle.delete,
        "DELETE FROM club_member WHERE id NOT IN (SELECT member_id FROM club_outing)"
        " AND id NOT IN (SELECT member_id FROM club_payment)"
        " AND id NOT IN (SELECT sponsor_id FROM (SELECT sponsor_id FROM club_member"
        " WHERE sponsor_id IS NOT NULL) AS s)",
        seen=MEMBERS,
    )


def test_a_label_for_nothing(club: Club) -> None:
    """Write that a town is not known, where it is not."""
    club.writes(
        lambda: Member.objects.filter(town=None).update(town=Value("unknown")),
        "UPDATE club_member SET town = 'unknown' WHERE town IS NULL",
        seen=MEMBERS,
    )

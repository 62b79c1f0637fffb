"""Exercises of one table: which rows, in which order, and what is worked out of each."""

import datetime as dt

from tests.db.exercises.club_models import Boat, Coach, Member, Outing, Payment
from tests.db.exercises.conftest import Club
from undercroft.models import (
    Case,
    Cast,
    CharField,
    Coalesce,
    Concat,
    ExtractMonth,
    ExtractYear,
    F,
    Left,
    Length,
    Lower,
    LPad,
    Max,
    Q,
    Replace,
    Round,
    StrIndex,
    Substr,
    TruncMonth,
    Upper,
    Value,
    When,
)


def test_all_boats(club: Club) -> None:
    """Show name and kind of every boat, by name."""
    club.same(
        Boat.objects.order_by("name").values_list("name", "kind"),
        "SELECT name, kind FROM club_boat ORDER BY name",
        ordered=True,
    )


def test_boats_of_a_price(club: Club) -> None:
    """Which boats cost members more than two an hour?"""
    club.same(
        Boat.objects.filter(member_fee__gt=2).values("name", "member_fee"),
        "SELECT name, member_fee FROM club_boat WHERE member_fee > 2",
    )


def test_two_columns_compared(club: Club) -> None:
    """Which boats cost a member something, but less than an eightieth of their upkeep?"""
    club.same(
        Boat.objects.filter(member_fee__gt=0, member_fee__lt=F("upkeep") / 80).values_list("id"),
        "SELECT id FROM club_boat WHERE member_fee > 0 AND member_fee < upkeep / 80.0",
    )


def test_one_of_several(club: Club) -> None:
    """Show the boats with the keys 1 and 5."""
    club.same(
        Boat.objects.filter(id__in=[1, 5]).values_list("name", flat=True),
        "SELECT name FROM club_boat WHERE id IN (1, 5)",
        answer=["Tern", "Swift"],
    )


def test_text_within_text(club: Club) -> None:
    """Which boats are called something with Heron?"""
    club.same(
        Boat.objects.filter(name__contains="Heron").order_by("id").values_list("name", flat=True),
        "SELECT name FROM club_boat WHERE name LIKE '%Heron%' ORDER BY id",
        ordered=True,
        answer=["Heron", "Grey Heron"],
    )


def test_signs_that_patterns_have(club: Club) -> None:
    """Which names have a percent sign or an underscore in them?"""
    club.same(
        Boat.objects.filter(Q(name__contains="%") | Q(name__contains="_"))
        .order_by("-id")
        .values_list("name"),
        "SELECT name FROM club_boat WHERE name LIKE '%!%%' ESCAPE '!'"
        " OR name LIKE '%!_%' ESCAPE '!' ORDER BY id DESC",
        ordered=True,
        answer=[("Bream_2",), ("Roach 100%",)],
    )


def test_case_does_not_matter(club: Club) -> None:
    """Whose last name begins with an O, large or small?"""
    club.same(
        Member.objects.filter(last_name__istartswith="o").values_list("id", "last_name"),
        "SELECT id, last_name FROM club_member WHERE lower(last_name) LIKE 'o%'",
    )


def test_a_quote_in_a_name(club: Club) -> None:
    """Who has an apostrophe in the name?"""
    club.same(
        Member.objects.filter(last_name__contains="'").values_list("id"),
        "SELECT id FROM club_member WHERE last_name LIKE '%''%'",
    )


def test_a_regular_expression(club: Club) -> None:
    """Who lives in a town of one word?"""
    club.same(
        Member.objects.filter(town__regex="^[A-Za-z]+$").values_list("id", "town"),
        "SELECT id, town FROM club_member WHERE town REGEXP '^[A-Za-z]+$'",
        postgresql="SELECT id, town FROM club_member WHERE town ~ '^[A-Za-z]+$'",
    )


def test_rows_in_classes(club: Club) -> None:
    """Call boats cheap or dear, as their upkeep is below 300 or not."""
    label = Case(When(upkeep__lt=300, then=Value("cheap")), default=Value("dear"))
    club.same(
        Boat.objects.annotate(label=label).values_list("name", "label"),
        "SELECT name, CASE WHEN upkeep < 300 THEN 'cheap' ELSE 'dear' END FROM club_boat",
    )


def test_since_a_day(club: Club) -> None:
    """Who joined on 1 January 2023 or later?"""
    club.same(
        Member.objects.filter(joined__gte=dt.date(2023, 1, 1)).values_list("id", "joined"),
        "SELECT id, joined FROM club_member WHERE joined >= '2023-01-01'",
    )


def test_between_two_days(club: Club) -> None:
    """Which payments came in the first week of June?"""
    week = (dt.date(2024, 6, 1), dt.date(2024, 6, 7))
    club.same(
        Payment.objects.filter(paid__range=week).values_list("id", "amount"),
        "SELECT id, amount FROM club_payment WHERE paid BETWEEN '2024-06-01' AND '2024-06-07'",
    )


def test_each_once(club: Club) -> None:
    """Show the first three last names of members, each once."""
    names = Member.objects.order_by("last_name").values_list("last_name", flat=True).distinct()
    club.same(
        names[:3],
        "SELECT DISTINCT last_name FROM club_member ORDER BY last_name LIMIT 3",
        ordered=True,
    )


def test_the_second_page(club: Club) -> None:
    """Show the second ten of the members, newest first."""
    club.same(
        Member.objects.order_by("-joined").values_list("id")[10:20],
        "SELECT id FROM club_member ORDER BY joined DESC LIMIT 10 OFFSET 10",
        ordered=True,
    )


def test_the_latest_day(club: Club) -> None:
    """When did the latest member join?"""
    club.same(
        Member.objects.aggregate(latest=Max("joined")),
        "SELECT max(joined) FROM club_member",
    )


def test_the_latest_row(club: Club) -> None:
    """Who was it that joined last?"""
    club.same(
        [Member.objects.latest("joined")],
        "SELECT id FROM club_member WHERE joined = (SELECT max(joined) FROM club_member)",
        answer=[120],
    )


def test_nothing_known(club: Club) -> None:
    """Whose town is not known?"""
    club.same(
        Member.objects.filter(town__isnull=True).values_list("id"),
        "SELECT id FROM club_member WHERE town IS NULL",
    )


def test_all_but_some(club: Club) -> None:
    """Who does not live in Marl, as far as it is known?"""
    club.same(
        Member.objects.exclude(town="Marl").values_list("id"),
        "SELECT id FROM club_member WHERE town <> 'Marl' OR town IS NULL",
    )


def test_something_in_the_place_of_nothing(club: Club) -> None:
    """Show every member's town, or a dash."""
    club.same(
        Member.objects.annotate(where=Coalesce("town", Value("-"))).values_list("id", "where"),
        "SELECT id, coalesce(town, '-') FROM club_member",
    )


def test_either_and_not(club: Club) -> None:
    """Which outings had guests or lasted four hours, and are not late?"""
    wanted = (Q(guests__gt=0) | Q(hours=4)) & ~Q(late__gt=0)
    club.same(
        Outing.objects.filter(wanted).values_list("id"),
        "SELECT id FROM club_outing"
        " WHERE (guests > 0 OR hours = 4) AND NOT coalesce(late > 0, FALSE)",
    )


def test_names_put_together(club: Club) -> None:
    """Write every member as last name, comma, first name."""
    name = Concat("last_name", Value(", "), "first_name")
    club.same(
        Member.objects.annotate(name=name).order_by("id").values_list("name", flat=True),
        "SELECT last_name || ', ' || first_name FROM club_member ORDER BY id",
        mariadb="SELECT concat(last_name, ', ', first_name) FROM club_member ORDER BY id",
        ordered=True,
    )


def test_pieces_of_text(club: Club) -> None:
    """Show each boat's initial, its length, its first word, and itself without blanks."""
    boats = Boat.objects.annotate(
        initial=Upper(Left("name", 1)),
        length=Length("name"),
        first=Substr("name", 1, StrIndex(Concat("name", Value(" ")), Value(" ")) - 1),
        dense=Lower(Replace("name", Value(" "), Value(""))),
    )
    club.same(
        boats.values_list("initial", "length", "first", "dense"),
        "SELECT upper(left(name, 1)), char_length(name),"
        " left(name, locate(' ', concat(name, ' ')) - 1), lower(replace(name, ' ', ''))"
        " FROM club_boat",
        sqlite="SELECT upper(substr(name, 1, 1)), length(name),"
        " substr(name, 1, instr(name || ' ', ' ') - 1), lower(replace(name, ' ', ''))"
        " FROM club_boat",
        postgresql="SELECT upper(left(name, 1)), length(name),"
        " split_part(name, ' ', 1), lower(replace(name, ' ', '')) FROM club_boat",
    )


def test_numbers_filled_up(club: Club) -> None:
    """Show the keys of coaches with four digits."""
    number = LPad(Cast("id", CharField(max_length=4)), 4, Value("0"))
    club.same(
        Coach.objects.annotate(number=number).values_list("number"),
        "SELECT lpad(id, 4, '0') FROM club_coach",
        sqlite="SELECT printf('%04d', id) FROM club_coach",
        postgresql="SELECT lpad(id::text, 4, '0') FROM club_coach",
    )


def test_outings_of_a_day(club: Club) -> None:
    """Which outings began on 10 June 2024, the earliest first?"""
    outings = Outing.objects.filter(starts__date=dt.date(2024, 6, 10)).order_by("starts", "id")
    club.same(
        outings.values_list("id", "starts"),
        "SELECT id, starts FROM club_outing"
        " WHERE starts >= '2024-06-10' AND starts < '2024-06-11' ORDER BY starts, id",
        ordered=True,
    )


def test_outings_of_weekends(club: Club) -> None:
    """Which outings began before nine on a Saturday or Sunday?"""
    early = Outing.objects.filter(starts__week_day__in=[1, 7], starts__hour__lt=9)
    club.same(
        early.values_list("id"),
        "SELECT id FROM club_outing WHERE dayofweek(starts) IN (1, 7) AND hour(starts) < 9",
        sqlite="SELECT id FROM club_outing"
        " WHERE strftime('%w', starts) IN ('0', '6') AND strftime('%H', starts) < '09'",
        postgresql="SELECT id FROM club_outing"
        " WHERE extract(dow FROM starts) IN (0, 6) AND extract(hour FROM starts) < 9",
    )


def test_parts_of_days(club: Club) -> None:
    """In which years and months did members join?"""
    months = Member.objects.values_list(ExtractYear("joined"), ExtractMonth("joined")).distinct()
    club.same(
        months,
        "SELECT DISTINCT extract(year FROM joined), extract(month FROM joined) FROM club_member",
        sqlite="SELECT DISTINCT CAST(strftime('%Y', joined) AS integer),"
        " CAST(strftime('%m', joined) AS integer) FROM club_member",
    )


def test_the_first_of_the_month(club: Club) -> None:
    """Show every payment with the first day of its month."""
    club.same(
        Payment.objects.annotate(month=TruncMonth("paid")).values_list("id", "month"),
        "SELECT id, date_format(paid, '%Y-%m-01') FROM club_payment",
        sqlite="SELECT id, date(paid, 'start of month') FROM club_payment",
        postgresql="SELECT id, date_trunc('month', paid)::date FROM club_payment",
    )


def test_the_end_of_an_outing(club: Club) -> None:
    """When does each outing end?"""
    end = F("starts") + F("hours") * Value(dt.timedelta(hours=1))
    club.same(
        Outing.objects.annotate(ends=end).values_list("id", "ends"),
        "SELECT id, starts + INTERVAL hours HOUR FROM club_outing",
        sqlite="SELECT id, datetime(starts, hours || ' hours') FROM club_outing",
        postgresql="SELECT id, starts + hours * interval '1 hour' FROM club_outing",
    )


def test_a_price_that_is_rounded(club: Club) -> None:
    """What would every boat's upkeep be for a day, to the cent?"""
    club.same(
        Boat.objects.annotate(daily=Round(F("upkeep") / 30, 2)).values_list("name", "daily"),
        "SELECT name, round(upkeep / 30.0, 2) FROM club_boat",
    )


def test_nulls_at_the_end(club: Club) -> None:
    """Order members by town, those without one last."""
    club.same(
        Member.objects.order_by(F("town").asc(nulls_last=True), "id").values_list("id"),
        "SELECT id FROM club_member ORDER BY town IS NULL, town, id",
        ordered=True,
    )

"""Exercises of windows: ranks, running totals, neighbours, shares, medians, gaps."""

import datetime as dt

from tests.db.exercises.club_models import Boat, Coach, Member, Outing, Payment, Salary
from tests.db.exercises.conftest import Club
from undercroft.models import (
    Avg,
    Cast,
    Count,
    DenseRank,
    F,
    FirstValue,
    FloatField,
    Lag,
    Lead,
    Max,
    Ntile,
    Q,
    Rank,
    RowNumber,
    RowRange,
    Sum,
    Window,
)


def test_numbered(club: Club) -> None:
    """Number the members in the order in which they joined."""
    numbered = Member.objects.annotate(number=Window(RowNumber(), order_by="joined"))
    club.same(
        numbered.order_by("number").values_list("number", "id"),
        "SELECT row_number() OVER (ORDER BY joined) AS n, id FROM club_member ORDER BY n",
        ordered=True,
    )


def test_the_whole_beside_each(club: Club) -> None:
    """Show each boat beside the number of all boats, and of those of its kind."""
    club.same(
        Boat.objects.annotate(
            every=Window(Count("*")), alike=Window(Count("*"), partition_by="kind")
        ).values_list("name", "every", "alike"),
        "SELECT name, count(*) OVER (), count(*) OVER (PARTITION BY kind) FROM club_boat",
    )


def test_ranks_of_groups(club: Club) -> None:
    """Rank the boats by the hours they were out."""
    totals = Outing.objects.values("boat__name").annotate(total=Sum("hours"))
    club.same(
        totals.annotate(place=Window(Rank(), order_by=F("total").desc())),
        "SELECT b.name, sum(o.hours), rank() OVER (ORDER BY sum(o.hours) DESC) FROM club_outing o"
        " JOIN club_boat b ON b.id = o.boat_id GROUP BY b.name",
    )


def test_the_first_three(club: Club) -> None:
    """Which boats are on the first three places by hours?"""
    totals = Outing.objects.values("boat").annotate(total=Sum("hours"))
    ranked = totals.annotate(place=Window(Rank(), order_by=F("total").desc()))
    club.same(
        ranked.filter(place__lte=3).order_by("place", "boat"),
        "SELECT boat_id, total, place FROM (SELECT boat_id, sum(hours) AS total,"
        " rank() OVER (ORDER BY sum(hours) DESC) AS place FROM club_outing GROUP BY boat_id) AS r"
        " WHERE place <= 3 ORDER BY place, boat_id",
        ordered=True,
    )


def test_the_best_of_each_kind(club: Club) -> None:
    """Which two boats of each kind have the greatest upkeep?"""
    place = Window(DenseRank(), partition_by="kind", order_by="-upkeep")
    best = Boat.objects.annotate(place=place).filter(place__lte=2).order_by("kind", "place")
    club.same(
        best.values_list("kind", "place", "name"),
        "SELECT kind, place, name FROM (SELECT kind, name,"
        " dense_rank() OVER (PARTITION BY kind ORDER BY upkeep DESC) AS place FROM club_boat) AS r"
        " WHERE place <= 2 ORDER BY kind, place",
        ordered=True,
    )


def test_thirds(club: Club) -> None:
    """Part the boats that were out into three classes, by hours."""
    totals = Outing.objects.values("boat").annotate(total=Sum("hours"))
    club.same(
        totals.annotate(part=Window(Ntile(3), order_by=[F("total").desc(), "boat"])),
        "SELECT boat_id, sum(hours), ntile(3) OVER (ORDER BY sum(hours) DESC, boat_id)"
        " FROM club_outing GROUP BY boat_id",
    )


def test_a_running_total(club: Club) -> None:
    """Show each day's payments, and all up to then."""
    days = Payment.objects.values("paid").annotate(today=Sum("amount"))
    club.same(
        days.annotate(so_far=Window(Sum("today"), order_by="paid")).order_by("paid"),
        "SELECT paid, sum(amount), sum(sum(amount)) OVER (ORDER BY paid) FROM club_payment"
        " GROUP BY paid ORDER BY paid",
        ordered=True,
    )


def test_a_moving_average(club: Club) -> None:
    """Show for each day the mean of its payments and of those of the six days with any before."""
    days = Payment.objects.values("paid").annotate(today=Sum(Cast("amount", FloatField())))
    week = Window(Avg("today"), order_by="paid", frame=RowRange(-6, 0))
    club.same(
        days.annotate(mean=week).order_by("paid"),
        "SELECT paid, sum(amount), avg(sum(CAST(amount AS double))) OVER (ORDER BY paid"
        " ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) FROM club_payment GROUP BY paid ORDER BY paid",
        sqlite="SELECT paid, sum(amount), avg(sum(amount)) OVER (ORDER BY paid"
        " ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) FROM club_payment GROUP BY paid ORDER BY paid",
        postgresql="SELECT paid, sum(amount), avg(sum(amount)) OVER (ORDER BY paid"
        " ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) FROM club_payment GROUP BY paid ORDER BY paid",
        ordered=True,
    )


def test_the_row_before(club: Club) -> None:
    """How much more, or less, did each coach get than with the salary before?"""
    before = Window(Lag("amount"), partition_by="coach", order_by="since")
    raises = Salary.objects.annotate(before=before).annotate(more=F("amount") - F("before"))
    club.same(
        raises.filter(before__isnull=False).values_list("id", "more"),
        "SELECT id, amount - earlier FROM (SELECT id, amount,"
        " lag(amount) OVER (PARTITION BY coach_id ORDER BY since) AS earlier FROM club_salary) AS s"
        " WHERE earlier IS NOT NULL",
    )


def test_the_first_row(club: Club) -> None:
    """Show every salary beside the coach's first one."""
    first = Window(FirstValue("amount"), partition_by="coach", order_by="since")
    club.same(
        Salary.objects.annotate(first=first).values_list("id", "amount", "first"),
        "SELECT id, amount, first_value(amount) OVER (PARTITION BY coach_id ORDER BY since)"
        " FROM club_salary",
    )


def test_the_latest_of_each(club: Club) -> None:
    """Show the present salary of each coach."""
    newest = Window(RowNumber(), partition_by="coach", order_by="-since")
    club.same(
        Salary.objects.annotate(n=newest).filter(n=1).values_list("coach__name", "amount"),
        "SELECT c.name, s.amount FROM club_salary s JOIN club_coach c ON c.id = s.coach_id"
        " WHERE s.since = (SELECT max(since) FROM club_salary WHERE coach_id = s.coach_id)",
    )


def test_shares_of_the_whole(club: Club) -> None:
    """Which share of all hours does each boat have, in percent?"""
    totals = Outing.objects.values("boat").annotate(total=Sum("hours"))
    share = F("total") * 100.0 / Window(Sum("total"))
    club.same(
        totals.annotate(share=share),
        "SELECT boat_id, sum(hours), sum(hours) * 100e0 / sum(sum(hours)) OVER () FROM club_outing"
        " GROUP BY boat_id",
    )


def test_a_median(club: Club) -> None:
    """What is the median payment of each method?"""
    ordered = Payment.objects.annotate(
        n=Window(RowNumber(), partition_by="method", order_by=["amount", "id"]),
        size=Window(Count("*"), partition_by="method"),
    )
    middle = ordered.filter(n__gte=F("size") / 2.0, n__lte=F("size") / 2.0 + 1)
    club.same(
        Payment.objects.filter(id__in=middle.values("id")).values("method").annotate(Avg("amount")),
        "SELECT method, avg(amount) FROM (SELECT method, amount,"
        " row_number() OVER (PARTITION BY method ORDER BY amount, id) AS n,"
        " count(*) OVER (PARTITION BY method) AS size FROM club_payment) AS p"
        " WHERE n >= size / 2.0 AND n <= size / 2.0 + 1 GROUP BY method",
        postgresql="SELECT method, percentile_cont(0.5) WITHIN GROUP (ORDER BY amount)"
        " FROM club_payment GROUP BY method",
    )


def test_days_without_any(club: Club) -> None:
    """Between which days did more than three days pass without a payment?"""
    days = Payment.objects.values("paid").distinct()
    gaps = days.annotate(following=Window(Lead("paid"), order_by="paid"))
    club.same(
        gaps.filter(following__gt=F("paid") + dt.timedelta(days=3)),
        "SELECT DISTINCT paid, following"
        " FROM (SELECT paid, lead(paid) OVER (ORDER BY paid) AS following FROM club_payment) AS p"
        " WHERE following > paid + INTERVAL 3 DAY",
        sqlite="SELECT DISTINCT paid, following"
        " FROM (SELECT paid, lead(paid) OVER (ORDER BY paid) AS following FROM club_payment) AS p"
        " WHERE following > date(paid, '3 days')",
        postgresql="SELECT DISTINCT paid, following"
        " FROM (SELECT paid, lead(paid) OVER (ORDER BY paid) AS following FROM club_payment) AS p"
        " WHERE following > paid + 3",
    )


def test_the_longest_pause(club: Club) -> None:
    """How long at most did each of the first ten members stay ashore between two outings?"""
    before = Window(Lag("starts"), partition_by="member", order_by=["starts", "id"])
    pauses = Outing.objects.filter(member__lte=10).annotate(before=before)
    longest: dict[int, int] = {}
    for member, starts, earlier in pauses.values_list("member", "starts", "before"):
        if earlier is not None:
            days = (starts - earlier).total_seconds() // 3600
            longest[member] = max(longest.get(member, 0), int(days))
    club.same(
        longest.items(),
        "SELECT member_id, max(timestampdiff(HOUR, earlier, starts))"
        " FROM (SELECT member_id, starts,"
        " lag(starts) OVER (PARTITION BY member_id ORDER BY starts, id) AS earlier"
        " FROM club_outing WHERE member_id <= 10) AS o"
        " WHERE earlier IS NOT NULL GROUP BY member_id",
        sqlite="SELECT member_id, max(CAST(round((julianday(starts) - julianday(earlier)) * 24)"
        " AS integer)) FROM (SELECT member_id, starts,"
        " lag(starts) OVER (PARTITION BY member_id ORDER BY starts, id) AS earlier"
        " FROM club_outing WHERE member_id <= 10) AS o"
        " WHERE earlier IS NOT NULL GROUP BY member_id",
        postgresql="SELECT member_id, max(extract(epoch FROM starts - earlier) / 3600)"
        " FROM (SELECT member_id, starts,"
        " lag(starts) OVER (PARTITION BY member_id ORDER BY starts, id) AS earlier"
        " FROM club_outing WHERE member_id <= 10) AS o"
        " WHERE earlier IS NOT NULL GROUP BY member_id",
    )


def test_islands(club: Club) -> None:
    """In which unbroken rows of days, five at least, did payments come in?"""
    days = Payment.objects.values("paid").distinct()
    numbered = days.annotate(n=Window(DenseRank(), order_by="paid"))
    islands: dict[dt.date, list[dt.date]] = {}
    for row in numbered:
        islands.setdefault(row["paid"] - dt.timedelta(days=row["n"]), []).append(row["paid"])
    club.same(
        [(min(each), max(each), len(each)) for each in islands.values() if len(each) >= 5],
        "SELECT min(paid), max(paid), count(*) FROM (SELECT DISTINCT paid,"
        " paid - INTERVAL dense_rank() OVER (ORDER BY paid) DAY AS island FROM club_payment) AS p"
        " GROUP BY island HAVING count(*) >= 5",
        sqlite="SELECT min(paid), max(paid), count(*) FROM (SELECT DISTINCT paid,"
        " date(paid, -dense_rank() OVER (ORDER BY paid) || ' days') AS island FROM club_payment)"
        " GROUP BY island HAVING count(*) >= 5",
        postgresql="SELECT min(paid), max(paid), count(*) FROM (SELECT DISTINCT paid,"
        " paid - (dense_rank() OVER (ORDER BY paid))::integer AS island FROM club_payment) AS p"
        " GROUP BY island HAVING count(*) >= 5",
    )


def test_above_the_mean_of_the_team(club: Club) -> None:
    """Which coaches are longer there than the middle of their team, told by a window?"""
    first = Window(Max("hired"), partition_by="team")
    late = Coach.objects.filter(~Q(team=None)).annotate(latest=first).filter(hired=F("latest"))
    club.same(
        late.values_list("id", "team"),
        "SELECT c.id, c.team_id FROM club_coach c WHERE c.hired ="
        " (SELECT max(hired) FROM club_coach WHERE team_id = c.team_id)",
    )

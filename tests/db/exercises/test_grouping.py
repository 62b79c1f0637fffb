"""Exercises of groups: counted, summed, compared with what the whole group is."""

from decimal import Decimal

from tests.db.exercises.club_models import Boat, Coach, Member, Outing, Payment, Skill
from tests.db.exercises.conftest import Club
from undercroft.models import (
    Avg,
    Case,
    Cast,
    Count,
    ExtractMonth,
    F,
    FloatField,
    Left,
    Max,
    Min,
    Q,
    Round,
    StringAgg,
    Sum,
    TruncMonth,
    Upper,
    Value,
    When,
)

COST = F("hours") * (F("boat__member_fee") + F("guests") * F("boat__guest_fee"))


def test_how_many(club: Club) -> None:
    """How many boats are there, how many for more than two, and how many kinds?"""
    counts = Boat.objects.aggregate(
        boats=Count("*"),
        large=Count("id", filter=Q(seats__gt=2)),
        kinds=Count("kind", distinct=True),
    )
    club.same(
        counts,
        "SELECT count(*), count(CASE WHEN seats > 2 THEN 1 END), count(DISTINCT kind)"
        " FROM club_boat",
        answer=[(13, 7, 4)],
    )


def test_how_many_each(club: Club) -> None:
    """How many members did each sponsor bring?"""
    counted = Member.objects.filter(sponsor__isnull=False).values("sponsor").annotate(n=Count("*"))
    club.same(
        counted.order_by("sponsor"),
        "SELECT sponsor_id, count(*) FROM club_member WHERE sponsor_id IS NOT NULL"
        " GROUP BY sponsor_id ORDER BY sponsor_id",
        ordered=True,
    )


def test_hours_of_boats(club: Club) -> None:
    """For how many hours was each boat out?"""
    club.same(
        Outing.objects.values("boat__name").annotate(total=Sum("hours")),
        "SELECT b.name, sum(o.hours) FROM club_outing o JOIN club_boat b ON b.id = o.boat_id"
        " GROUP BY b.name",
    )


def test_hours_of_a_month(club: Club) -> None:
    """For how many hours was each boat out in July, those that were the least first?"""
    july = Outing.objects.filter(starts__month=7).values("boat").annotate(total=Sum("hours"))
    club.same(
        july.order_by("total", "boat"),
        "SELECT boat_id, sum(hours) AS total FROM club_outing"
        " WHERE starts >= '2024-07-01' AND starts < '2024-08-01'"
        " GROUP BY boat_id ORDER BY total, boat_id",
        ordered=True,
    )


def test_hours_of_each_month(club: Club) -> None:
    """For how many hours was each boat out in each month?"""
    monthly = Outing.objects.annotate(month=ExtractMonth("starts")).values("boat", "month")
    club.same(
        monthly.annotate(total=Sum("hours")),
        "SELECT boat_id, extract(month FROM starts), sum(hours) FROM club_outing"
        " GROUP BY boat_id, extract(month FROM starts)",
        sqlite="SELECT boat_id, CAST(strftime('%m', starts) AS integer) AS month, sum(hours)"
        " FROM club_outing GROUP BY boat_id, month",
    )


def test_payments_of_each_month(club: Club) -> None:
    """How much came in, in each month, and by how many payments?"""
    monthly = Payment.objects.annotate(month=TruncMonth("paid")).values("month")
    club.same(
        monthly.annotate(total=Sum("amount"), n=Count("*")).order_by("month"),
        "SELECT date_format(paid, '%Y-%m-01') AS m, sum(amount), count(*) FROM club_payment"
        " GROUP BY m ORDER BY m",
        sqlite="SELECT date(paid, 'start of month') AS m, sum(amount), count(*) FROM club_payment"
        " GROUP BY m ORDER BY m",
        postgresql="SELECT date_trunc('month', paid)::date AS m, sum(amount), count(*)"
        " FROM club_payment GROUP BY m ORDER BY m",
        ordered=True,
    )


def test_members_who_went_out(club: Club) -> None:
    """How many members went out at least once?"""
    club.same(
        Outing.objects.aggregate(n=Count("member", distinct=True)),
        "SELECT count(DISTINCT member_id) FROM club_outing",
    )


def test_groups_of_a_size(club: Club) -> None:
    """Which boats were out for more than 200 hours?"""
    busy = Outing.objects.values("boat").annotate(total=Sum("hours")).filter(total__gt=200)
    club.same(
        busy,
        "SELECT boat_id, sum(hours) FROM club_outing GROUP BY boat_id HAVING sum(hours) > 200",
    )


def test_rows_before_groups(club: Club) -> None:
    """Which boats were out for more than 30 hours with guests, and at least ten times?"""
    busy = (
        Outing.objects.filter(guests__gt=0)
        .values("boat__name")
        .annotate(total=Sum("hours"))
        .annotate(n=Count("*"))
        .filter(total__gt=30, n__gte=10)
    )
    club.same(
        busy,
        "SELECT b.name, sum(o.hours), count(*) FROM club_outing o"
        " JOIN club_boat b ON b.id = o.boat_id WHERE o.guests > 0"
        " GROUP BY b.name HAVING sum(o.hours) > 30 AND count(*) >= 10",
    )


def test_what_boats_earn(club: Club) -> None:
    """What did each boat earn?"""
    club.same(
        Outing.objects.values("boat__name").annotate(earned=Sum(COST)).order_by("-earned"),
        "SELECT b.name, sum(o.hours * (b.member_fee + o.guests * b.guest_fee)) AS earned"
        " FROM club_outing o JOIN club_boat b ON b.id = o.boat_id"
        " GROUP BY b.name ORDER BY earned DESC",
        ordered=True,
    )


def test_boats_that_earn_little(club: Club) -> None:
    """Which boats earned less than ten times their upkeep?"""
    poor = (
        Boat.objects.annotate(
            earned=Sum(
                F("outings__hours") * (F("member_fee") + F("outings__guests") * F("guest_fee")),
                default=Decimal(0),
            )
        )
        .filter(earned__lt=F("upkeep") * 10)
        .order_by("name")
    )
    club.same(
        poor.values_list("name", "earned"),
        "SELECT b.name,"
        " coalesce(sum(o.hours * (b.member_fee + o.guests * b.guest_fee)), 0) AS earned"
        " FROM club_boat b LEFT JOIN club_outing o ON o.boat_id = b.id"
        " GROUP BY b.id, b.name, b.upkeep"
        " HAVING coalesce(sum(o.hours * (b.member_fee + o.guests * b.guest_fee)), 0)"
        " < b.upkeep * 10 ORDER BY b.name",
        ordered=True,
    )


def test_the_most(club: Club) -> None:
    """Which boat was out for the most hours?"""
    totals = Outing.objects.values("boat").annotate(total=Sum("hours")).order_by("-total", "boat")
    club.same(
        totals[:1],
        "SELECT boat_id, sum(hours) AS total FROM club_outing"
        " GROUP BY boat_id ORDER BY total DESC, boat_id LIMIT 1",
    )


def test_members_with_nothing_too(club: Club) -> None:
    """How often did each member go out, those who never did included?"""
    club.same(
        Member.objects.annotate(n=Count("outings")).values_list("id", "n"),
        "SELECT m.id, count(o.id) FROM club_member m"
        " LEFT JOIN club_outing o ON o.member_id = m.id GROUP BY m.id",
    )


def test_two_relations_counted(club: Club) -> None:
    """How many outings and how many payments does each member have?"""
    counted = Member.objects.annotate(
        outs=Count("outings", distinct=True), paid=Count("payments", distinct=True)
    )
    club.same(
        counted.values_list("id", "outs", "paid"),
        "SELECT m.id, (SELECT count(*) FROM club_outing o WHERE o.member_id = m.id),"
        " (SELECT count(*) FROM club_payment p WHERE p.member_id = m.id) FROM club_member m",
    )


def test_nothing_summed(club: Club) -> None:
    """How much did each member pay, nothing being 0?"""
    club.same(
        Member.objects.annotate(paid=Sum("payments__amount", default=Decimal(0))).values_list(
            "id", "paid"
        ),
        "SELECT m.id, coalesce(sum(p.amount), 0) FROM club_member m"
        " LEFT JOIN club_payment p ON p.member_id = m.id GROUP BY m.id",
    )


def test_least_mean_and_greatest(club: Club) -> None:
    """What are the least, the mean and the greatest payment by each method?"""
    club.same(
        Payment.objects.values("method").annotate(
            Min("amount"), Max("amount"), mean=Avg(Cast("amount", FloatField()))
        ),
        "SELECT method, min(amount), max(amount), avg(CAST(amount AS double)) FROM club_payment"
        " GROUP BY method",
        sqlite="SELECT method, min(amount), max(amount), avg(amount) FROM club_payment"
        " GROUP BY method",
        postgresql="SELECT method, min(amount), max(amount), avg(amount) FROM club_payment"
        " GROUP BY method",
    )


def test_means_of_counts(club: Club) -> None:
    """How many outings has a member in the mean, and at most?"""
    counted = Member.objects.annotate(n=Count("outings"))
    club.same(
        counted.aggregate(mean=Avg("n"), most=Max("n")),
        "SELECT avg(n), max(n) FROM (SELECT count(o.id) AS n FROM club_member m"
        " LEFT JOIN club_outing o ON o.member_id = m.id GROUP BY m.id) AS counted",
        mariadb="SELECT avg(n * 1e0), max(n) FROM (SELECT count(o.id) AS n FROM club_member m"
        " LEFT JOIN club_outing o ON o.member_id = m.id GROUP BY m.id) AS counted",
    )


def test_groups_by_what_is_worked_out(club: Club) -> None:
    """How many members are there for each initial of a last name?"""
    counted = Member.objects.annotate(initial=Upper(Left("last_name", 1))).values("initial")
    club.same(
        counted.annotate(n=Count("*")).order_by("initial"),
        "SELECT upper(left(last_name, 1)) AS i, count(*) FROM club_member GROUP BY i ORDER BY i",
        sqlite="SELECT undercroft_upper(substr(last_name, 1, 1)) AS i, count(*) FROM club_member"
        " GROUP BY i ORDER BY i",
        ordered=True,
    )


def test_groups_of_classes(club: Club) -> None:
    """How many payments are small, middling and large?"""
    size = Case(
        When(amount__lt=20, then=Value("small")),
        When(amount__lt=60, then=Value("middling")),
        default=Value("large"),
    )
    club.same(
        Payment.objects.annotate(size=size).values("size").annotate(n=Count("*")),
        "SELECT CASE WHEN amount < 20 THEN 'small' WHEN amount < 60 THEN 'middling'"
        " ELSE 'large' END AS size, count(*) FROM club_payment GROUP BY size",
    )


def test_some_of_each_group(club: Club) -> None:
    """How many outings of each boat were late, were in time, and are not back?"""
    club.same(
        Outing.objects.values("boat").annotate(
            behind=Count("id", filter=Q(late__gt=0)),
            prompt=Count("id", filter=Q(late=0)),
            away=Count("id", filter=Q(late__isnull=True)),
        ),
        "SELECT boat_id, count(CASE WHEN late > 0 THEN 1 END),"
        " count(CASE WHEN late = 0 THEN 1 END), count(*) - count(late) FROM club_outing"
        " GROUP BY boat_id",
    )


def test_a_table_turned_round(club: Club) -> None:
    """Show the payments of each month, one column for each method."""
    monthly = Payment.objects.annotate(month=ExtractMonth("paid")).values("month")
    columns = {
        method: Sum("amount", filter=Q(method=method), default=Decimal(0))
        for method in ("card", "cash", "bank")
    }
    club.same(
        monthly.annotate(**columns).order_by("month"),
        "SELECT extract(month FROM paid) AS m, sum(CASE method WHEN 'card' THEN amount ELSE 0 END),"
        " sum(CASE method WHEN 'cash' THEN amount ELSE 0 END),"
        " sum(CASE method WHEN 'bank' THEN amount ELSE 0 END)"
        " FROM club_payment GROUP BY m ORDER BY m",
        sqlite="SELECT CAST(strftime('%m', paid) AS integer) AS m,"
        " total(amount) FILTER (WHERE method = 'card'),"
        " total(amount) FILTER (WHERE method = 'cash'),"
        " total(amount) FILTER (WHERE method = 'bank') FROM club_payment GROUP BY m ORDER BY m",
        ordered=True,
    )


def test_texts_of_a_group(club: Club) -> None:
    """List the tags of each boat in one text, in alphabetical order."""
    tagged = Boat.objects.annotate(labels=StringAgg("tags__name", ", ", order_by="tags__name"))
    club.same(
        tagged.order_by("id").values_list("name", "labels"),
        "SELECT b.name, group_concat(t.name ORDER BY t.name SEPARATOR ', ') FROM club_boat b"
        " LEFT JOIN club_boat_tags bt ON bt.boat_id = b.id LEFT JOIN club_tag t ON t.id = bt.tag_id"
        " GROUP BY b.id, b.name ORDER BY b.id",
        sqlite="SELECT b.name, (SELECT group_concat(name, ', ') FROM (SELECT t.name FROM club_tag t"
        " JOIN club_boat_tags bt ON bt.tag_id = t.id WHERE bt.boat_id = b.id ORDER BY t.name))"
        " FROM club_boat b ORDER BY b.id",
        postgresql="SELECT b.name, string_agg(t.name, ', ' ORDER BY t.name) FROM club_boat b"
        " LEFT JOIN club_boat_tags bt ON bt.boat_id = b.id LEFT JOIN club_tag t ON t.id = bt.tag_id"
        " GROUP BY b.id, b.name ORDER BY b.id",
        ordered=True,
    )


def test_all_of_several(club: Club) -> None:
    """Who has both Rowing and Rescue, told by counting?"""
    both = (
        Member.objects.filter(certificates__skill__name__in=["Rowing", "Rescue"])
        .annotate(n=Count("certificates__skill", distinct=True))
        .filter(n=2)
    )
    club.same(
        both.values_list("id"),
        "SELECT c.member_id FROM club_certificate c JOIN club_skill s ON s.id = c.skill_id"
        " WHERE s.name IN ('Rowing', 'Rescue')"
        " GROUP BY c.member_id HAVING count(DISTINCT s.id) = 2",
    )


def test_a_mean_that_is_rounded(club: Club) -> None:
    """What are the mean points of each skill, to one place, the best first?"""
    means = Skill.objects.annotate(mean=Round(Avg("certificates__points"), 1))
    club.same(
        means.order_by("-mean", "name").values_list("name", "mean"),
        "SELECT s.name, round(avg(c.points), 1) AS mean FROM club_skill s"
        " JOIN club_certificate c ON c.skill_id = s.id GROUP BY s.name ORDER BY mean DESC, s.name",
        ordered=True,
    )


def test_reports_of_managers(club: Club) -> None:
    """How many coaches report to each manager of a team, and since when is the newest there?"""
    managers = Coach.objects.filter(team__isnull=False).annotate(
        n=Count("reports"), newest=Max("reports__hired")
    )
    club.same(
        managers.filter(n__gte=2).values_list("id", "team__name", "n", "newest"),
        "SELECT c.id, t.name, count(r.id), max(r.hired) FROM club_coach c"
        " JOIN club_team t ON t.id = c.team_id JOIN club_coach r ON r.manager_id = c.id"
        " GROUP BY c.id, t.name HAVING count(r.id) >= 2",
    )

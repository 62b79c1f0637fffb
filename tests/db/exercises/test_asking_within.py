"""Exercises of queries within queries: whether there is one, the newest one, all of them."""

from tests.db.exercises.club_models import Boat, Coach, Member, Outing, Payment, Salary, Skill
from tests.db.exercises.conftest import Club
from undercroft.models import Avg, Count, Exists, F, Max, OuterRef, Subquery, Sum

#: The present salary of a coach.
PRESENT = (
    "(SELECT s.amount FROM club_salary s WHERE s.coach_id = {}.id ORDER BY s.since DESC LIMIT 1)"
)


def test_whether_there_is_one(club: Club) -> None:
    """Who paid by cash at least once?"""
    cash = Payment.objects.filter(member=OuterRef("pk"), method="cash")
    club.same(
        Member.objects.filter(Exists(cash)).values_list("id"),
        "SELECT id FROM club_member m WHERE EXISTS"
        " (SELECT 1 FROM club_payment p WHERE p.member_id = m.id AND p.method = 'cash')",
    )


def test_whether_there_is_none(club: Club) -> None:
    """Who went out and never paid?"""
    outings = Outing.objects.filter(member=OuterRef("pk"))
    payments = Payment.objects.filter(member=OuterRef("pk"))
    club.same(
        Member.objects.filter(Exists(outings), ~Exists(payments)).values_list("id"),
        "SELECT id FROM club_member m"
        " WHERE EXISTS (SELECT 1 FROM club_outing o WHERE o.member_id = m.id)"
        " AND NOT EXISTS (SELECT 1 FROM club_payment p WHERE p.member_id = m.id)",
    )


def test_among_the_rows_of_another_query(club: Club) -> None:
    """Which outings did members of Fenby make in boats for races?"""
    club.same(
        Outing.objects.filter(
            member__in=Member.objects.filter(town="Fenby"),
            boat__in=Boat.objects.filter(tags__name="race").values("id"),
        ).values_list("id"),
        "SELECT id FROM club_outing"
        " WHERE member_id IN (SELECT id FROM club_member WHERE town = 'Fenby')"
        " AND boat_id IN (SELECT bt.boat_id FROM club_boat_tags bt"
        " JOIN club_tag t ON t.id = bt.tag_id WHERE t.name = 'race')",
    )


def test_a_name_without_a_join(club: Club) -> None:
    """Show every member beside the name of the sponsor, without a join."""
    sponsor = Member.objects.filter(id=OuterRef("sponsor")).values("first_name")
    club.same(
        Member.objects.annotate(by=Subquery(sponsor)).values_list("id", "by"),
        "SELECT id, (SELECT s.first_name FROM club_member s WHERE s.id = m.sponsor_id)"
        " FROM club_member m",
    )


def test_the_newest_of_each(club: Club) -> None:
    """When did each member pay last, and how much?"""
    newest = Payment.objects.filter(member=OuterRef("pk")).order_by("-paid", "-id")
    club.same(
        Member.objects.annotate(
            paid=Subquery(newest.values("paid")[:1]), amount=Subquery(newest.values("amount")[:1])
        ).values_list("id", "paid", "amount"),
        "SELECT m.id, p.paid, p.amount FROM club_member m LEFT JOIN club_payment p ON p.id ="
        " (SELECT q.id FROM club_payment q WHERE q.member_id = m.id"
        " ORDER BY q.paid DESC, q.id DESC LIMIT 1)",
    )


def test_counted_apart(club: Club) -> None:
    """How many hours was each member out, and how much did each pay?"""
    hours = Outing.objects.filter(member=OuterRef("pk")).values("member").annotate(n=Sum("hours"))
    paid = Payment.objects.filter(member=OuterRef("pk")).values("member").annotate(n=Sum("amount"))
    club.same(
        Member.objects.annotate(
            hours=Subquery(hours.values("n")), paid=Subquery(paid.values("n"))
        ).values_list("id", "hours", "paid"),
        "SELECT m.id, o.n, p.n FROM club_member m"
        " LEFT JOIN (SELECT member_id, sum(hours) AS n FROM club_outing GROUP BY member_id) o"
        " ON o.member_id = m.id"
        " LEFT JOIN (SELECT member_id, sum(amount) AS n FROM club_payment GROUP BY member_id) p"
        " ON p.member_id = m.id",
    )


def test_above_the_mean(club: Club) -> None:
    """Which payments are more than twice the mean of the same method?"""
    mean = (
        Payment.objects.filter(method=OuterRef("method"))
        .values("method")
        .annotate(mean=Avg("amount"))
        .values("mean")
    )
    large = Payment.objects.annotate(mean=Subquery(mean)).filter(amount__gt=F("mean") * 1.8)
    club.same(
        large.values_list("id"),
        "SELECT id FROM club_payment p WHERE amount >"
        " (SELECT avg(amount) * 1.8 FROM club_payment q WHERE q.method = p.method)",
    )


def test_all_of_a_kind(club: Club) -> None:
    """Who had every canoe out?"""
    out = Outing.objects.filter(member=OuterRef(OuterRef("pk")), boat=OuterRef("pk"))
    missing = Boat.objects.filter(~Exists(out), kind="canoe")
    club.same(
        Member.objects.filter(~Exists(missing)).values_list("id"),
        "SELECT m.id FROM club_member m WHERE NOT EXISTS (SELECT 1 FROM club_boat b"
        " WHERE b.kind = 'canoe' AND NOT EXISTS (SELECT 1 FROM club_outing o"
        " WHERE o.member_id = m.id AND o.boat_id = b.id))",
    )


def test_more_than_the_manager(club: Club) -> None:
    """Which coaches get more than their manager now?"""
    salary = Salary.objects.order_by("-since").values("amount")
    paid = Coach.objects.annotate(
        own=Subquery(salary.filter(coach=OuterRef("pk"))[:1]),
        above=Subquery(salary.filter(coach=OuterRef("manager"))[:1]),
    )
    club.same(
        paid.filter(own__gt=F("above")).values_list("id", "own", "above"),
        f"SELECT c.id, {PRESENT.format('c')}, {PRESENT.format('m')} FROM club_coach c"
        f" JOIN club_coach m ON m.id = c.manager_id"
        f" WHERE {PRESENT.format('c')} > {PRESENT.format('m')}",
    )


def test_the_mean_of_present_salaries(club: Club) -> None:
    """What do the coaches of each team get in the mean, now?"""
    newest = Salary.objects.filter(coach=OuterRef("coach")).order_by("-since").values("id")[:1]
    now = Salary.objects.filter(id=Subquery(newest), coach__team__isnull=False)
    club.same(
        now.values("coach__team__name").annotate(mean=Avg("amount"), n=Count("*")),
        "SELECT t.name, avg(s.amount * 1e0), count(*) FROM club_salary s"
        " JOIN club_coach c ON c.id = s.coach_id JOIN club_team t ON t.id = c.team_id"
        " WHERE s.since = (SELECT max(since) FROM club_salary WHERE coach_id = c.id)"
        " GROUP BY t.name",
    )


def test_the_second_highest(club: Club) -> None:
    """What is the second highest salary that was ever paid, and to whom?"""
    second = Salary.objects.order_by("-amount").values("amount").distinct()[1:2]
    club.same(
        Salary.objects.filter(amount=Subquery(second)).values_list("coach__name", "amount"),
        "SELECT c.name, s.amount FROM club_salary s JOIN club_coach c ON c.id = s.coach_id"
        " WHERE s.amount = (SELECT max(amount) FROM club_salary"
        " WHERE amount < (SELECT max(amount) FROM club_salary))",
    )


def test_most_of_each_group(club: Club) -> None:
    """Who was out for the most hours in each boat?"""
    totals = Outing.objects.values("boat", "member").annotate(total=Sum("hours"))
    most = (
        Outing.objects.filter(boat=OuterRef("boat"))
        .values("member")
        .annotate(total=Sum("hours"))
        .order_by("-total")
        .values("total")[:1]
    )
    club.same(
        totals.filter(total=Subquery(most)),
        "SELECT boat_id, member_id, sum(hours) FROM club_outing o GROUP BY boat_id, member_id"
        " HAVING sum(hours) = (SELECT sum(hours) AS total FROM club_outing i"
        " WHERE i.boat_id = o.boat_id GROUP BY i.member_id ORDER BY total DESC LIMIT 1)",
    )


def test_better_than_all_before(club: Club) -> None:
    """Which certificates had more points than any earlier one of the same skill?"""
    skills = Skill.objects.filter(name="Radio").get()
    certificates = skills.certificates.all()
    earlier = certificates.filter(passed__lt=OuterRef("passed"), points__gte=OuterRef("points"))
    club.same(
        certificates.filter(~Exists(earlier)).values_list("id", "points"),
        "SELECT c.id, c.points FROM club_certificate c WHERE c.skill_id = 3 AND NOT EXISTS"
        " (SELECT 1 FROM club_certificate e WHERE e.skill_id = 3 AND e.passed < c.passed"
        " AND e.points >= c.points)",
    )


def test_at_the_same_time(club: Club) -> None:
    """Which outings began in one boat at the same moment?"""
    other = Outing.objects.filter(boat=OuterRef("boat"), starts=OuterRef("starts")).exclude(
        id=OuterRef("id")
    )
    club.same(
        Outing.objects.filter(Exists(other)).values_list("id"),
        "SELECT DISTINCT o.id FROM club_outing o JOIN club_outing p"
        " ON p.boat_id = o.boat_id AND p.starts = o.starts AND p.id <> o.id",
    )


def test_the_greatest_by_a_query_around(club: Club) -> None:
    """Which member of each town joined last?"""
    latest = (
        Member.objects.filter(town=OuterRef("town"))
        .values("town")
        .annotate(last=Max("joined"))
        .values("last")
    )
    club.same(
        Member.objects.filter(joined=Subquery(latest)).values_list("town", "id"),
        "SELECT town, id FROM club_member WHERE (town, joined) IN"
        " (SELECT town, max(joined) FROM club_member GROUP BY town)",
    )

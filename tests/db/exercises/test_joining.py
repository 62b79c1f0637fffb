"""Exercises of several tables: relations followed forward, backward, to many rows, to oneself."""

import datetime as dt

from tests.db.exercises.club_models import Boat, Coach, Member, Outing, Skill, Team
from tests.db.exercises.conftest import Club
from undercroft.models import Case, Count, F, Q, Value, When

#: What an outing costs: the member's fee for each hour, and a guest's on top for each guest.
COST = F("hours") * (F("boat__member_fee") + F("guests") * F("boat__guest_fee"))


def test_outings_of_a_member(club: Club) -> None:
    """When did Ida go out?"""
    club.same(
        Outing.objects.filter(member__first_name="Ida").values_list("starts", "member__last_name"),
        "SELECT o.starts, m.last_name FROM club_outing o JOIN club_member m ON m.id = o.member_id"
        " WHERE m.first_name = 'Ida'",
    )


def test_three_tables(club: Club) -> None:
    """Who took a skiff out in June, and which one?"""
    june = Outing.objects.filter(boat__kind="skiff", starts__year=2024, starts__month=6)
    club.same(
        june.values_list("member__last_name", "boat__name", "starts"),
        "SELECT m.last_name, b.name, o.starts FROM club_outing o"
        " JOIN club_member m ON m.id = o.member_id JOIN club_boat b ON b.id = o.boat_id"
        " WHERE b.kind = 'skiff' AND o.starts >= '2024-06-01' AND o.starts < '2024-07-01'",
    )


def test_who_brought_others(club: Club) -> None:
    """Which members brought another one, each once?"""
    sponsors = Member.objects.filter(sponsored__isnull=False).distinct().order_by("id")
    club.same(
        sponsors.values_list("id", "last_name"),
        "SELECT DISTINCT s.id, s.last_name FROM club_member m"
        " JOIN club_member s ON s.id = m.sponsor_id ORDER BY s.id",
        ordered=True,
    )


def test_with_or_without_a_sponsor(club: Club) -> None:
    """Show every member beside the one who brought them, if there is one."""
    club.same(
        Member.objects.values_list("id", "sponsor__id", "sponsor__last_name"),
        "SELECT m.id, s.id, s.last_name FROM club_member m"
        " LEFT JOIN club_member s ON s.id = m.sponsor_id",
    )


def test_sponsors_of_sponsors(club: Club) -> None:
    """Show whose sponsor was brought by whom."""
    pairs = Member.objects.filter(sponsor__sponsor__isnull=False)
    club.same(
        pairs.values_list("id", "sponsor__sponsor__id", "sponsor__sponsor__first_name"),
        "SELECT m.id, g.id, g.first_name FROM club_member m"
        " JOIN club_member s ON s.id = m.sponsor_id JOIN club_member g ON g.id = s.sponsor_id",
    )


def test_whom_one_brought_in_two_steps(club: Club) -> None:
    """How many members did each bring, directly and by those they brought?"""
    counted = Member.objects.annotate(
        first=Count("sponsored", distinct=True), second=Count("sponsored__sponsored", distinct=True)
    )
    club.same(
        counted.filter(first__gt=0).values_list("id", "first", "second"),
        "SELECT m.id, count(DISTINCT a.id), count(DISTINCT b.id) FROM club_member m"
        " JOIN club_member a ON a.sponsor_id = m.id"
        " LEFT JOIN club_member b ON b.sponsor_id = a.id GROUP BY m.id",
    )


def test_neighbours(club: Club) -> None:
    """Whom did somebody of the same town bring?"""
    club.same(
        Member.objects.filter(town=F("sponsor__town")).values_list("id", "town"),
        "SELECT m.id, m.town FROM club_member m JOIN club_member s ON s.id = m.sponsor_id"
        " WHERE m.town = s.town",
    )


def test_hired_before_the_manager(club: Club) -> None:
    """Which coaches are longer there than their manager?"""
    club.same(
        Coach.objects.filter(hired__lt=F("manager__hired")).values_list("id", "manager__id"),
        "SELECT c.id, m.id FROM club_coach c JOIN club_coach m ON m.id = c.manager_id"
        " WHERE c.hired < m.hired",
    )


def test_costs(club: Club) -> None:
    """Which outings cost more than 200, and what, the dearest first?"""
    dear = Outing.objects.annotate(cost=COST).filter(cost__gt=200).order_by("-cost", "id")
    club.same(
        dear.values_list("id", "cost", "boat__name"),
        "SELECT o.id, o.hours * (b.member_fee + o.guests * b.guest_fee) AS cost, b.name"
        " FROM club_outing o JOIN club_boat b ON b.id = o.boat_id"
        " WHERE o.hours * (b.member_fee + o.guests * b.guest_fee) > 200 ORDER BY cost DESC, o.id",
        ordered=True,
    )


def test_a_discount(club: Club) -> None:
    """What do the outings of one day cost, if members of Marl pay nothing for themselves?"""
    own = Case(When(member__town="Marl", then=Value(0)), default=F("boat__member_fee"))
    outings = Outing.objects.filter(starts__date=dt.date(2024, 5, 5)).annotate(
        cost=F("hours") * (own + F("guests") * F("boat__guest_fee"))
    )
    club.same(
        outings.values_list("id", "cost"),
        "SELECT o.id, o.hours * (CASE WHEN m.town = 'Marl' THEN 0 ELSE b.member_fee END"
        " + o.guests * b.guest_fee) FROM club_outing o JOIN club_boat b ON b.id = o.boat_id"
        " JOIN club_member m ON m.id = o.member_id"
        " WHERE o.starts >= '2024-05-05' AND o.starts < '2024-05-06'",
    )


def test_boats_with_a_tag(club: Club) -> None:
    """Which boats are for the sea?"""
    club.same(
        Boat.objects.filter(tags__name="sea").order_by("id").values_list("name", flat=True),
        "SELECT b.name FROM club_boat b JOIN club_boat_tags bt ON bt.boat_id = b.id"
        " JOIN club_tag t ON t.id = bt.tag_id WHERE t.name = 'sea' ORDER BY b.id",
        ordered=True,
        answer=["Pike", "Heron", "Grey Heron", "Old Lady"],
    )


def test_boats_with_both_tags(club: Club) -> None:
    """Which boats are for the sea and for the river?"""
    both = Boat.objects.filter(tags__name="sea").filter(tags__name="river")
    club.same(
        both.values_list("name", flat=True),
        "SELECT b.name FROM club_boat b"
        " WHERE EXISTS (SELECT 1 FROM club_boat_tags bt JOIN club_tag t ON t.id = bt.tag_id"
        " WHERE bt.boat_id = b.id AND t.name = 'sea')"
        " AND EXISTS (SELECT 1 FROM club_boat_tags bt JOIN club_tag t ON t.id = bt.tag_id"
        " WHERE bt.boat_id = b.id AND t.name = 'river')",
        answer=["Pike"],
    )


def test_boats_without_a_tag(club: Club) -> None:
    """Which boats are not for the river?"""
    club.same(
        Boat.objects.exclude(tags__name="river").values_list("name", flat=True),
        "SELECT name FROM club_boat WHERE id NOT IN (SELECT bt.boat_id FROM club_boat_tags bt"
        " JOIN club_tag t ON t.id = bt.tag_id WHERE t.name = 'river')",
    )


def test_boats_without_any_tag(club: Club) -> None:
    """Which boats have no tag at all?"""
    club.same(
        Boat.objects.filter(tags__isnull=True).values_list("name", flat=True),
        "SELECT b.name FROM club_boat b LEFT JOIN club_boat_tags bt ON bt.boat_id = b.id"
        " WHERE bt.boat_id IS NULL",
    )


def test_what_stands_between(club: Club) -> None:
    """Who passed Radio with 90 points or more, and when?"""
    good = Member.objects.filter(certificates__skill__name="Radio", certificates__points__gte=90)
    club.same(
        good.values_list("id", "certificates__passed"),
        "SELECT m.id, c.passed FROM club_member m JOIN club_certificate c ON c.member_id = m.id"
        " JOIN club_skill s ON s.id = c.skill_id WHERE s.name = 'Radio' AND c.points >= 90",
    )


def test_through_what_stands_between(club: Club) -> None:
    """How many members of each town have each skill?"""
    counted = Skill.objects.values("name", "members__town").annotate(
        holders=Count("members", distinct=True)
    )
    club.same(
        counted,
        "SELECT s.name, m.town, count(DISTINCT m.id) FROM club_skill s"
        " LEFT JOIN club_certificate c ON c.skill_id = s.id"
        " LEFT JOIN club_member m ON m.id = c.member_id GROUP BY s.name, m.town",
    )


def test_nobody_there(club: Club) -> None:
    """Which teams have no coach?"""
    club.same(
        Team.objects.filter(coaches__isnull=True).values_list("name", flat=True),
        "SELECT t.name FROM club_team t LEFT JOIN club_coach c ON c.team_id = t.id"
        " WHERE c.id IS NULL",
        answer=["Winter"],
    )


def test_teams_of_others(club: Club) -> None:
    """Whose manager is in another team, or in none?"""
    apart = Coach.objects.filter(manager__isnull=False).exclude(team=F("manager__team"))
    club.same(
        apart.values_list("id", "team__name", "manager__team__name"),
        "SELECT c.id, t.name, mt.name FROM club_coach c JOIN club_coach m ON m.id = c.manager_id"
        " LEFT JOIN club_team t ON t.id = c.team_id LEFT JOIN club_team mt ON mt.id = m.team_id"
        " WHERE c.team_id <> m.team_id OR c.team_id IS NULL OR m.team_id IS NULL",
    )


def test_same_row_or_another(club: Club) -> None:
    """Who took out a keelboat with guests; who a keelboat, and guests in any boat?"""
    both = Member.objects.filter(outings__boat__kind="keelboat", outings__guests__gt=2)
    club.same(
        both.distinct().values_list("id"),
        "SELECT DISTINCT o.member_id FROM club_outing o JOIN club_boat b ON b.id = o.boat_id"
        " WHERE b.kind = 'keelboat' AND o.guests > 2",
    )
    either = Member.objects.filter(outings__boat__kind="keelboat").filter(outings__guests__gt=2)
    club.same(
        either.distinct().values_list("id"),
        "SELECT id FROM club_member WHERE id IN (SELECT o.member_id FROM club_outing o"
        " JOIN club_boat b ON b.id = o.boat_id WHERE b.kind = 'keelboat')"
        " AND id IN (SELECT member_id FROM club_outing WHERE guests > 2)",
    )


def test_a_choice_of_relations(club: Club) -> None:
    """Who sponsors somebody of Fenby, or comes from there and was sponsored?"""
    wanted = Q(sponsored__town="Fenby") | Q(town="Fenby", sponsor__isnull=False)
    club.same(
        Member.objects.filter(wanted).distinct().values_list("id"),
        "SELECT DISTINCT m.id FROM club_member m LEFT JOIN club_member s ON s.sponsor_id = m.id"
        " WHERE s.town = 'Fenby' OR (m.town = 'Fenby' AND m.sponsor_id IS NOT NULL)",
    )


def test_instances_with_their_relations(club: Club) -> None:
    """Show outings with member and boat, and boats with their tags, by three queries in all."""
    outings = Outing.objects.select_related("member", "boat").prefetch_related("boat__tags")
    found = [
        (each.id, each.member.last_name, each.boat.name, len(each.boat.tags.all()))
        for each in outings.filter(hours=4)
    ]
    club.same(
        found,
        "SELECT o.id, m.last_name, b.name,"
        " (SELECT count(*) FROM club_boat_tags bt WHERE bt.boat_id = b.id)"
        " FROM club_outing o JOIN club_member m ON m.id = o.member_id"
        " JOIN club_boat b ON b.id = o.boat_id WHERE o.hours = 4",
    )

"""Exercises of several queries as one: union, intersection, difference."""

from tests.db.exercises.club_models import Boat, Coach, Member, Outing, Skill, Team
from tests.db.exercises.conftest import Club
from undercroft.models import Value


def test_names_of_all_sorts(club: Club) -> None:
    """Show the names of boats and of teams in one list."""
    names = Boat.objects.values_list("name").union(Team.objects.values_list("name"))
    club.same(
        names.order_by("name"),
        "SELECT name FROM club_boat UNION SELECT name FROM club_team ORDER BY name",
        ordered=True,
    )


def test_equal_rows_kept(club: Club) -> None:
    """Show skills and teams in one list, names that both have twice."""
    names = Skill.objects.values_list("name").union(Team.objects.values_list("name"), all=True)
    club.same(
        names,
        "SELECT name FROM club_skill UNION ALL SELECT name FROM club_team",
    )


def test_where_a_row_comes_from(club: Club) -> None:
    """Show the names of skills and teams with what they are."""
    skills = Skill.objects.annotate(what=Value("skill")).values_list("name", "what")
    teams = Team.objects.annotate(what=Value("team")).values_list("name", "what")
    club.same(
        skills.union(teams).order_by("name", "what"),
        "SELECT name, 'skill' AS what FROM club_skill UNION SELECT name, 'team' FROM club_team"
        " ORDER BY name, what",
        ordered=True,
    )


def test_in_both(club: Club) -> None:
    """Who went out in May and in June?"""
    months = [
        Outing.objects.filter(starts__month=month).values_list("member", flat=True)
        for month in (5, 6)
    ]
    club.same(
        months[0].intersection(months[1]),
        "SELECT member_id FROM club_outing WHERE starts >= '2024-05-01' AND starts < '2024-06-01'"
        " INTERSECT"
        " SELECT member_id FROM club_outing WHERE starts >= '2024-06-01' AND starts < '2024-07-01'",
    )


def test_in_one_only(club: Club) -> None:
    """Which skills have no team of their name?"""
    only = Skill.objects.values_list("name", flat=True).difference(Team.objects.values_list("name"))
    club.same(
        only.order_by("name"),
        "SELECT name FROM club_skill EXCEPT SELECT name FROM club_team ORDER BY name",
        ordered=True,
        answer=["Navigation", "Radio", "Rescue"],
    )


def test_the_ends_of_a_list(club: Club) -> None:
    """Who are the first two members and the last two, in one query?"""
    ends = Member.objects.order_by("id")[:2].union(Member.objects.order_by("-id")[:2])
    club.same(
        ends.order_by("id"),
        "SELECT id FROM (SELECT id FROM club_member ORDER BY id LIMIT 2) AS a"
        " UNION SELECT id FROM (SELECT id FROM club_member ORDER BY id DESC LIMIT 2) AS b"
        " ORDER BY id",
        ordered=True,
        answer=[1, 2, 119, 120],
    )


def test_a_chain_of_managers(club: Club) -> None:
    """Who is over coach 24: the manager, and that one's, and that one's?"""
    step = Coach.objects.filter(id=24)
    chain = step.values_list("manager__id", flat=True).union(
        step.values_list("manager__manager__id", flat=True),
        step.values_list("manager__manager__manager__id", flat=True),
    )
    found = sorted(key for key in chain if key is not None)
    club.same(
        found,
        "WITH RECURSIVE chain (id, depth) AS (SELECT manager_id, 1 FROM club_coach WHERE id = 24"
        " UNION ALL SELECT c.manager_id, depth + 1 FROM club_coach c JOIN chain ON chain.id = c.id"
        " WHERE depth < 3) SELECT DISTINCT id FROM chain WHERE id IS NOT NULL ORDER BY id",
    )

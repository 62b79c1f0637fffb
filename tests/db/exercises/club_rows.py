"""The club's rows: about two thousand, the same ones each time."""

import datetime as dt
import random
from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar

from tests.db.exercises.club_models import (
    Boat,
    Certificate,
    Coach,
    Member,
    Outing,
    Payment,
    Salary,
    Skill,
    Tag,
    Team,
)

T = TypeVar("T")

MODELS = (Skill, Member, Certificate, Tag, Boat, Outing, Payment, Team, Coach, Salary)

FIRST_NAMES = ("Ida", "Bo", "Mira", "Tomas", "Wen", "Åsa", "Pavel", "Lou", "Nell", "Kofi")
LAST_NAMES = ("Vos", "O'Dell", "Marsh", "de Wit", "Ferro", "Quill", "Söder", "Okafor", "Lind")
TOWNS = ("Marl", "Brackwater", "Upper Sands", "Fenby", "Marlow End")
KINDS = {"canoe": (2, 4), "skiff": (1, 6), "dinghy": (3, 9), "keelboat": (6, 24)}
BOATS = (
    ("Tern", "canoe"),
    ("Little Tern", "canoe"),
    ("Coot", "canoe"),
    ("Grebe", "skiff"),
    ("Swift", "skiff"),
    ("Sculler's Rest", "skiff"),
    ("Pike", "dinghy"),
    ("Perch", "dinghy"),
    ("Roach 100%", "dinghy"),
    ("Bream_2", "dinghy"),
    ("Heron", "keelboat"),
    ("Grey Heron", "keelboat"),
    ("Old Lady", "keelboat"),
)
TAGS = {"sea": (7, 11, 12, 13), "river": (1, 2, 3, 4, 5, 7), "race": (4, 5, 8), "school": (1, 7)}
SKILLS = ("Rowing", "Sailing", "Radio", "Rescue", "Navigation")
TEAMS = ("Rowing", "Sailing", "Youth", "Workshop", "Winter")
METHODS = ("card", "cash", "bank")
FIRST_DAY = dt.date(2024, 4, 1)


class Dice:
    """Chance that falls alike on every Python: only `random()` itself is promised to."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed).random

    def throw(self, low: int, high: int) -> int:
        """Give a whole number from `low` to `high`."""
        return low + int(self._random() * (high - low + 1))

    def choose(self, options: Sequence[T]) -> T:
        """Give one of several."""
        return options[self.throw(0, len(options) - 1)]

    def happens(self, percent: int) -> bool:
        """Tell whether something happens that does so in that many cases of a hundred."""
        return self.throw(1, 100) <= percent


def fill() -> None:
    """Insert all rows; the keys of each table count from 1."""
    dice = Dice(2024)
    Skill.objects.bulk_create(Skill(id=n, name=name) for n, name in enumerate(SKILLS, 1))
    fill_members(dice)
    fill_boats()
    fill_outings(dice)
    fill_staff(dice)


def fill_members(dice: Dice) -> None:
    members: list[Member] = []
    joined = dt.date(2019, 1, 7)
    for key in range(1, 121):
        joined += dt.timedelta(days=dice.throw(1, 30))
        members.append(
            Member(
                id=key,
                first_name=dice.choose(FIRST_NAMES),
                last_name=dice.choose(LAST_NAMES),
                town=None if dice.happens(12) else dice.choose(TOWNS),
                joined=joined,
                sponsor_id=dice.throw(1, max(1, key // 2))
                if key > 5 and dice.happens(70)
                else None,
            )
        )
    Member.objects.bulk_create(members)
    Certificate.objects.bulk_create(
        Certificate(
            id=key,
            member_id=dice.throw(1, 110),
            skill_id=dice.throw(1, len(SKILLS)),
            passed=dt.date(2023, 1, 1) + dt.timedelta(days=dice.throw(0, 700)),
            points=dice.throw(50, 100),
        )
        for key in range(1, 181)
    )
    Payment.objects.bulk_create(
        Payment(
            id=key,
            member_id=dice.throw(1, 100),
            amount=Decimal(dice.throw(500, 9_000)) / 100,
            paid=FIRST_DAY + dt.timedelta(days=dice.throw(0, dice.throw(40, 240))),
            method=dice.choose(METHODS),
        )
        for key in range(1, 501)
    )


def fill_boats() -> None:
    Boat.objects.bulk_create(
        Boat(
            id=key,
            name=name,
            kind=kind,
            seats=KINDS[kind][0],
            member_fee=Decimal(0) if name == "Old Lady" else Decimal(KINDS[kind][1]) / 2,
            guest_fee=KINDS[kind][1],
            upkeep=KINDS[kind][1] * 40 + key,
        )
        for key, (name, kind) in enumerate(BOATS, 1)
    )
    for key, (name, boats) in enumerate(TAGS.items(), 1):
        Tag.objects.create(id=key, name=name).boats.set(boats)


def fill_outings(dice: Dice) -> None:
    # Nobody takes the last boat out, and members in the hundreds stay ashore.
    Outing.objects.bulk_create(
        Outing(
            id=key,
            member_id=dice.throw(1, dice.throw(20, 100)),
            boat_id=dice.throw(1, dice.throw(4, len(BOATS) - 1)),
            starts=dt.datetime(2024, 4, 1, tzinfo=dt.UTC)
            + dt.timedelta(days=dice.throw(0, 180), hours=dice.throw(6, 17)),
            hours=dice.throw(1, 4),
            guests=dice.throw(0, 3) if dice.happens(40) else 0,
            late=None if dice.happens(5) else dice.throw(0, 2),
        )
        for key in range(1, 1_001)
    )


def fill_staff(dice: Dice) -> None:
    Team.objects.bulk_create(Team(id=n, name=name) for n, name in enumerate(TEAMS, 1))
    # The last team has nobody, and the last two coaches no team.
    Coach.objects.bulk_create(
        Coach(
            id=key,
            name=f"{dice.choose(FIRST_NAMES)} {dice.choose(LAST_NAMES)}",
            team_id=dice.throw(1, 4) if key < 23 else None,
            manager_id=dice.throw(1, key // 3 + 1) if key > 2 else None,
            hired=dt.date(2015, 3, 1) + dt.timedelta(days=dice.throw(0, 2_000)),
        )
        for key in range(1, 25)
    )
    raises = [(coach, step) for coach in range(1, 25) for step in range(dice.throw(1, 5))]
    Salary.objects.bulk_create(
        Salary(
            id=key,
            coach_id=coach,
            amount=28_000 + 100 * dice.throw(0, 90) + 1_500 * step,
            since=dt.date(2021 + step, 1, 1),
        )
        for key, (coach, step) in enumerate(raises, 1)
    )

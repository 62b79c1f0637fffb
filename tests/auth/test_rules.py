"""Row rules: one condition filters lists, checks rows and explains itself."""

import asyncio
import random
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from tests.conftest import create_tables
from undercroft import models
from undercroft.auth import (
    AnonymousUser,
    acheck_allowed,
    aexplain_access,
    ais_allowed,
    check_allowed,
    explain_access,
    is_allowed,
    permits,
    rule,
    rules,
)
from undercroft.auth.models import Group, Permission, User
from undercroft.db.connections.databases import databases
from undercroft.db.queries.q import Q
from undercroft.db.watching import max_queries
from undercroft.errors import ImproperlyConfigured, NotFound, PermissionDenied


class Note(models.Model):
    """Has rules of its own."""

    author = models.ForeignKey(User, on_delete=models.CASCADE, null=True)
    readers = models.ManyToManyField(User, related_name="read_notes", blank=True)
    title = models.CharField(max_length=50)
    is_public = models.BooleanField(default=False)

    class Meta:
        app_label = "auth_rules"


@rule(Note, "view")
def public_or_own(user: Any) -> Q:
    """What everybody may see, and what is one's own."""
    return Q(is_public=True) | Q(author=user)


@rule(Note, "view")
def shared(user: Any) -> Q:
    """What was shared with somebody."""
    return Q(readers__in=[user])


@rule(Note, "change", "delete")
def own(user: Any) -> Any:
    """What is one's own."""
    return Q(author_id=user.pk) if user.is_authenticated else None


@rule(Note, "change")
def editors(user: Any) -> Any:
    """Everything, for editors."""
    return permits(user, "auth_rules.change_note")


class Plain(models.Model):
    """Has no rules: permissions decide."""

    title = models.CharField(max_length=50)

    class Meta:
        app_label = "auth_rules"


def everybody(user: Any) -> bool:
    """Whoever it is."""
    return True


def named(user: Any) -> Q:
    """What is called as somebody is."""
    return Q(title=user.username)


class Ruled(models.Model):
    """Says its rules in `Meta`."""

    title = models.CharField(max_length=50)

    class Meta:
        app_label = "auth_rules"
        rules: ClassVar[Any] = {"view": everybody, "change": [named]}


@pytest.fixture(autouse=True)
def tables(database_url: str) -> Iterator[None]:
    """Users, and what they may see, in each database."""
    databases.configure({"default": database_url})
    create_tables("auth_", "sessions_", "auth_rules_")
    yield
    databases.configure({})


def grant(holder: Any, codename: str) -> None:
    """Grant a permission to a user or a group."""
    permission, _ = Permission.objects.get_or_create(
        app_label="auth_rules", codename=codename, defaults={"name": codename}
    )
    kept = holder.permissions if isinstance(holder, Group) else holder.user_permissions
    kept.add(permission)


def test_a_list_has_what_any_rule_grants_each_row_once() -> None:
    """Own, public and shared rows; a stranger sees what is public, and no row without an author."""
    ada, bob = User.objects.create_user("ada"), User.objects.create_user("bob")
    Note.objects.create(title="nobody's")
    Note.objects.create(title="ada's", author=ada)
    Note.objects.create(title="public", author=ada, is_public=True).readers.add(ada, bob)
    Note.objects.create(title="shared", author=ada).readers.add(ada, bob)

    def titles(rows: Any) -> list[str]:
        return sorted(rows.values_list("title", flat=True))

    with max_queries(3):
        assert titles(Note.objects.visible_to(ada)) == ["ada's", "public", "shared"]
        assert titles(Note.objects.order_by("title").visible_to(bob)) == ["public", "shared"]
        assert Note.objects.visible_to(bob).filter(title="shared").count() == 1
    for stranger in (AnonymousUser(), None):
        assert titles(Note.objects.visible_to(stranger)) == ["public"]
        assert titles(Note.objects.allowed_to(stranger, "change")) == []
    assert titles(bob.read_notes.visible_to(None)) == ["public"]
    assert Note.objects.allowed_to(ada, "delete").delete()[0] >= 3
    assert titles(Note.objects.all()) == ["nobody's"]


def test_strangers_are_equal_to_nobody() -> None:
    """Not even to a row without an author; turned around, the condition holds for all."""
    ada = User.objects.create_user("ada")
    Note.objects.create(title="nobody's")
    Note.objects.create(title="ada's", author=ada)
    stranger = AnonymousUser()
    assert Note.objects.filter(author=stranger).count() == 0
    assert Note.objects.filter(author__in=[stranger, ada]).get().title == "ada's"
    assert Note.objects.filter(author__in=[stranger]).count() == 0
    assert Note.objects.exclude(author=stranger).count() == 2


def test_without_rules_permissions_decide() -> None:
    """By the user's own or a group's, by a query or by what is known; inactive users have none."""
    ada, bob = User.objects.create_user("ada"), User.objects.create_user("bob")
    root = User.objects.create_superuser("root")
    editors = Group.objects.create(name="editors")
    grant(editors, "view_plain")
    grant(ada, "change_plain")
    bob.groups.add(editors)
    Plain.objects.create(title="one")
    with max_queries(3):
        assert Plain.objects.visible_to(bob).count() == 1
        assert Plain.objects.visible_to(ada).count() == 0
        assert Plain.objects.allowed_to(ada, "change").count() == 1
    assert ada.has_perm("auth_rules.change_plain")
    with max_queries(1):
        assert Plain.objects.allowed_to(ada, "change").count() == 1
    assert Plain.objects.visible_to(root).count() == 1
    root.is_active = ada.is_active = False
    assert Plain.objects.visible_to(root).count() == 0
    assert Plain.objects.allowed_to(ada, "change").count() == 0
    assert Plain.objects.visible_to(None).count() == 0


def test_a_row_is_checked_by_the_rule_that_lists_obey() -> None:
    """By one query; what may not be seen is not there, what may be seen is forbidden."""
    ada, bob = User.objects.create_user("ada"), User.objects.create_user("bob")
    hidden = Note.objects.create(title="hidden", author=ada)
    public = Note.objects.create(title="public", author=ada, is_public=True)
    with max_queries(2):
        assert is_allowed(ada, "change", hidden)
        assert not is_allowed(bob, "view", hidden)
    check_allowed(ada, "delete", hidden)
    with pytest.raises(PermissionDenied):
        check_allowed(bob, "change", public)
    with pytest.raises(NotFound):
        check_allowed(bob, "change", hidden)
    # Not what the instance claims counts, but what is stored.
    hidden.author = bob
    assert not is_allowed(bob, "change", hidden)
    with pytest.raises(ValueError, match="not stored"):
        is_allowed(bob, "change", Note(title="new", author=bob))

    async def check() -> None:
        assert await ais_allowed(ada, "change", public)
        assert [each.title async for each in Note.objects.visible_to(bob)] == ["public"]
        with pytest.raises(NotFound):
            await acheck_allowed(bob, "view", hidden)
        await databases.adispose()

    asyncio.run(check())


def test_a_rule_may_join_permissions() -> None:
    """`permits` is a condition like any other."""
    ada, bob = User.objects.create_user("ada"), User.objects.create_user("bob")
    note = Note.objects.create(title="note", author=ada)
    assert not is_allowed(bob, "change", note)
    grant(bob, "change_note")
    assert is_allowed(bob, "change", note)
    assert not is_allowed(bob, "delete", note)


def test_rules_stand_in_meta_too() -> None:
    """One, or a list of them, by action."""
    ada = User.objects.create_user("ada")
    row = Ruled.objects.create(title="ada")
    assert is_allowed(None, "view", row)
    assert is_allowed(ada, "change", row)
    assert not is_allowed(None, "change", row)
    assert not is_allowed(ada, "delete", row)


@pytest.mark.parametrize("answer", [Q(), 1, "author", Q, object()])
def test_a_rule_answers_with_a_condition(answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty `Q` would let everybody see everything, so it is refused like any other mistake."""
    monkeypatch.setattr(rules, "_declared", {})
    monkeypatch.setattr(rules, "_found", {})

    @rule(Plain, "view")
    def wrong(user: Any) -> Any:
        return answer

    assert wrong(None) is answer
    with pytest.raises(ImproperlyConfigured, match="expected a condition"):
        Plain.objects.visible_to(None)


def test_what_cannot_be_a_rule_is_refused_at_once() -> None:
    """No action, no model, a coroutine function."""

    async def late(user: Any) -> bool:
        return True

    with pytest.raises(ImproperlyConfigured, match="A rule was declared"):
        rule(Plain)
    with pytest.raises(ImproperlyConfigured, match="A rule was declared"):
        rule(str, "view")
    with pytest.raises(ImproperlyConfigured, match="cannot be a rule"):
        rule(Plain, "view")(late)


def test_an_explanation_says_what_decided() -> None:
    """Rules, permissions with their groups, superusers, accounts that are not active."""
    ada, bob = User.objects.create_user("ada"), User.objects.create_user("bob")
    root = User.objects.create_superuser("root")
    note = Note.objects.create(title="note", author=ada)
    plain = Plain.objects.create(title="plain")
    found = explain_access(ada, "view", note)
    assert found
    assert str(found) == (
        f"ada may view note {note.pk}: the rule tests.auth.test_rules.public_or_own grants it."
    )
    found = explain_access(bob, "view", note)
    assert not found
    assert [(each.kind, each.holds) for each in found.reasons] == [("rule", False)] * 2
    editors = Group.objects.create(name="editors")
    grant(editors, "view_plain")
    bob.groups.add(editors)
    assert str(explain_access(bob, "view", plain)) == (
        f"bob may view plain {plain.pk}: the permission auth_rules.view_plain was granted to"
        " the group 'editors'."
    )
    assert "was not granted" in str(explain_access(ada, "add", Plain))
    assert "grants the rows that fulfil it" in str(explain_access(ada, "delete", Note))
    assert "a superuser may do everything" in str(explain_access(root, "delete", note))
    root.is_active = False
    assert "the account is not active" in str(explain_access(root, "delete", note))
    assert "AnonymousUser may not view plain" in str(explain_access(None, "view", plain))

    async def explain() -> bool:
        found = bool(await aexplain_access(bob, "view", plain))
        await databases.adispose()
        return found

    assert asyncio.run(explain())


def test_lists_and_checks_agree_for_any_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random conditions over random rows: a row is in the list exactly where its check passes."""
    chance = random.Random(20_260_101)
    users: list[Any] = [User.objects.create_user(name) for name in ("ada", "bob")]
    users += [User.objects.create_superuser("root"), AnonymousUser(), None]
    notes: list[Any] = []
    for number in range(8):
        author = chance.choice([*users[:2], None])
        note = Note.objects.create(title=f"n{number % 3}", author=author, is_public=number % 2 == 0)
        note.readers.add(*chance.sample(users[:2], chance.randint(0, 2)))
        notes.append(note)

    def make(user: Any, depth: int = 2) -> Any:
        if depth and chance.random() < 0.7:
            left, right = make(user, depth - 1), make(user, depth - 1)
            joined = [rules.join_any, rules.join_all][chance.randrange(2)]([left, right])
            return rules.deny(joined) if chance.random() < 0.3 else joined
        return chance.choice(
            [
                True,
                False,
                Q(author=user),
                Q(readers=user),
                Q(is_public=True),
                Q(author__username="ada"),
                Q(readers__username="bob", title="n1"),
                Note.title == "n2",
                permits(user, "auth_rules.view_note"),
            ]
        )

    monkeypatch.setattr(rules, "_declared", {})
    monkeypatch.setattr(rules, "_found", {})
    grant(users[1], "view_note")
    chosen: list[Any] = [False]

    @rule(Note, "view")
    def choose(user: Any) -> Any:
        return chosen[0]

    assert choose(None) is False
    for _ in range(8):
        for user in users:
            chosen[0] = make(AnonymousUser() if user is None else user)
            rows = list(Note.objects.visible_to(user))
            allowed = [each for each in notes if is_allowed(user, "view", each)]
            assert sorted(each.pk for each in rows) == [each.pk for each in allowed], chosen[0]

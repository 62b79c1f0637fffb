"""Users: names that are the same, passwords, and what they were granted."""

from collections.abc import Iterator

import pytest

from tests.conftest import create_tables
from undercroft.auth.identifiers import normalize_identifier
from undercroft.auth.models import Group, Permission, User
from undercroft.auth.users import AnonymousUser
from undercroft.db.connections.databases import databases
from undercroft.db.watching import max_queries
from undercroft.errors import UniqueViolation


@pytest.fixture(autouse=True)
def tables(database_url: str) -> Iterator[None]:
    """Users in each database."""
    databases.configure({"default": database_url})
    create_tables("auth_")
    yield
    databases.configure({})


@pytest.mark.parametrize(
    "first, second",
    [("Ada", "ADA"), ("Straße", "STRASSE"), ("Ⅷ", "viii"), ("mike", "ｍｉｋｅ"), ("İx", "i̇x")],
)
def test_nobody_takes_the_name_of_another_in_other_letters(first: str, second: str) -> None:
    """Names that readers take for one are one, by whichever way they are written."""
    User.objects.create_user(first)
    with pytest.raises(UniqueViolation):
        User.objects.create_user(second)
    with pytest.raises(UniqueViolation):
        User.objects.bulk_create([User(username=second, password="!")])
    other = User.objects.create_user("other")
    with pytest.raises(UniqueViolation):
        User.objects.filter(pk=other.pk).update(username=second)
    other.username = second
    with pytest.raises(UniqueViolation):
        other.save()
    with pytest.raises(UniqueViolation):
        User.objects.bulk_update([other], ["username"])
    assert User.objects.get_by_natural_key(second).username == normalize_identifier(first)


def test_addresses_are_unique_where_there_are_any() -> None:
    """Two users without one are two; two with equal ones cannot be."""
    User.objects.create_user("a")
    User.objects.create_user("b")
    User.objects.create_user("c", "Mike@Example.org")
    with pytest.raises(UniqueViolation):
        User.objects.create_user("d", "mike@example.ORG")
    # A dotless i is another letter: its owner is nobody else (Django's CVE-2019-19844).
    other = User.objects.create_user("e", "mıke@example.org")
    assert User.objects.find_by_login("MIKE@example.org").username == "c"
    assert User.objects.find_by_login("mıke@example.org") == other


def test_what_a_user_was_granted_is_found_in_one_query() -> None:
    """By itself and by its groups; who is not active may nothing, a superuser everything."""
    add, change, drop = (
        Permission.objects.create(app_label="blog", codename=name, name=name)
        for name in ("add_post", "change_post", "delete_post")
    )
    editors = Group.objects.create(name="editors")
    editors.permissions.add(add, change)
    ada = User.objects.create_user("ada")
    ada.groups.add(editors)
    ada.user_permissions.add(change, drop)
    User.objects.create_user("bob").user_permissions.add(drop)

    ada = User.objects.get(username="ada")
    with max_queries(1):
        assert ada.has_perms(["blog.add_post", "blog.change_post", "blog.delete_post"])
        assert not ada.has_perm("blog.view_post")
        assert ada.has_module_perms("blog")
        assert not ada.has_module_perms("shop")
    ada.is_active = False
    assert not ada.has_perm("blog.add_post")
    root = User.objects.create_superuser("root")
    assert root.has_perm("whatever.it_is")
    assert len(root.get_all_permissions()) == Permission.objects.count()
    assert not AnonymousUser().has_perm("blog.add_post")

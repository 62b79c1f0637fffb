"""Permission classes of viewsets: who may come in, which rows there are, what may be written."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from tests.conftest import create_tables
from undercroft import (
    App,
    Request,
    Settings,
    View,
    models,
    permissions,
    routers,
    serializers,
    viewsets,
)
from undercroft.auth import BaseAuthentication, Identity, rule
from undercroft.auth.models import Permission, User
from undercroft.concurrency import run_on_background_loop
from undercroft.db.connections.databases import databases
from undercroft.db.queries.q import Q
from undercroft.errors import ImproperlyConfigured
from undercroft.testing import Client

MakeClient = Callable[..., Client]


class Memo(models.Model):
    """Belongs to somebody."""

    owner = models.ForeignKey(User, on_delete=models.CASCADE)
    text = models.CharField(max_length=50)
    is_public = models.BooleanField(default=False)

    class Meta:
        app_label = "auth_memos"


@rule(Memo, "view")
def public_or_own(user: Any) -> Any:
    """What everybody may see, and one's own."""
    return Q(is_public=True) | Q(owner=user)


@rule(Memo, "add", "change", "delete")
def own(user: Any) -> Any:
    """One's own, where somebody is logged in."""
    return Q(owner=user) if user.is_authenticated else False


class MemoSerializer(serializers.ModelSerializer):
    class Meta:
        model = Memo
        fields = ["id", "owner", "text", "is_public"]


class Memos(viewsets.ModelViewSet):
    queryset = Memo.objects.order_by("id")
    serializer_class = MemoSerializer


class Ruled(Memos):
    permission_classes = (permissions.ObjectPermissions,)


class IsOwner(permissions.BasePermission):
    """One's own rows."""

    def rows(self, request: Request, view: Any) -> Any:
        return Q(owner=request.user)


class IsPolite(permissions.BasePermission):
    """Asks the database by `def`, and looks at rows."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return Memo.objects.count() >= 0 and "rude" not in request.headers

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        return "rude" not in obj.text


class Joined(Memos):
    permission_classes = (
        permissions.IsAuthenticatedOrReadOnly,
        IsOwner | permissions.IsAdminUser | (~permissions.IsAuthenticated & IsPolite),
    )


class Permitted(Memos):
    permission_classes = (permissions.ModelPermissionsOrAnonReadOnly,)


class ByName(BaseAuthentication):
    """Believes a header."""

    challenge = "Name"

    async def authenticate(self, request: Request) -> Identity | None:
        name = request.headers.get("x-name")
        user = User.objects.filter(username=name)
        return None if name is None else Identity(await user.afirst())


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def api(request: pytest.FixtureRequest) -> Iterator[App]:
    """An application with memos of two people, one of each public."""
    which = "sqlite_url" if request.param == "sqlite" else "api_postgres"
    url = request.getfixturevalue(which)
    settings = Settings(
        secret_key="a key of forty characters for these tests",
        database_url=url,
        authentication=[f"{__name__}.ByName"],
    )
    app = App(settings, apps=["undercroft.sessions", "undercroft.auth"])
    create_tables("auth_", "sessions_")
    if request.param == "postgres":
        with databases["default"].sync_engine.begin() as connection:
            connection.execute(sa.text("TRUNCATE auth_user, auth_permission CASCADE"))
    router = routers.DefaultRouter()
    for prefix, viewset in {
        "ruled": Ruled,
        "joined": Joined,
        "permitted": Permitted,
    }.items():
        router.register(prefix, viewset, basename=prefix)
    app.include(router)
    User.objects.create_user("root", is_staff=True)
    for name in ("ada", "bob"):
        user = User.objects.create_user(name)
        for is_public in (False, True):
            text = f"{name} {'public' if is_public else 'private'}"
            Memo.objects.create(owner=user, text=text, is_public=is_public)
    yield app
    run_on_background_loop(databases.adispose())
    databases.dispose()
    databases.configure({})


def as_user(name: str | None) -> dict[str, str]:
    """The headers of somebody."""
    return {} if name is None else {"x-name": name}


def find(text: str) -> Any:
    """The memo with a text."""
    return Memo.objects.get(text=text)


def list_texts(client: Any, path: str, name: str | None) -> list[str]:
    """What somebody finds in a list."""
    answer = client.get(path, headers=as_user(name))
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["count"] == len(found["results"])
    return [each["text"] for each in found["results"]]


def test_lists_and_rows_obey_the_rules_of_the_model(api: App, client: MakeClient) -> None:
    """What may not be seen is 404, what may be seen and not changed 403, for strangers 401."""
    ask = client(api)
    assert list_texts(ask, "/ruled/", None) == ["ada public", "bob public"]
    assert list_texts(ask, "/ruled/", "ada") == ["ada private", "ada public", "bob public"]
    hidden, public = find("ada private"), find("ada public")
    bob = as_user("bob")
    for method in ("GET", "PATCH", "DELETE"):
        answer = ask.request(method, f"/ruled/{hidden.pk}/", headers=bob, json={"text": "x"})
        assert answer.status_code == 404
    assert ask.get(f"/ruled/{public.pk}/", headers=bob).status_code == 200
    for method in ("PATCH", "DELETE"):
        path = f"/ruled/{public.pk}/"
        answer = ask.request(method, path, headers=bob, json={"text": "x"})
        assert answer.status_code == 403
        assert ask.request(method, path, json={"text": "x"}).status_code == 401
    answer = ask.patch(f"/ruled/{public.pk}/", headers=as_user("ada"), json={"text": "new"})
    assert answer.status_code == 200
    assert ask.delete(f"/ruled/{public.pk}/", headers=as_user("ada")).status_code == 204
    assert sorted(Memo.objects.values_list("text", flat=True)) == [
        "ada private",
        "bob private",
        "bob public",
    ]


def test_what_is_written_fulfils_the_rule_or_is_taken_back(api: App, client: MakeClient) -> None:
    """Nobody makes rows for others, nor gives rows away; nothing of it stays in the database."""
    bob, ada = User.objects.get(username="bob"), as_user("ada")
    ask = client(api)
    body = {"owner": bob.pk, "text": "forged"}
    assert ask.post("/ruled/", headers=ada, json=body).status_code == 403
    mine = find("ada private")
    answer = ask.patch(f"/ruled/{mine.pk}/", headers=ada, json={"owner": bob.pk})
    assert answer.status_code == 403
    # A stranger is turned away before anything of the body is looked at.
    assert ask.post("/ruled/", json={"text": 1}).status_code == 401
    body = {"owner": User.objects.get(username="ada").pk, "text": "own"}
    assert ask.post("/ruled/", headers=ada, json=body).status_code == 201
    assert not Memo.objects.filter(text="forged").exists()
    assert find("ada private").owner_id != bob.pk
    assert find("own").owner_id != bob.pk


def test_classes_are_joined_with_their_rows(api: App, client: MakeClient) -> None:
    """A class without its permission lends no rows either; `~` and `def`s that ask the database."""
    Memo.objects.filter(text="bob public").update(text="rude")
    ask = client(api)
    assert list_texts(ask, "/joined/", "ada") == ["ada private", "ada public"]
    assert len(list_texts(ask, "/joined/", "root")) == 4
    assert len(list_texts(ask, "/joined/", None)) == 4
    assert ask.get("/joined/", headers={"rude": "1"}).json()["count"] == 0
    rude, fine = find("rude"), find("bob private")
    assert ask.get(f"/joined/{rude.pk}/").status_code == 401
    assert ask.get(f"/joined/{fine.pk}/").status_code == 200
    assert ask.get(f"/joined/{fine.pk}/", headers=as_user("ada")).status_code == 404
    assert ask.get(f"/joined/{rude.pk}/", headers=as_user("root")).status_code == 200
    assert ask.delete(f"/joined/{fine.pk}/").status_code == 401


def test_permissions_of_the_model_are_asked_for_by_method(api: App, client: MakeClient) -> None:
    """Everybody may look; each way of changing needs its permission."""
    permission = Permission.objects.create(
        app_label="auth_memos", codename="change_memo", name="Can change memo"
    )
    User.objects.get(username="bob").user_permissions.add(permission)
    memo, bob = find("ada private"), as_user("bob")
    ask = client(api)
    path = f"/permitted/{memo.pk}/"
    assert ask.get(path).status_code == 200
    assert ask.patch(path, json={"text": "x"}).status_code == 401
    assert ask.patch(path, headers=as_user("ada"), json={"text": "x"}).status_code == 403
    assert ask.patch(path, headers=bob, json={"text": "x"}).status_code == 200
    assert ask.delete(path, headers=bob).status_code == 403


def test_what_is_no_permission_class_is_refused_at_start() -> None:
    """A permission's name, a function, a class of something else."""
    for wrong in ("blog.add_post", len, dict):
        with pytest.raises(ImproperlyConfigured, match="is no permission class"):
            Memos.as_view({"get": "list"}, permission_classes=[wrong])
    with pytest.raises(ImproperlyConfigured, match="is no permission class"):
        assert permissions.IsAdminUser & "blog.add_post"


def test_classes_that_nothing_asks_are_refused() -> None:
    """On a function, and on a view that is no viewset: who wrote them wants a lock."""

    def alone() -> str:
        return "open"

    class Page(View):
        permission_classes = (permissions.IsAuthenticated,)

        def get(self) -> str:
            return "open"

    alone.permission_classes = [permissions.IsAuthenticated]  # type: ignore[attr-defined]
    for handler in (alone, Page.as_view()):
        app = App()
        app.add_route("/", handler, methods=["GET"])
        with pytest.raises(ImproperlyConfigured, match="permission_classes") as caught:
            app.build()
        assert caught.value.code == "views.permission-classes"

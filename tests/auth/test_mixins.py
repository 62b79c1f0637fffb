"""Mixins of class-based views: who may enter, and which rows they show and write."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.auth.conftest import MakeApp
from tests.conftest import create_tables
from undercroft import App, Request, models
from undercroft.auth import (
    AllowedRowsMixin,
    BaseAuthentication,
    Identity,
    LoginRequiredMixin,
    PermissionRequiredMixin,
    UserPassesTestMixin,
    rule,
)
from undercroft.auth.models import Permission, User
from undercroft.db.queries.q import Q
from undercroft.testing import Client
from undercroft.views import CreateView, DeleteView, DetailView, ListView, UpdateView, View

MakeClient = Callable[..., Client]


class Page(models.Model):
    """Belongs to somebody."""

    owner = models.ForeignKey(User, on_delete=models.CASCADE)
    title = models.CharField(max_length=50)
    is_public = models.BooleanField(default=False)

    class Meta:
        app_label = "auth_pages"


@rule(Page, "view")
def public_or_own(user: Any) -> Any:
    """What everybody may see, and one's own."""
    return Q(is_public=True) | Q(owner=user)


@rule(Page, "add", "change", "delete")
def own(user: Any) -> Any:
    """One's own."""
    return Q(owner=user)


class ByName(BaseAuthentication):
    """Believes a header."""

    challenge = "Name"

    async def authenticate(self, request: Request) -> Identity | None:
        """Find the user that a header names."""
        name = request.headers.get("x-name")
        user = User.objects.filter(username=name)
        return None if name is None else Identity(await user.afirst())


class Hello(View):
    async def get(self) -> str:
        return f"Hello, {self.request.user}."


class Members(LoginRequiredMixin, Hello):
    pass


class Writers(LoginRequiredMixin, PermissionRequiredMixin, Hello):
    permission_required = "auth_pages.add_page"


class Staff(UserPassesTestMixin, Hello):
    raise_exception = True

    def test_func(self) -> bool:
        return bool(User.objects.filter(pk=self.request.user.pk, is_staff=True).exists())


class StaffLater(UserPassesTestMixin, Hello):
    async def test_func(self) -> bool:  # type: ignore[override]  # either is called
        return bool(self.request.user.is_staff)


class Pages(AllowedRowsMixin, ListView[Page]):
    model = Page
    ordering = "title"
    template_name = "list.html"


class Show(AllowedRowsMixin, DetailView[Page]):
    model = Page
    template_name = "show.html"


class Make(LoginRequiredMixin, AllowedRowsMixin, CreateView[Page]):
    model = Page
    fields = ("owner", "title")
    success_url = "/pages"
    template_name = "form.html"


class Edit(AllowedRowsMixin, UpdateView[Page]):
    model = Page
    fields = ("owner", "title")
    success_url = "/pages"
    template_name = "form.html"


class Drop(AllowedRowsMixin, DeleteView[Page]):
    model = Page
    success_url = "/pages"
    template_name = "form.html"


@pytest.fixture
def pages(make_app: MakeApp, tmp_path: Path) -> App:
    """An application with views of every kind, and pages of two people."""
    (tmp_path / "list.html").write_text(
        "{% for each in object_list %}{{ each.title }};{% endfor %}"
    )
    (tmp_path / "show.html").write_text("{{ object.title }}")
    (tmp_path / "form.html").write_text("form")
    app = make_app(authentication=[f"{__name__}.ByName"], templates=[tmp_path])
    create_tables("auth_", "sessions_", "auth_pages_")
    routes: dict[str, type[View]] = {
        "/view/members": Members,
        "/view/writers": Writers,
        "/view/staff": Staff,
        "/view/staff-later": StaffLater,
        "/pages": Pages,
        "/pages/new": Make,
        "/pages/{pk:int}": Show,
        "/pages/{pk:int}/edit": Edit,
        "/pages/{pk:int}/drop": Drop,
    }
    for path, view in routes.items():
        app.route(path, methods=["GET", "POST"] if hasattr(view, "post") else ["GET"])(
            view.as_view()
        )
    User.objects.create_user("root", is_staff=True)
    for name in ("ada", "bob"):
        user = User.objects.create_user(name)
        Page.objects.create(owner=user, title=f"{name} private")
        Page.objects.create(owner=user, title=f"{name} public", is_public=True)
    return app


def as_user(name: str) -> dict[str, str]:
    """The headers of somebody."""
    return {"x-name": name}


def test_views_are_entered_by_those_who_may(pages: App, client: MakeClient) -> None:
    """A stranger logs in, somebody else is told 403; tests may be `def` or `async def`."""
    ask = client(pages)
    assert ask.get("/view/members", headers=as_user("ada")).text == "Hello, ada."
    assert ask.get("/view/members").status_code == 401
    browser = {"accept": "text/html"}
    answer = ask.get("/view/members", headers=browser, follow_redirects=False)
    assert (answer.status_code, "next=/view/members" in answer.headers["location"]) == (302, True)
    assert ask.get("/view/writers").status_code == 401
    assert ask.get("/view/writers", headers=as_user("ada")).status_code == 403
    permission = Permission.objects.create(app_label="auth_pages", codename="add_page", name="x")
    User.objects.get(username="ada").user_permissions.add(permission)
    assert ask.get("/view/writers", headers=as_user("ada")).status_code == 200
    for path, stranger in (("/view/staff", 403), ("/view/staff-later", 401)):
        assert ask.get(path).status_code == stranger
        assert ask.get(path, headers=as_user("ada")).status_code == 403
        assert ask.get(path, headers=as_user("root")).text == "Hello, root."


def test_generic_views_obey_the_rules_of_rows(pages: App, client: MakeClient) -> None:
    """Lists, rows, changes and deletions; nothing is written that breaks them."""
    ask, ada = client(pages), as_user("ada")
    assert ask.get("/pages").text == "ada public;bob public;"
    assert ask.get("/pages", headers=ada).text == "ada private;ada public;bob public;"
    hidden, public = (Page.objects.get(title=f"bob {each}").pk for each in ("private", "public"))
    mine = Page.objects.get(title="ada private")
    assert ask.get(f"/pages/{hidden}", headers=ada).status_code == 404
    assert ask.get(f"/pages/{public}", headers=ada).text == "bob public"
    for path in ("edit", "drop"):
        assert ask.get(f"/pages/{hidden}/{path}", headers=ada).status_code == 404
        assert ask.get(f"/pages/{public}/{path}", headers=ada).status_code == 403
        assert ask.post(f"/pages/{public}/{path}", headers=ada).status_code == 403
        assert ask.get(f"/pages/{public}/{path}").status_code == 401
    bob = User.objects.get(username="bob").pk
    given = {"owner": str(bob), "title": "forged"}
    assert ask.post("/pages/new", headers=ada, data=given).status_code == 403
    assert ask.post(f"/pages/{mine.pk}/edit", headers=ada, data=given).status_code == 403
    assert not Page.objects.filter(title="forged").exists()
    given = {"owner": str(mine.owner.pk), "title": "new"}
    for path in ("/pages/new", f"/pages/{mine.pk}/edit"):
        answer = ask.post(path, headers=ada, data=given, follow_redirects=False)
        assert answer.status_code == 302, answer.text
    assert Page.objects.filter(title="new").count() == 2
    assert ask.post(f"/pages/{mine.pk}/drop", headers=ada).status_code in (200, 302)
    assert not Page.objects.filter(pk=mine.pk).exists()

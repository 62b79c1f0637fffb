import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from undercroft.errors import ImproperlyConfigured
from undercroft.routing import Converter, Router, RouteTree, include, path, re_path
from undercroft.routing import register_converter as register
from undercroft.routing.route import RouteEntry


def answer() -> None:
    """Stand for any handler."""


@pytest.mark.parametrize(
    "template, words",
    [
        ("/posts/{id:itn}", ["'itn'", "int, path, slug, str, uuid", "Did you mean 'int'"]),
        ("/posts/{id:}", ["No converter is called ''"]),
        ("/posts/<int:id>/", ["'<int:id>'", "'{id:int}'"]),
        ("/posts/<id>", ["'{id}'"]),
        ("/posts/{}", ["no usable name"]),
        ("/posts/{a-b}", ["no usable name"]),
        ("/posts/{id", ["'{'"]),
        ("/posts/id}", ["'}'"]),
        ("/posts//x", ["empty segment"]),
        ("/a?b=c", ["'?'", "no query"]),
        ("/a%20b", ["'%20'"]),
        ("/a\n", [r"'\n'"]),
        ("/{a}/{a}", ["two parameters called 'a'"]),
        ("/{a}{b}", ["would be a guess"]),
        ("/{a:path}/{b:path}", ["two parameters that may hold slashes"]),
        ("/{a:path}-{b}", ["would be a guess"]),
        ("/{a}-{b}-{c}-{d}", ["more than 3 parameters"]),
    ],
)
def test_a_wrong_template_says_what_is_wrong_and_where(template: str, words: list[str]) -> None:
    """A template that cannot be read is refused where it is declared, with the repair."""
    with pytest.raises(ImproperlyConfigured) as caught:
        path(template, answer)
    for word in words:
        assert word in str(caught.value)
    assert any(__file__ in note for note in caught.value.__notes__)


class MyView:
    """A class with Django's way to become a handler."""

    @classmethod
    def as_view(cls) -> Callable[[], None]:
        """Give a handler that says which methods it has."""

        def view() -> None: ...

        view.view_methods = ("GET", "POST")  # type: ignore[attr-defined]
        return view


def test_handlers_that_cannot_answer_are_refused_with_the_repair() -> None:
    """A view class without as_view(), and what is no function, are errors at once."""
    with pytest.raises(ImproperlyConfigured, match=r"MyView\.as_view\(\)"):
        path("a", MyView)
    with pytest.raises(ImproperlyConfigured, match="cannot be called"):
        path("a", "views.home")  # type: ignore[call-overload]


def test_methods_follow_the_view_or_are_any() -> None:
    """A class-based view answers its methods, a function all, and a list just its own."""
    assert path("a", MyView.as_view()).methods == {"GET", "POST"}
    assert path("a", answer).methods == {"GET", "POST", "PUT", "PATCH", "DELETE"}
    assert path("a", answer, methods=["get"]).methods == {"GET"}


@pytest.mark.parametrize("methods", ["GET", [], ["GE T"], [""], ["GET\n"]])
def test_wrong_methods_are_refused(methods: list[str]) -> None:
    """A bare string, an empty list and what is no token are errors."""
    with pytest.raises(ImproperlyConfigured, match="HTTP methods"):
        path("a", answer, methods=methods)


@pytest.mark.parametrize("regex", ["(", "([0-9]+)", "(?P<a>x)(y)"])
def test_wrong_regular_expressions_are_refused(regex: str) -> None:
    """What does not compile or has a group without a name is an error."""
    with pytest.raises(ImproperlyConfigured, match=r"routing\.regex"):
        re_path(regex, answer)


def test_decorators_return_the_function_itself() -> None:
    """A decorated function is unchanged and can be decorated for a second path."""
    router = Router()

    def handler(id: int) -> str:
        return str(id)

    for decorate in (router.get, router.post, router.put, router.patch, router.delete):
        assert decorate("/a/{id:int}")(handler) is handler
    assert router.head("/b")(handler) is handler
    assert router.options("/b")(handler) is handler
    assert [min(route.methods) for route in router.routes] == [
        *("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
    ]


def test_a_route_knows_where_it_was_declared() -> None:
    """The source is the user's own file and line, for decorators and path() alike."""
    router = Router()
    line = inspect.stack()[0].lineno
    router.get("/a")(answer)
    route = path("b", answer)
    assert router.routes[0].source == f"{__file__}:{line + 1}"
    assert route.source == f"{__file__}:{line + 2}"


def test_prefix_namespace_and_tags_of_a_router_reach_its_routes() -> None:
    """A router puts its own before what its routes say."""
    router = Router(prefix="/blog", namespace="blog", tags=["b"])
    router.get("", name="home")(answer)
    router.get("/", name="index")(answer)
    router.get("/{id:int}", name="detail", tags=["d"], status_code=201)(answer)
    home, index, detail = router.routes
    assert [home.path, index.path, detail.path] == ["/blog", "/blog/", "/blog/{id:int}"]
    assert (detail.name, detail.namespace) == ("blog:detail", "blog")
    assert detail.options == {"name": "detail", "tags": ["b", "d"], "status_code": 201}
    assert detail.plain_path == "/blog/{id}"
    assert [(param.name, param.converter.python_type) for param in detail.params] == [("id", int)]


@pytest.mark.parametrize(
    "prefix, inner, expected",
    [
        ("blog/", "", "/blog/"),
        ("blog/", "posts/", "/blog/posts/"),
        ("/blog", "/posts", "/blog/posts"),
        ("blog", "posts", "/blog/posts"),
        ("", "", "/"),
        ("", "a", "/a"),
        ("/", "/a", "/a"),
        ("blog/", "/", "/blog/"),
        ("/blog", "", "/blog"),
        ("{lang}/", "{id:int}", "/{lang}/{id:int}"),
    ],
)
def test_prefixes_and_paths_meet_in_one_slash(prefix: str, inner: str, expected: str) -> None:
    """Leading and trailing slashes may be written as in Django or as in FastAPI."""
    included = path(prefix, include([path(inner, answer)]))
    assert [route.path for route in included.routes] == [expected]


def test_a_parameter_of_the_prefix_may_not_be_named_again() -> None:
    """A name twice in the joined path is found when the routes are put together."""
    with pytest.raises(ImproperlyConfigured, match="two parameters called 'id'"):
        _ = path("{id}/", include([path("{id}", answer)])).routes


def test_a_router_includes_routers_and_lists_and_sees_later_routes() -> None:
    """Included routes are read at start, so what is added after include() counts."""
    outer, inner = Router(prefix="/v1", namespace="v1"), Router(prefix="/b", namespace="b")
    outer.include(inner, prefix="/p", namespace="p")
    outer.include([path("x", answer, name="x")])
    outer.include(path("y", answer))
    inner.get("/late", name="late")(answer)
    assert [(route.path, route.name) for route in outer.routes] == [
        ("/v1/p/b/late", "v1:p:b:late"),
        ("/v1/x", "v1:x"),
        ("/v1/y", None),
    ]


def test_a_router_that_includes_itself_is_an_error() -> None:
    """A cycle of includes is named instead of recursing."""
    router = Router()
    router.include(router)
    router.get("/late")(answer)
    with pytest.raises(ImproperlyConfigured, match="includes itself"):
        _ = router.routes
    entries: list[RouteEntry] = []
    entries.append(include(entries))
    other = Router()
    other.include(entries)
    with pytest.raises(ImproperlyConfigured, match="includes itself"):
        _ = other.routes


def test_include_takes_modules_by_name_with_app_name_as_namespace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """include("blog.urls") imports the module and reads urlpatterns and app_name."""
    (tmp_path / "shop_urls.py").write_text(
        "from undercroft.routing import path\n"
        "def home(): ...\n"
        "app_name = 'shop'\n"
        "urlpatterns = [path('', home, name='home')]\n"
    )
    (tmp_path / "bare_urls.py").write_text("")
    (tmp_path / "broken_urls.py").write_text("import no_such_module_at_all\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    route = path("shop/", include("shop_urls")).routes[0]
    assert (route.path, route.name) == ("/shop/", "shop:home")
    assert route.source == f"{tmp_path / 'shop_urls.py'}:4"
    assert path("s/", include(sys.modules["shop_urls"], "other")).routes[0].name == "other:home"
    with pytest.raises(ImproperlyConfigured, match="urlpatterns"):
        include("bare_urls")
    with pytest.raises(ImproperlyConfigured, match="no module 'nowhere'"):
        include("nowhere.urls")
    with pytest.raises(ModuleNotFoundError, match="no_such_module_at_all"):
        include("broken_urls")


def test_what_is_no_route_in_a_list_is_named() -> None:
    """An entry of urlpatterns that is no route is shown as it is."""
    module = ModuleType("odd")
    module.urlpatterns = [answer]  # type: ignore[attr-defined]
    with pytest.raises(ImproperlyConfigured, match="not a route"):
        _ = include(module).routes
    with pytest.raises(ImproperlyConfigured, match="takes no name"):
        path("x", include(module), name="x")  # type: ignore[call-overload]


class Month(Converter[int]):
    """Two digits that are a month."""

    regex = "[0-9]{2}"
    python_type = int

    def convert(self, text: str) -> int:
        """Refuse the thirteenth."""
        if not 1 <= int(text) <= 12:
            raise ValueError(text)
        return int(text)

    def to_url(self, value: int) -> str:
        """Write both digits."""
        return f"{value:02}"


def test_an_own_converter_is_used_by_its_name_and_tried_first() -> None:
    """A registered converter matches before the built-in ones, and may refuse a value."""
    register("month", Month())
    register("month", Month())
    tree = RouteTree([path("{m:month}", answer, name="m"), path("{i:int}", answer)])
    assert tree.match("GET", "/05")[1] == {"m": 5}
    assert tree.match("GET", "/13")[1] == {"i": 13}


def test_converters_are_checked_when_registered() -> None:
    """A class instead of an instance, a taken name and an odd name are refused."""
    for name, converter in (("m2", Month), ("int", Month()), ("a-b", Month())):
        with pytest.raises(ImproperlyConfigured, match=r"routing\.converter"):
            register(name, converter)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "option, hint",
    [
        ("response_modle", "'response_model'"),
        ("status", "'status_code'"),
        ("frobnicate", "Known: "),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(option: str, hint: str) -> None:
    """A route's unknown option is a mistake, with what to write instead."""
    options: Any = {option: 1}
    with pytest.raises(ImproperlyConfigured, match=f"no option '{option}'.*{hint}"):
        Router().get("/", **options)(lambda: None)

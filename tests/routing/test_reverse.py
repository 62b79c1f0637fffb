from typing import Any
from uuid import UUID

import pytest

from undercroft.errors import ImproperlyConfigured, NoReverseMatch
from undercroft.routing import Reverser, Router, RouteTree, include, path, re_path


def answer() -> None:
    """Stand for any handler."""


@pytest.mark.parametrize(
    "template, params, expected",
    [
        ("", {}, "/"),
        ("über uns/", {}, "/%C3%BCber%20uns/"),
        (
            "hello/{name}",
            {"name": "a b/?#%&\"'<".replace("/", "")},
            "/hello/a%20b%3F%23%25%26%22%27%3C",
        ),
        ("hello/{name}", {"name": 5}, "/hello/5"),
        ("posts/{id:int}/", {"id": 12}, "/posts/12/"),
        ("posts/{id:int}/", {"id": "12"}, "/posts/12/"),
        ("at/{x:float}", {"x": 1e-7}, "/at/0.0000001"),
        ("at/{x:float}", {"x": -3}, "/at/-3.0"),
        ("k/{key:uuid}", {"key": UUID(int=7)}, f"/k/{UUID(int=7)}"),
        ("files/{rest:path}", {"rest": "a b/c"}, "/files/a%20b/c"),
        ("{a}.{b}", {"a": "x", "b": "y"}, "/x.y"),
    ],
)
def test_a_name_and_values_give_the_quoted_path(
    template: str, params: dict[str, Any], expected: str
) -> None:
    """Values are percent-encoded, and what is built leads back to the same route."""
    assert Reverser([path(template, answer, name="it")]).url_for("it", **params) == expected


@pytest.mark.parametrize(
    "template, value",
    [
        ("{x}", "a/b"),
        ("{x}", ""),
        ("{x}", None),
        ("{x}", "."),
        ("{x}", ".."),
        ("{x}", "a\nb"),
        ("{x}", "\ud800"),
        ("{x:int}", -1),
        ("{x:int}", "1a"),
        ("{x:int}", 1.0),
        ("{x:int}", True),
        ("{x:int}", 2**63),
        ("{x:float}", float("nan")),
        ("{x:float}", float("inf")),
        ("{x:float}", 1e300),
        ("{x:float}", "one"),
        ("{x:slug}", "a b"),
        ("{x:uuid}", "7"),
        ("{x:path}", "/evil.example"),
        ("{x:path}", "a/../../b"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(template: str, value: object) -> None:
    """What the converter would not match, or a browser would read as another place, is an error."""
    with pytest.raises(NoReverseMatch):
        Reverser([path(template, answer, name="it")]).url_for("it", x=value)


def test_every_reversed_path_is_matched_again() -> None:
    """What url_for builds, once decoded, is found again with the same values."""
    route = path("a/{x:int}/{y}/{z:path}", answer, name="it")
    built = Reverser([route]).url_for("it", x=3, y="ü", z="p/q")
    from urllib.parse import unquote

    assert RouteTree([route]).match("GET", unquote(built))[1] == {"x": 3, "y": "ü", "z": "p/q"}


def test_namespaces_are_joined_by_colons() -> None:
    """Names below include() carry its namespace; nested ones carry both."""
    inner = [path("{id:int}/", answer, name="detail")]
    routes = path("blog/", include([path("p/", include(inner, namespace="posts"))], "blog"))
    reverser = Reverser(routes.routes)
    assert reverser.url_for("blog:posts:detail", id=1) == "/blog/p/1/"


def test_a_function_without_a_route_name_is_found_by_its_own() -> None:
    """A decorated function can be reversed by its name, with the namespace of its router."""
    router = Router(prefix="/blog", namespace="blog")

    @router.get("/hello")
    def hello() -> None:
        """Stand for a handler."""

    assert Reverser(router.routes).url_for("blog:hello") == "/blog/hello"


def test_two_functions_of_one_name_are_ambiguous_only_when_asked_for() -> None:
    """Reversing by a function's name that two routes share names both places."""
    reverser = Reverser([path("a", answer), path("b", answer)])
    with pytest.raises(NoReverseMatch, match="name=") as caught:
        reverser.url_for("answer")
    assert str(caught.value).count(__file__) == 2


def test_one_name_for_several_parameter_sets_picks_the_fitting_route() -> None:
    """As in Django, the parameters decide between routes of one name."""
    reverser = Reverser([path("a/", answer, name="it"), path("a/{page:int}/", answer, name="it")])
    assert reverser.url_for("it") == "/a/"
    assert reverser.url_for("it", page=2) == "/a/2/"


def test_one_name_for_two_methods_of_one_path_is_fine() -> None:
    """A path split over two functions may keep one name."""
    router = Router()
    router.get("/a", name="it")(answer)
    router.post("/a", name="it")(answer)
    assert Reverser(router.routes).url_for("it") == "/a"


def test_one_name_for_two_paths_is_an_error_at_start() -> None:
    """Two paths with the same name and parameters cannot both be meant."""
    with pytest.raises(ImproperlyConfigured, match=r"routing\.name"):
        Reverser([path("a", answer, name="it"), path("b", answer, name="it")])


def test_unknown_names_and_parameters_say_what_would_fit() -> None:
    """The error offers close names, and lists what the route takes."""
    reverser = Reverser(
        path("b/", include([path("{id:int}", answer, name="detail")], "blog")).routes
    )
    with pytest.raises(NoReverseMatch, match="Did you mean 'blog:detail'"):
        reverser.url_for("detail", id=1)
    with pytest.raises(NoReverseMatch, match="Did you mean 'blog:detail'"):
        reverser.url_for("blog:detial", id=1)
    with pytest.raises(NoReverseMatch, match="given pk; expected id"):
        reverser.url_for("blog:detail", pk=1)


def test_a_regular_expression_of_groups_and_literals_is_reversed() -> None:
    """Named groups and literals can be read backwards; the group's own expression is checked."""
    route = re_path(r"^year/(?P<year>[0-9]{4})/(?P<name>\w+)\.html/?$", answer, name="y")
    reverser = Reverser(path("a/", include([route])).routes)
    assert reverser.url_for("y", year=2026, name="x") == "/a/year/2026/x.html"
    with pytest.raises(NoReverseMatch):
        reverser.url_for("y", year="26", name="x")


def test_a_regular_expression_that_is_more_cannot_be_reversed() -> None:
    """Alternatives and classes outside of groups have no one text to write."""
    reverser = Reverser([re_path(r"^(?:a|b)/(?P<x>[0-9]+)$", answer, name="it")])
    with pytest.raises(NoReverseMatch, match="cannot be turned into a path"):
        reverser.url_for("it", x="1")

import time
from uuid import UUID

import pytest

from undercroft.errors import MethodNotAllowed, NotFound, RouteConflictError
from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.routing import AutomaticOptions, Router, RouteTree, path, re_path
from undercroft.routing.route import Endpoint


def answer() -> None:
    """Stand for any handler."""


def build_tree(*paths: str) -> RouteTree:
    """Compile templates, each for GET."""
    router = Router()
    for template in paths:
        router.add_route(template, answer, methods=["GET"])
    return RouteTree(router.routes)


def find(tree: RouteTree, path: str, method: str = "GET") -> tuple[str, dict[str, object]]:
    """Match and give the path of the route instead of the route."""
    route, params = tree.match(method, path)
    return route.path, params


@pytest.mark.parametrize(
    "template, request_path, params",
    [
        ("/", "/", {}),
        ("/about", "/about", {}),
        ("/über uns", "/über uns", {}),
        ("/hello/{name}", "/hello/Ada Löwe", {"name": "Ada Löwe"}),
        ("/hello/{name}", "/hello/no\u00a0break", {"name": "no\u00a0break"}),
        ("/posts/{id:int}", "/posts/12", {"id": 12}),
        ("/posts/{id:int}/", "/posts/12/", {"id": 12}),
        ("/{a}/{b}/{c}", "/1/2/3", {"a": "1", "b": "2", "c": "3"}),
        ("/posts/{id:int}/edit", "/posts/12/edit", {"id": 12}),
        ("/at/{lat:float}", "/at/-48.25", {"lat": -48.25}),
        ("/tags/{tag:slug}", "/tags/a-b_C9", {"tag": "a-b_C9"}),
        ("/k/{key:uuid}", f"/k/{UUID(int=7)}", {"key": UUID(int=7)}),
        ("/files/{rest:path}", "/files/a/b.txt", {"rest": "a/b.txt"}),
        ("/files/{rest:path}/edit", "/files/a/edit/edit", {"rest": "a/edit"}),
        ("/files/{rest:path}/v/{n:int}", "/files/a/b/v/3", {"rest": "a/b", "n": 3}),
        ("/{rest:path}", "/anything", {"rest": "anything"}),
        ("/{name}.json", "/report.v2.json", {"name": "report.v2"}),
        ("/@{user}", "/@ada", {"user": "ada"}),
        ("/{y:int}-{m:int}-{d:int}", "/2026-2-28", {"y": 2026, "m": 2, "d": 28}),
        (
            "/{base}/v{major:int}.{minor:int}/x",
            "/api/v1.20/x",
            {"base": "api", "major": 1, "minor": 20},
        ),
    ],
)
def test_a_path_finds_its_route(
    template: str, request_path: str, params: dict[str, object]
) -> None:
    """A path that fits a template gives the template's route and converted values."""
    assert find(build_tree(template), request_path) == (template, params)


@pytest.mark.parametrize(
    "template, request_path",
    [
        ("/about", "/about/"),
        ("/about/", "/about"),
        ("/about", "/About"),
        ("/about", "about"),
        ("/about", "//about"),
        ("/about", ""),
        ("/about", "*"),
        ("/about", "/about\n"),
        ("/{name}", "x"),
        ("/{name}", "/"),
        ("/{name}", "//"),
        ("/hello/{name}", "/hello/"),
        ("/hello/{name}", "/hello/a/b"),
        ("/hello/{name}", "/hello/ada\n"),
        ("/hello/{name}", "/hello/a\x00b"),
        ("/hello/{name}/x", "/hello/a\x1bb/x"),
        ("/hello/{name}.txt", "/hello/a.txt\n"),
        ("/files/{rest:path}", "/files/"),
        ("/files/{rest:path}", "/files/a\n"),
        ("/posts/{id:int}", "/posts/12\n"),
        ("/posts/{id:int}", "/posts/-1"),
        ("/posts/{id:int}", "/posts/+1"),
        ("/posts/{id:int}", "/posts/1_0"),
        ("/posts/{id:int}", "/posts/١٢"),
        ("/posts/{id:int}", "/posts/²"),
        ("/posts/{id:int}", "/posts/9223372036854775808"),
        ("/at/{x:float}", "/at/nan"),
        ("/at/{x:float}", "/at/1e5"),
        ("/at/{x:float}", "/at/1e1000000"),
        ("/at/{x:float}", "/at/1."),
        ("/tags/{tag:slug}", "/tags/ä"),
        ("/k/{key:uuid}", "/k/00000000000000000000000000000007"),
    ],
)
def test_a_path_that_does_not_fit_is_not_found(template: str, request_path: str) -> None:
    """Nothing but the exact form matches: no line break, NUL, sign, or missing segment."""
    with pytest.raises(NotFound):
        build_tree(template).match("GET", request_path)


def test_the_more_specific_route_wins_whatever_the_order() -> None:
    """Static text beats converters, and converters go from int to str to path."""
    templates = ["/{rest:path}", "/{any}", "/{s:slug}", "/{x:float}", "/{i:int}", "/{n}.txt", "/me"]
    for order in (templates, templates[::-1]):
        tree = build_tree(*order)
        assert find(tree, "/me")[0] == "/me"
        assert find(tree, "/12")[0] == "/{i:int}"
        assert find(tree, "/1.5")[0] == "/{x:float}"
        assert find(tree, "/a-b")[0] == "/{s:slug}"
        assert find(tree, "/a.txt")[0] == "/{n}.txt"
        assert find(tree, "/a b")[0] == "/{any}"
        assert find(tree, "/a/b")[0] == "/{rest:path}"


def test_the_search_goes_back_where_a_way_ends() -> None:
    """A static or converted segment that leads nowhere does not hide another route."""
    tree = build_tree("/a/b/c", "/a/{x}/d", "/{y:int}/{z}/e", "/{y}/b/f", "/{rest:path}/g")
    assert find(tree, "/a/b/d") == ("/a/{x}/d", {"x": "b"})
    assert find(tree, "/a/b/f") == ("/{y}/b/f", {"y": "a"})
    assert find(tree, "/1/b/f") == ("/{y}/b/f", {"y": "1"})
    assert find(tree, "/a/b/c/g") == ("/{rest:path}/g", {"rest": "a/b/c"})


def test_a_route_for_another_method_does_not_hide_one_for_this() -> None:
    """POST reaches the less specific route when the more specific one only answers GET."""
    router = Router()
    router.get("/posts/new")(answer)
    router.post("/posts/{slug:slug}")(answer)
    router.put("/posts/{name}")(answer)
    tree = RouteTree(router.routes)
    assert find(tree, "/posts/new")[0] == "/posts/new"
    assert find(tree, "/posts/new", "POST")[0] == "/posts/{slug:slug}"
    assert find(tree, "/posts/new", "PUT")[0] == "/posts/{name}"
    with pytest.raises(MethodNotAllowed) as caught:
        tree.match("DELETE", "/posts/new")
    assert caught.value.allowed == ("GET", "HEAD", "OPTIONS", "POST", "PUT")


def test_parameters_of_one_shape_may_differ_in_name_by_method() -> None:
    """Each route gets its own parameter names, even where another route has the same shape."""
    router = Router()
    router.get("/posts/{id:int}")(answer)
    router.delete("/posts/{pk:int}")(answer)
    tree = RouteTree(router.routes)
    assert tree.match("GET", "/posts/1")[1] == {"id": 1}
    assert tree.match("DELETE", "/posts/1")[1] == {"pk": 1}


def test_head_falls_to_get_unless_declared() -> None:
    """HEAD is answered by the route for GET, or by a route of its own."""
    router = Router()
    router.get("/a")(answer)
    router.get("/b/{x}")(answer)
    router.head("/b/{x}")(answer)
    tree = RouteTree(router.routes)
    assert tree.match("HEAD", "/a")[0].methods == {"GET"}
    assert tree.match("HEAD", "/b/1")[0].methods == {"HEAD"}


def test_options_is_answered_by_itself_with_what_is_allowed() -> None:
    """OPTIONS gives a route that knows the methods of Allow, made by the given factory."""
    router = Router()
    router.get("/a")(answer)
    router.post("/a")(answer)
    router.options("/b")(answer)
    made: list[tuple[str, ...]] = []

    async def endpoint(request: Request) -> Response:
        return Response()

    def make(allowed: tuple[str, ...]) -> Endpoint:
        made.append(allowed)
        return endpoint

    tree = RouteTree(router.routes, make)
    route, params = tree.match("OPTIONS", "/a")
    assert params == {}
    assert isinstance(route.handler, AutomaticOptions)
    assert route.handler.allowed == ("GET", "HEAD", "OPTIONS", "POST")
    assert route.endpoint is endpoint
    assert tree.match("OPTIONS", "/a")[0] is route
    assert made == [("GET", "HEAD", "OPTIONS", "POST")]
    assert tree.match("OPTIONS", "/b")[0].handler is answer
    with pytest.raises(NotFound):
        tree.match("OPTIONS", "/c")


@pytest.mark.parametrize("method", ["get", "Get", "__class__", "TRACE", "CONNECT", "", "GET "])
def test_only_exact_method_names_are_dispatched(method: str) -> None:
    """A method in another case, or named like an attribute, is not allowed."""
    with pytest.raises(MethodNotAllowed):
        build_tree("/a").match(method, "/a")


@pytest.mark.parametrize(
    "first, second",
    [
        ("/a", "/a"),
        ("/a/{x}", "/a/{y:str}"),
        ("/a/{x:int}/b", "/a/{y:int}/b"),
        ("/{x}.txt", "/{y}.txt"),
        ("/f/{p:path}", "/f/{q:path}"),
    ],
)
def test_two_routes_of_one_shape_are_a_conflict_that_names_both_places(
    first: str, second: str
) -> None:
    """Two routes for the same requests are refused at start, each with its file and line."""
    router = Router()
    router.get(first)(answer)
    router.route(second, methods=["POST", "GET"])(answer)
    with pytest.raises(RouteConflictError) as caught:
        RouteTree(router.routes)
    text = str(caught.value)
    sources = [route.source for route in router.routes]
    assert len(set(sources)) == 2
    assert all(source.startswith(__file__) and source in text for source in sources)
    assert first in text
    assert second in text
    assert "GET" in text
    assert "[routing.conflict]" in text


def test_one_declaration_twice_gives_a_hint_at_the_include() -> None:
    """The same route at the same place twice is most likely included twice."""
    route = path("a", answer)
    with pytest.raises(RouteConflictError, match="included twice"):
        RouteTree([route, route])


def test_regular_expressions_come_after_templates_and_in_order() -> None:
    """A re_path answers what no template does; the first of two that match wins."""
    tree = RouteTree(
        [
            re_path(r"^archive/(?P<year>[0-9]{4})/$", answer),
            re_path(r"^archive/(?P<rest>.*)$", answer),
            path("archive/{year:int}/", answer),
        ]
    )
    assert find(tree, "/archive/2026/")[0] == "/archive/{year:int}/"
    assert tree.match("GET", "/archive/x")[1] == {"rest": "x"}
    with pytest.raises(NotFound):
        tree.match("GET", "/archive/2026\n")


def test_a_regular_expression_must_match_to_the_end_and_drops_empty_groups() -> None:
    """No prefix match and no line break; a group that took no part gives no parameter."""
    tree = RouteTree([re_path(r"^y(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{2}))?$", answer)])
    assert tree.match("GET", "/y2026-05")[1] == {"year": "2026", "month": "05"}
    assert tree.match("GET", "/y2026")[1] == {"year": "2026"}
    for wrong in ("/y2026\n", "/y2026-05x", "/xy2026"):
        with pytest.raises(NotFound):
            tree.match("GET", wrong)


def test_hostile_paths_cost_little() -> None:
    """Long digits, dashes and slashes are refused in time that does not explode."""
    tree = build_tree("/{a}-{b}-{c}.x", "/n/{i:int}", "/f/{x:float}", "/p/{r:path}/z/{a}/{b}")
    long = ["/" + "-" * 200_000, "/n/" + "9" * 200_000, "/f/" + "1" * 200_000, "/" * 200_000]
    long += ["/p" + "/z" * 20_000, "/" + "-" * 100]
    for hostile in long:
        started = time.thread_time()
        with pytest.raises(NotFound):
            tree.match("GET", hostile)
        assert time.thread_time() - started < 0.5


def test_a_thousand_routes_are_as_fast_as_ten() -> None:
    """The time to find a route does not grow with the number of routes."""

    def measure(count: int) -> float:
        tree = build_tree(*(f"/r{n}/{{id:int}}" for n in range(count)))
        times: list[float] = []
        for _ in range(5):
            started = time.thread_time()
            for _ in range(2000):
                tree.match("GET", f"/r{count - 1}/12")
            times.append(time.thread_time() - started)
        return min(times)

    assert measure(1000) < 3 * measure(10)

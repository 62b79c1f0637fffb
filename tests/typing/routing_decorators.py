"""Routing leaves a function its type, and tells routes from inclusions."""

from typing import assert_type

from undercroft.routing import Inclusion, Route, Router, include, path, re_path

router = Router(prefix="/blog", tags=["blog"])


@router.get("/posts/{id:int}", name="detail", status_code=200)
@router.post("/posts/{id:int}")
async def detail(id: int, *, full: bool = False) -> str:
    return f"{id} {full}"


@router.route("/sum", methods=["GET", "POST"])
def add(left: int, right: int = 0) -> int:
    return left + right


async def check() -> None:
    assert_type(await detail(3, full=True), str)
    assert_type(add(1, right=2), int)
    assert_type(path("a/{id:int}", detail, name="a", tags=["x"]), Route)
    assert_type(re_path(r"^(?P<id>[0-9]+)$", detail), Route)
    assert_type(path("b/", include(router)), Inclusion)
    assert_type(path("b/", router.routes), Inclusion)
    urlpatterns = [path("", detail), path("blog/", include("blog.urls", namespace="blog"))]
    assert_type(include(urlpatterns), Inclusion)

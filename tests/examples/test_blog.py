"""The example blog from end to end, on SQLite and PostgreSQL, over HTTP."""

import re
import runpy
import sys
from collections.abc import Iterator
from html import unescape
from typing import Any

import httpx
import pytest

from tests.examples.conftest import BLOG, PACKAGES, fill, run, serve

pytestmark = pytest.mark.slow

PROBLEM = "application/problem+json"


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
)
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """The blog, loaded, behind a real server: once on SQLite, once on PostgreSQL."""
    folder = tmp_path_factory.mktemp("site")
    if request.param == "sqlite":
        url = f"sqlite:///{folder / 'blog.sqlite3'}"
    else:
        url = request.getfixturevalue("postgres_module_url")
    fill(url)
    with serve(url, folder / "log.txt") as running, httpx.Client(base_url=running.url) as client:
        yield client


def get_first_post(site: httpx.Client) -> dict[str, Any]:
    post: dict[str, Any] = site.get("/api/posts/").json()["results"][0]
    return post


def build_post(site: httpx.Client, **changes: Any) -> dict[str, Any]:
    """Return what creates a post by an author who exists."""
    author = get_first_post(site)["author"]["id"]
    return {"title": "Made by a test", "content": "Text.", "author": author, **changes}


def test_hello_as_a_function_and_as_a_class(site: httpx.Client) -> None:
    """Both kinds of view answer, with the name from the path decoded."""
    assert site.get("/hello/Ada%20%C3%89").text == "Hello, Ada É."
    assert site.get("/class/hello/Ada").text == "Hello, Ada. You came by /class/hello/Ada."
    assert site.post("/class/hello/Ada").status_code == 405
    assert "GET" in site.post("/class/hello/Ada").headers["allow"]


def test_home_shows_the_latest_posts(site: httpx.Client) -> None:
    """The home page links to posts and counts all of them."""
    page = site.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert len(re.findall(r'href="/blog/\d+/"', page.text)) == 5


def test_the_list_is_paginated(site: httpx.Client) -> None:
    """Pages follow each other without gap or repetition, up to the last."""
    seen: list[str] = []
    path: str | None = "/blog/"
    while path:
        page = site.get(path)
        assert page.status_code == 200
        seen += re.findall(r'<h2><a href="/blog/(\d+)/"', page.text)
        following = re.search(r'rel="next" href="([^"]+)"', page.text)
        path = unescape(following[1]) if following else None
    assert len(seen) == len(set(seen)) > PACKAGES
    assert site.get("/blog/?page=100000").status_code == 404
    assert site.get("/blog/?page=0").status_code == 422
    assert site.get("/blog/?page=99999999999999999999999").status_code == 422


def test_search_takes_its_words_literally(site: httpx.Client) -> None:
    """Wildcards and quotes in the search box are text."""
    assert "DROP TABLE" in site.get("/blog/", params={"q": "'brien\"; drop"}).text
    assert "Nothing found" in site.get("/blog/", params={"q": "%_%"}).text
    assert "Nothing found" in site.get("/blog/", params={"q": "<script>x"}).text


def test_every_post_has_a_page(site: httpx.Client) -> None:
    """Whatever the text, the page answers 200 in UTF-8, and markup in it stays text."""
    following: str | None = "/api/posts/"
    while following:
        listed = site.get(following).json()
        for post in listed["results"]:
            page = site.get(f"/blog/{post['id']}/")
            assert page.status_code == 200, post["title"]
            assert page.content.decode("utf-8")
            assert "<script>alert" not in page.text
        following = listed["next"]
    assert site.get("/blog/999999999/").status_code == 404
    assert site.get("/blog/x/").status_code == 404


def test_odd_text_comes_back_unchanged(site: httpx.Client) -> None:
    """The API returns what the loader stored, code point for code point."""
    build_oddities = runpy.run_path(str(BLOG / "blog" / "oddities.py"))["build_oddities"]
    stored: dict[str, str] = {}
    following: str | None = "/api/posts/"
    while following:
        listed = site.get(following).json()
        stored.update({post["title"]: post["content"] for post in listed["results"]})
        following = listed["next"]
    for title, content in build_oddities():
        assert stored[title] == content, title


def test_the_api_creates_reads_updates_and_deletes(site: httpx.Client) -> None:
    """A post goes through its whole life, and is gone afterwards."""
    made = site.post("/api/posts/", json=build_post(site, title="Né à 東京 👩‍🚀"))
    assert made.status_code == 201, made.text
    address = f"/api/posts/{made.json()['id']}/"
    assert site.get(address).json()["title"] == "Né à 東京 👩‍🚀"
    assert site.get(address).json()["author"]["name"]

    changed = site.patch(address, json={"title": "Changed"})
    assert changed.status_code == 200, changed.text
    assert changed.json() == {**made.json(), "title": "Changed"}

    replaced = site.put(address, json=build_post(site, title="Replaced", content="All of it."))
    assert replaced.status_code == 200, replaced.text
    assert replaced.json()["content"] == "All of it."

    assert site.delete(address).status_code == 204
    assert site.get(address).status_code == 404
    assert site.delete(address).status_code == 404


@pytest.mark.parametrize(
    "body,status",
    [
        pytest.param(b"{", 400, id="malformed JSON"),
        pytest.param(b"\xff", 400, id="not UTF-8"),
        pytest.param(b"[]", 422, id="not an object"),
        pytest.param(b"{}", 422, id="nothing given"),
        pytest.param(b'{"title": 1, "content": null}', 422, id="wrong types"),
    ],
)
def test_bad_input_is_a_problem(site: httpx.Client, body: bytes, status: int) -> None:
    """Bad bodies get problem details of the right status, and store nothing."""
    before = site.get("/api/posts/").json()["count"]
    answer = site.post("/api/posts/", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    assert site.get("/api/posts/").json()["count"] == before


def test_all_mistakes_are_told_at_once(site: httpx.Client) -> None:
    """Every wrong field is listed, with its place."""
    body = build_post(site, title="x" * 201, content=7)
    answer = site.post("/api/posts/", json=body)
    assert answer.status_code == 422
    assert {"title", "content"} <= {error["location"][-1] for error in answer.json()["errors"]}


def test_an_author_who_does_not_exist_is_refused(site: httpx.Client) -> None:
    """A reference to no row is the client's mistake, and leaves no post behind."""
    before = site.get("/api/posts/").json()["count"]
    answer = site.post("/api/posts/", json=build_post(site, author=999_999_999))
    assert answer.status_code in {400, 409, 422}
    assert site.get("/api/posts/").json()["count"] == before


def test_an_email_is_taken_once(site: httpx.Client) -> None:
    """A second author with the same email is refused, and the first stays."""
    author = {"name": "Ada", "email": "ada@ada.example"}
    assert site.post("/api/authors/", json=author).status_code == 201
    assert site.post("/api/authors/", json=author).status_code in {400, 409, 422}
    assert (
        site.post("/api/authors/", json={"name": "Ada", "email": "no address"}).status_code == 422
    )


def test_the_api_describes_itself(site: httpx.Client) -> None:
    """OpenAPI 3.1 at /openapi.json, and Swagger UI at /docs without a foreign host."""
    description = site.get("/openapi.json").json()
    assert description["openapi"].startswith("3.1")
    assert {"get", "post"} <= set(description["paths"]["/api/posts/"])
    page = site.get("/docs")
    assert page.status_code == 200
    assert re.findall(r'(?:src|href)="(?:https?:)?//[^"]+"', page.text) == []


def test_style_is_served_and_can_be_revalidated(site: httpx.Client) -> None:
    """The style sheet has an ETag, and a browser that has it is told so."""
    style = site.get("/static/blog.css")
    assert style.headers["content-type"].startswith("text/css")
    again = site.get("/static/blog.css", headers={"if-none-match": style.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert site.get("/static/../mysite/settings.py").status_code == 404
    assert site.get("/static/%2e%2e/mysite/settings.py").status_code == 404


def test_loading_again_changes_nothing(blog_database: str) -> None:
    """The loader may be run as often as one likes: it updates what it knows."""
    command = (sys.executable, "-m", "blog.load", "--limit", str(PACKAGES))
    counted = re.compile(r"has (\d+) posts")
    first = counted.search(run(*command, "--if-empty", database_url=blog_database))
    again = counted.search(run(*command, database_url=blog_database))
    assert first
    assert again
    assert first[1] == again[1]

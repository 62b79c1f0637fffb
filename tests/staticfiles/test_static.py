import os
from pathlib import Path
from urllib.parse import unquote

import pytest

from undercroft.errors import NotFound
from undercroft.routing import Reverser, RouteTree
from undercroft.staticfiles import build_static_routes, find_static


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder `static` with files, and secrets around it."""
    root = tmp_path / "static"
    for name in ("blog.css", "img/a b.svg", "ü.txt", ".env", ".git/config", ".well-known/x.txt"):
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name, encoding="utf-8")
    for name in ("secret.txt", "static-secret/key.txt", "static.txt"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("secret")
    return root


@pytest.mark.parametrize("path", ["blog.css", "img/a b.svg", "ü.txt", ".well-known/x.txt"])
def test_files_below_the_folder_are_found(folder: Path, path: str) -> None:
    """A file is found by its path, with spaces and any language."""
    assert find_static(path, [folder]) == folder.resolve() / path


@pytest.mark.parametrize(
    "path",
    [
        *("", ".", "..", "/", "img", "img/", "img//a b.svg", "./blog.css", "img/../blog.css"),
        *("../secret.txt", "img/../../secret.txt", "..%2fsecret.txt", "..\\secret.txt"),
        *("../static-secret/key.txt", "../static.txt", "/etc/passwd", "//etc/passwd"),
        *("C:/secret.txt", "C:secret.txt", "blog.css:stream", "blog.css::$DATA"),
        *("blog.css\x00", "blog.css\x00.png", "blog.css\n", "\ud800", "a" * 5000, "a/" * 3000),
        *(".env", ".git/config", "blog.css/", "blog.css.", "blog.css ", "blog.css/x"),
        *("CON", "con", "AUX.txt", "nul.tar.gz", "COM1", "lpt¹.css", "img/PRN", "CONIN$", "aux ."),
    ],
)
def test_unsafe_and_missing_paths_find_nothing(folder: Path, path: str) -> None:
    """Nothing outside of the folder, hidden, or special on any system is found."""
    assert find_static(path, [folder]) is None
    assert find_static(unquote(path), [folder]) is None


@pytest.mark.parametrize("name", ["CON", "AUX.txt", "blog.css.", "a:b", ".secret"])
def test_names_that_are_special_elsewhere_are_refused_even_when_they_exist(
    folder: Path, name: str
) -> None:
    """The rule is the same on every system, so a real file of such a name stays unseen."""
    (folder / name).write_text("x")
    assert find_static(name, [folder]) is None


def test_links_are_followed_within_the_folder_only(folder: Path, tmp_path: Path) -> None:
    """A symbolic link that leads out of the folder, or in a circle, finds nothing."""
    (folder / "inside.css").symlink_to(folder / "blog.css")
    (folder / "outside.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "out").symlink_to(tmp_path)
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "beside").symlink_to(tmp_path / "static-secret")
    assert find_static("inside.css", [folder]) == (folder / "blog.css").resolve()
    for path in ("outside.txt", "out/secret.txt", "loop", "loop/x", "beside/key.txt"):
        assert find_static(path, [folder]) is None


def test_a_folder_may_itself_be_a_link_or_missing(folder: Path, tmp_path: Path) -> None:
    """The folder that was configured is trusted; one that does not exist holds nothing."""
    (tmp_path / "link").symlink_to(folder)
    missing = tmp_path / "missing"
    found = find_static("blog.css", [missing, tmp_path / "link"])
    assert found == (folder / "blog.css").resolve()


def test_only_regular_files_are_found(folder: Path) -> None:
    """A named pipe would block for ever; it is not found."""
    os.mkfifo(folder / "pipe")
    assert find_static("pipe", [folder]) is None


def test_the_first_folder_that_has_a_file_gives_it(folder: Path, tmp_path: Path) -> None:
    """The project's folder comes before those of its apps."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "blog.css").write_text("project")
    assert find_static("blog.css", [project, folder]) == (project / "blog.css").resolve()
    assert find_static("ü.txt", [project, folder]) == (folder / "ü.txt").resolve()


@pytest.mark.parametrize("url", ["/static/", "/static", "static/"])
def test_the_route_serves_and_is_reversed_by_its_name(folder: Path, url: str) -> None:
    """`static` is a route like others: matched, called with a path, reversed with quoting."""
    routes = build_static_routes(url, [folder])
    route, params = RouteTree(routes).match("GET", "/static/img/a b.svg")
    assert params == {"path": "img/a b.svg"}
    response = route.handler(**params)
    assert response.path == (folder / "img/a b.svg").resolve()
    assert response.headers["content-type"] == "image/svg+xml"
    assert response.headers["cache-control"] == "no-cache"
    assert Reverser(routes).url_for("static", path="img/a b.svg") == "/static/img/a%20b.svg"
    assert route.options.get("include_in_schema") is False


def test_a_missing_file_is_not_found(folder: Path) -> None:
    """The handler answers 404 for what is missing and what is unsafe alike."""
    handler = build_static_routes("/static/", [folder])[0].handler
    for path in ("no.css", "../secret.txt"):
        with pytest.raises(NotFound):
            handler(path=path)

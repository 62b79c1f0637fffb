"""Collected static files: names with a hash, references that follow, compression, serving."""

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from undercroft import App, Request, Settings, render
from undercroft.errors import ImproperlyConfigured, StaticFileNotFound
from undercroft.staticfiles.collecting import Collector
from undercroft.staticfiles.encodings import choose_coding
from undercroft.staticfiles.manifest import read_manifest
from undercroft.staticfiles.references import list_references, rewrite
from undercroft.templating import Markup
from undercroft.testing.client import Client

MakeClient = Callable[..., Client]

FILES = {
    "css/base.css": "@import 'parts/more.css';\nbody{background:url(../img/a%20b.png)}"
    + "p{}" * 400,
    "css/parts/more.css": '@import url("../base.css"); i{src:url("/static/font.woff?#iefix")}',
    "js/main.js": 'import {x} from "./part.js"; import("../js/part.js")'
    "\n//# sourceMappingURL=main.js.map",
    "js/part.js": "export const x = 1",
    "js/main.js.map": "{}",
    "img/a b.png": "picture",
    "font.woff": "font",
}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project's folder with static files."""
    write(tmp_path / "static", FILES)
    return tmp_path


def collect(project: Path, *, clear: bool = False) -> dict[str, str]:
    folders, root = [project / "static"], project / "staticfiles"
    return Collector(folders, root, "/static/").collect(clear=clear).names


def build_app(project: Path, *, debug: bool = False) -> App:
    app = App(Settings(base_dir=project, debug=debug))

    @app.get("/page")
    def page(request: Request) -> Markup:
        return render(request, "page.html")

    return app


def test_references_follow_the_names(project: Path) -> None:
    """`url()`, `@import`, imports and source maps lead to hashed names, circles included."""
    names = collect(project)
    root = project / "staticfiles"
    assert all(re.search(r"\.[0-9a-f]{12}\.", name) for name in names.values())
    base = (root / names["css/base.css"]).read_text()
    assert f"@import 'parts/{names['css/parts/more.css'].rpartition('/')[2]}'" in base
    assert "url(../img/a%20b." in base
    more = (root / names["css/parts/more.css"]).read_text()
    assert f'url("../{names["css/base.css"].rpartition("/")[2]}")' in more
    assert f'url("/static/{names["font.woff"]}?#iefix")' in more
    main = (root / names["js/main.js"]).read_text()
    part = names["js/part.js"].rpartition("/")[2]
    assert f'from "./{part}"' in main
    assert f'import("../js/{part}")' in main
    assert f"sourceMappingURL={names['js/main.js.map'].rpartition('/')[2]}" in main


def test_a_change_reaches_all_that_refer_to_it(project: Path) -> None:
    """A new picture gives the style sheets that show it new names, and leaves the others."""
    before = collect(project)
    write(project / "static", {"img/a b.png": "another"})
    after = collect(project)
    changed = {path for path in before if before[path] != after[path]}
    assert changed == {"img/a b.png", "css/base.css", "css/parts/more.css"}
    assert (project / "staticfiles" / before["css/base.css"]).exists()
    collect(project, clear=True)
    assert not (project / "staticfiles" / before["css/base.css"]).exists()


@pytest.mark.parametrize(
    "text",
    [
        "a{b:url(data:image/png;base64,AA==)}",
        "a{b:url(https://example.org/x.png)}",
        "a{b:url(//example.org/x.png)}",
        "a{filter:url(#shadow)}",
        "a{b:url(/elsewhere/x.png)}",
        "/* url(gone.png) @import 'gone.css' */",
        "a{b:url()}",
        "a{b:url(../../../etc/passwd)}",
    ],
)
def test_what_lies_elsewhere_is_left_alone(text: str) -> None:
    """Other hosts, data, parts of a document and comments are no static files."""
    assert list_references("css/x.css", text, "/static/") == []
    assert rewrite("css/x.css", text, "/static/", lambda path: "changed") == text


def test_hostile_style_sheets_take_no_time() -> None:
    """Unclosed brackets, quotes and comments by the hundred thousand are read in one go."""
    for piece in ("url(", "/*", '@import "', "url('", "@import ", "url( "):
        rewrite("x.css", piece * 50_000, "/static/", lambda path: None)


def test_a_missing_reference_names_near_ones(project: Path) -> None:
    """A style sheet that shows what is not there is an error, with what was probably meant."""
    write(project / "static", {"css/bad.css": "a{b:url(../img/a%20c.png)}"})
    with pytest.raises(StaticFileNotFound, match=r"Did you mean 'img/a b\.png'"):
        collect(project)


def test_what_compresses_well_is_compressed(project: Path) -> None:
    """A variant is there where it is worth having, and holds the same."""
    names = collect(project)
    root = project / "staticfiles"
    packed = root / f"{names['css/base.css']}.gz"
    assert gzip.decompress(packed.read_bytes()) == (root / names["css/base.css"]).read_bytes()
    assert not (root / f"{names['js/part.js']}.gz").exists()
    assert collect(project) == names


def test_nothing_leaves_or_enters_by_a_link(project: Path, tmp_path: Path) -> None:
    """Hidden files and links out of the folder are not collected; the root is apart."""
    (tmp_path / "secret.txt").write_text("secret")
    (project / "static/out.txt").symlink_to(tmp_path / "secret.txt")
    (project / "static/.env").write_text("secret")
    assert set(collect(project)) == set(FILES)
    for root in (project / "static", project / "static/sub", project):
        with pytest.raises(ImproperlyConfigured, match="folder of its own"):
            Collector([project / "static"], root, "/static/")


def test_hashed_names_are_kept_for_ever(project: Path, client: MakeClient) -> None:
    """In production templates give hashed names, which are immutable; plain ones are asked for."""
    names = collect(project)
    write(project / "templates", {"page.html": "{{ static_url('css/base.css') }}"})
    visitor = client(build_app(project))
    address = visitor.get("/page").text
    assert address == f"/static/{names['css/base.css']}"
    answer = visitor.get(address, headers={"accept-encoding": "identity"})
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert answer.headers["vary"] == "Accept-Encoding"
    plain = visitor.get("/static/css/base.css")
    assert plain.headers["cache-control"] == "no-cache"
    head = visitor.head(address, headers={"accept-encoding": "identity"})
    assert head.headers["content-length"] == str(len(answer.content))
    assert head.content == b""


def test_variants_are_served_by_what_the_client_takes(project: Path, client: MakeClient) -> None:
    """A client that takes gzip gets it, under an entity tag of its own; others the file."""
    names = collect(project)
    visitor = client(build_app(project))
    address = f"/static/{names['css/base.css']}"
    packed = visitor.get(address, headers={"accept-encoding": "gzip"})
    plain = visitor.get(address, headers={"accept-encoding": "gzip;q=0"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert packed.headers["etag"] != plain.headers["etag"]
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
    again = {"accept-encoding": "gzip", "if-none-match": packed.headers["etag"]}
    assert visitor.get(address, headers=again).status_code == 304
    part = visitor.get(address, headers={"range": "bytes=0-6", "accept-encoding": "identity"})
    assert (part.status_code, part.text) == (206, "@import")
    many = visitor.get(address, headers={"range": "bytes=" + "0-1," * 5_000})
    assert many.status_code == 200


def test_only_what_was_collected_is_served(project: Path, client: MakeClient) -> None:
    """The index has exact names: no other case, no path out, no manifest, no packed file."""
    names = collect(project)
    write(project, {"secret.txt": "secret"})
    write(project / "staticfiles", {"stray.txt": "stray"})
    visitor = client(build_app(project))
    for path in (
        *("../secret.txt", "..%2fsecret.txt", "css/../../secret.txt", "staticfiles.json"),
        *("CSS/base.css", "css/BASE.css", "css/base.css%00", "css\\base.css", "stray.txt", "CON"),
        *(f"{names['css/base.css']}.gz", "css", "css/", "%2e%2e/secret.txt", "/etc/passwd"),
    ):
        assert visitor.get(f"/static/{path}").status_code in (404, 307), path


def test_a_missing_file_in_a_template_names_near_ones(project: Path, client: MakeClient) -> None:
    """In development and production a template that names no file is an error."""
    write(project / "templates", {"page.html": "{{ static('css/bas.css') }}"})
    for app in (build_app(project), build_app(project, debug=True)):
        with pytest.raises(StaticFileNotFound, match=r"Did you mean 'css/base\.css'"):
            app.templates.render("page.html")
    collect(project)
    with pytest.raises(StaticFileNotFound, match=r"manifest.*Did you mean 'css/base\.css'"):
        build_app(project).templates.render("page.html")


def test_development_serves_the_folders(project: Path, client: MakeClient) -> None:
    """In debug what was collected does not count, so that an edited file is seen."""
    collect(project)
    write(project / "static", {"js/part.js": "edited"})
    write(project / "templates", {"page.html": "{{ static('js/part.js') }}"})
    visitor = client(build_app(project, debug=True))
    assert visitor.get("/page").text == "/static/js/part.js"
    assert visitor.get("/static/js/part.js").text == "edited"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 9, "paths": {}}', "5"])
def test_a_manifest_that_cannot_be_read_says_so(project: Path, content: str) -> None:
    """A broken manifest is found at start, with the command that mends it."""
    write(project / "staticfiles", {"staticfiles.json": content})
    with pytest.raises(ImproperlyConfigured, match="undercroft collectstatic"):
        build_app(project).build()
    assert read_manifest(project) is None
    assert json.dumps(content)


@pytest.mark.parametrize(
    "accepted, chosen",
    [
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("GZIP;q=0.5", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0.000, gzip ; q=1.0", "gzip"),
        ("*", "br"),
        ("*;q=0", None),
        ("identity", None),
        ("", None),
        ("x" * 100_000, None),
        ("," * 100_000 + "gzip", None),
    ],
)
def test_the_coding_follows_accept_encoding(accepted: str, chosen: str | None) -> None:
    """The best that the client takes, by its weights."""
    assert choose_coding(accepted, ["br", "gzip"]) == chosen

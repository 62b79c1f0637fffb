"""APP: every way to name an application, and what is said where there is none."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from undercroft.app.application import App
from undercroft.cli.target import VARIABLE, find_target, load_app, load_object, parse_target
from undercroft.errors import AppNotFoundError, ImproperlyConfigured

HELLO = "from undercroft import App\nfound = App()\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory; what is imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)
    path, modules = list(sys.path), set(sys.modules)
    yield tmp_path
    sys.path[:] = path
    for name in sys.modules.keys() - modules:
        file = getattr(sys.modules[name], "__file__", None)
        if file and str(tmp_path) in file:
            del sys.modules[name]


def put(name: str, content: str) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, "utf-8")


@pytest.mark.parametrize(
    "text,module,attribute",
    [
        ("site/shop.py", "shop", ""),
        ("site/shop.py:found", "shop", "found"),
        ("pack/inner/web.py", "pack.inner.web", ""),
        ("pack.inner.web:found", "pack.inner.web", "found"),
        ("pack.inner.web", "pack.inner.web", ""),
    ],
)
def test_an_application_can_be_named(text: str, module: str, attribute: str) -> None:
    """As a file or a module, with or without the attribute; a file knows its packages."""
    put("site/shop.py", HELLO)
    put("pack/__init__.py", "")
    put("pack/inner/__init__.py", "")
    put("pack/inner/web.py", HELLO)
    target = parse_target(text)
    assert (target.module, target.attribute) == (module, attribute)
    assert isinstance(load_object(target), App)


@pytest.mark.parametrize("text", ["my-app.py", "my app.py", "my-app.py:found", "a folder/x.py"])
def test_a_file_of_any_name_can_be_named_again(text: str) -> None:
    """What is handed to another process names the file, not a module it could not spell."""
    put("my-app.py", HELLO)
    put("my app.py", HELLO)
    put("a folder/x.py", HELLO)
    target = parse_target(text)
    assert Path(target.argument.removesuffix(":found")).is_absolute()
    assert parse_target(target.argument) == target
    assert isinstance(load_object(parse_target(target.argument)), App)


@pytest.mark.parametrize("content", ["from . import app\n", "import mysite.app\n", ""])
@pytest.mark.parametrize("text", ["mysite", "mysite:app"])
def test_a_module_called_app_is_looked_into(content: str, text: str) -> None:
    """`mysite` and `mysite:app` lead to the application in `mysite/app.py`, once it is imported."""
    put("mysite/__init__.py", content)
    put("mysite/app.py", HELLO)
    if content:
        assert isinstance(load_app(text), App)
    else:
        with pytest.raises(AppNotFoundError, match="has no"):
            load_app(text)


def test_an_application_goes_before_a_module() -> None:
    """A module called `app` does not hide the application beside it; one of neither is an error."""
    put("main.py", "import empty as app\nfrom undercroft import App\napplication = App()\n")
    put("other.py", "import empty as app\nfrom undercroft import App\nmine = App()\n")
    put("empty.py", "import empty as app\n")
    assert isinstance(load_app("main"), App)
    assert isinstance(load_app("other"), App)
    with pytest.raises(AppNotFoundError, match="Module 'empty' has no `app`"):
        load_app("empty")


def test_an_application_can_be_left_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package's app.py, then main.py, then pyproject.toml, then the environment win."""
    put("mysite/__init__.py", "")
    put("mysite/app.py", HELLO)
    assert find_target(None).module == "mysite.app"
    put("main.py", HELLO)
    assert find_target(None).module == "main"
    put("pyproject.toml", '[tool.undercroft]\napp = "other:app"\n')
    assert str(find_target(None)) == "other:app"
    monkeypatch.setenv(VARIABLE, "third:app")
    assert str(find_target(None)) == "third:app"


def test_nothing_found_lists_what_was_tried() -> None:
    """An empty folder gets the list of places and an example."""
    with pytest.raises(AppNotFoundError) as caught:
        find_target(None)
    for place in (VARIABLE, "pyproject.toml", "main.py", "app.py", "<package>/app.py"):
        assert place in caught.value.hint


@pytest.mark.parametrize(
    "text,message",
    [
        ("mian.py", "Did you mean 'main.py'?"),
        ("mian", "Did you mean 'main'?"),
        ("main:fuond", "Did you mean 'found'?"),
        ("main.app:x", "There is no module 'main.app'"),
        ("no-module", "neither a file nor a module"),
        ("two", "several apps: one, other"),
        ("empty", "has no `app`"),
    ],
)
def test_a_mistyped_application_is_explained(text: str, message: str) -> None:
    """The error names what was probably meant."""
    put("main.py", HELLO)
    put("empty.py", "")
    put("two.py", "from undercroft import App\none, other = App(), App()\n")
    with pytest.raises(AppNotFoundError) as caught:
        load_app(text)
    assert message in str(caught.value)


def test_an_error_of_the_project_s_own_is_kept() -> None:
    """A module that exists and lacks something it imports is not called missing."""
    put("main.py", "import no_such_library\n")
    with pytest.raises(ImproperlyConfigured) as caught:
        load_app("main.py")
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_a_factory_that_fails_is_named() -> None:
    """What it raises is the cause."""
    put("main.py", "def make():\n    return 1 / 0\n")
    with pytest.raises(ImproperlyConfigured, match="factory main:make fails") as caught:
        load_object(parse_target("main:make"), factory=True)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_commands_need_an_application_of_ours() -> None:
    """Somebody else's application is served, not inspected."""
    put("main.py", "def app(environ, start_response): ...\n")
    with pytest.raises(AppNotFoundError, match="not an undercroft App"):
        load_app("main.py")

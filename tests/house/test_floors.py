"""Guard the architecture: floors, owners of foundations, words of the protocols."""

import ast
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

# Which rooms may import which foundation. Everything here has one owner; a second room is named
# with its reason.
OWNERS = {
    "sqlalchemy": {"db", "migrations"},
    "alembic": {"migrations"},
    "jinja2": {"templating"},
    "uvicorn": {"server"},
    "watchfiles": {"server"},
    "click": {"cli"},
    "rich": {"cli", "server"},  # server: the coloured log
    "pydantic_settings": {"settings"},
    "offapi": {"openapi"},
    "python_multipart": {"http"},
    "asyncpg": {"db"},
    "psycopg": {"db"},
    "redis": {"cache"},
}
PROTOCOL_ROOMS = {"gateways", "server", "testing"}
PROTOCOL_WORDS = {"scope", "environ", "send"}
# `Depends(scope=...)` is FastAPI's name for how long a value lives, and OAuth 2's form has a field
# of this name (RFC 6749, section 4.3.2).
OTHER_MEANINGS = {(Path("binding/parameters.py"), "scope"), (Path("security/oauth2.py"), "scope")}
# What a token is good for is its scope (RFC 6749, section 3.3), in all that the room does with it.
OTHER_MEANINGS_OF_ROOMS = {("auth", "scope")}


@pytest.fixture(scope="module")
def source(repository: Path) -> Path:
    """The package's source folder."""
    return repository / "src" / "undercroft"


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Every import, wherever it stands: at the top, in a function, for type checkers only."""
    return grimp.build_graph("undercroft", include_external_packages=True, cache_dir=None)


def get_room(module: str) -> str:
    """Return the room a module belongs to; the package's own `__init__` is its face.

    The migrations of an app of ours are written in the words of the room `migrations`.
    """
    if re.search(r"\.migrations\.\d{4}_", module):
        return "migrations"
    return module.split(".")[1] if "." in module else "(face)"


def read_trees(source: Path) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(source.rglob("*.py")):
        yield path.relative_to(source), ast.parse(path.read_text(encoding="utf-8"))


def test_a_room_imports_only_from_the_floors_below(repository: Path) -> None:
    """Import-linter finds no import that goes up or sideways, lazy imports counted."""
    command = Path(sysconfig.get_path("scripts")) / "lint-imports"
    result = subprocess.run(
        [command, "--no-cache"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_no_room_imports_the_face(graph: grimp.ImportGraph) -> None:
    """Internal code imports the defining module: `undercroft` itself would pull in everything."""
    importers = {
        module
        for module in graph.find_modules_that_directly_import("undercroft")
        if module != "undercroft"
    }
    assert importers == set()


def test_no_import_is_hidden_in_a_string(source: Path) -> None:
    """Only the face imports modules of the house by name; anything else would escape the floors."""
    hidden = [
        f"{path}:{node.lineno}"
        for path, tree in read_trees(source)
        if path != Path("__init__.py")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and get_called_name(node) in {"import_module", "__import__"}
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and str(node.args[0].value).startswith(("undercroft", "."))
    ]
    assert hidden == []


def get_called_name(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


@pytest.mark.parametrize("foundation", sorted(OWNERS))
def test_a_foundation_has_one_owner(graph: grimp.ImportGraph, foundation: str) -> None:
    """A foreign package is imported only in the room that owns it."""
    if foundation not in graph.modules:
        return  # its room is not built yet
    importers = graph.find_modules_that_directly_import(foundation)
    strangers = {module for module in importers if get_room(module) not in OWNERS[foundation]}
    assert strangers == set()


def test_modules_form_no_cycle() -> None:
    """No module imports itself by a detour, lazy imports counted.

    Imports for type checkers only are left out: nothing runs them.
    """
    graph = grimp.build_graph("undercroft", exclude_type_checking_imports=True, cache_dir=None)
    modules = {module for module in graph.modules if module.startswith("undercroft.")}
    cycles = [
        chain
        for module in sorted(modules)
        for imported in sorted(graph.find_modules_directly_imported_by(module) & modules)
        if (chain := graph.find_shortest_chain(imported, module)) is not None
    ]
    assert cycles == []


def test_words_of_the_protocols_stay_at_the_edge(source: Path) -> None:
    """Names `scope`, `environ` and `send` occur only in gateways, server and testing."""
    strays = [
        f"{path}:{getattr(node, 'lineno', 0)}: {word}"
        for path, tree in read_trees(source)
        if path.parts[0].removesuffix(".py") not in PROTOCOL_ROOMS
        for node in ast.walk(tree)
        for word in get_names(node) & PROTOCOL_WORDS
        if (path, word) not in OTHER_MEANINGS
        and (path.parts[0], word) not in OTHER_MEANINGS_OF_ROOMS
    ]
    assert strays == []


def get_names(node: ast.AST) -> set[str]:
    """Return the variable and parameter names a node introduces or reads.

    Attributes are left out, for `os.environ` and a generator's `send` are no protocol words.
    """
    match node:
        case ast.Name(id=name) | ast.arg(arg=name):
            return {name}
        case _:
            return set()


@pytest.mark.parametrize(
    "module",
    [
        "sqlalchemy",
        "alembic",
        "jinja2",
        "uvicorn",
        "click",
        "rich",
        "pydantic_settings",
        "pydantic",
    ],
)
def test_the_face_is_cheap(module: str) -> None:
    """`import undercroft` loads none of the foundations; each comes with the name that needs it."""
    code = f"import sys, undercroft; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""Guard what users see: names that exist, are listed, sorted and documented."""

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import undercroft

Definition = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def list_modules() -> list[str]:
    found = pkgutil.walk_packages(undercroft.__path__, "undercroft.")
    return ["undercroft", *sorted(module.name for module in found)]


MODULES = list_modules()


def is_public(module: str) -> bool:
    return not any(part.startswith("_") for part in module.split("."))


@pytest.mark.parametrize("name", [name for name in MODULES if is_public(name)])
def test_listed_names_exist_and_are_sorted(name: str) -> None:
    """What `__all__` promises can be imported, and stands in order, once."""
    module = importlib.import_module(name)
    listed: list[str] = list(getattr(module, "__all__", []))
    assert [public for public in listed if not hasattr(module, public)] == []
    assert listed == sorted(set(listed), key=sort_key)


def sort_key(name: str) -> tuple[int, list[tuple[str, int]]]:
    """Order as ruff's RUF022 does: CONSTANTS, then Classes (`F`, too), then functions."""
    kind = 0 if len(name) > 1 and name.isupper() else 1 if name[:1].isupper() else 2
    return kind, [(text, int(number or 0)) for text, number in re.findall(r"(\D*)(\d*)", name)]


def test_the_face_lists_its_names() -> None:
    """`undercroft` says what it exports, also to `dir()`."""
    assert undercroft.__all__
    assert set(undercroft.__all__) <= set(dir(undercroft))


def test_an_unknown_name_is_an_attribute_error() -> None:
    """The lazy face answers a wrong name as any module does."""
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = undercroft.no_such_name


def test_a_package_face_lists_what_it_exports(repository: Path) -> None:
    """Every room that re-exports names has `__all__`, so that type checkers see them as public."""
    silent = [
        str(path.relative_to(repository))
        for path in sorted((repository / "src").rglob("__init__.py"))
        if (tree := ast.parse(path.read_text(encoding="utf-8")))
        and any(isinstance(node, ast.ImportFrom) for node in tree.body)
        and not any(is_list_of_names(node) for node in tree.body)
    ]
    assert silent == []


def is_list_of_names(node: ast.stmt) -> bool:
    match node:
        case (
            ast.Assign(targets=[ast.Name(id="__all__")])
            | ast.AnnAssign(target=ast.Name(id="__all__"))
        ):
            return True
        case _:
            return False


def test_every_public_name_has_a_docstring(repository: Path) -> None:
    """Modules, classes, functions and methods that have no leading underscore say what they do."""
    package = repository / "src" / "undercroft"
    bare = [
        f"{path.relative_to(repository)}: {name}"
        for path in sorted(package.rglob("*.py"))
        for name, node in list_public(ast.parse(path.read_text(encoding="utf-8")), "")
        if not ast.get_docstring(node)
    ]
    assert bare == []


def list_public(node: Definition, prefix: str) -> Iterator[tuple[str, Definition]]:
    """Give every public definition at module or class level; overloads share one docstring."""
    yield prefix or "(module)", node
    for child in node.body:
        if (
            isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and not child.name.startswith("_")
            and not any("overload" in ast.unparse(mark) for mark in child.decorator_list)
            and not any(ast.unparse(mark).endswith(".setter") for mark in child.decorator_list)
        ):
            name = f"{prefix}.{child.name}".lstrip(".")
            if isinstance(child, ast.ClassDef):
                yield from list_public(child, name)
            else:
                yield name, child


def test_the_package_says_that_it_is_typed() -> None:
    """`py.typed` lies beside the code (PEP 561)."""
    assert (Path(inspect.getfile(undercroft)).parent / "py.typed").exists()

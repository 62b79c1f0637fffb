"""Guard the error codes: each has its line in `docs/errors.md`, and no line is left over."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

#: A row of one of the page's tables that begins with a code.
ROW = re.compile(r"^\| `(?P<code>[a-z._-]+)` \|(?P<meaning>.*)\|$", re.MULTILINE)


@pytest.fixture(scope="module")
def listed(repository: Path) -> list[tuple[str, str]]:
    """The codes of the page, with what it says of them."""
    text = (repository / "docs" / "errors.md").read_text(encoding="utf-8")
    return [(found["code"], found["meaning"].strip()) for found in ROW.finditer(text)]


@pytest.fixture(scope="module")
def used(repository: Path) -> dict[str, str]:
    """The codes of the source, each with a place that uses it."""
    package = repository / "src" / "undercroft"
    return {
        code: f"{path.relative_to(package)}:{line}"
        for path in sorted(package.rglob("*.py"))
        for code, line in find_codes(ast.parse(path.read_text(encoding="utf-8")))
    }


def find_codes(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Find what is given as `code=` to a call, or stored under that name."""
    for node in ast.walk(tree):
        match node:
            case ast.keyword(arg="code", value=value):
                yield from find_texts(value)
            case ast.Assign(targets=[ast.Name(id="code")], value=value):
                yield from find_texts(value)
            case ast.AnnAssign(target=ast.Name(id="code"), value=ast.expr() as value):
                yield from find_texts(value)
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                for name, value in zip(names, values, strict=False):
                    if isinstance(name, ast.Name) and name.id == "code":
                        yield from find_texts(value)
            case _:
                pass


def find_texts(value: ast.expr) -> Iterator[tuple[str, int]]:
    match value:
        case ast.Constant(value=str(text)) if text:
            yield text, value.lineno
        case ast.IfExp(body=body, orelse=other):
            yield from find_texts(body)
            yield from find_texts(other)
        case _:
            pass


def test_every_code_is_found(used: dict[str, str]) -> None:
    """The search sees defaults of classes, arguments and assignments alike."""
    assert {"undercroft", "db.unknown-field", "binding.bare-model", "server.bind"} <= set(used)


def test_every_code_has_its_line(used: dict[str, str], listed: list[tuple[str, str]]) -> None:
    """Whoever meets a code finds there what it means and how to mend it."""
    known = {code for code, _ in listed}
    assert {code: place for code, place in used.items() if code not in known} == {}


def test_no_line_is_left_over(used: dict[str, str], listed: list[tuple[str, str]]) -> None:
    """The page lists each code once, with words, and none that is gone."""
    codes = [code for code, _ in listed]
    assert [code for code in codes if code not in used] == []
    assert len(codes) == len(set(codes))
    assert [code for code, meaning in listed if len(meaning) < 20] == []

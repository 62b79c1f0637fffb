"""Guard against shortcuts: unfinished work, silenced checkers, files that grow without end."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError\(\)|pragma: *no *cover")
SILENCER = re.compile(r"#\s*(noqa|type:\s*ignore|pyright:\s*ignore|pyright:)(?P<rest>.*)")
CODES = re.compile(
    r"^(:\s*[A-Z]+\d+(\s*,\s*[A-Z]+\d+)*|\s*\[[\w\-, ]+\]|\s*report\w+=false\b)\s*(?P<reason>.*)$"
)
LINES = 350


@pytest.fixture(scope="module")
def sources(repository: Path) -> list[Path]:
    """Every Python file of the package."""
    return sorted((repository / "src" / "undercroft").rglob("*.py"))


def read_comments(path: Path) -> Iterator[tuple[int, str]]:
    """Give every comment with its line number; a comment line counts to the line below it, too."""
    above = ""
    with io.BytesIO(path.read_bytes()) as stream:
        for token in tokenize.tokenize(stream.readline):
            if token.type == tokenize.COMMENT:
                alone = token.line.strip() == token.string
                yield token.start[0], token.string if alone else f"{token.string} {above}"
                above = token.string if alone else ""
            elif token.type == tokenize.NEWLINE:
                above = ""


def test_nothing_is_left_unfinished(sources: list[Path]) -> None:
    """No file carries a note of work to come, or hides lines from coverage."""
    found = [
        f"{path.name}:{number}: {line.strip()}"
        for path in sources
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert found == []


def test_a_silenced_checker_names_its_rule_and_its_reason(sources: list[Path]) -> None:
    """`noqa` and `type: ignore` carry a code, and in words why the rule is wrong here."""
    found = [
        f"{path.name}:{number}: {comment}"
        for path in sources
        for number, comment in read_comments(path)
        if (match := SILENCER.search(comment)) and not has_reason(match["rest"])
    ]
    assert found == []


def has_reason(rest: str) -> bool:
    match = CODES.match(rest)
    if match is None:
        return False
    words = re.sub(r"#\s*(noqa|type:\s*ignore|pyright:\s*ignore)[^ ]*", "", match["reason"])
    return bool(re.search(r"\w{3}", words))


def test_files_keep_a_comfortable_size(sources: list[Path]) -> None:
    """Nine files in ten stay under 350 lines."""
    long = [path.name for path in sources if len(path.read_text("utf-8").splitlines()) > LINES]
    assert len(long) <= len(sources) / 10, long


def test_every_test_says_what_it_proves(repository: Path) -> None:
    """A test has a docstring of one sentence, and no class around it."""
    found = [
        f"{path.relative_to(repository)}:{node.lineno}: {node.name}"
        for path in sorted((repository / "tests").rglob("test_*.py"))
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and node.name.lower().startswith("test")
        and (isinstance(node, ast.ClassDef) or not ast.get_docstring(node))
    ]
    assert found == []

"""Guard the documentation: its links resolve, its pages can be reached, its Python blocks run.

A block opened with three backticks and `python` is run in a fresh interpreter, in a folder that
lasts for its page. A first line `# blog/models.py` writes the block to that file of the folder
instead, for the blocks after it to import; then the file is run as well, as a module. A block
that cannot run says so and why: `python no-run: needs a server`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.house.fresh import FreshInterpreters, Outcome

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "benchmarks/*.md")
    for path in REPOSITORY.glob(pattern)
)
FENCE = re.compile(
    r"^(?P<mark>`{3,}|~{3,})(?P<info>.*)\n(?P<code>(?:.*\n)*?)(?P=mark)[ \t]*$", re.MULTILINE
)
LINK = re.compile(r"(?<!!)\[(?:[^\]\[]|\[[^\]]*\])+\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(?P<text>.+?) *$", re.MULTILINE)
FILE = re.compile(r"^# (?P<path>[\w/]+\.py)\b")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    info: str
    code: str


def read_blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield Block(page, line, match["info"].strip(), match["code"])


def name_page(page: Path) -> str:
    return str(page.relative_to(REPOSITORY))


def remove_fences(text: str) -> str:
    return FENCE.sub("", text)


def list_anchors(page: Path) -> set[str]:
    """Name a page's headings as the usual Markdown renderers do."""
    headings = HEADING.findall(remove_fences(page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


def list_local_links(page: Path) -> list[tuple[str, Path, str]]:
    text = remove_fences(page.read_text(encoding="utf-8"))
    targets = [target for target in LINK.findall(text) if not re.match(r"[a-z]+:", target)]
    return [
        (target, (page.parent / path).resolve() if path else page, anchor)
        for target in targets
        for path, _, anchor in [target.partition("#")]
    ]


@pytest.fixture(scope="module")
def interpreters() -> Iterator[FreshInterpreters]:
    """What runs blocks."""
    running = FreshInterpreters()
    yield running
    running.close()


@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_links_resolve(page: Path) -> None:
    """Every link to a file or a heading leads somewhere."""
    broken = [
        target
        for target, path, anchor in list_local_links(page)
        if not path.exists()
        or (anchor and path.suffix == ".md" and anchor not in list_anchors(path))
    ]
    assert broken == []


def test_every_page_can_be_reached() -> None:
    """From the README, links lead to every page of `docs/`."""
    reached: set[Path] = set()
    waiting = [REPOSITORY / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        waiting += [path for _, path, _ in list_local_links(page) if path.suffix == ".md"]
    assert {page for page in PAGES if "docs" in page.relative_to(REPOSITORY).parts} <= reached


@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_a_block_that_is_not_run_says_why(page: Path) -> None:
    """`no-run` is an exception with a reason, not a way out."""
    bare = [
        f"line {block.line}"
        for block in read_blocks(page)
        if "no-run" in block.info and not re.match(r"python no-run: \w+.*", block.info)
    ]
    assert bare == []


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_python_blocks_run(page: Path, tmp_path: Path, interpreters: FreshInterpreters) -> None:
    """What a reader copies from a page works, in the order in which the page shows it."""
    failures = []
    for block in read_blocks(page):
        if block.info.split(" ")[0] != "python" or "no-run" in block.info:
            continue
        result = run_block(block, tmp_path, interpreters)
        if result.returncode:
            failures.append(f"{name_page(page)}, line {block.line}:\n{result.stderr}")
    assert not failures, "\n".join(failures)


def run_block(block: Block, folder: Path, interpreters: FreshInterpreters) -> Outcome:
    match = FILE.match(block.code)
    if match is None:
        return interpreters.run(block.code, folder)
    path = folder / match["path"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.code, encoding="utf-8")
    module = match["path"].removesuffix(".py").replace("/", ".")
    return interpreters.run(f"import {module}", folder)

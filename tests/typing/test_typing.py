"""Guard what type checkers infer: each snippet in this folder states it with `assert_type`."""

import json
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parent
REPOSITORY = FOLDER.parent.parent
SNIPPETS = sorted(path.name for path in FOLDER.glob("*.py") if not path.name.startswith("test_"))

pytestmark = pytest.mark.slow


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=300
    )


@cache
def run_mypy() -> list[str]:
    """Check all snippets at once, as strictly as the configuration says; return the complaints."""
    paths = [str(FOLDER / name) for name in SNIPPETS]
    result = run(sys.executable, "-m", "mypy", "--strict", "--no-error-summary", *paths)
    assert result.returncode in {0, 1}, result.stdout + result.stderr
    return [line for line in result.stdout.splitlines() if ": error:" in line]


@cache
def run_pyright() -> list[dict[str, Any]]:
    """Check all snippets at once, strictly; return the errors and warnings."""
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    result = run(*command, *(str(FOLDER / name) for name in SNIPPETS))
    assert result.stdout.strip(), result.stderr
    found: list[dict[str, Any]] = json.loads(result.stdout)["generalDiagnostics"]
    return found


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_mypy_infers_what_the_snippet_states(snippet: str) -> None:
    """Mypy in strict mode and without plugin agrees with every `assert_type`."""
    assert [line for line in run_mypy() if Path(line.split(":")[0]).name == snippet] == []


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_pyright_infers_what_the_snippet_states(snippet: str) -> None:
    """Pyright in strict mode agrees with every `assert_type`."""
    found = [
        f"{item['range']['start']['line'] + 1}: {item['message']}"
        for item in run_pyright()
        if Path(item["file"]).name == snippet
    ]
    assert found == []


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_the_checkers_notice_a_wrong_statement(checker: str, tmp_path: Path) -> None:
    """A snippet that states something false fails, so that silence above means agreement."""
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "from typing import assert_type\n\nassert_type(1 + 1, str)\n", encoding="utf-8"
    )
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    result = subprocess.run(
        [sys.executable, "-m", checker, str(wrong)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert result.returncode == 1, result.stdout + result.stderr
    assert re.search("assert.type", result.stdout)

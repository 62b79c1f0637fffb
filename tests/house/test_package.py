"""Guard what is shipped: the wheel, the pinned versions, the scripts."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).resolve().parent.parent.parent
SCRIPTS = sorted((REPOSITORY / "scripts").iterdir())


def read_project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    return project


def read_pins() -> dict[str, str]:
    lines = (REPOSITORY / "constraints.txt").read_text("utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def list_requirements() -> list[Requirement]:
    project = read_project()["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    found = [Requirement(text) for texts in lists for text in texts]
    return [requirement for requirement in found if requirement.name != "undercroft"]


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_nothing_else(tmp_path: Path) -> None:
    """Everything below `src/undercroft` is shipped, data files and `py.typed` among them."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name for name in archive.namelist() if ".dist-info/" not in name}
    source = REPOSITORY / "src"
    expected = {
        str(path.relative_to(source))
        for path in (source / "undercroft").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert shipped == expected
    assert "undercroft/py.typed" in shipped


def test_every_requirement_is_pinned_within_its_range() -> None:
    """`constraints.txt` has a version for each requirement, which the requirement allows."""
    pins = read_pins()
    wrong = [
        f"{requirement}: {pins.get(canonicalize_name(requirement.name))}"
        for requirement in list_requirements()
        if pins.get(canonicalize_name(requirement.name), "0") not in requirement.specifier
    ]
    assert wrong == [], "run scripts/lock"


def test_every_dependency_says_why() -> None:
    """In `pyproject.toml` a comment stands above or beside each dependency."""
    text = (REPOSITORY / "pyproject.toml").read_text("utf-8")
    block = text[text.index("\ndependencies = [") : text.index("[project.optional-dependencies]")]
    lines = [line.strip() for line in block.splitlines()]
    bare = [
        line
        for above, line in pairwise(lines)
        if line.startswith('"') and not above.startswith("#") and "#" not in line
    ]
    assert bare == []


def test_the_installed_version_is_the_declared_one() -> None:
    """Version and Python range of the installed package are those of `pyproject.toml`."""
    project = read_project()["project"]
    assert metadata.version("undercroft") == project["version"]
    assert metadata.metadata("undercroft")["Requires-Python"] == project["requires-python"]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_explains_itself(script: Path) -> None:
    """Each script runs where it is told to, stops at the first failure and answers `--help`."""
    text = script.read_text("utf-8")
    assert os.access(script, os.X_OK)
    assert text.startswith("#!/usr/bin/env bash\n# ")
    assert "set -euo pipefail" in text
    shown = subprocess.run(
        [script, "--help"], cwd="/", capture_output=True, text=True, check=True, timeout=10
    )
    assert f"scripts/{script.name}" in shown.stdout
    assert not re.search(r"^(#|set )", shown.stdout, re.MULTILINE)

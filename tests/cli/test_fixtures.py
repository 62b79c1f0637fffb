"""`dumpdata` and `loaddata`, run as a user runs them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.slow

FILL = (
    "from undercroft import models; models.create_all(); "
    "ada = Author.objects.create(name='Ada'); "
    "[Post.objects.create(title=f'Post {n}', author=ada) for n in range(3)]"
)
COUNT = "print(Author.objects.count(), Post.objects.count())"


@pytest.fixture
def filled(run: Run) -> None:
    """Rows in the project's database."""
    assert run("shell", "-c", FILL).stderr == ""


@pytest.mark.usefixtures("filled")
def test_rows_go_to_a_file_and_come_back(run: Run, project: Path) -> None:
    """A dump of all is a fixture of an app, which an empty database loads by its name."""
    (project / "blog" / "fixtures").mkdir()
    dumped = run("dumpdata", "--output", "blog/fixtures/first.json.gz")
    assert (dumped.returncode, dumped.stdout) == (0, ""), dumped.stderr
    assert dumped.stderr == "Dumped 4 rows of 2 models to blog/fixtures/first.json.gz.\n"
    run("shell", "-c", "Author.objects.delete()")
    assert run("shell", "-c", COUNT).stdout == "0 0\n"
    loaded = run("loaddata", "first")
    assert loaded.stdout == "Loaded 4 rows of 2 models from 1 file.\n", loaded.stderr
    assert run("shell", "-c", COUNT).stdout == "1 3\n"


@pytest.mark.usefixtures("filled")
def test_standard_output_holds_nothing_but_rows(run: Run) -> None:
    """What is chosen by labels, exclusions and keys comes in the format asked for."""
    rows = json.loads(run("dumpdata", "blog", "--exclude", "blog.author", "--indent", "2").stdout)
    assert [row["fields"]["title"] for row in rows] == ["Post 0", "Post 1", "Post 2"]
    lines = run("dumpdata", "blog.Post", "--pks", "1, 3", "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line)["pk"] for line in lines] == [1, 3]


@pytest.mark.usefixtures("filled")
def test_a_reader_that_goes_away_ends_the_dump(run: Run, project: Path) -> None:
    """`undercroft dumpdata | head -c 1` says nothing about a broken pipe."""
    # More than a pipe holds.
    names = [{"model": "blog.author", "fields": {"name": "x" * 100}} for _ in range(1_500)]
    (project / "many.json").write_text(json.dumps(names), "utf-8")
    assert run("loaddata", "many.json").returncode == 0
    command = f"{sys.executable} -m undercroft dumpdata | head -c 1"
    result = subprocess.run(
        command, shell=True, cwd=project, capture_output=True, text=True, check=False, timeout=60
    )
    assert (result.stdout, result.stderr) == ("[", "")


@pytest.mark.usefixtures("filled")
def test_mistakes_are_explained(run: Run, project: Path) -> None:
    """A wrong record is named with its file; the exit status is 1 and nothing is stored."""
    records = [
        {"model": "blog.author", "pk": 9, "fields": {"name": "Bob"}},
        {"model": "blog.author", "pk": 10, "fields": {"nmae": "Cem"}},
    ]
    (project / "bad.json").write_text(json.dumps(records), "utf-8")
    result = run("loaddata", "bad.json")
    assert result.returncode == 1
    assert "bad.json, record 2 (blog.author, pk 10): field 'nmae' does not exist" in result.stderr
    assert "Did you mean 'name'?" in result.stderr
    assert run("shell", "-c", COUNT).stdout == "1 3\n"
    assert run("loaddata", "bad.json", "--ignorenonexistent").returncode == 1
    assert "There is no file 'nothing'" in run("loaddata", "nothing").stderr
    missing = run("dumpdata", "blog.pots").stderr
    assert "'blog.pots' is no model.\n  Did you mean 'blog.post'?" in missing

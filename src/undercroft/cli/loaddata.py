"""`undercroft loaddata`: store the rows of files."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from undercroft.cli.dumpdata import describe_counts
from undercroft.cli.progress import show_progress
from undercroft.cli.target import load_app
from undercroft.errors import FixtureError

if TYPE_CHECKING:
    from undercroft.app.installed import InstalledApp

#: Where apps keep files of rows.
_FOLDER = "fixtures"

_ENDINGS = ("", ".json", ".jsonl", ".json.gz", ".jsonl.gz")


@click.command("loaddata")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--app", help="The application, as for other commands.")
@click.option("--database", default="default", show_default=True, help="Which of the databases.")
@click.option(
    "-i",
    "--ignorenonexistent",
    "--ignore-nonexistent",
    "ignore_unknown",
    is_flag=True,
    help="Pass over models and fields that do not exist.",
)
def command(
    *, files: tuple[str, ...], app: str | None, database: str, ignore_unknown: bool
) -> None:
    """Store the rows of every FILE, all of them or none.

    FILE is a path, or the name of a file in an app's folder `fixtures`, whose ending may be left
    out. Rows that are there already are changed.
    """
    loaded = load_app(app)
    paths = find_files(files, loaded.apps)
    # Slow to import (SQLAlchemy).
    from undercroft.db.fixtures.loading import LoadOptions, load_data  # noqa: PLC0415

    # Every file is read twice: to see what there is, and to store it.
    size = sum(2 * path.stat().st_size for path in paths)
    with show_progress("Loading", size) as advance:
        options = LoadOptions(using=database, ignore_unknown=ignore_unknown, on_read=advance)
        counts = load_data(*paths, options=options)
    noun = "file" if len(paths) == 1 else "files"
    click.echo(f"Loaded {describe_counts(counts)} from {len(paths)} {noun}.")


def find_files(names: Iterable[str], apps: Sequence["InstalledApp"]) -> list[Path]:
    """Find files by path, else in the folders of apps.

    Raises:
        FixtureError: There is no such file, or several apps have one.
    """
    return [find_file(name, apps) for name in names]


def find_file(name: str, apps: Sequence["InstalledApp"]) -> Path:
    """Find a file by path, else in the folders of apps.

    Raises:
        FixtureError: There is no such file, or several apps have one.
    """
    if Path(name).is_file():
        return Path(name)
    folders = [app.path / _FOLDER for app in apps]
    found = [
        path
        for folder in folders
        for ending in _ENDINGS
        if (path := folder / f"{name}{ending}").is_file()
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise FixtureError(
            f"{name!r} is the name of {len(found)} files.",
            hint=f"Name one of them: {', '.join(map(str, found))}.",
            code="fixtures.file",
        )
    raise FixtureError(
        f"There is no file {name!r}.",
        hint=f"Looked in {', '.join(map(str, ['the working directory', *folders]))}.",
        code="fixtures.file",
    )

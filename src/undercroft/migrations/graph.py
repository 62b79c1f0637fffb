"""The migrations of all apps: read from their folders, in the order they depend on each other."""

import re
import warnings
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError

from undercroft.errors import MigrationError
from undercroft.migrations.apps import MigratedApp
from undercroft.migrations.internals import BASE, HEADS

_NUMBER = re.compile(r"(\d{4,})")


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration.

    Attributes:
        label: Of its app.
        name: The file's, without `.py`.
        script: Alembic's view of it.
    """

    label: str
    name: str
    script: Script

    def __str__(self) -> str:
        return f"{self.label}.{self.name}"

    @property
    def revision(self) -> str:
        """The identifier by which the database remembers it."""
        return self.script.revision

    @property
    def number(self) -> int:
        """The number its name starts with; 0 where there is none."""
        found = _NUMBER.match(self.name)
        return int(found.group(1)) if found else 0


class Graph:
    """All migrations.

    Args:
        apps: Whose folders are read.

    Raises:
        MigrationError: A file cannot be read, or the files contradict each other.
    """

    def __init__(self, apps: Sequence[MigratedApp]) -> None:
        folders = {app.folder.resolve(): app.label for app in apps if app.folder.is_dir()}
        self.script = ScriptDirectory(
            str(Path(__file__).parent), version_locations=[str(path) for path in folders]
        )
        self._by_revision: dict[str, Migration] = {}
        if not folders:
            return
        for script in reversed(self._read()):
            path = Path(script.path).resolve()
            migration = Migration(folders[path.parent], path.stem, script)
            self._by_revision[script.revision] = migration
        for app in apps:
            self._check_line(app.label)

    def _read(self) -> list[Script]:
        with warnings.catch_warnings():
            # Alembic only warns of two files with one revision, and of unknown ones.
            warnings.simplefilter("error", UserWarning)
            try:
                return list(self.script.walk_revisions(BASE, HEADS))
            except (CommandError, UserWarning, KeyError) as error:
                raise MigrationError(
                    f"The migrations contradict each other: {error}",
                    hint="Two files made on different branches may have the same number: give "
                    "the later one the next number, in its name and in `revision`, and name the "
                    "other as `down_revision`.",
                    code="migrations.graph",
                ) from error
            except Exception as error:
                raise MigrationError(
                    "A migration file cannot be read.", code="migrations.file"
                ) from error

    def _check_line(self, label: str) -> None:
        """Check that an app's migrations form one line."""
        own = self.of_app(label)
        followed = [each.script.down_revision for each in own]
        ends = [each for each in own if each.revision not in followed]
        if len(ends) > 1:
            raise MigrationError(
                f"The migrations of {label!r} have several ends: "
                f"{', '.join(sorted(each.name for each in ends))}.",
                hint="Put one after the other by its `down_revision`.",
                code="migrations.branches",
            )

    def in_order(self) -> Iterator[Migration]:
        """Yield all migrations, each after those it depends on."""
        yield from self._by_revision.values()

    def of_app(self, label: str) -> list[Migration]:
        """List an app's migrations in order."""
        return [each for each in self._by_revision.values() if each.label == label]

    def get(self, revision: str) -> Migration:
        """Get a migration by its identifier."""
        return self._by_revision[revision]

    def find_head(self, label: str) -> str | None:
        """Find the identifier of an app's last migration; None where it has none."""
        own = self.of_app(label)
        return own[-1].revision if own else None

    def find_last(self, label: str, revisions: Collection[str]) -> str | None:
        """Find the last of some of an app's migrations; None where none is of it."""
        own = [each.revision for each in self.of_app(label) if each.revision in revisions]
        return own[-1] if own else None

    def find_named(self, label: str, name: str) -> Migration:
        """Find an app's migration by its name, its number, or the start of its name.

        Raises:
            MigrationError: There is none, or more than one.
        """
        own = self.of_app(label)
        found = [each for each in own if name in (each.name, each.revision)]
        if not found and name.isdecimal():
            found = [each for each in own if each.number == int(name)]
        found = found or [each for each in own if each.name.startswith(name)]
        if len(found) == 1:
            return found[0]
        names = [each.name for each in own]
        # Numbers are all alike.
        close = [] if name.isdecimal() else get_close_matches(name, names, n=1, cutoff=0.3)
        hint = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(names) or 'none'}."
        count = "several migrations" if found else "no migration"
        raise MigrationError(
            f"{label!r} has {count} {name!r}.", hint=hint, code="migrations.unknown"
        )

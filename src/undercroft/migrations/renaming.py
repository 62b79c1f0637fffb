"""Renames: what is gone and what is new may be one thing under another name, data and all.

Only a person knows. So nothing is dropped beside something new of the same kind before somebody
has said which it is.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import renderers
from alembic.operations import ops
from sqlalchemy.engine import Dialect

from undercroft.errors import MigrationError
from undercroft.migrations.recording import Recorder
from undercroft.migrations.schema import build_default
from undercroft.migrations.state import ColumnState, Tables, TableState


@dataclass(frozen=True, slots=True)
class Rename:
    """Something that may have been renamed.

    Attributes:
        table: The table of a column; of a table, its old name.
        column: The column's old name; empty for a table.
        new: The new name.
        state: The column as it was; None for a table.
        label: Of the app.
    """

    table: str
    column: str
    new: str
    state: ColumnState | None
    label: str

    def __str__(self) -> str:
        return f"{self.subject}={self.new}"

    @property
    def subject(self) -> str:
        """What has the old name: `blog_post`, or `blog_post.title`."""
        return f"{self.table}.{self.column}" if self.column else self.table

    @property
    def line(self) -> str:
        """The line of a migration that renames it."""
        if self.state is None:
            return f'op.rename_table("{self.table}", "{self.new}")'
        return f'op.alter_column("{self.table}", "{self.column}", new_column_name="{self.new}")'


#: Says whether something was renamed; if not, it is dropped, and the other thing added.
Decide = Callable[[Rename], bool]


@renderers.dispatch_for(ops.RenameTableOp)
def render_table_rename(_context: AutogenContext, operation: ops.RenameTableOp) -> str:
    """Write the renaming of a table, which Alembic itself never writes."""
    return f"op.rename_table({operation.table_name!r}, {operation.new_table_name!r})"


class Answers:
    """What is known of what was renamed.

    Args:
        told: Renames that were named: `blog_post.title=headline`, `blog_post=blog_article`.
        decide: Asked for each other one; None where nobody can be.
    """

    def __init__(self, told: Sequence[str] = (), decide: Decide | None = None) -> None:
        self._told = dict.fromkeys(told, False)
        self._decide = decide
        self._open: list[Rename] = []

    def is_told(self, rename: Rename) -> bool:
        """Tell whether a rename was named."""
        return str(rename) in self._told

    def answer(self, rename: Rename) -> bool:
        """Say whether something was renamed."""
        if self.is_told(rename):
            self._told[str(rename)] = True
            return True
        if self._decide is not None:
            return self._decide(rename)
        self._open.append(rename)
        return False

    def check(self) -> None:
        """Check that nothing is left open.

        Raises:
            MigrationError: Nobody said whether something was renamed, or a rename that was named
                is none.
        """
        unused = [text for text, is_used in self._told.items() if not is_used]
        if unused:
            raise MigrationError(
                f"There is nothing to rename by {unused[0]!r}.",
                hint="The old name must be gone from the models, and the new one be new: "
                "`table.column=new_column`, or `table=new_table`.",
                code="migrations.rename",
            )
        if self._open:
            raise self._build_error()

    def _build_error(self) -> MigrationError:
        pairs = ", ".join(f"{each.subject} to {each.new}" for each in self._open)
        labels = " ".join(dict.fromkeys(each.label for each in self._open))
        lines = "; ".join(dict.fromkeys(each.line for each in self._open))
        return MigrationError(
            f"Was something renamed: {pairs}? Else the old one is dropped, with its data.",
            hint=f"If it was: `undercroft makemigrations --rename {self._open[0]}`, or write it "
            f"into a migration made by `undercroft makemigrations {labels} --empty`: `{lines}`. "
            "If the data shall go: `undercroft makemigrations --no-rename`.",
            code="migrations.rename",
        )


def find_renames(
    old: Tables, new: Tables, labels: Sequence[str], answers: Answers, dialect: Dialect
) -> tuple[Tables, list[Rename]]:
    """Find what was renamed in the apps named.

    Returns:
        The old tables under their new names, and the renames, in order.

    Raises:
        MigrationError: Whether something was renamed is not known.
    """
    recorder = Recorder(dialect)
    recorder.tables = {name: copy_table(table) for name, table in old.items()}
    found: list[Rename] = []
    for find in (find_table_pairs, find_column_pairs):
        done: set[str] = set()
        for rename in list(find(recorder.tables, new, labels, answers)):
            taken = {f"-{rename.subject}", f"+{rename.table if rename.column else ''}.{rename.new}"}
            if not taken & done and answers.answer(rename):
                done |= taken
                found.append(rename)
                carry_out(recorder, rename)
    answers.check()
    return recorder.tables, found


def copy_table(table: TableState) -> TableState:
    """Copy a table, so that its record can be changed."""
    return replace(
        table,
        columns=dict(table.columns),
        constraints=dict(table.constraints),
        indexes=dict(table.indexes),
        searches=dict(table.searches),
    )


def find_table_pairs(
    old: Tables, new: Tables, labels: Sequence[str], answers: Answers
) -> Iterator[Rename]:
    """Find the tables that are gone, each with the new ones that have its columns."""
    for name in sorted(old.keys() - new.keys()):
        table = old[name]
        for other in sorted(new.keys() - old.keys()):
            if table.label not in labels or new[other].label != table.label:
                continue
            rename = Rename(name, "", other, None, table.label)
            if table.columns.keys() == new[other].columns.keys() or answers.is_told(rename):
                yield rename


def find_column_pairs(
    old: Tables, new: Tables, labels: Sequence[str], answers: Answers
) -> Iterator[Rename]:
    """Find the columns that are gone, each with the new ones of its type."""
    for name in sorted(old.keys() & new.keys()):
        before, after = old[name], new[name]
        if before.label not in labels:
            continue
        added = [each for key, each in after.columns.items() if key not in before.columns]
        for column in before.columns.values():
            if column.name in after.columns or column.computed is not None:
                continue
            for other in added:
                rename = Rename(name, column.name, other.name, column, before.label)
                is_like = column.type_text == other.type_text and other.computed is None
                if is_like or answers.is_told(rename):
                    yield rename


def carry_out(recorder: Recorder, rename: Rename) -> None:
    """Carry a rename out on the record."""
    if rename.state is None:
        recorder.rename_table(rename.table, rename.new)
    else:
        recorder.alter_column(rename.table, rename.column, name=rename.new)


def build_rename(rename: Rename, *, is_upgrade: bool) -> ops.MigrateOperation:
    """Build the operation that renames something, or gives it back its old name."""
    state = rename.state
    if state is None:
        names = (rename.table, rename.new)
        return ops.RenameTableOp(*(names if is_upgrade else reversed(names)))
    before, after = (rename.column, rename.new) if is_upgrade else (rename.new, rename.column)
    # Outside of batch mode, for every database renames a column in place.
    return ops.AlterColumnOp(
        rename.table,
        before,
        modify_name=after,
        existing_type=state.column_type,
        existing_nullable=state.nullable,
        existing_server_default=build_default(state) if state.default is not None else False,
    )

"""Writes a migration's file: Alembic's operations in a short template of ours."""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from alembic.autogenerate import render_python_code
from alembic.operations import ops

from undercroft.formatting import format_body, write_literal
from undercroft.migrations.literals import render_item
from undercroft.migrations.state import RENDERING

_DIALECT = re.compile(r"\b(postgresql|mysql|sqlite|oracle|mssql)\.[A-Za-z]")
_MODULE = re.compile(r"(?<![\w.'\"])((?:[a-z_]\w*\.)+)[A-Z]\w*\(")
_NOTE = re.compile(r"^\s*# ###.*\n", re.MULTILINE)

_TEMPLATE = '''"""{summary}"""

{imports}

revision = {revision}
down_revision = {down_revision}
branch_labels = {branch_labels}
depends_on = {depends_on}


def upgrade() -> None:
{upgrade}


def downgrade() -> None:
{downgrade}
'''


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What stands in a migration's file.

    Attributes:
        summary: One line on what it does.
        revision: Its identifier.
        down_revision: The one before it in its app.
        branch_labels: Its app's label, in the first of the app.
        depends_on: Migrations of other apps that must come first.
        upgrade: What it does.
        downgrade: What takes it back.
    """

    summary: str
    revision: str
    down_revision: str | None
    branch_labels: tuple[str, ...] | None
    depends_on: tuple[str, ...] | None
    upgrade: Sequence[ops.MigrateOperation]
    downgrade: Sequence[ops.MigrateOperation]


def render_revision(revision: Revision) -> str:
    """Write the file's text."""
    upgrade = render_body(ops.UpgradeOps(revision.upgrade))
    downgrade = render_body(ops.DowngradeOps(revision.downgrade))
    return _TEMPLATE.format(
        summary=revision.summary.replace("\\", "\\\\").replace('"""', "'''"),
        imports="\n".join(find_imports(upgrade + downgrade)),
        revision=write_literal(revision.revision),
        down_revision=write_literal(revision.down_revision),
        branch_labels=write_literal(revision.branch_labels),
        depends_on=write_literal(revision.depends_on),
        upgrade=upgrade,
        downgrade=downgrade,
    )


def render_body(operations: ops.UpgradeOps | ops.DowngradeOps) -> str:
    """Write the body of a function, indented; tables are altered in Alembic's batch mode.

    Batch mode is what makes one file work on SQLite, which alters a table by making it anew, and
    on databases that can alter it.
    """
    code = render_python_code(
        operations, render_as_batch=True, render_item=render_item, migration_context=RENDERING
    )
    return format_body(textwrap.dedent(_NOTE.sub("", f"    {code}\n"))) or "    pass"


def find_imports(code: str) -> list[str]:
    """Find what the code needs imported: types of dialects, and of other packages."""
    lines = {"import sqlalchemy as sa", "from alembic import op"}
    dialects = sorted({found.group(1) for found in _DIALECT.finditer(code)})
    if dialects:
        lines.add(f"from sqlalchemy.dialects import {', '.join(dialects)}")
    for found in _MODULE.finditer(code):
        module = found.group(1).rstrip(".")
        if module not in ("sa", "op", "batch_op", "sqlalchemy", *dialects):
            lines.add(f"import {module}")
    return sorted(lines, key=lambda line: (line.startswith("from"), line))

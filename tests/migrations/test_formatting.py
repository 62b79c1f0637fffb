"""What is written needs no formatter afterwards."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import sqlalchemy as sa

from undercroft.migrations.differences import build_operations
from undercroft.migrations.making import describe_metadata
from undercroft.migrations.rendering import Revision, render_revision


def declare(length: int) -> sa.MetaData:
    metadata = sa.MetaData()
    author = sa.Table("author", metadata, sa.Column("id", sa.BigInteger, primary_key=True))
    columns = [sa.Column(f"column_number_{n}", sa.String(length + n)) for n in range(length)]
    sa.Table(
        "a_table_with_a_long_name",
        metadata,
        sa.Column("author_id", sa.ForeignKey(author.c.id, ondelete="CASCADE"), index=True),
        sa.Column("quoted", sa.Text, server_default='it\'s "so"'),
        *columns,
        sa.UniqueConstraint(*columns),
    )
    return metadata


def test_the_file_is_laid_out_as_formatters_do(tmp_path: Path) -> None:
    """Ruff finds nothing to change in a new table nor in changes of one."""
    versions = [{}, describe_metadata(declare(3), "x"), describe_metadata(declare(9), "x")]
    ruff = Path(sysconfig.get_path("scripts")) / "ruff"
    for number in (1, 2):
        old, new = versions[number - 1], versions[number]
        revision = Revision(
            summary="Change.",
            revision=f"x_{number:04}",
            down_revision=None,
            branch_labels=("x",),
            depends_on=None,
            upgrade=build_operations(old, new),
            downgrade=build_operations(new, old),
        )
        (tmp_path / f"{number:04}.py").write_text(render_revision(revision), "utf-8")
    command = [ruff, "format", "--diff", "--no-cache", "--isolated", "--line-length=100", tmp_path]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert result.returncode == 0, result.stdout + result.stderr
    for path in tmp_path.glob("*.py"):
        assert subprocess.run([sys.executable, "-W", "error", path], check=False).returncode == 0

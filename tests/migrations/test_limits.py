"""The limits of requests, which migrations do not have."""

import time

import pytest
import sqlalchemy as sa

from tests.migrations.conftest import Project
from undercroft.db.connections.databases import databases
from undercroft.errors import DatabaseError
from undercroft.migrations.limits import lift_limits

#: Statements of half a second or more.
SLOW = {
    "sqlite": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 12000000)"
    " SELECT count(*) FROM n",
    "postgresql": "SELECT pg_sleep(0.5)",
    "mariadb": "SELECT SUM(SQRT(seq)) FROM seq_1_to_40000000",
}


def test_a_migration_takes_as_long_as_it_takes(project: Project) -> None:
    """A statement beyond `statement_timeout` runs to its end in a migration, and only there."""
    url = databases["default"].url
    databases.configure({"default": {"url": url, "statement_timeout": 0.2, "lock_timeout": 1}})
    slow = SLOW[databases["default"].vendor]

    def declare(metadata: sa.MetaData) -> None:
        sa.Table("shelf", metadata, sa.Column("id", sa.Integer, primary_key=True))

    (written,) = project.make(shop=declare)
    text = written.path.read_text("utf-8")
    begin = "def upgrade() -> None:\n"
    assert begin in text
    written.path.write_text(text.replace(begin, f"{begin}    op.execute({slow!r})\n"), "utf-8")
    started = time.monotonic()
    assert len(project.migrate()) == 1
    assert time.monotonic() - started > 0.25
    assert project.query("SELECT count(*) FROM shelf") == [(0,)]
    with pytest.raises((DatabaseError, sa.exc.DBAPIError)):
        project.query(slow)


def test_without_limits_nothing_is_lifted() -> None:
    """A database without limits is used as it is, and so is one that lives in its connection."""
    before = {alias: known.configuration for alias, known in databases.items()}
    try:
        for configuration in ("sqlite:///x.db", {"url": "sqlite://", "statement_timeout": 1}):
            databases.configure({"default": configuration})
            with lift_limits(databases["default"]) as lifted:
                assert lifted is databases["default"]
    finally:
        databases.configure(before)

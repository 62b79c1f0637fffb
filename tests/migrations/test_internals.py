"""The contract with Alembic: names we use beyond its documented ones."""

import inspect

import sqlalchemy as sa
from alembic.ddl.impl import DefaultImpl
from alembic.script import ScriptDirectory
from sqlalchemy.engine.default import DefaultDialect

from undercroft.migrations.internals import (
    build_offline_context,
    is_bound_to_type,
    render_type_text,
)
from undercroft.migrations.recording import Recorder


def test_steps_are_planned_by_the_script_directory() -> None:
    """`_upgrade_revs` and `_downgrade_revs` take a destination and the current heads."""
    for plan in (ScriptDirectory._upgrade_revs, ScriptDirectory._downgrade_revs):
        assert list(inspect.signature(plan).parameters) == ["self", "destination", "current_rev"]


def test_types_are_rendered_as_in_revisions() -> None:
    """Variants are kept, and module prefixes are those of our template."""
    context = build_offline_context(DefaultDialect())
    column_type = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    text = render_type_text(column_type, context)
    assert text == "sa.BigInteger().with_variant(sa.Integer(), 'sqlite')"


def test_the_recorder_overrides_methods_that_exist() -> None:
    """Every operation Alembic carries out is one we record."""
    schema = {"create_table", "drop_table", "rename_table", "add_column", "drop_column",
              "alter_column", "add_constraint", "drop_constraint", "create_index", "drop_index",
              "bulk_insert", "execute", "_exec", "bind"}  # fmt: skip
    assert all(hasattr(DefaultImpl, name) and name in vars(Recorder) for name in schema)


def test_constraints_of_a_type_are_told_apart() -> None:
    """A Boolean's own check belongs to its type and is not compared."""
    table = sa.Table(
        "t", sa.MetaData(), sa.Column("x", sa.Boolean(create_constraint=True, name="c"))
    )
    bound = [each for each in table.constraints if isinstance(each, sa.CheckConstraint)]
    assert [is_bound_to_type(each) for each in bound] == [True]

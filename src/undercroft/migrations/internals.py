"""What we use of Alembic beyond its documented names; a contract test holds each of them."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import (
    _repr_type,  # pyright: ignore[reportPrivateUsage, reportUnknownVariableType] - see above
)
from alembic.ddl.impl import DefaultImpl
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

#: Alembic's name for "everything" and "nothing".
HEADS, BASE = "heads", "base"


class OfflineImpl(DefaultImpl):
    """Alembic's carrying-out of operations, to be overridden; there is no database behind it."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect, None, False, True, None, {})


def build_offline_context(dialect: Dialect, impl: OfflineImpl | None = None) -> MigrationContext:
    """Build a context without a database, whose operations are carried out by `impl`."""
    context = MigrationContext.configure(dialect=dialect)
    if impl is not None:
        context.impl = impl
    return context


def use_impl(context: MigrationContext, kind: type[DefaultImpl]) -> None:
    """Have a context's operations carried out by another class than its dialect's."""
    present: Any = context.impl
    context.impl = kind(
        present.dialect,
        present.connection,
        present.as_sql,
        present.transactional_ddl,
        present.output_buffer,
        present.context_opts,
    )


def render_type_text(column_type: TypeEngine[Any], context: MigrationContext) -> str:
    """Render a type as Python source, as Alembic writes it into revisions."""
    options: dict[str, Any] = {
        "sqlalchemy_module_prefix": "sa.",
        "alembic_module_prefix": "op.",
        "user_module_prefix": None,
        "render_item": None,
    }
    autogenerate = AutogenContext(context, opts=options)
    autogenerate.imports = set()
    return _repr_type(column_type, autogenerate)


def is_bound_to_type(constraint: sa.Constraint) -> bool:
    """Tell whether a constraint comes with a column's type (Boolean, Enum), not by itself."""
    return bool(getattr(constraint, "_type_bound", False))


def plan_upgrade(
    script: ScriptDirectory, target: str, current: Sequence[str]
) -> list[RevisionStep]:
    """Plan the steps up to a revision, dependencies first."""
    plan = cast("Callable[..., list[RevisionStep]]", script._upgrade_revs)  # pyright: ignore[reportPrivateUsage] - see above
    return plan(target, tuple(current))


def plan_downgrade(
    script: ScriptDirectory, target: str, current: Sequence[str]
) -> list[RevisionStep]:
    """Plan the steps down to a revision, dependents first."""
    plan = cast("Callable[..., list[RevisionStep]]", script._downgrade_revs)  # pyright: ignore[reportPrivateUsage] - see above
    return plan(target, tuple(current))


def fake(step: RevisionStep) -> RevisionStep:
    """Turn a step into one that only records itself."""

    def do_nothing(**_options: object) -> None: ...

    step.migration_fn = do_nothing
    return step

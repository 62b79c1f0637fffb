"""Operations in words, for those who read what a migration does."""

from collections.abc import Iterable

from alembic.operations import ops

from undercroft.migrations.filling import FillOp
from undercroft.migrations.search_indexes import CreateSearchIndexOp, DropSearchIndexOp

#: How operations are called, and which attributes name what they work on.
_WORDS: dict[type[ops.MigrateOperation], tuple[str, str]] = {
    ops.CreateTableOp: ("Create table", "{0.table_name}"),
    ops.DropTableOp: ("Drop table", "{0.table_name}"),
    ops.AddColumnOp: ("Add column", "{0.table_name}.{0.column.name}"),
    ops.DropColumnOp: ("Drop column", "{0.table_name}.{0.column_name}"),
    ops.AlterColumnOp: ("Alter column", "{0.table_name}.{0.column_name}"),
    FillOp: ("Fill column", "{0.table_name}.{0.column_name}"),
    ops.CreateIndexOp: ("Create index", "{0.index_name}"),
    ops.DropIndexOp: ("Drop index", "{0.index_name}"),
    CreateSearchIndexOp: ("Create search index", "{0.search.name}"),
    DropSearchIndexOp: ("Drop search index", "{0.search.name}"),
    ops.DropConstraintOp: ("Drop constraint", "{0.constraint_name}"),
    ops.AddConstraintOp: ("Add constraint", "{0.constraint_name}"),
    ops.CreateTableCommentOp: ("Comment table", "{0.table_name}"),
    ops.DropTableCommentOp: ("Uncomment table", "{0.table_name}"),
}


def describe_operations(operations: Iterable[ops.MigrateOperation]) -> list[str]:
    """Describe operations for people; what takes two steps is said once."""
    lines = [line for each in operations for line in describe_operation(each)]
    added = {line.removeprefix("Add ") for line in lines if line.startswith("Add column")}
    told = dict.fromkeys(lines)
    return [line for line in told if line.removeprefix("Alter ") not in added]


def describe_operation(operation: ops.MigrateOperation) -> list[str]:
    """Describe an operation for people."""
    if isinstance(operation, ops.ModifyTableOps):
        return [line for each in operation.ops for line in describe_operation(each)]
    if isinstance(operation, ops.RenameTableOp):
        return [f"Rename table {operation.table_name} to {operation.new_table_name}"]
    if isinstance(operation, ops.AlterColumnOp) and operation.modify_name is not None:
        subject = f"{operation.table_name}.{operation.column_name}"
        return [f"Rename column {subject} to {operation.modify_name}"]
    for kind, (words, subject) in _WORDS.items():
        if isinstance(operation, kind):
            return [f"{words} {subject.format(operation)}"]
    return [type(operation).__name__]

"""A value that PostgreSQL reads in other words than the rest: durations, bytes."""

import datetime as dt
from typing import Any, cast

import sqlalchemy as sa

from undercroft.db.fields.literals import write_literal


class VendorText(str):
    """SQL for PostgreSQL, with that for other databases beside it.

    Args:
        postgresql: There.
        others: Everywhere else.
    """

    others: str

    def __new__(cls, postgresql: str, others: str) -> "VendorText":
        """Make text of it, so that it can stand where other values do."""
        made = super().__new__(cls, postgresql)
        made.others = others
        return made

    def to_clause(self) -> "VendorClause":
        """Make it part of a statement that is written into a migration."""
        return VendorClause(self)

    def to_source(self) -> str:
        """Write it as Python, which decides when the migration runs."""
        return (
            f"sa.text({str(self)!r} if op.get_context().dialect.name == 'postgresql' "
            f"else {self.others!r})"
        )


class VendorClause(sa.TextClause):
    """How `VendorText` passes through SQLAlchemy and Alembic to the file.

    Args:
        text: What to write.
    """

    inherit_cache = False

    def __init__(self, text: VendorText) -> None:
        super().__init__(str(text))
        self.source = text.to_source()


def render_item(kind: str, item: Any, _context: object) -> Any:
    """Write a default as Alembic asks for it; False leaves it to Alembic.

    Text is written as it is: Alembic would strip it of quotes at its ends.
    """
    default = getattr(item, "arg", item)
    if kind != "server_default" or isinstance(default, sa.Computed):
        return False
    if isinstance(default, VendorClause):
        return default.source
    return repr(str(default)) if isinstance(default, str) else False


def write_value(value: Any) -> str:
    """Write a value as the text that databases read for a column of its type."""
    match value:
        case dt.timedelta() if value:
            count = value // dt.timedelta(microseconds=1)
            return VendorText(f"'{count} microseconds'", str(count))
        case dt.timedelta():
            return "0"
        case bytes():
            return VendorText(f"'\\x{value.hex()}'", f"X'{value.hex()}'")
        case _:
            return write_literal(value)


def write_array(value: Any) -> str:
    """Write a list as PostgreSQL reads it, which alone has columns of lists."""
    if value is None:
        return "NULL"
    if isinstance(value, (list, tuple)):
        items = cast("list[Any]", value)
        return "{" + ",".join(write_array(each) for each in items) + "}"
    text = str(write_value(value)).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'

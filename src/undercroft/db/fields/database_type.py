"""The type of a column that only its database knows."""

import re
from typing import Any

from sqlalchemy.types import UserDefinedType

from undercroft.errors import ImproperlyConfigured

_SPELLING = re.compile(r"[\w .,()\[\]]*")


class DatabaseType(UserDefinedType[Any]):
    """A column type by the database's name for it, such as `inet6` or `geometry(Point, 4326)`.

    Values are what the driver gives and takes:
    `place: Mapped[Any] = mapped_column(models.DatabaseType("point"))`.

    Args:
        spelling: The type in SQL.

    Raises:
        ImproperlyConfigured: It has characters that no type has.
    """

    cache_ok = True

    def __init__(self, spelling: str) -> None:
        if not is_spelling(spelling):
            raise ImproperlyConfigured(
                f"DatabaseType({spelling!r}) is no type: expected letters, digits and brackets.",
                code="db.field-option",
            )
        self.spelling = spelling

    def get_col_spec(self, **_options: Any) -> str:
        """Spell the type in SQL."""
        return self.spelling


def is_spelling(text: str) -> bool:
    """Tell whether text can be a type in SQL, and nothing else."""
    return _SPELLING.fullmatch(text) is not None

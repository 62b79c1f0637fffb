"""Fields of time: days, times of day, moments, lengths of time."""

import datetime as dt
from collections.abc import Callable
from typing import Any, Generic, Literal, TypeVar, Unpack, overload

import sqlalchemy as sa
from sqlalchemy.orm import Mapped
from sqlalchemy.types import TypeEngine

from undercroft.db.fields.field import Field, take_options
from undercroft.db.fields.options import FieldKind, FieldOptions, build_column
from undercroft.db.fields.time_types import Duration, UTCDateTime
from undercroft.errors import ImproperlyConfigured

T = TypeVar("T")


class MomentField(Generic[T]):
    """A field of time that can fill itself in: `auto_now_add` once, `auto_now` at every save.

    Args:
        name: The name it has for users.
        column_type: Makes the SQLAlchemy type.
        now: Makes the present moment.
    """

    def __init__(
        self, name: str, column_type: Callable[[], TypeEngine[Any]], now: Callable[[], T]
    ) -> None:
        self.name = name
        self.column_type = column_type
        self.now = now

    @overload
    def __call__(
        self,
        verbose_name: str | None = None,
        *,
        auto_now: bool = False,
        auto_now_add: bool = False,
        null: Literal[False] = False,
        **options: Unpack[FieldOptions[T]],
    ) -> Mapped[T]: ...

    @overload
    def __call__(
        self,
        verbose_name: str | None = None,
        *,
        auto_now: bool = False,
        auto_now_add: bool = False,
        null: Literal[True],
        **options: Unpack[FieldOptions[T | None]],
    ) -> Mapped[T | None]: ...

    def __call__(
        self,
        verbose_name: str | None = None,
        *,
        auto_now: bool = False,
        auto_now_add: bool = False,
        null: bool = False,
        **options: Any,
    ) -> Any:
        """Declare a column of this kind; a self-filling one is not editable."""
        if auto_now or auto_now_add:
            if "default" in options:
                raise ImproperlyConfigured(
                    f"{self.name} takes one of auto_now, auto_now_add and default.",
                    code="db.field-option",
                )
            options = {"editable": False, "blank": True, **options, "default": self.now}
        kind = FieldKind(self.name, self.column_type(), verbose_name, null)
        automatic = {"auto_now": auto_now, "auto_now_add": auto_now_add}
        return build_column(kind, take_options(options), **automatic)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _today() -> dt.date:
    return _now().date()


def _time_of_day() -> dt.time:
    return _now().time()


DateField = MomentField[dt.date]("DateField", sa.Date, _today)
TimeField = MomentField[dt.time]("TimeField", sa.Time, _time_of_day)
DateTimeField = MomentField[dt.datetime]("DateTimeField", UTCDateTime, _now)
DurationField = Field[dt.timedelta]("DurationField", Duration)

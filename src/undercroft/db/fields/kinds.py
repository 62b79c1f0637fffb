"""The field functions. Each is typed to give `Mapped[T]`, or `Mapped[T | None]` with `null=True`.

A plain field is an instance of `Field`, whose call is typed once for all of them.
"""

import datetime as dt
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar, Unpack, overload

import sqlalchemy as sa
from sqlalchemy.orm import Mapped
from sqlalchemy.types import TypeEngine

from undercroft.db.fields.options import FieldKind, FieldOptions, build_column
from undercroft.db.fields.types import BigId, ExactDecimal, Json, UTCDateTime
from undercroft.errors import ImproperlyConfigured

T = TypeVar("T")


class Field(Generic[T]):
    """A field function with the common options only.

    Args:
        name: The name it has for users.
        column_type: Makes the SQLAlchemy type.
        details: Further attributes of `FieldInfo` for this kind of field.
    """

    def __init__(
        self, name: str, column_type: Callable[[], TypeEngine[Any]], **details: Any
    ) -> None:
        self.name = name
        self.column_type = column_type
        self.details = details

    @overload
    def __call__(
        self,
        verbose_name: str | None = None,
        *,
        null: Literal[False] = False,
        **options: Unpack[FieldOptions[T]],
    ) -> Mapped[T]: ...

    @overload
    def __call__(
        self,
        verbose_name: str | None = None,
        *,
        null: Literal[True],
        **options: Unpack[FieldOptions[T | None]],
    ) -> Mapped[T | None]: ...

    def __call__(
        self, verbose_name: str | None = None, *, null: bool = False, **options: Any
    ) -> Any:
        """Declare a column of this kind."""
        kind = FieldKind(self.name, self.column_type(), verbose_name, null)
        return build_column(kind, _take_options(options), **self.details)


class SizedField:
    """A text field with a length, `max_length`, that has a default.

    Args:
        name: The name it has for users.
        max_length: The length when none is given.
    """

    def __init__(self, name: str, max_length: int) -> None:
        self.name = name
        self.max_length = max_length

    @overload
    def __call__(
        self,
        verbose_name: str | None = None,
        *,
        max_length: int = ...,
        null: Literal[False] = False,
        **options: Unpack[FieldOptions[str]],
    ) -> Mapped[str]: ...

    @overload
    def __call__(
        self,
        verbose_name: str | None = None,
        *,
        max_length: int = ...,
        null: Literal[True],
        **options: Unpack[FieldOptions[str | None]],
    ) -> Mapped[str | None]: ...

    def __call__(
        self,
        verbose_name: str | None = None,
        *,
        max_length: int | None = None,
        null: bool = False,
        **options: Any,
    ) -> Any:
        """Declare a column of text of at most `max_length` characters."""
        length = _check_length(self.name, self.max_length if max_length is None else max_length)
        kind = FieldKind(self.name, sa.String(length), verbose_name, null)
        return build_column(kind, _take_options(options), max_length=length)


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
        return build_column(kind, _take_options(options), **automatic)


def _take_options(options: dict[str, Any]) -> FieldOptions[Any]:
    return FieldOptions[Any](**options)  # type: ignore[no-any-return,typeddict-item]  # checked later


def _check_length(name: str, max_length: int) -> int:
    if max_length < 1:
        raise ImproperlyConfigured(
            f"{name}(max_length={max_length!r}) can hold nothing: expected a positive length.",
            code="db.field-option",
        )
    return max_length


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _today() -> dt.date:
    return _now().date()


def _time_of_day() -> dt.time:
    return _now().time()


@overload
def CharField(
    verbose_name: str | None = None,
    *,
    max_length: int,
    null: Literal[False] = False,
    **options: Unpack[FieldOptions[str]],
) -> Mapped[str]: ...


@overload
def CharField(
    verbose_name: str | None = None,
    *,
    max_length: int,
    null: Literal[True],
    **options: Unpack[FieldOptions[str | None]],
) -> Mapped[str | None]: ...


def CharField(
    verbose_name: str | None = None, *, max_length: int, null: bool = False, **options: Any
) -> Any:
    """Declare a line of text of at most `max_length` characters."""
    column_type = sa.String(_check_length("CharField", max_length))
    kind = FieldKind("CharField", column_type, verbose_name, null)
    return build_column(kind, _take_options(options), max_length=max_length)


@overload
def DecimalField(
    verbose_name: str | None = None,
    *,
    max_digits: int,
    decimal_places: int,
    null: Literal[False] = False,
    **options: Unpack[FieldOptions[Decimal]],
) -> Mapped[Decimal]: ...


@overload
def DecimalField(
    verbose_name: str | None = None,
    *,
    max_digits: int,
    decimal_places: int,
    null: Literal[True],
    **options: Unpack[FieldOptions[Decimal | None]],
) -> Mapped[Decimal | None]: ...


def DecimalField(
    verbose_name: str | None = None,
    *,
    max_digits: int,
    decimal_places: int,
    null: bool = False,
    **options: Any,
) -> Any:
    """Declare an exact decimal number."""
    column_type = ExactDecimal(max_digits, decimal_places)
    kind = FieldKind("DecimalField", column_type, verbose_name, null)
    details = {"max_digits": max_digits, "decimal_places": decimal_places}
    return build_column(kind, _take_options(options), **details)


AutoField = Field[int]("AutoField", sa.Integer, primary_key=True, editable=False)
BigAutoField = Field[int]("BigAutoField", lambda: BigId, primary_key=True, editable=False)
TextField = Field[str]("TextField", sa.Text)
SlugField = SizedField("SlugField", 50)
EmailField = SizedField("EmailField", 254)
URLField = SizedField("URLField", 200)
IntegerField = Field[int]("IntegerField", sa.Integer)
BigIntegerField = Field[int]("BigIntegerField", sa.BigInteger)
SmallIntegerField = Field[int]("SmallIntegerField", sa.SmallInteger)
PositiveIntegerField = Field[int]("PositiveIntegerField", sa.Integer, min_value=0)
FloatField = Field[float]("FloatField", lambda: sa.Float(53))
BooleanField = Field[bool]("BooleanField", sa.Boolean)
DateField = MomentField[dt.date]("DateField", sa.Date, _today)
TimeField = MomentField[dt.time]("TimeField", sa.Time, _time_of_day)
DateTimeField = MomentField[dt.datetime]("DateTimeField", UTCDateTime, _now)
UUIDField = Field[uuid.UUID]("UUIDField", sa.Uuid)
JSONField = Field[Any]("JSONField", lambda: Json)

__all__ = [
    "AutoField",
    "BigAutoField",
    "BigIntegerField",
    "BooleanField",
    "CharField",
    "DateField",
    "DateTimeField",
    "DecimalField",
    "EmailField",
    "FloatField",
    "IntegerField",
    "JSONField",
    "PositiveIntegerField",
    "SlugField",
    "SmallIntegerField",
    "TextField",
    "TimeField",
    "URLField",
    "UUIDField",
]

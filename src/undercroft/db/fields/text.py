"""Fields of text: lines, paragraphs, slugs, addresses of mail and pages."""

from typing import Any, Literal, Unpack, overload

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from undercroft.db.fields.field import Field, take_options
from undercroft.db.fields.info import Validator
from undercroft.db.fields.options import FieldKind, FieldOptions, build_column
from undercroft.db.fields.validators import (
    LONGEST_EMAIL,
    URLValidator,
    validate_email,
    validate_slug,
    validate_unicode_slug,
)
from undercroft.errors import ImproperlyConfigured


class SizedField:
    """A text field with a length, `max_length`, that has a default.

    Args:
        name: The name it has for users.
        max_length: The length when none is given.
        validators: Checks of every such field.
    """

    def __init__(self, name: str, max_length: int, *validators: Validator) -> None:
        self.name = name
        self.max_length = max_length
        self.validators = validators

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
        return build_column(
            kind, take_options(options), max_length=length, own_validators=self.validators
        )


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
    return build_column(kind, take_options(options), max_length=max_length)


@overload
def SlugField(
    verbose_name: str | None = None,
    *,
    max_length: int = ...,
    allow_unicode: bool = ...,
    null: Literal[False] = False,
    **options: Unpack[FieldOptions[str]],
) -> Mapped[str]: ...


@overload
def SlugField(
    verbose_name: str | None = None,
    *,
    max_length: int = ...,
    allow_unicode: bool = ...,
    null: Literal[True],
    **options: Unpack[FieldOptions[str | None]],
) -> Mapped[str | None]: ...


def SlugField(
    verbose_name: str | None = None,
    *,
    max_length: int = 50,
    allow_unicode: bool = False,
    null: bool = False,
    **options: Any,
) -> Any:
    """Declare a word of letters, digits, hyphens and underscores, as it stands in a URL."""
    function = _UnicodeSlugField if allow_unicode else _SlugField
    declare: Any = function
    return declare(verbose_name, max_length=max_length, null=null, **options)


def _check_length(name: str, max_length: int) -> int:
    if max_length < 1:
        raise ImproperlyConfigured(
            f"{name}(max_length={max_length!r}) can hold nothing: expected a positive length.",
            code="db.field-option",
        )
    return max_length


TextField = Field[str]("TextField", sa.Text)
EmailField = SizedField("EmailField", LONGEST_EMAIL, validate_email)
URLField = SizedField("URLField", 200, URLValidator())
_SlugField = SizedField("SlugField", 50, validate_slug)
_UnicodeSlugField = SizedField("SlugField", 50, validate_unicode_slug)

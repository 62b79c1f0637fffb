"""Functions of text. Characters are counted by code points, from 1, on every database."""

import re
from typing import Any, ClassVar

from undercroft.db.queries.expressions import Value
from undercroft.db.queries.functions.function import Function
from undercroft.db.queries.names import shorten
from undercroft.db.queries.terms import Term
from undercroft.errors import FieldError

_COLLATION = re.compile(r"[A-Za-z_][\w.-]{0,62}", re.ASCII)


class Lower(Function):
    """Text in lower case."""

    __slots__ = ()
    function, output = "lower", "text"


class Upper(Function):
    """Text in upper case."""

    __slots__ = ()
    function, output = "upper", "text"


class Length(Function):
    """The number of characters of a text."""

    __slots__ = ()
    function, output = "length", "int"


class Concat(Function):
    """Texts joined; NULL counts as empty."""

    __slots__ = ()
    function, output, arity = "concat", "text", (2, None)

    def is_null(self, terms: list[Term]) -> bool:
        """Never NULL."""
        return False


class Substr(Function):
    """A piece of a text: `Substr("title", 1, 5)`.

    Args:
        expression: The text.
        pos: Where it begins, from 1.
        length: Its characters; to the end when left out.
        output_field: The type of the result.

    Raises:
        FieldError: `pos` is not positive, or `length` negative.
    """

    __slots__ = ()
    function, output, arity = "substr", "text", (2, 3)

    def __init__(
        self, expression: Any, pos: Any, length: Any = None, output_field: Any = None
    ) -> None:
        check_least("Substr", "pos", pos, 1)
        check_least("Substr", "length", length, 0)
        more = () if length is None else (length,)
        super().__init__(expression, pos, *more, output_field=output_field)


class Left(Function):
    """The first characters of a text.

    Args:
        expression: The text.
        length: How many.
        output_field: The type of the result.

    Raises:
        FieldError: `length` is negative.
    """

    __slots__ = ()
    function: ClassVar[str] = "left"
    output, arity = "text", (2, 2)

    def __init__(self, expression: Any, length: Any, output_field: Any = None) -> None:
        check_least(type(self).__name__, "length", length, 0)
        super().__init__(expression, length, output_field=output_field)


class Right(Left):
    """The last characters of a text."""

    __slots__ = ()
    function: ClassVar[str] = "right"


class Trim(Function):
    """Text without blanks at both ends."""

    __slots__ = ()
    function, output = "trim", "text"


class LTrim(Function):
    """Text without blanks in front."""

    __slots__ = ()
    function, output = "ltrim", "text"


class RTrim(Function):
    """Text without blanks behind."""

    __slots__ = ()
    function, output = "rtrim", "text"


class Replace(Function):
    """Text with another in the place of each part that is equal to a third.

    Args:
        expression: The text.
        text: What is replaced: `Value("x")`, or a name.
        replacement: By what; by nothing when left out.
        output_field: The type of the result.
    """

    __slots__ = ()
    function, output, arity = "replace", "text", (3, 3)

    def __init__(
        self, expression: Any, text: Any, replacement: Any = None, output_field: Any = None
    ) -> None:
        replacement = Value("") if replacement is None else replacement
        super().__init__(expression, text, replacement, output_field=output_field)


class StrIndex(Function):
    """Where a text is found in another, from 1; 0 when it is not.

    `StrIndex("title", Value("x"))` looks for an x; a string would be the name of a field.
    """

    __slots__ = ()
    function, output, arity = "strindex", "int", (2, 2)


class Reverse(Function):
    """Text with its characters in reverse order."""

    __slots__ = ()
    function, output = "reverse", "text"


class Repeat(Function):
    """Text so many times.

    Args:
        expression: The text.
        number: How many times.
        output_field: The type of the result.

    Raises:
        FieldError: `number` is negative.
    """

    __slots__ = ()
    function, output, arity = "repeat", "text", (2, 2)

    def __init__(self, expression: Any, number: Any, output_field: Any = None) -> None:
        check_least("Repeat", "number", number, 0)
        super().__init__(expression, number, output_field=output_field)


class LPad(Function):
    """Text filled up in front, or cut off behind, to a length.

    Args:
        expression: The text.
        length: The length.
        fill_text: What it is filled with; blanks when left out.
        output_field: The type of the result.

    Raises:
        FieldError: `length` is negative.
    """

    __slots__ = ()
    function: ClassVar[str] = "lpad"
    output, arity = "text", (3, 3)

    def __init__(
        self, expression: Any, length: Any, fill_text: Any = None, output_field: Any = None
    ) -> None:
        check_least(type(self).__name__, "length", length, 0)
        fill_text = Value(" ") if fill_text is None else fill_text
        super().__init__(expression, length, fill_text, output_field=output_field)


class RPad(LPad):
    """Text filled up, or cut off, behind to a length."""

    __slots__ = ()
    function: ClassVar[str] = "rpad"


class Chr(Function):
    """The character of a code point: `Chr("code")`."""

    __slots__ = ()
    function, output = "chr", "text"


class Ord(Function):
    """The code point of the first character of a text; 0 of an empty one."""

    __slots__ = ()
    function, output = "ord", "int"


class MD5(Function):
    """The MD5 of a text in UTF-8, in hexadecimal digits."""

    __slots__ = ()
    function, output = "md5", "text"


class SHA1(Function):
    """The SHA-1 of a text in UTF-8, in hexadecimal digits; PostgreSQL needs `pgcrypto` for it."""

    __slots__ = ()
    function, output = "sha1", "text"


class SHA224(Function):
    """The SHA-224 of a text in UTF-8, in hexadecimal digits."""

    __slots__ = ()
    function, output = "sha224", "text"


class SHA256(Function):
    """The SHA-256 of a text in UTF-8, in hexadecimal digits."""

    __slots__ = ()
    function, output = "sha256", "text"


class SHA384(Function):
    """The SHA-384 of a text in UTF-8, in hexadecimal digits."""

    __slots__ = ()
    function, output = "sha384", "text"


class SHA512(Function):
    """The SHA-512 of a text in UTF-8, in hexadecimal digits."""

    __slots__ = ()
    function, output = "sha512", "text"


class Collate(Function):
    """Text that is compared and ordered by one of the database's collations.

    Args:
        expression: The text.
        collation: The name of the collation; each database has its own.

    Raises:
        FieldError: It cannot be such a name.
    """

    __slots__ = ("collation",)
    function, output = "collate", "text"

    def __init__(self, expression: Any, collation: str) -> None:
        if not _COLLATION.fullmatch(collation):
            raise FieldError(
                f"{shorten(collation)!r} is no name of a collation: expected one such as 'NOCASE', "
                "'en-x-icu' or 'utf8mb4_bin'.",
                code="db.function",
            )
        super().__init__(expression)
        self.collation = collation

    @property
    def option(self) -> str:
        """The collation."""
        return self.collation


def check_least(function: str, name: str, value: Any, least: int) -> None:
    """Check that an argument which is a plain number is not too small.

    Raises:
        FieldError: It is.
    """
    if isinstance(value, int) and value < least:
        raise FieldError(
            f"{function}({name}={value!r}): expected at least {least}.", code="db.function"
        )

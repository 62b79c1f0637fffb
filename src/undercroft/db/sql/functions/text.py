"""The SQL of functions of text."""

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from undercroft.db.fields.types import count_places
from undercroft.db.fields.values import find_python_type
from undercroft.db.sql.functions.building import Build, call, typed


def lower(builder: Any, text: Any) -> Any:
    """Build text in lower case; SQLite's own knows only ASCII."""
    name = "undercroft_lower" if builder.vendor == "sqlite" else "lower"
    return call(name, text, type_=sa.Text())


def length(builder: Any, text: Any) -> Any:
    """Build the number of characters."""
    if builder.vendor == "sqlite" or isinstance(text.type, sa.LargeBinary):
        return call("length", text, type_=sa.Integer())
    if builder.vendor == "postgresql" and not isinstance(text.type, sa.String):
        text = sa.cast(text, sa.Text())
    return call("char_length", text, type_=sa.Integer())


def position(builder: Any, text: Any, part: Any) -> Any:
    """Build where a text is found in another, from 1; 0 when it is not."""
    name = "strpos" if builder.vendor == "postgresql" else "instr"
    return call(name, text, part, type_=sa.Integer())


def to_text(builder: Any, element: Any) -> Any:
    """Build the text of a value, which PostgreSQL writes this way by itself."""
    kind = find_python_type(element.type)
    if kind is bool and builder.vendor != "postgresql":
        yes, no = (sa.literal_column(f"'{word}'", sa.Text()) for word in ("true", "false"))
        return sa.case((element == sa.true(), yes), (element == sa.false(), no))
    if kind is uuid.UUID and builder.vendor == "sqlite":
        return call("undercroft_uuid", element, type_=sa.Text())
    if kind is Decimal and builder.vendor == "sqlite":
        places = sa.literal_column(str(count_places(element.type)), sa.Integer())
        return call("undercroft_decimal_text", element, places, type_=sa.Text())
    return sa.cast(element, sa.Text())


def narrow(builder: Any, number: Any) -> Any:
    """Build a number of 32 bits, which is what PostgreSQL's functions count with."""
    if builder.vendor == "postgresql" and isinstance(number.type, sa.BigInteger):
        return sa.cast(number, sa.Integer())
    return number


def _concat(builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
    parts = [sa.func.coalesce(to_text(builder, each), "") for each in arguments]
    if builder.vendor == "mariadb":
        return call("concat", *parts, type_=sa.Text())
    joined: Any = parts[0]
    for part in parts[1:]:
        joined = joined.op("||", return_type=sa.Text())(part)
    return joined


def _left(builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
    text, size = arguments
    if builder.vendor == "sqlite":
        return call("substr", text, 1, size, type_=sa.Text())
    return call("left", text, size, type_=sa.Text())


def _pad(name: str) -> Build:
    """Build padding; MariaDB answers NULL where there is nothing to pad with."""

    def build(builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
        text, size, fill = arguments
        if builder.vendor == "sqlite":
            return call(f"undercroft_{name}", text, size, fill, type_=sa.Text())
        padded = call(name, text, size, fill, type_=sa.Text())
        if builder.vendor == "postgresql":
            return padded
        return sa.case((fill == sa.literal(""), call("left", text, size)), else_=padded)

    return build


def _chr(builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
    if builder.vendor != "mariadb":
        name = "undercroft_chr" if builder.vendor == "sqlite" else "chr"
        return call(name, arguments[0], type_=sa.Text())
    # It leaves NULLs out of the text it makes.
    character = _using("convert", _using("char", arguments[0], "utf32"), "utf8mb4")
    return sa.case((arguments[0].is_not(None), character))


def _using(function: str, argument: Any, charset: str) -> Any:
    """Build one of MariaDB's functions that are told a character set."""
    told = argument.op("USING")(sa.literal_column(charset))
    return call(function, told, type_=sa.Text())


def _ord(builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
    if builder.vendor == "mariadb":
        # Of UTF-8 it would be the bytes as a number.
        return call("ord", _using("convert", arguments[0], "utf32"), type_=sa.Integer())
    name = "undercroft_ord" if builder.vendor == "sqlite" else "ascii"
    return call(name, arguments[0], type_=sa.Integer())


def _sha(bits: str) -> Build:
    """Build a SHA of text in UTF-8, in hexadecimal digits."""

    def build(builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
        text = arguments[0]
        if builder.vendor == "sqlite":
            return call(f"undercroft_sha{bits}", text, type_=sa.Text())
        if builder.vendor == "mariadb":
            sized = (text,) if bits == "1" else (text, int(bits))
            return call("sha1" if bits == "1" else "sha2", *sized, type_=sa.Text())
        data = call("convert_to", text, sa.literal_column("'UTF8'"))
        if bits == "1":
            digest = call("digest", data, sa.literal_column("'sha1'"))
        else:
            digest = call(f"sha{bits}", data)
        return call("encode", digest, sa.literal_column("'hex'"), type_=sa.Text())

    return build


def _collate(_builder: Any, arguments: Sequence[Any], collation: Any) -> Any:
    return sa.collate(arguments[0], collation)


#: Those of which an argument is a number of characters, or the number of one.
COUNTING = frozenset({"chr", "left", "lpad", "repeat", "right", "rpad", "substr"})

#: The functions.
TEXT: dict[str, Build] = {
    "chr": _chr,
    "collate": _collate,
    "concat": _concat,
    "left": _left,
    "length": lambda builder, arguments, _: length(builder, arguments[0]),
    "lower": lambda builder, arguments, _: lower(builder, arguments[0]),
    "lpad": _pad("lpad"),
    "ltrim": typed("text", "ltrim"),
    "md5": typed("text", "md5", sqlite="undercroft_md5"),
    "ord": _ord,
    "repeat": typed("text", "repeat", sqlite="undercroft_repeat"),
    "replace": typed("text", "replace"),
    "reverse": typed("text", "reverse", sqlite="undercroft_reverse"),
    "right": typed("text", "right", sqlite="undercroft_right"),
    "rpad": _pad("rpad"),
    "rtrim": typed("text", "rtrim"),
    "sha1": _sha("1"),
    "sha224": _sha("224"),
    "sha256": _sha("256"),
    "sha384": _sha("384"),
    "sha512": _sha("512"),
    "strindex": lambda builder, arguments, _: position(builder, *arguments),
    "substr": typed("text", "substr"),
    "trim": typed("text", "trim", postgresql="btrim"),
    "upper": typed("text", "upper", sqlite="undercroft_upper"),
}

"""multipart/form-data (RFC 7578), part by part: nothing is kept that nobody asked to keep.

The parser is fed piece by piece and notes what it finds; whoever reads the parts asks for the next
note, and the next piece is read when there is none. So a slow reader slows its client down.
"""

import re
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from undercroft.errors import BadRequest, ContentTooLarge
from undercroft.http.headers import Headers, RawHeaders

#: RFC 2046, section 5.1.1.
_LONGEST_BOUNDARY = 70

#: The value of a field, up to its parameters.
_VALUE = re.compile(rb"\s*([\w/+.-]*)")

#: One parameter, after its semicolon.
_PARAMETER = re.compile(rb'\s*;\s*([\w*-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s;"]*)')

_PART_ENDS: Final = object()


@dataclass(frozen=True, slots=True)
class FormLimits:
    """How much of a form is read before it is refused.

    Attributes:
        max_fields: Fields that are no files.
        max_files: Files.
        max_field_size: Bytes of a field that is no file.
        max_upload_size: Bytes of the whole body, files included.
    """

    max_fields: int = 1000
    max_files: int = 100
    max_field_size: int = 1024 * 1024
    max_upload_size: int = 100 * 1024 * 1024


DEFAULT_LIMITS = FormLimits()


class Part:
    """One part of a multipart body; its bytes are read from the request as they are asked for.

    Args:
        reader: Reads the body.
        headers: The part's own.

    Attributes:
        name: Of the field.
        filename: Of a file, without folders; None for a field that is no file, "" for a file
            field in which none was chosen.

    Raises:
        BadRequest: Its Content-Disposition names no field.
    """

    def __init__(self, reader: "MultipartReader", headers: Headers) -> None:
        self._reader = reader
        self.headers = headers
        self.name, self.filename = read_disposition(headers.find(b"content-disposition") or b"")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate over the part's bytes, once."""
        while self._reader.current is self:
            note = await self._reader.find_note()
            if note is _PART_ENDS:
                self._reader.current = None
                return
            yield note

    async def read(self, limit: int) -> bytes:
        """Read the whole part.

        Raises:
            ContentTooLarge: It is longer than `limit` bytes.
        """
        pieces: list[bytes] = []
        size = 0
        async for piece in self:
            size += len(piece)
            if size > limit:
                raise ContentTooLarge(
                    f"The field {self.name[:100]!r} is longer than {limit:,} bytes.",
                    hint="Send it as a file, or raise max_field_size in the settings.",
                )
            pieces.append(piece)
        return b"".join(pieces)


class MultipartReader:
    """Reads the parts of a body.

    Args:
        content_type: The request's, which names the boundary.
        pieces: The body as it comes.
        limits: How much is read.

    Raises:
        BadRequest: There is no usable boundary.
    """

    def __init__(self, content_type: str, pieces: AsyncIterator[bytes], limits: FormLimits) -> None:
        boundary = find_boundary(content_type)
        if boundary is None:
            raise BadRequest(
                "The multipart body has no boundary of 1 to 70 characters in its Content-Type.",
                hint="Let the client library set Content-Type; it knows the boundary.",
                code="http.multipart",
            )
        #: The part whose bytes come next.
        self.current: Part | None = None
        self._pieces = pieces
        self._limits = limits
        self._notes: deque[Any] = deque()
        self._counts = {"fields": 0, "files": 0}
        self._header: RawHeaders = []
        self._name, self._value = b"", b""
        self._size = 0
        self._has_ended = False
        self._parser = MultipartParser(boundary, self._build_callbacks())

    def _build_callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin_part,
            "on_header_field": self._add_name,
            "on_header_value": self._add_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._add_data,
            "on_part_end": lambda: self._notes.append(_PART_ENDS),
            "on_end": self._end,
        }

    async def parts(self) -> AsyncIterator[Part]:
        """Yield each part; what of it was not read by then is passed over.

        Raises:
            BadRequest: The body is malformed, or ends before its last boundary.
            ContentTooLarge: A limit is passed.
        """
        while (note := await self.find_note()) is not None:
            if isinstance(note, Headers):
                self.current = part = Part(self, note)
                self._count("files" if part.filename is not None else "fields")
                yield part

    async def find_note(self) -> Any:
        """Find what comes next: the headers of a part, bytes of it, its end; None when all is read.

        Raises:
            BadRequest: The body is malformed, or ends before its last boundary.
            ContentTooLarge: It is longer than the limit.
        """
        while not self._notes:
            if self._has_ended:
                return None
            piece = await anext(self._pieces, None)
            if piece is None:
                raise build_malformed("it ends before its last boundary")
            self._feed(piece)
        return self._notes.popleft()

    def _feed(self, piece: bytes) -> None:
        self._size += len(piece)
        limit = self._limits.max_upload_size
        if self._size > limit:
            raise ContentTooLarge(
                f"The form is larger than {limit:,} bytes.",
                hint="Send less, or raise max_upload_size in the settings.",
            )
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise build_malformed(str(error)) from error

    def _count(self, kind: str) -> None:
        self._counts[kind] += 1
        limit = self._limits.max_files if kind == "files" else self._limits.max_fields
        if self._counts[kind] > limit:
            raise ContentTooLarge(
                f"The form has more than {limit:,} {kind}.",
                hint=f"Send fewer, or raise max_form_{kind} in the settings.",
                code="http.too-many-fields",
            )

    # -------------------------------------------------------------- what the parser calls

    def _begin_part(self) -> None:
        self._header = []

    def _add_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._header.append((self._name.lower(), self._value.strip()))
        self._name, self._value = b"", b""

    def _end_headers(self) -> None:
        self._notes.append(Headers(self._header))

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        self._notes.append(data[start:end])

    def _end(self) -> None:
        self._has_ended = True


def find_boundary(content_type: str) -> bytes | None:
    """Find the boundary that a Content-Type names; None where it names none that may be one.

    Raises:
        BadRequest: A parameter is there twice: a proxy may have read the other one.
    """
    _, parameters, rest = split_parameters(content_type.encode("latin-1", "replace"))
    boundary = unquote_value(parameters.get(b"boundary", b""))
    return boundary if boundary and len(boundary) <= _LONGEST_BOUNDARY and not rest else None


def split_parameters(value: bytes) -> tuple[bytes, dict[bytes, bytes], bytes]:
    """Split a field into its value, its parameters, and what is left because it is neither.

    Raises:
        BadRequest: A parameter is there twice.
    """
    begin, found = _VALUE.match(value), dict[bytes, bytes]()
    position = 0 if begin is None else begin.end()
    while parameter := _PARAMETER.match(value, position):
        key = parameter[1].lower()
        if key in found:
            raise build_malformed(f"{key.decode()!r} is there twice")
        found[key], position = parameter[2], parameter.end()
    return (b"" if begin is None else begin[1].lower()), found, value[position:].strip(b" \t;")


def unquote_value(value: bytes) -> bytes:
    """Take the quotes of a parameter away (RFC 9110, section 5.6.4)."""
    return re.sub(rb'\\(["\\])', rb"\1", value[1:-1]) if value.startswith(b'"') else value


def read_disposition(value: bytes) -> tuple[str, str | None]:
    """Read a part's Content-Disposition (RFC 7578, section 4.2): the field, and a file's name.

    `filename*` is not for forms and is passed over, so that nobody can say two different names.

    Raises:
        BadRequest: It is no `form-data` with one name.
    """
    kind, found, rest = split_parameters(value)
    if kind != b"form-data" or b"name" not in found or rest:
        raise build_malformed("a part has no Content-Disposition of form-data with a name")
    filename = found.get(b"filename")
    return _unquote(found[b"name"]), None if filename is None else _strip_folders(filename)


def _unquote(value: bytes) -> str:
    """Decode a parameter as browsers write it (URL Standard's multipart form data encoding)."""
    value = unquote_value(value)
    for escaped, character in ((b"%22", b'"'), (b"%0D", b"\r"), (b"%0A", b"\n")):
        value = value.replace(escaped, character)
    return value.decode("utf-8", "replace")


def _strip_folders(value: bytes) -> str:
    """Take a file's own name, without folders and control characters."""
    name = re.split(r"[\\/]", _unquote(value))[-1]
    name = re.sub(r"[\x00-\x1f\x7f]", "", name).strip()
    return "" if name in (".", "..") else name[-255:]


def build_malformed(reason: str) -> BadRequest:
    """Build the one answer to a body that is no form."""
    return BadRequest(
        f"The multipart body is malformed: {reason}.",
        hint="Send it by a client's own support for forms, such as FormData in a browser.",
        code="http.multipart",
    )

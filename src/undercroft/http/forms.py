"""Form bodies, urlencoded or multipart, as a mapping of names to values."""

from collections.abc import AsyncIterator
from typing import Protocol

from undercroft.errors import UnsupportedMediaType
from undercroft.http.headers import Headers
from undercroft.http.multipart import FormLimits, MultipartReader, Part
from undercroft.http.query import parse_pairs
from undercroft.http.uploads import UploadFile
from undercroft.http.values import MultiValues

#: The media types of forms (HTML Standard, section 4.10.21.6).
URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"


#: By which a form shows that it is ours, under Django's name; no field of any handler's.
CSRF_FIELD = "csrfmiddlewaretoken"


class FormData(MultiValues[str | UploadFile]):
    """The fields of a form, read by name."""

    __slots__ = ()

    @property
    def files(self) -> list[UploadFile]:
        """The uploaded files, in order."""
        return [value for _, value in self.pairs if isinstance(value, UploadFile)]

    async def close(self) -> None:
        """Close the uploaded files."""
        for file in self.files:
            await file.close()

    def __repr__(self) -> str:
        """Show the names only: values are often secrets."""
        return f"FormData({[name for name, _ in self.pairs]!r})"


class HasBody(Protocol):
    """A request, as far as a form is read from it."""

    @property
    def headers(self) -> Headers:
        """The header fields."""
        ...

    @property
    def media_type(self) -> str:
        """The body's media type, in lower case."""
        ...

    async def body(self) -> bytes:
        """Read the whole body."""
        ...

    def stream(self) -> AsyncIterator[bytes]:
        """Yield the body in pieces."""
        ...


async def read_form(request: HasBody, limits: FormLimits) -> FormData:
    """Read a request's body as a form.

    Raises:
        UnsupportedMediaType: It is declared as something else.
        BadRequest: It is malformed.
        ContentTooLarge: A limit is passed.
    """
    if request.media_type == URLENCODED:
        return FormData(parse_pairs(await request.body(), max_fields=limits.max_fields))
    if request.media_type != MULTIPART:
        raise UnsupportedMediaType(
            f"The body is declared as {request.media_type[:100] or 'nothing'!r}, and this address "
            "reads a form.",
            hint=f"Send Content-Type: {URLENCODED} or {MULTIPART}.",
        )
    pairs: list[tuple[str, str | UploadFile]] = []
    reader = MultipartReader(request.headers.get("content-type", ""), request.stream(), limits)
    try:
        async for part in reader.parts():
            if part.filename is None:
                text = await part.read(limits.max_field_size)
                pairs.append((part.name, text.decode("utf-8", "replace")))
            elif (file := await keep_file(part)) is not None:
                pairs.append((part.name, file))
    except BaseException:
        await FormData(pairs).close()
        raise
    return FormData(pairs)


async def keep_file(part: Part) -> UploadFile | None:
    """Keep a file; None where a form's field was left without one."""
    file = UploadFile(part.filename or "", part.headers)
    try:
        async for piece in part:
            await file.write(piece)
    except BaseException:
        await file.close()
        raise
    if not file.filename and not file.size:
        await file.close()
        return None
    await file.seek(0)
    return file

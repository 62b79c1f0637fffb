"""Fields of uploaded files, whose name and type are the client's word."""

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any, ClassVar

from undercroft.forms import widgets
from undercroft.forms.fields.field import Field
from undercroft.forms.widgets import list_values
from undercroft.http.uploads import UploadFile

#: The first bytes of pictures that browsers show, by their usual extensions.
_SIGNATURES: dict[str, tuple[bytes, ...]] = {
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpg": (b"\xff\xd8\xff",),
    "jpeg": (b"\xff\xd8\xff",),
    "gif": (b"GIF87a", b"GIF89a"),
    "webp": (b"RIFF",),
}


class FileField(Field):
    """One uploaded file, an `UploadFile`; several in its place are refused.

    Args:
        max_size: Bytes at most.
        max_length: Characters of its name at most.
        allow_empty_file: Whether it may have no bytes.
        allowed_extensions: What its name may end with, such as `("pdf", "txt")`; all when empty.
        content_types: What the client may claim it to be, such as `("image/*",)`; all when empty.
        options: Those of every field.
    """

    widget_class = widgets.FileInput
    invalid_message: ClassVar[str] = "Choose a file."
    takes_files = True

    def __init__(
        self,
        *,
        max_size: int | None = None,
        max_length: int | None = 255,
        allow_empty_file: bool = False,
        allowed_extensions: Sequence[str] = (),
        content_types: Sequence[str] = (),
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.max_size, self.max_length = max_size, max_length
        self.allow_empty_file = allow_empty_file
        self.allowed_extensions = tuple(each.lower().lstrip(".") for each in allowed_extensions)
        self.content_types = tuple(each.lower() for each in content_types)

    def to_python(self, value: Any) -> Any:
        """Take one file; text in its place is none."""
        files = list_values(value)
        if len(files) > 1:
            raise self.build_error("multiple", "Choose one file only.")
        if not isinstance(files[0], UploadFile):
            raise TypeError("not a file")
        return files[0]

    def validate(self, value: Any) -> None:
        """Check name, size and type, and more."""
        self.check_file(value)
        super().validate(value)

    def check_file(self, file: UploadFile) -> None:
        """Check name, size and type of one file.

        Raises:
            ValidationError: One of them is not allowed.
        """
        if self.max_length is not None and len(file.filename) > self.max_length:
            raise self.build_error("max_length", f"A name of at most {self.max_length} characters.")
        if not file.size and not self.allow_empty_file:
            raise self.build_error("empty", "The file is empty.")
        if self.max_size is not None and file.size > self.max_size:
            raise self.build_error("max_size", f"At most {self.max_size:,} bytes.")
        if self.allowed_extensions and read_extension(file) not in self.allowed_extensions:
            known = ", ".join(self.allowed_extensions)
            raise self.build_error("invalid_extension", f"Choose a file of these kinds: {known}.")
        if self.content_types and not self._takes_type(file.content_type):
            known = ", ".join(self.content_types)
            raise self.build_error("content_type", f"Choose a file of these types: {known}.")

    def _takes_type(self, content_type: str) -> bool:
        family = content_type.partition("/")[0] + "/*"
        return content_type in self.content_types or family in self.content_types

    def has_changed(self, shown: Any, sent: Any) -> bool:
        """Tell whether a file was sent."""
        return bool(sent)

    def list_attributes(self) -> dict[str, Any]:
        """List the files a browser offers first."""
        kinds = [*(f".{each}" for each in self.allowed_extensions), *self.content_types]
        return {"accept": ",".join(kinds)} if kinds else {}


class MultipleFileField(FileField):
    """Several uploaded files, a list; each is checked.

    Args:
        max_files: Files at most.
        options: Those of a field of one file.
    """

    widget_class = widgets.MultipleFileInput
    empty_value: Any = ()

    def __init__(self, *, max_files: int = 20, **options: Any) -> None:
        super().__init__(**options)
        self.max_files = max_files

    def to_python(self, value: Any) -> Any:
        """Take the files; text among them is none."""
        files = list_values(value)
        if len(files) > self.max_files:
            raise self.build_error("max_files", f"At most {self.max_files} files.")
        if not all(isinstance(each, UploadFile) for each in files):
            raise TypeError("not files")
        return files

    def validate(self, value: Any) -> None:
        """Check each file, then all together."""
        for each in value:
            self.check_file(each)
        super(FileField, self).validate(value)


class ImageField(FileField):
    """A picture: PNG, JPEG, GIF or WebP by name and by its first bytes.

    That is a check of kind, and decodes nothing: what is shown to others should be written anew by
    a library for pictures. SVG, which may hold scripts, is refused.
    """

    invalid_message: ClassVar[str] = "Choose a picture: PNG, JPEG, GIF or WebP."

    def __init__(self, **options: Any) -> None:
        options.setdefault("allowed_extensions", tuple(_SIGNATURES))
        super().__init__(**options)

    def check_file(self, file: UploadFile) -> None:
        """Check that it begins as pictures of its name do, and more."""
        super().check_file(file)
        file.file.seek(0)
        first = file.file.read(12)
        file.file.seek(0)
        kind = read_extension(file)
        known = first.startswith(_SIGNATURES.get(kind, ()))
        if not known or (kind == "webp" and first[8:] != b"WEBP"):
            raise self.build_error("invalid_image", self.invalid_message)


def read_extension(file: UploadFile) -> str:
    """Read what a file's name ends with, after the last point, in lower case."""
    return PurePath(file.filename).suffix.lower().lstrip(".")

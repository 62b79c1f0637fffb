"""Fields of files: how many, how large, of what kind, and none where text belongs."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.forms.test_fields import clean
from undercroft import forms
from undercroft.http.forms import FormData
from undercroft.http.headers import Headers
from undercroft.http.uploads import UploadFile

Upload = Callable[..., UploadFile]


@pytest.fixture
def upload() -> Iterator[Upload]:
    made: list[UploadFile] = []

    def build(name: str = "a.png", data: bytes = b"123", kind: str = "image/png") -> UploadFile:
        file = UploadFile(name, Headers([(b"content-type", kind.encode())]))
        file.file.write(data)
        file.file.seek(0)
        file.size = len(data)
        made.append(file)
        return file

    yield build
    for file in made:
        file.file.close()


def test_a_file_in_place_of_text_is_a_mistake(upload: Upload) -> None:
    """Whoever sends a file where a text belongs gets a message, whatever the field."""
    for kind in (
        forms.CharField,
        forms.IntegerField,
        forms.FloatField,
        forms.DateField,
        forms.TimeField,
        forms.UUIDField,
        forms.EmailField,
    ):
        assert isinstance(clean(kind(), upload()), list), kind
    assert clean(forms.ChoiceField(choices=[("a", "A")]), upload()) == ["Enter a valid value."]
    assert clean(forms.FileField(), "text") == ["Choose a file."]


def test_several_files_in_a_field_of_one_are_refused(upload: Upload) -> None:
    """None of them slips past the checks: not the first, not the last."""
    good, bad = upload("a.png"), upload("b.exe", b"1" * 100)
    for pair in ((good, bad), (bad, good), (good, good)):
        sent = FormData([("it", each) for each in pair])
        assert clean(forms.FileField(max_size=10), sent) == ["Choose one file only."]
    several = forms.MultipleFileField(max_size=10, allowed_extensions=["png"], max_files=2)
    assert clean(several, FormData([("it", good), ("it", good)])) == [good, good]
    for pair in ((good, bad), (bad, good)):
        assert clean(several, FormData([("it", each) for each in pair])) == ["At most 10 bytes."]
    assert clean(several, FormData([("it", good)] * 3)) == ["At most 2 files."]
    assert clean(several, FormData([("it", good), ("it", "text")])) == ["Choose a file."]
    assert 'aria-invalid="true" multiple>' in _render(several)


def _render(field: forms.Field) -> str:
    class Asking(forms.Form):
        it = field

    return Asking({}).__html__()


@pytest.mark.parametrize(
    "file, message",
    [
        (("a.pdf",), "Choose a file of these kinds: png, jpg."),
        (("a.png.exe",), "Choose a file of these kinds: png, jpg."),
        (("png",), "Choose a file of these kinds: png, jpg."),
        (("a.png", b""), "The file is empty."),
        (("a" * 300 + ".png",), "A name of at most 255 characters."),
        (("a.PNG", b"1", "text/html"), "Choose a file of these types: image/*."),
    ],
)
def test_files_are_held_to_name_size_and_type(
    upload: Upload, file: tuple[Any, ...], message: str
) -> None:
    """What a field allows is checked on the server, whatever the browser offered."""
    field = forms.FileField(allowed_extensions=["PNG", ".jpg"], content_types=["image/*"])
    assert clean(field, upload(*file)) == [message]
    assert clean(field, fine := upload("a.Png")) is fine


@pytest.mark.parametrize(
    "name, data, is_picture",
    [
        ("a.png", b"\x89PNG\r\n\x1a\n....", True),
        ("a.jpeg", b"\xff\xd8\xff\xe0....", True),
        ("a.webp", b"RIFF....WEBPVP8 ", True),
        ("a.webp", b"RIFF....WAVEfmt ", False),
        ("a.png", b"<svg onload=alert(1)>", False),
        ("a.svg", b"<svg onload=alert(1)>", False),
        ("a.gif", b"\x89PNG\r\n\x1a\n....", False),
        ("a.png", b"\x89", False),
    ],
)
def test_pictures_begin_as_pictures_do(
    upload: Upload, name: str, data: bytes, is_picture: bool
) -> None:
    """A name alone makes no picture, nor do bytes of another kind; it is left at its start."""
    file = upload(name, data)
    assert (clean(forms.ImageField(), file) is file) is is_picture
    assert file.file.tell() == 0

"""Signed values: what is read back, and what is not."""

import string
from datetime import timedelta
from typing import Any

import pytest

from undercroft import Settings
from undercroft.errors import BadSignature, ImproperlyConfigured
from undercroft.security.signing import Signer

OLD, NEW = "old-" + "k" * 40, "new-" + "k" * 40


def build(key: str = NEW, *fallbacks: str, purpose: str = "test") -> Signer:
    return Signer(Settings(secret_key=key, secret_key_fallbacks=list(fallbacks)), purpose)


@pytest.mark.parametrize("value", ["text", 5, ["a", {"b": None}], "½" * 500])
def test_what_is_signed_is_read(value: Any) -> None:
    """Any plain value comes back, as text that a cookie can hold."""
    text = build().sign(value)
    assert text.isascii()
    assert not set(text) & set(' ",;\\/+=%')
    assert build().read(text) == value


def test_changed_values_are_refused() -> None:
    """Every single character counts, and none may be missing."""
    text = build().sign("value")
    for index in range(len(text)):
        other = "A" if text[index] != "A" else "B"
        with pytest.raises(BadSignature):
            build().read(text[:index] + other + text[index + 1 :])
    for part in (text[:-1], text[1:], "", ".", "...", text * 2):
        with pytest.raises(BadSignature):
            build().read(part)


def test_a_signature_is_written_in_one_way() -> None:
    """Bits that its last character has to spare are zero: no second text is as good."""
    text = build().sign("value")
    letters = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    place = letters.index(text[-1])
    for spare in (1, 2, 3):
        with pytest.raises(BadSignature):
            build().read(text[:-1] + letters[place + spare])


def test_purposes_are_apart() -> None:
    """A value of one purpose is of no use for another, however their names are put together."""
    text = build(purpose="ab").sign("x")
    for purpose in ("a", "b", "abc", "ab.c", ""):
        with pytest.raises(BadSignature):
            build(purpose=purpose).read(text)


def test_keys_are_rotated() -> None:
    """What an older key has signed is read, the newest one signs, and a retired one is out."""
    old = build(OLD).sign("x")
    assert build(NEW, OLD).read(old) == "x"
    assert build(NEW).read(build(NEW, OLD).sign("y")) == "y"
    with pytest.raises(BadSignature):
        build(NEW).read(old)


def test_old_values_are_refused() -> None:
    """An age is counted in seconds, from the signing."""
    text = build().sign("x")
    assert build().read(text, timedelta(minutes=1)) == "x"
    with pytest.raises(BadSignature) as caught:
        build().read(text, timedelta(seconds=-1))
    assert caught.value.code == "security.expired"


def test_a_key_is_needed() -> None:
    """Without one nothing is signed but in debug, and then only while the process lives."""
    with pytest.raises(ImproperlyConfigured, match="UNDERCROFT_SECRET_KEY"):
        Signer(Settings(), "test")
    made = Signer(Settings(debug=True), "test")
    assert Signer(Settings(debug=True), "test").read(made.sign("x")) == "x"


def test_a_key_is_long_and_never_shown() -> None:
    """A short one is refused without being repeated; settings print stars."""
    with pytest.raises(ImproperlyConfigured) as caught:
        Settings(secret_key="short-secret")
    assert "32 characters" in str(caught.value)
    assert "short-secret" not in str(caught.value)
    assert NEW not in repr(Settings(secret_key=NEW, secret_key_fallbacks=[OLD]))
    assert OLD not in repr(Settings(secret_key=NEW, secret_key_fallbacks=[OLD]))

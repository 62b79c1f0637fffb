"""What a development error page may show of values: short, harmless, without secrets.

Secrets are known by their names, so a secret in a variable called `x` is shown: the page is for
the developer's own machine, and this only keeps them out of screenshots and shared texts.
"""

import re
from collections.abc import Mapping
from itertools import islice
from reprlib import Repr
from typing import Any

REDACTED = "‹redacted›"

_TELLING = (
    "passw|passphrase|passcode|pwd|secret|token|key|cookie|authoriz|session|credential|signature"
    # Short words that others hold, such as "mapping" and "adoption", count as whole words only.
    "|csrf|dsn|(?<![a-z])(?:t?otp|pin|cvv|cvc|jwt|nonce)(?![a-z])"
)
_SECRET = re.compile(_TELLING, re.IGNORECASE)
_VALUE = r"b?'(?:[^'\\]|\\.)*'?|b?\"(?:[^\"\\]|\\.)*\"?|[^\s,;&)\]}'\"]+"
# A whole name is taken at once and never given back, so that no text costs more than its length.
_PAIR = re.compile(
    rf"(?<![\w-])(?=[\w-]*?(?:{_TELLING}))([\w-]++(?:['\"]\s*+[:,]|\s*+[:=])\s*+)({_VALUE})",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]+", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(://[^\s:/@'\"]{0,200}:)[^\s@'\"]{1,500}@")
# Control characters, lone surrogates, and marks that turn the direction of the text around them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_LONGEST_SCRUBBED = 20_000
_LONGEST_SHOWN = 1_000


def is_secret(name: str) -> bool:
    """Say whether a variable, key or header of this name may hold a secret."""
    return _SECRET.search(name) is not None


def show_value(name: str, value: object) -> str:
    """Show a named value as a short `repr`, or that it is withheld."""
    return REDACTED if is_secret(name) else show(value)


def show(value: object) -> str:
    """Show a value as a short `repr` in which what is called like a secret is withheld."""
    try:
        text = _Repr().repr(value)
    except Exception as error:  # noqa: BLE001 - a broken __repr__ must not hide the first error
        text = f"<{type(value).__name__} whose repr() raised {type(error).__name__}>"
    return shorten(clean(scrub(text)), _LONGEST_SHOWN)


def scrub(text: str) -> str:
    """Withhold what stands after a secret's name, `Bearer` or `Basic`, and passwords in URLs."""
    text = _PAIR.sub(rf"\1{REDACTED}", text[:_LONGEST_SCRUBBED])
    return scrub_urls(_SCHEME.sub(rf"\1 {REDACTED}", text))


def scrub_urls(text: str) -> str:
    """Withhold passwords in URLs."""
    return _URL_PASSWORD.sub(rf"\1{REDACTED}@", text)


def clean(text: str) -> str:
    """Write characters out that act on a terminal, an encoder or the reader's eye unseen."""
    return _INVISIBLE.sub(lambda found: ascii(found.group())[1:-1], text)


def shorten(text: str, longest: int) -> str:
    """Cut a text that is too long, and say how much is missing."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]}… ({len(text) - longest:,} more characters)"


class _Repr(Repr):
    """The standard library's bounded `repr`, with dictionaries read for secret keys."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 4
        self.maxdict = self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = 20
        self.maxstring = self.maxother = self.maxlong = _LONGEST_SHOWN

    def repr_dict(self, x: Mapping[Any, Any], level: int) -> str:
        """Show a dictionary, the values of secret keys withheld."""
        if level <= 0:
            return "{…}"
        parts = [
            f"{self.repr1(key, level - 1)}: "
            f"{REDACTED if is_secret(str(key)[:200]) else self.repr1(value, level - 1)}"
            for key, value in islice(x.items(), self.maxdict)
        ]
        return "{" + ", ".join([*parts, "…"] if len(x) > self.maxdict else parts) + "}"

    def repr_instance(self, x: object, level: int) -> str:
        """Show an object by its own `repr`, scrubbed before it is cut."""
        return shorten(scrub(repr(x)), self.maxother)

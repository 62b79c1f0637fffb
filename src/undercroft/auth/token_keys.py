"""The keys of tokens: how they are made, told from other bearer tokens, and hashed."""

import re
from hashlib import sha256
from secrets import choice
from string import ascii_letters, digits

#: Begins every key, so that scanners for leaked secrets know one.
KEY_PREFIX = "uc_"
#: Letters and digits alone, which a double click selects; 43 of them have 256 bits.
_ALPHABET = ascii_letters + digits
_LENGTH = 43
#: Characters that people tell their tokens apart by.
SHOWN = len(KEY_PREFIX) + 8
_KEY = re.compile(rf"{KEY_PREFIX}[A-Za-z0-9]{{{_LENGTH}}}")


def make_key() -> str:
    """Make a key that nobody can guess."""
    return KEY_PREFIX + "".join(choice(_ALPHABET) for _ in range(_LENGTH))


def is_key(text: str) -> bool:
    """Tell whether a text has the form of a key."""
    return _KEY.fullmatch(text) is not None


def hash_key(key: str) -> str:
    """Hash a key for the table; nothing slow is needed, since no key can be guessed."""
    return sha256(key.encode()).hexdigest()

"""Names of Python for names of a database, which may be anything."""

import keyword
import re
import unicodedata
from collections.abc import Container, Iterable

#: Between a small letter and a capital, and before the last capital of several.
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

#: What a module that is written uses by these names, so that nothing else may be called so.
RESERVED = frozenset(
    {
        "Any",
        "Decimal",
        "Mapped",
        "UUID",
        "bool",
        "bytes",
        "dict",
        "dt",
        "float",
        "int",
        "list",
        "mapped_column",
        "models",
        "mysql",
        "postgresql",
        "sa",
        "self",
        "sqlite",
        "str",
    }
)


def build_attribute(name: str, taken: Container[str], suffix: str = "field") -> str:
    """Build the name of an attribute for a column: `created_at` for `CreatedAt`.

    Two underscores would separate look-ups, one in front would make it private.

    Args:
        name: The column's.
        taken: Names it may not have.
        suffix: What is added to a name that may not stand alone.
    """
    words = "_".join(split_words(name)).lower()
    words = re.sub(r"_+", "_", words).strip("_") or suffix
    if not words.isidentifier():
        words = f"{suffix}_{words}"
    return find_free([words, f"{words}_{suffix}"], taken)


def build_class_name(name: str, taken: Container[str]) -> str:
    """Build the name of a class for a table: `BlogPost` for `blog_post`."""
    words = "".join(word[:1].upper() + word[1:] for word in split_words(name)) or "Table"
    if not words.isidentifier():
        words = f"Table{words}"
    return find_free([words, f"{words}Model"], taken)


def split_words(name: str) -> list[str]:
    """Split a name into the parts that an identifier may have."""
    # Python itself takes names that look alike for the same one (PEP 3131).
    plain = unicodedata.normalize("NFKC", name)
    spaced = _HUMP.sub("_", plain)
    spaced = "".join(each if f"a{each}".isidentifier() else "_" for each in spaced)
    return [word for word in spaced.split("_") if word]


def find_free(wanted: Iterable[str], taken: Container[str]) -> str:
    """Find the first name that is free and no keyword, with a number behind if need be."""
    last = ""
    for last in wanted:
        if is_free(last, taken):
            return last
    number = 2
    while not is_free(f"{last}_{number}", taken):
        number += 1
    return f"{last}_{number}"


def is_free(name: str, taken: Container[str]) -> bool:
    """Tell whether a name can be given."""
    return not keyword.iskeyword(name) and name not in taken and name not in RESERVED

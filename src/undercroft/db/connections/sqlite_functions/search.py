"""Makes what FTS5 is asked of what people look for: whatever they write, it is understood."""

import re
from collections.abc import Callable, Iterable
from typing import Any

#: What no document has: a phrase without words.
NOTHING = '""'

#: A phrase in quotes, to the end where nobody closed them, or a word; `-` in front denies it.
_TERM = re.compile(r'(?P<denied>-?)(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')

#: Words so common in English that PostgreSQL does not look for them.
_COMMON_WORDS = """
a about above after again against all am an and any are as at be because been before being below
between both but by can did do does doing don down during each few for from further had has have
having he her here hers herself him himself his how i if in into is it its itself just me more most
my myself no nor not now of off on once only or other our ours ourselves out over own s same she
should so some such t than that the their theirs them themselves then there these they this those
through to too under until up very was we were what when where which while who whom why will with
you your yours yourself yourselves
"""

#: Words that are not looked for, by configuration.
_COMMON = {"english": frozenset(_COMMON_WORDS.split())}


def write_query(text: Any, search_type: str, config: str) -> str:
    """Write what to ask FTS5.

    Args:
        text: What somebody looks for.
        search_type: `plain`, `phrase`, `websearch`, or `raw` for FTS5's own language.
        config: What made words of the documents.
    """
    asked = _WRITERS[search_type](str(text), _COMMON.get(config, frozenset()))
    return asked or NOTHING


def _write_plain(text: str, common: frozenset[str]) -> str:
    return _write_all(word for word in text.split() if word.lower() not in common)


def _write_phrase(text: str, _common: frozenset[str]) -> str:
    return _quote(text)


def _write_raw(text: str, _common: frozenset[str]) -> str:
    # In brackets, so that it is no command to FTS5, which some text with a star in front is.
    return f"({text})" if text.strip() else ""


def _write_websearch(text: str, common: frozenset[str]) -> str:
    alternatives: list[tuple[list[str], list[str]]] = [([], [])]
    for found in _TERM.finditer(text):
        word, phrase = found["word"], found["phrase"]
        if word is not None and word.lower() == "or" and not found["denied"]:
            alternatives.append(([], []))
        elif word is None or word.lower() not in common:
            wanted, unwanted = alternatives[-1]
            (unwanted if found["denied"] else wanted).append(phrase if word is None else word)
    written = [_write_alternative(*each) for each in alternatives if each[0]]
    return written[0] if len(written) == 1 else " OR ".join(f"({each})" for each in written)


def _write_alternative(wanted: list[str], unwanted: list[str]) -> str:
    asked = _write_all(wanted)
    return f"({asked}) NOT ({' OR '.join(map(_quote, unwanted))})" if unwanted else asked


def _write_all(terms: Iterable[str]) -> str:
    # Side by side, and not by AND, which would find nothing where a term has no words.
    return " ".join(map(_quote, terms))


def _quote(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


_WRITERS: dict[str, Callable[[str, frozenset[str]], str]] = {
    "phrase": _write_phrase,
    "plain": _write_plain,
    "raw": _write_raw,
    "websearch": _write_websearch,
}

#: The functions, and how many arguments they take.
SEARCH: dict[str, tuple[int, Callable[..., Any]]] = {"undercroft_search": (3, write_query)}

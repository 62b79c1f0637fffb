"""The words of texts as an expression, and what is looked for in them as a value."""

import re
from collections.abc import Sequence
from typing import Any

from undercroft.db.fields.search import SearchWords
from undercroft.db.queries.terms import Term
from undercroft.errors import FieldValueError

#: The look-up of words: `title__search`.
SEARCH = "search"

#: What no database takes as text, and no word has.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

#: Characters of what is looked for; nobody writes more, and the rest would only take time.
_LONGEST = 4_000


def build_words(terms: Sequence[Term], options: Sequence[tuple[str, str | None]]) -> Term:
    """Build the words of texts.

    Args:
        terms: The texts.
        options: The weight of each, and what makes words of it.
    """
    return Term(
        ("call", "search_words", tuple(term.node for term in terms), tuple(options)),
        SearchWords(),
        max(term.level for term in terms),
        null=False,
        many=any(term.many for term in terms),
        owner=terms[0].owner,
        name=f"{terms[0].name}__{SEARCH}",
        convert=clean_text,
    )


def clean_text(value: Any) -> str:
    """Check that what is looked for is text, and leave out what no database takes.

    Raises:
        FieldValueError: It is something else.
    """
    if not isinstance(value, str):
        raise FieldValueError(f"{value!r} cannot be looked for: expected text.")
    return _UNSTORABLE.sub(" ", value[:_LONGEST])

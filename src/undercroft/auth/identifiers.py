"""Names and addresses that people log in with: which of them are the same for everybody.

Two that differ by case, or by forms of a letter that look alike to readers, count as one. What
is compared is the key; what was typed stays what is shown, and where mail is sent.
"""

import unicodedata


def normalize_identifier(text: str) -> str:
    """Write a name or an address in one form of its letters (Unicode NFKC)."""
    return unicodedata.normalize("NFKC", text).strip()


def build_key(text: str) -> str:
    """Build what two equal identifiers have in common (Unicode, section 3.13, NFKC_Casefold)."""
    folded = normalize_identifier(text).casefold()
    # Folding may leave forms that another pass composes.
    return unicodedata.normalize("NFKC", folded).casefold()

"""What a client sent, made harmless for a line of a log (CWE-117).

Nothing from outside can begin a line, move the cursor of a terminal, or turn the direction of what
is read.
"""


def escape(text: str) -> str:
    """Escape what is not printable, and quotes, as a Python literal would."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return text
    return "".join(
        character if character.isprintable() and character not in '"\\' else escape_one(character)
        for character in text
    )


def escape_one(character: str) -> str:
    """Escape one character."""
    return '\\"' if character == '"' else character.encode("unicode_escape").decode("ascii")

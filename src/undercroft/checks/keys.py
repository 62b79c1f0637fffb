"""Checks of the keys that sign cookies, sessions and links."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from undercroft.checks.messages import CheckMessage, Error, Warning
from undercroft.checks.registry import Tags, register

if TYPE_CHECKING:
    from undercroft.app.application import App

#: What a key that was made at random has, at least: Django's own bounds, but for the second.
_SHORTEST, _LEAST_DIFFERENT = 50, 16
#: Words that stand in examples and in keys that were meant to be replaced.
_TELLING = re.compile(
    r"insecure|change[-_ ]?me|example|secret|password|replace|default|dummy", re.IGNORECASE
)


@register(Tags.security, deploy=True)
def check_secret_key(app: "App") -> Iterator[CheckMessage]:
    """Find keys that are not there, or that somebody may guess."""
    settings = app.settings
    if settings.secret_key is None:
        yield Warning(
            "There is no secret_key: nothing can be signed, so neither sessions nor links work.",
            "Set UNDERCROFT_SECRET_KEY to what `python -c 'import secrets; "
            "print(secrets.token_urlsafe(48))'` prints, and keep it.",
            "secret_key",
            id="security.no-secret-key",
        )
    elif is_weak(settings.secret_key.get_secret_value()):
        yield Error(
            "The secret_key can be guessed: it is short, of few different signs, or in words.",
            "Make one by `python -c 'import secrets; print(secrets.token_urlsafe(48))'`.",
            "secret_key",
            id="security.weak-secret-key",
        )
    for number, key in enumerate(settings.secret_key_fallbacks):
        if is_weak(key.get_secret_value()):
            yield Error(
                "An older key can be guessed, and what it signed still counts.",
                "Remove it as soon as those whom it logged in may log in again.",
                f"secret_key_fallbacks[{number}]",
                id="security.weak-fallback-key",
            )


def is_weak(key: str) -> bool:
    """Tell whether somebody may guess a key."""
    return (
        len(key) < _SHORTEST or len(set(key)) < _LEAST_DIFFERENT or _TELLING.search(key) is not None
    )

"""Checks of what an application is told from outside."""

import os
from collections.abc import Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING

from undercroft.checks.messages import CheckMessage, Error, Warning
from undercroft.checks.registry import Tags, register

if TYPE_CHECKING:
    from undercroft.app.application import App

#: Variables that are read elsewhere: by commands, and by our own tests.
_OTHERS = ("APP", "TEST_")


@register(Tags.settings)
def check_variables(app: "App") -> Iterator[CheckMessage]:
    """Find variables that look like settings and are none: they change nothing."""
    settings = app.settings
    prefix = settings.model_config.get("env_prefix", "").upper()
    known = [name.upper() for name in type(settings).model_fields]
    for variable in sorted(os.environ):
        name = variable.upper().removeprefix(prefix)
        if not prefix or name == variable.upper() or name in known or name.startswith(_OTHERS):
            continue
        close = get_close_matches(name, known, n=1)
        yield Warning(
            f"The variable {variable} sets nothing.",
            f"Did you mean {prefix}{close[0]}?" if close else "Remove it.",
            id="settings.unknown-variable",
        )


@register(Tags.security, deploy=True)
def check_debug(app: "App") -> Iterator[CheckMessage]:
    """Find debug, which shows source and values."""
    if app.settings.debug:
        yield Error(
            "Debug is on: error pages show source and values, and nothing is cached.",
            "Remove UNDERCROFT_DEBUG, or set it to 0.",
            "debug",
            id="security.debug",
        )

"""Who makes a request, as the ways to authenticate tell it."""

from typing import Any, NamedTuple


class Identity(NamedTuple):
    """Who makes a request, and how that is known.

    Attributes:
        user: A user, or whatever else has rights.
        auth: What proved it: a token; None for a session.
    """

    user: Any
    auth: Any = None

"""Sessions: what is remembered of a visitor, where it is kept, and messages shown once.

As an app, `apps=["undercroft.sessions"]`, it brings the table of the database's store.
"""

from undercroft.http.session import Session
from undercroft.sessions import messages
from undercroft.sessions.listing import sessions_of
from undercroft.sessions.messages import flash, get_messages

__all__ = ["Session", "flash", "get_messages", "messages", "sessions_of"]

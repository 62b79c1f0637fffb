"""Signals of log-ins, under Django's names: who listens is told who, and by which request."""

from undercroft.db.signals import Signal

#: After `login`: `user`, `request`.
user_logged_in = Signal("user_logged_in")
#: After a wrong name or password: `identifier`, `request`; never the password.
user_login_failed = Signal("user_login_failed")
#: Before `logout`: `user`, which may be None, `request`.
user_logged_out = Signal("user_logged_out")

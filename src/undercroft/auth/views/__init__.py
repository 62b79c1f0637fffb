"""The views of accounts, to route in another way, or to make one's own of."""

from undercroft.auth.views.emails import (
    EmailChangeDoneView,
    EmailChangeView,
    EmailConfirmCompleteView,
    EmailConfirmView,
    EmailVerifyView,
)
from undercroft.auth.views.logins import LoginCodeView, LoginView, LogoutView
from undercroft.auth.views.passwords import (
    PasswordChangeDoneView,
    PasswordChangeView,
    PasswordResetCompleteView,
    PasswordResetConfirmView,
    PasswordResetDoneView,
    PasswordResetView,
)
from undercroft.auth.views.sessions import (
    SessionEndOthersView,
    SessionEndView,
    SessionListView,
)
from undercroft.auth.views.signups import SignupConfirmView, SignupDoneView, SignupView

__all__ = [
    "EmailChangeDoneView",
    "EmailChangeView",
    "EmailConfirmCompleteView",
    "EmailConfirmView",
    "EmailVerifyView",
    "LoginCodeView",
    "LoginView",
    "LogoutView",
    "PasswordChangeDoneView",
    "PasswordChangeView",
    "PasswordResetCompleteView",
    "PasswordResetConfirmView",
    "PasswordResetDoneView",
    "PasswordResetView",
    "SessionEndOthersView",
    "SessionEndView",
    "SessionListView",
    "SignupConfirmView",
    "SignupDoneView",
    "SignupView",
]

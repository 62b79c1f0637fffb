"""Users, how they prove who they are, and what they may do.

As an app, `apps=["undercroft.auth"]`, it brings users, groups and permissions; a project that
declares a user of its own has that one.
"""

from typing import Any

from undercroft.auth.allowing import acheck_allowed, ais_allowed, check_allowed, is_allowed
from undercroft.auth.authentication import (
    BaseAuthentication,
    BasicAuthentication,
    SessionAuthentication,
)
from undercroft.auth.current import (
    CurrentUser,
    OptionalUser,
    find_current_user,
    get_current_user,
)
from undercroft.auth.decorators import login_required, permission_required, user_passes_test
from undercroft.auth.events import user_logged_in, user_logged_out, user_login_failed
from undercroft.auth.explaining import Explanation, Reason, aexplain_access, explain_access
from undercroft.auth.identity import Identity
from undercroft.auth.logins import (
    aauthenticate,
    afinish_login,
    alogin,
    alogout,
    authenticate,
    finish_login,
    login,
    logout,
    update_session_fingerprint,
)
from undercroft.auth.mixins import (
    AccessMixin,
    AllowedRowsMixin,
    LoginRequiredMixin,
    PermissionRequiredMixin,
    UserPassesTestMixin,
)
from undercroft.auth.password_validation import validate_password
from undercroft.auth.rules import permits, rule
from undercroft.auth.second_step import SecondStep
from undercroft.auth.sessions import (
    UserSession,
    aend_other_sessions,
    alist_sessions,
    end_other_sessions,
    list_sessions,
)
from undercroft.auth.token_authentication import TokenAuthentication
from undercroft.auth.users import AnonymousUser, get_user_model

__all__ = [
    "AccessMixin",
    "AllowedRowsMixin",
    "AnonymousUser",
    "BaseAuthentication",
    "BasicAuthentication",
    "CurrentUser",
    "Explanation",
    "Identity",
    "LoginRequiredMixin",
    "OptionalUser",
    "PermissionRequiredMixin",
    "Reason",
    "SecondStep",
    "SessionAuthentication",
    "TokenAuthentication",
    "UserPassesTestMixin",
    "UserSession",
    "aauthenticate",
    "acheck_allowed",
    "aend_other_sessions",
    "aexplain_access",
    "afinish_login",
    "ais_allowed",
    "alist_sessions",
    "alogin",
    "alogout",
    "authenticate",
    "check_allowed",
    "end_other_sessions",
    "explain_access",
    "find_current_user",
    "finish_login",
    "get_current_user",
    "get_user_model",
    "is_allowed",
    "list_sessions",
    "login",
    "login_required",
    "logout",
    "permission_required",
    "permits",
    "rule",
    "update_session_fingerprint",
    "user_logged_in",
    "user_logged_out",
    "user_login_failed",
    "user_passes_test",
    "validate_password",
]


def ready(app: Any) -> None:
    """Prepare the app once all others are imported; called by `App`."""
    # Declares the user's table, where no other user is there by now.
    from undercroft.auth.readiness import prepare  # noqa: PLC0415

    prepare()

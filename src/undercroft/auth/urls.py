"""Routes of accounts, `path("accounts/", include("undercroft.auth.urls"))`, under Django's names.

None is one transaction: an attempt that was wrong is to be counted, whatever is answered.
"""

from typing import Any

from undercroft.auth import views
from undercroft.routing.route import Route
from undercroft.routing.urls import path
from undercroft.views.base import View


def route(template: str, view: type[View], name: str) -> Route:
    """Declare a route of accounts."""
    options: dict[str, Any] = {"atomic": False, "include_in_schema": False}
    return path(template, view.as_view(), name=name, **options)


urlpatterns = [
    route("login/", views.LoginView, "login"),
    route("login/code/", views.LoginCodeView, "login_code"),
    route("logout/", views.LogoutView, "logout"),
    route("password_change/", views.PasswordChangeView, "password_change"),
    route("password_change/done/", views.PasswordChangeDoneView, "password_change_done"),
    route("password_reset/", views.PasswordResetView, "password_reset"),
    route("password_reset/done/", views.PasswordResetDoneView, "password_reset_done"),
    route("reset/done/", views.PasswordResetCompleteView, "password_reset_complete"),
    route("reset/{token}/", views.PasswordResetConfirmView, "password_reset_confirm"),
    route("sessions/", views.SessionListView, "session_list"),
    route("sessions/others/end/", views.SessionEndOthersView, "session_end_others"),
    route("sessions/{id}/end/", views.SessionEndView, "session_end"),
    route("email/", views.EmailChangeView, "email_change"),
    route("email/verify/", views.EmailVerifyView, "email_verify"),
    route("email/sent/", views.EmailChangeDoneView, "email_change_done"),
    route("email/done/", views.EmailConfirmCompleteView, "email_confirm_complete"),
    route("email/{token}/", views.EmailConfirmView, "email_confirm"),
]

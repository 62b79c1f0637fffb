"""Routes of the sign-up, for projects in which anybody may make an account."""

from undercroft.auth import views
from undercroft.auth.urls import route

urlpatterns = [
    route("signup/", views.SignupView, "signup"),
    route("signup/done/", views.SignupDoneView, "signup_done"),
    route("signup/{token}/", views.SignupConfirmView, "signup_confirm"),
]

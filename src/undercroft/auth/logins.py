"""Log-in and log-out: a password is checked, a session is somebody's, and is nobody's again."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from undercroft.auth.events import user_logged_in, user_logged_out, user_login_failed
from undercroft.auth.fingerprint import take_fingerprint
from undercroft.auth.identity import Identity
from undercroft.auth.passwords import needs_rehash
from undercroft.auth.second_step import (
    PENDING,
    find_pending,
    has_second_step,
    suspend,
    verify_steps,
)
from undercroft.auth.sessions import remember_client
from undercroft.auth.stepping import CheckPassword, HashPassword, LoadSession
from undercroft.auth.throttling import Throttle
from undercroft.auth.users import AnonymousUser, get_user_model
from undercroft.concurrency import check_not_on_loop
from undercroft.db.twins import Steps, arun_steps, run_steps, take_steps
from undercroft.http.request import Request
from undercroft.security.csrf import rotate_csrf_token

#: What a session remembers besides whose it is.
FINGERPRINT = "_auth_fingerprint"


def authenticate_steps(request: Request, identifier: str, password: str) -> Steps[Any]:
    """Find the user with this name and password, in steps; None where either is wrong."""
    throttle = Throttle.of(request, identifier)
    yield from throttle.enter()
    model = get_user_model()
    user = yield from take_steps(model.objects.find_by_login, identifier)
    is_right = yield CheckPassword(password, None if user is None else user.password)
    if user is None or not is_right or not user.is_active:
        yield from user_login_failed.send_steps(model, identifier=identifier, request=request)
        return None
    yield from throttle.leave()
    if needs_rehash(user.password):
        user.password = yield HashPassword(password)
        yield from take_steps(user.save, update_fields=["password"])
    return user


def login_steps(request: Request, user: Any) -> Steps[bool]:
    """Let the session be a user's, in steps; not yet where there is a second step."""
    yield LoadSession(request.session)
    if (yield from has_second_step(user)):
        suspend(request, user)
        rotate_csrf_token(request)
        request.set_identity(Identity(AnonymousUser()))
        return False
    yield from _open_session(request, user)
    return True


def finish_login_steps(request: Request, code: str) -> Steps[Any]:
    """Take the second step of a log-in, in steps; answer the user, None where the code is wrong."""
    user = yield from find_pending(request)
    if user is None or not (yield from verify_steps(request, user, code)):
        return None
    del request.session[PENDING]
    yield from _open_session(request, user)
    return user


def _open_session(request: Request, user: Any) -> Steps[None]:
    """Let the session be a user's, in steps."""
    session = request.session
    if session.user_key not in (None, str(user.pk)):
        # What somebody else has left in it is nobody's business.
        session.flush()
    session.cycle_key()
    rotate_csrf_token(request)
    session.user_key = user.pk
    session[FINGERPRINT] = take_fingerprint(request.app.settings, user)
    remember_client(request)
    user.last_login = datetime.now(UTC)
    yield from take_steps(user.save, update_fields=["last_login"])
    request.set_identity(Identity(user))
    yield from user_logged_in.send_steps(get_user_model(), user=user, request=request)


def logout_steps(request: Request) -> Steps[None]:
    """End the session, in steps."""
    yield LoadSession(request.session)
    model, user = get_user_model(), None
    if request.session.user_key is not None:
        user = yield from take_steps(model.objects.filter(pk=request.session.user_key).first)
    yield from user_logged_out.send_steps(model, user=user, request=request)
    request.session.flush()
    request.set_identity(Identity(AnonymousUser()))


def authenticate(request: Request, identifier: str, password: str) -> Any:
    """Find the user with this name, or e-mail address, and password; None where either is wrong.

    A wrong name takes as long as a wrong password. A stored password of an older kind is hashed
    anew.

    Raises:
        TooManyRequests: There were too many wrong ones for this account, or from this address.
    """
    return _run("authenticate", authenticate_steps, request, identifier, password)


async def aauthenticate(request: Request, identifier: str, password: str) -> Any:
    """Find the user with this name and password, in async code."""
    return await arun_steps(authenticate_steps(request, identifier, password))


def login(request: Request, user: Any) -> bool:
    """Let the session be a user's from now on, under a new key.

    Returns:
        Whether it is; not yet where the user's log-in has a second step, `finish_login`.
    """
    is_done: bool = _run("login", login_steps, request, user)
    return is_done


async def alogin(request: Request, user: Any) -> bool:
    """Let the session be a user's from now on, in async code."""
    return await arun_steps(login_steps(request, user))


def finish_login(request: Request, code: str) -> Any:
    """Take the second step of a log-in: by a code of the app, or a recovery code.

    Returns:
        The user, whose the session is now; None where the code is wrong, or nobody has taken the
        first step within ten minutes.

    Raises:
        TooManyRequests: There were too many wrong codes.
    """
    return _run("finish_login", finish_login_steps, request, code)


async def afinish_login(request: Request, code: str) -> Any:
    """Take the second step of a log-in, in async code."""
    return await arun_steps(finish_login_steps(request, code))


def logout(request: Request) -> None:
    """End the session, and forget all that was remembered in it."""
    _run("logout", logout_steps, request)


async def alogout(request: Request) -> None:
    """End the session, in async code."""
    await arun_steps(logout_steps(request))


def update_session_fingerprint(request: Request, user: Any) -> None:
    """Keep this session, and no other one, after the user's password has changed."""
    request.session.cycle_key()
    request.session[FINGERPRINT] = take_fingerprint(request.app.settings, user)


def _run(name: str, steps: Callable[..., Steps[Any]], *arguments: Any) -> Any:
    check_not_on_loop(f"{name}(...)", f"await a{name}(...)")
    return run_steps(steps(*arguments))

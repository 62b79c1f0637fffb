"""How a request gets its session, and how the answer carries its cookie."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from undercroft.errors import ImproperlyConfigured
from undercroft.http.cookies import CookieOptions
from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.http.session import Session
from undercroft.http.websockets import Stage, WebSocket
from undercroft.sessions.cached import CacheStore
from undercroft.sessions.stores import Ages, Saving, SignedCookieStore, Store
from undercroft.settings import Settings

if TYPE_CHECKING:
    from undercroft.cache.interface import Cache

#: What browsers keep of a cookie, name and value (RFC 6265, section 6.1, less its attributes).
LARGEST_COOKIE = 4000

#: A session that is only read is stored again once this part of its idle age has gone by.
_REFRESH_AFTER = 0.1

_FIRST_SERVER_ERROR = 500
#: Directives that let a cache shared by several people keep an answer (RFC 9111, section 5.2.2).
_SHARED = re.compile(r"(?i)\s*(public|s-maxage\s*=.*)\s*")


class Sessions:
    """Opens the session of a request, and stores it before the answer is sent.

    Args:
        settings: Those named `session_...`.
        store: Where sessions are kept.
    """

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self.store = store

    def open(self, request: Request) -> Session:
        """Open the session of a request; nothing is loaded before it is touched."""
        session = Session(self.store, request.cookies.get(self.name_cookie(request)))
        socket: WebSocket | None = request.socket
        if socket is None:
            request.call_before_answer(partial(self.finish, request, session))
        elif socket.stage is Stage.CONNECTING:
            request.call_before_answer(partial(self.finish_handshake, request, session))
        else:
            session.seal()
        return session

    async def finish_handshake(
        self, request: Request, session: Session, response: Response
    ) -> None:
        """Store what changed before a WebSocket was accepted; from then on it is only read."""
        await self.finish(request, session, response)
        session.seal()

    def is_secure(self, request: Request) -> bool:
        """Tell whether the cookie is for HTTPS only."""
        told = self._settings.session_cookie_secure
        return request.scheme in {"https", "wss"} if told is None else told

    def name_cookie(self, request: Request) -> str:
        """Name the cookie: a prefix that no other host can set, where browsers accept it."""
        settings = self._settings
        bound = settings.session_cookie_domain is None and settings.session_cookie_path == "/"
        prefix = "__Host-" if bound and self.is_secure(request) else ""
        return prefix + settings.session_cookie_name

    async def finish(self, request: Request, session: Session, response: Response) -> None:
        """Store what changed, and send the cookie.

        Nothing is stored with an answer of 500 and above, but what was flushed stays so.

        Raises:
            ImproperlyConfigured: The session is too large for a cookie.
        """
        if not session.is_touched:
            return
        keep_private(response)
        has_failed = response.status_code >= _FIRST_SERVER_ERROR
        saving = None if has_failed else self.build_saving(session)
        token = await self.store.carry_out(saving, session.discarded)
        if saving is not None and token is not None:
            self.set_cookie(request, response, session, token)
        elif self.is_cookie_stale(request, session, saving):
            self.delete_cookie(request, response)

    def build_saving(self, session: Session) -> Saving | None:
        """Build what is to be stored, or None where nothing is."""
        changes, record = session.find_changes(), session.record
        now, ages = self.store.ages.clock(), self.store.ages
        is_changed = bool(changes) or session.is_rotated or session.is_user_changed
        if session.token is None:
            record.created = now
        elif not is_changed:
            is_changed = now - record.refreshed >= ages.idle * _REFRESH_AFTER
            is_changed = is_changed or self._settings.session_save_every_request
        if not is_changed:
            return None
        record.refreshed = now
        return Saving(session.token, record, changes, session.is_rotated, session.is_user_changed)

    def is_cookie_stale(self, request: Request, session: Session, saving: Saving | None) -> bool:
        """Tell whether the browser holds a cookie that leads to nothing."""
        is_gone = session.token is None or saving is not None
        return is_gone and self.name_cookie(request) in request.cookies

    def set_cookie(
        self, request: Request, response: Response, session: Session, token: str
    ) -> None:
        """Send the cookie.

        Raises:
            ImproperlyConfigured: It is too large.
        """
        name = self.name_cookie(request)
        if len(name) + len(token) > LARGEST_COOKIE:
            sizes = {key: len(str(value)) for key, value in session.items()}
            raise ImproperlyConfigured(
                f"The session takes {len(token):,} bytes as a cookie, and browsers keep"
                f" {LARGEST_COOKIE:,}; the largest value is {max(sizes, key=sizes.__getitem__)!r}.",
                hint='Keep less in it, or set session_engine="db" or "cache".',
                code="sessions.too-large",
            )
        left = self.store.ages.find_left(session.record)
        ends_with_browser = self._settings.session_expire_at_browser_close
        options = self._build_options(request, None if ends_with_browser else left)
        response.set_cookie(name, token, **options)

    def delete_cookie(self, request: Request, response: Response) -> None:
        """Tell the browser to forget the cookie."""
        response.set_cookie(self.name_cookie(request), **self._build_options(request, 0))

    def _build_options(self, request: Request, max_age: int | None) -> CookieOptions:
        settings = self._settings
        return {
            "max_age": max_age,
            "path": settings.session_cookie_path,
            "domain": settings.session_cookie_domain,
            "secure": self.is_secure(request),
            "httponly": settings.session_cookie_httponly,
            "samesite": settings.session_cookie_samesite,
        }


def keep_private(response: Response) -> None:
    """Keep an answer that a session was touched for out of caches that people share."""
    headers = response.headers
    headers.add_vary("Cookie")
    told = [part for value in headers.getlist("cache-control") for part in value.split(",")]
    kept = [part.strip() for part in told if not _SHARED.fullmatch(part)]
    if not {"private", "no-store"} & {part.lower() for part in kept}:
        kept.insert(0, "private")
    headers["cache-control"] = ", ".join(kept)


def build_sessions(
    settings: Settings, get_cache: "Callable[[], Cache]", apps: Sequence[str]
) -> Sessions:
    """Build what opens sessions, as the settings say.

    Args:
        settings: Those named `session_...`.
        get_cache: Gives the cache, where sessions are kept there.
        apps: The names of the application's apps.

    Raises:
        ImproperlyConfigured: Cookies are to be signed, and there is no key; or the table of the
            database's store comes from no app.
    """
    ages = Ages(settings.session_cookie_age, settings.session_absolute_age)
    if settings.session_engine == "signed_cookies":
        store: Store = SignedCookieStore(settings, ages)
    elif settings.session_engine == "cache":
        store = CacheStore(get_cache(), ages)
    else:
        check_app_installed(apps)
        # Loads SQLAlchemy.
        from undercroft.sessions.database import DatabaseStore  # noqa: PLC0415

        store = DatabaseStore(ages)
    return Sessions(settings, store)


def check_app_installed(names: Sequence[str]) -> None:
    """Refuse sessions in a database that has no table for them.

    Raises:
        ImproperlyConfigured: The app that brings the table is not named.
    """
    if "undercroft.sessions" not in names:
        raise ImproperlyConfigured(
            "session_engine is 'db', and nothing brings its table.",
            hint='Add "undercroft.sessions" to `apps`, and run `undercroft migrate`.',
            code="sessions.app",
        )

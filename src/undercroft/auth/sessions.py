"""The sessions of a user, to look at and to end: where somebody is logged in, and since when."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from undercroft.http.request import Request
from undercroft.sessions.stores import ListedSession, Store, hash_key

#: What a session remembers of the request that logged in.
CLIENT = "_auth_client"

_LONGEST_AGENT = 200


@dataclass(frozen=True, slots=True)
class UserSession:
    """A session of a user.

    Attributes:
        id: Names it; nobody can use the session by it.
        created_at: When it began.
        last_used_at: When it was last used, to a tenth of its idle age.
        user_agent: What logged in, as it called itself.
        address: Where that came from.
        is_current: Whether it is that of the request.
    """

    id: str
    created_at: datetime
    last_used_at: datetime
    user_agent: str
    address: str
    is_current: bool


def remember_client(request: Request) -> None:
    """Remember in the session what logs in, where sessions can be listed."""
    if request.app.sessions.store.can_list:
        agent = request.headers.get("user-agent", "")[:_LONGEST_AGENT]
        address = "" if request.client is None else request.client.host
        request.session[CLIENT] = [agent, address]


def list_sessions(request: Request, user: Any = None) -> list[UserSession]:
    """List the sessions of a user that are not over, the one last used first.

    Args:
        request: Of the application that keeps them.
        user: Whose; the request's own when left out.

    Raises:
        ImproperlyConfigured: Sessions are kept in cookies.
    """
    key = str((request.user if user is None else user).pk)
    current = find_current(request)
    return [read_session(each, current) for each in get_store(request).list_of(key)]


async def alist_sessions(request: Request, user: Any = None) -> list[UserSession]:
    """List the sessions of a user, in async code."""
    key = str((await request.auser() if user is None else user).pk)
    current = find_current(request)
    return [read_session(each, current) for each in await get_store(request).alist_of(key)]


def end_other_sessions(request: Request) -> int:
    """End all sessions of the request's user but its own; returns how many those were.

    Raises:
        ImproperlyConfigured: Sessions are kept in cookies.
    """
    others = [each.id for each in list_sessions(request) if not each.is_current]
    return get_store(request).end(str(request.user.pk), others)


async def aend_other_sessions(request: Request) -> int:
    """End all sessions of the request's user but its own, in async code."""
    others = [each.id for each in await alist_sessions(request) if not each.is_current]
    return await get_store(request).aend(str(request.user.pk), others)


async def aend_session(request: Request, session_id: str) -> bool:
    """End one session of the request's user; tells whether there was such a one."""
    user = await request.auser()
    return await get_store(request).aend(str(user.pk), [session_id]) > 0


def get_store(request: Request) -> Store:
    """Return where the application keeps sessions."""
    store: Store = request.app.sessions.store
    return store


def find_current(request: Request) -> str:
    """Find the id of the request's own session; "" where it has none."""
    return "" if request.session.token is None else hash_key(request.session.token)


def read_session(listed: ListedSession, current: str) -> UserSession:
    """Read what a store keeps."""
    record = listed.record
    match record.data.get(CLIENT):
        case [str(agent), str(address)]:
            pass
        case _:
            agent = address = ""
    created, used = (datetime.fromtimestamp(at, UTC) for at in (record.created, record.refreshed))
    return UserSession(listed.id, created, used, agent, address, listed.id == current)

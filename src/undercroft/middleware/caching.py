"""What caches may keep of an answer, declared on its handler.

A decorator leaves a mark on the function; the endpoint is wrapped when the application is built.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypedDict, TypeVar, Unpack

from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.middleware.pipeline import Endpoint

H = TypeVar("H", bound=Callable[..., Any])
Wrap = Callable[[Endpoint], Endpoint]

#: The attribute of a handler that holds its wraps, innermost first.
_MARK = "endpoint_wraps"


class CacheDirectives(TypedDict, total=False):
    """The directives of Cache-Control (RFC 9111, section 5.2.2; RFC 5861; RFC 8246)."""

    max_age: int
    s_maxage: int
    public: bool
    private: bool
    no_cache: bool
    no_store: bool
    no_transform: bool
    must_revalidate: bool
    proxy_revalidate: bool
    must_understand: bool
    immutable: bool
    stale_while_revalidate: int
    stale_if_error: int


def cache_control(**directives: Unpack[CacheDirectives]) -> Callable[[H], H]:
    """Say what caches may keep of a handler's answers; a Cache-Control of the answer's own counts.

    An answer that sets a cookie, or that belongs to a request with Authorization, is for its client
    alone: shared caches are kept from it, whatever is said here.

    Raises:
        ValueError: `public` and `private` exclude each other.
    """
    if directives.get("public") and directives.get("private"):
        raise ValueError("cache_control(public=True, private=True): choose one of the two.")
    told = format_directives(directives)
    own = format_directives(keep_private(directives))

    def change(request: Request, response: Response) -> None:
        headers = response.headers
        is_personal = "set-cookie" in headers or request.headers.find(b"authorization") is not None
        headers.setdefault("cache-control", own if is_personal else told)

    return mark_changing(change)


def never_cache(handler: H) -> H:
    """Keep every cache, and the browser's list of pages, from a handler's answers."""
    never = cache_control(
        max_age=0, no_cache=True, no_store=True, must_revalidate=True, private=True
    )
    return never(handler)


def vary_on(*names: str) -> Callable[[H], H]:
    """Say which request headers a handler's answers depend on, such as "Cookie"."""

    def change(request: Request, response: Response) -> None:
        for name in names:
            response.headers.add_vary(name)

    return mark_changing(change)


def keep_private(directives: CacheDirectives) -> CacheDirectives:
    """Take back what is said to shared caches."""
    kept = directives.copy()
    kept.pop("public", None)
    kept.pop("s_maxage", None)
    kept.pop("proxy_revalidate", None)
    kept["private"] = True
    return kept


def format_directives(directives: CacheDirectives) -> str:
    """Write the field's value: `max_age=60, public=True` as `max-age=60, public`."""
    parts: list[str] = []
    for name, value in directives.items():
        spelled = name.replace("_", "-")
        if value is True:
            parts.append(spelled)
        elif value is not False and value is not None:
            parts.append(f"{spelled}={int(str(value))}")
    return ", ".join(parts)


# ------------------------------------------------------------------------------------ marks


def mark_changing(change: Callable[[Request, Response], None]) -> Callable[[H], H]:
    """Make a decorator whose handler's answers are changed before they leave."""

    def wrap(endpoint: Endpoint) -> Endpoint:
        async def answer(request: Request) -> Response:
            response = await settle(endpoint, request)
            change(request, response)
            return response

        return answer

    return lambda handler: mark(handler, wrap)


def mark(handler: H, wrap: Wrap) -> H:
    """Leave a mark on a handler: its endpoint is wrapped so when the application is built."""
    marked: Any = handler
    setattr(marked, _MARK, (*getattr(marked, _MARK, ()), wrap))
    return handler


def add_wraps(endpoint: Endpoint, marked: Sequence[object]) -> Endpoint:
    """Wrap an endpoint as the marks of a handler, of a view's method or of its class say."""
    for each in marked:
        for wrap in list_wraps(each):
            endpoint = wrap(endpoint)
    return endpoint


def list_wraps(marked: object) -> "Sequence[Wrap]":
    """List what `mark` has left on a handler, the innermost first."""
    wraps: Sequence[Wrap] = getattr(marked, _MARK, ())
    return wraps


async def settle(endpoint: Endpoint, request: Request) -> Response:
    """Answer, as an answer of this request alone, which may be changed."""
    response = await endpoint(request)
    return await response.resolve(request) if response.is_deferred else response

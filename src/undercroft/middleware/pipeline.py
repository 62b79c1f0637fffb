"""One contract for all middleware: a coroutine around the next.

async def timing(request, call_next):
    started = perf_counter()
    response = await call_next(request)
    response.headers["server-timing"] = f"app;dur={(perf_counter() - started) * 1000:.1f}"
    return response
"""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from undercroft.concurrency import ensure_loop
from undercroft.errors import ImproperlyConfigured
from undercroft.http.request import Request
from undercroft.http.responses import Response

Endpoint = Callable[[Request], Awaitable[Response]]
Middleware = Callable[[Request, Endpoint], Awaitable[Response]]


def compose(middleware: Sequence[Middleware], endpoint: Endpoint) -> Endpoint:
    """Put middleware around an endpoint, the first outermost; done once, at start."""
    for layer in reversed(middleware):
        endpoint = wrap(layer, endpoint)
    return endpoint


def wrap(layer: Middleware, call_next: Endpoint) -> Endpoint:
    """Put one middleware around what comes next."""
    # A plain function that returns the layer's own coroutine: one frame a layer, not two.
    return lambda request: layer(request, call_next)


def compose_route(middleware: Sequence[Middleware], endpoint: Endpoint) -> Endpoint:
    """Put a route's own middleware around its endpoint; nothing where it has none.

    Raises:
        ImproperlyConfigured: One of them is no middleware.
    """
    if not middleware:
        return endpoint

    async def settle(request: Request) -> Response:
        response = await endpoint(request)
        return await response.resolve(request) if response.is_deferred else response

    return compose(begin_on_loop([check_middleware(layer) for layer in middleware]), settle)


def begin_on_loop(middleware: Sequence[Middleware]) -> list[Middleware]:
    """Let the first get an event loop; those inside it have it then."""
    return [*map(on_loop, middleware[:1]), *middleware[1:]]


def check_middleware(layer: Middleware | Any) -> Middleware:
    """Return what can be called with a request and the next endpoint.

    Raises:
        ImproperlyConfigured: It is a class, takes other arguments, or does not wait.
    """
    name = getattr(layer, "__qualname__", type(layer).__qualname__)
    if inspect.isclass(layer):
        raise ImproperlyConfigured(
            f"The middleware {name} is a class.",
            hint=f"Give an instance. One that takes an application is for the protocol: "
            f"`app.add_asgi_middleware({name}, ...)` or `app.add_wsgi_middleware({name}, ...)`.",
            code="middleware.contract",
        )
    problem = find_problem(layer)
    if problem is not None:
        raise ImproperlyConfigured(
            f"The middleware {name} {problem}.",
            hint="Write `async def middleware(request, call_next)`, which returns a response.",
            code="middleware.contract",
        )
    checked: Middleware = layer
    return checked


def find_problem(layer: Any) -> str | None:
    """Find what keeps a value from being middleware; None where nothing does."""
    if not callable(layer):
        return "cannot be called"
    try:
        signature = inspect.signature(layer)
    except (TypeError, ValueError):
        return None
    try:
        signature.bind(None, None)
    except TypeError:
        return f"takes {signature}, not a request and what comes next"
    is_plain = inspect.isfunction(layer) and not inspect.iscoroutinefunction(layer)
    if is_plain and not hasattr(layer, "__wrapped__"):
        return "is a plain `def`, which cannot wait for what comes next"
    return None


def on_loop(layer: Middleware) -> Middleware:
    """Let a middleware wait for whatever it likes under WSGI too: it gets an event loop."""
    if not getattr(layer, "needs_loop", True):
        # It asks for one itself where it needs it.
        return layer

    async def middleware(request: Request, call_next: Endpoint) -> Response:
        await ensure_loop()
        return await layer(request, call_next)

    return middleware

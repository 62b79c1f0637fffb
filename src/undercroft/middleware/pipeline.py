"""One contract for all middleware: a coroutine around the next.

async def timing(request, call_next):
    started = perf_counter()
    response = await call_next(request)
    response.headers["server-timing"] = f"app;dur={(perf_counter() - started) * 1000:.1f}"
    return response
"""

from collections.abc import Awaitable, Callable, Sequence

from undercroft.concurrency import ensure_loop
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


def on_loop(layer: Middleware) -> Middleware:
    """Let a middleware wait for whatever it likes under WSGI too: it gets an event loop."""
    if not getattr(layer, "needs_loop", True):
        # It asks for one itself where it needs it.
        return layer

    async def middleware(request: Request, call_next: Endpoint) -> Response:
        await ensure_loop()
        return await layer(request, call_next)

    return middleware

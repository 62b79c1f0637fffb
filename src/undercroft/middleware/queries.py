"""In development, tell of requests that ask one query again and again, with file and line."""

from undercroft.db.watching import warn_of_repeated_queries
from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.middleware.pipeline import Endpoint


async def watch_queries(request: Request, call_next: Endpoint) -> Response:
    """Watch the queries of a request; the log has what was noticed."""
    with warn_of_repeated_queries():
        return await call_next(request)

"""Conditional requests for any handler: 304 for who has it already, 412 for who missed a change."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from hashlib import blake2b
from inspect import iscoroutinefunction
from typing import Any, TypeVar

from undercroft.concurrency import ensure_loop, run_in_thread
from undercroft.http.conditions import Validators, format_date, is_not_modified, quote_etag
from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.middleware.caching import mark, settle
from undercroft.middleware.pipeline import Endpoint

H = TypeVar("H", bound=Callable[..., Any])


def condition(
    etag_func: Callable[..., Any] | None = None,
    last_modified_func: Callable[..., Any] | None = None,
) -> Callable[[H], H]:
    """Answer conditions before the handler is called, by what is known of its answer.

    Both functions are called with the request and what its path captured, by name, and may be
    `async def`. They return None where there is nothing yet. With neither, GET is answered in
    full, and the hash of the body tells whether the client has it.

    Args:
        etag_func: Returns an entity tag; quotes are put around it.
        last_modified_func: Returns a moment with its zone.
    """
    if etag_func is None and last_modified_func is None:
        return lambda handler: mark(handler, wrap_by_hash)

    def wrap(endpoint: Endpoint) -> Endpoint:
        async def answer(request: Request) -> Response:
            etag: str | None = await ask(etag_func, request)
            modified: datetime | None = await ask(last_modified_func, request)
            validators = Validators(
                None if etag is None else quote_etag(etag),
                None if modified is None else modified.replace(microsecond=0),
            )
            if is_not_modified(request, validators):
                return add_validators(Response(b"", 304), validators)
            response = await settle(endpoint, request)
            is_read = request.method in {"GET", "HEAD"}
            return add_validators(response, validators) if is_read else response

        return answer

    return lambda handler: mark(handler, wrap)


async def conditional_get(request: Request, call_next: Endpoint) -> Response:
    """Answer 304 to who has an answer already: a middleware for every handler.

    Answers without an ETag get one, the hash of their body; streams have none.
    """
    response = await call_next(request)
    if response.is_deferred:
        response = await response.resolve(request)
    return answer_by_hash(request, response)


conditional_get.needs_loop = False  # type: ignore[attr-defined]  # a mark on a function


def wrap_by_hash(endpoint: Endpoint) -> Endpoint:
    """Answer conditions by the hash of the body."""

    async def answer(request: Request) -> Response:
        return answer_by_hash(request, await settle(endpoint, request))

    return answer


def answer_by_hash(request: Request, response: Response) -> Response:
    """Give a whole good answer to GET its ETag, or answer 304."""
    is_read = request.method in {"GET", "HEAD"}
    if not is_read or response.status_code != 200 or response.stream is not None:
        return response
    headers = response.headers
    headers.setdefault("etag", quote_etag(blake2b(response.body, digest_size=16).hexdigest()))
    if is_not_modified(request, Validators(headers["etag"])):
        response = response.without_body()
        response.status_code = 304
        del response.headers["content-length"]
    return response


def add_validators(response: Response, validators: Validators) -> Response:
    """Say which version it is, unless a good answer says so itself."""
    headers = response.headers
    if response.status_code < 400:
        if validators.etag is not None:
            headers.setdefault("etag", validators.etag)
        if validators.modified is not None:
            headers.setdefault("last-modified", format_date(validators.modified))
    return response


async def ask(function: Callable[..., Any] | None, request: Request) -> Any:
    """Call a function that knows a version, on the loop or beside it."""
    if function is None:
        return None
    if iscoroutinefunction(function):
        await ensure_loop()
        return await function(request, **request.path_params)
    return await run_in_thread(partial(function, request, **request.path_params))

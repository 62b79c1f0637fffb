"""Failures: whatever is raised further in becomes an answer here, and only here.

An `HTTPException` is an answer by itself, and so is the first of a task group that failed with
nothing else. Anything else is a fault of ours: it is logged with its traceback, shown in full to a
developer and not at all to anybody else. That includes what fails while an answer is built.
"""

import logging
import secrets
from collections.abc import Iterator
from ipaddress import IPv6Address, ip_address
from typing import cast

from undercroft.errors import (
    ClientDisconnected,
    FieldValueError,
    HTTPException,
    RequestValidationError,
    ServiceUnavailable,
    UndercroftError,
    ValidationError,
)
from undercroft.http.json import dump_json
from undercroft.http.request import Request
from undercroft.http.responses import BODILESS, HTMLResponse, PlainTextResponse, Response
from undercroft.middleware.debug_page import render_debug_page, render_debug_text
from undercroft.middleware.error_handlers import ErrorHandlers
from undercroft.middleware.error_page import render_error_page
from undercroft.middleware.hosts import AllowedHosts
from undercroft.middleware.missing_page import render_missing_page
from undercroft.middleware.pipeline import Endpoint
from undercroft.middleware.proxies import read_forwarded, split_port
from undercroft.routing.missing import RouteNotFound
from undercroft.settings import LOCAL_HOSTS

logger = logging.getLogger("undercroft.request")

#: The debug page shows source and values, so it answers to this machine's own names only,
#: whatever `allowed_hosts` says: a foreign name may be DNS rebinding.
_LOCAL = AllowedHosts([*LOCAL_HOSTS, ".localhost", "testserver"])

#: What is an answer, or the lack of anybody to answer, inside a task group as outside.
_EXPECTED = (HTTPException, ClientDisconnected, ValidationError)

#: Seconds after which a client may try again where the database is busy or not there.
RETRY_AFTER = "1"


class Failures:
    """Answer exceptions.

    Args:
        debug: Show source and values to a developer at this machine: one who asks for it by a
            local name (`localhost`) from a local address. Whoever looks from another machine or
            out of a container finds the traceback in the log.
        handlers: The application's own answers to exceptions.
    """

    def __init__(self, *, debug: bool, handlers: ErrorHandlers | None = None) -> None:
        self.debug = debug
        self._handlers = ErrorHandlers({}) if handlers is None else handlers

    async def __call__(self, request: Request, call_next: Endpoint) -> Response:
        """Go on, and answer what is raised."""
        try:
            response = await call_next(request)
            # What a middleware made itself was not settled where handlers' answers are.
            response = await response.resolve(request) if response.is_deferred else response
        except Exception as error:  # noqa: BLE001 - `answer` logs it
            request.drop_afterwards()
            raised = find_expected(error)
            if isinstance(raised, ClientDisconnected):
                raise raised from None
            response = await self.handle(request, raised)
        return response if request.finishings is None else await self.finish(request, response)

    async def handle(self, request: Request, error: Exception) -> Response:
        """Answer an exception by the application's own handler, else as `answer` does."""
        handler = self._handlers.find(error)
        if handler is None:
            return self.answer(request, error)
        if handler.is_last_resort and not isinstance(error, HTTPException):
            if self.debug and is_local(request):
                return self.answer(request, error)
            logger.error("%s %s failed", request.method, printable(request.path), exc_info=error)
        try:
            return await handler.answer(request, error)
        except ClientDisconnected:
            raise
        except Exception as failed:  # noqa: BLE001 - `answer` logs it
            if failed.__context__ is None and failed is not error:
                failed.__context__ = error  # A thread does not know what is being handled here.
            return self.answer(request, failed)

    async def finish(self, request: Request, response: Response) -> Response:
        """Do what was left for the moment before the answer is sent; what fails is answered."""
        try:
            for function in request.finishings or ():
                await function(response)
        except Exception as error:  # noqa: BLE001 - `answer` logs it
            request.drop_afterwards()
            await response.close()
            return self.answer(request, error)
        return response

    def answer(self, request: Request, error: Exception) -> Response:
        """Answer an exception, whatever fails on the way: the last resort is a plain 500."""
        for build in (self.build_answer, self.build_failure):
            try:
                return build(request, error)
            except Exception as failed:
                logger.exception(
                    "%s %s: the answer could not be built",
                    request.method,
                    printable(request.path),
                )
                error = failed
        return PlainTextResponse("500 Internal Server Error", 500)

    def build_answer(self, request: Request, error: Exception) -> Response:
        """Build the answer to an exception, and log what is ours to mend."""
        if isinstance(error, RouteNotFound) and error.tried and self.debug:
            return build_missing_response(request, error)
        if isinstance(error, HTTPException):
            return build_error_response(request, error)
        if isinstance(error, ValidationError):
            return build_error_response(request, RequestValidationError(error.list_problems()))
        if isinstance(error, FieldValueError):
            # Most such values come from outside; whose does not is found by the log.
            path = printable(request.path)
            logger.warning("%s %s: %s", request.method, path, error, exc_info=error)
            problem = {"location": ["body"], "message": error.message, "code": error.code}
            return build_error_response(request, RequestValidationError([problem]))
        if (temporary := find_temporary(error)) is not None:
            logger.error("%s %s: %s", request.method, printable(request.path), temporary)
            answer = ServiceUnavailable(headers={"retry-after": RETRY_AFTER}, code=temporary.code)
            return build_error_response(request, answer)
        note_forgotten_await(error)
        logger.error("%s %s failed", request.method, printable(request.path), exc_info=error)
        return self.build_failure(request, error)

    def build_failure(self, request: Request, error: Exception) -> Response:
        """Build the answer to a fault of ours: everything for a developer, else nothing."""
        if not self.debug or not is_local(request):
            return build_error_response(request, HTTPException(500, code="server.error"))
        method, path, headers = request.method, request.path, request.headers.items_list()
        if not prefers_html(request):
            return PlainTextResponse(
                render_debug_text(error, method=method, path=path, headers=headers), 500
            )
        nonce = secrets.token_urlsafe(16)
        page = render_debug_page(error, method=method, path=path, headers=headers, nonce=nonce)
        return HTMLResponse(page, 500, {"content-security-policy": build_policy(nonce)})


def find_expected(error: Exception) -> Exception:
    """Find the first exception of a group that holds nothing but answers; else return it."""
    leaves = list(list_leaves(error))
    expected = all(isinstance(leaf, _EXPECTED) or find_temporary(leaf) for leaf in leaves)
    return leaves[0] if expected else error


def find_temporary(error: Exception) -> UndercroftError | None:
    """Find what failed and may work a little later; None where it is no such error."""
    if type(error).__module__.startswith("sqlalchemy."):
        # A Session's error, so that SQLAlchemy is there already; nobody else pays for it.
        from undercroft.db.connections.failures import translate  # noqa: PLC0415

        translated = translate(error)
    else:
        translated = error
    return (
        translated if isinstance(translated, UndercroftError) and translated.is_temporary else None
    )


def note_forgotten_await(error: Exception) -> None:
    """Note on an error that a coroutine stands where its result belongs."""
    if isinstance(error, AttributeError | TypeError) and "coroutine" in str(error):
        error.add_note("Was an `await` forgotten, in front of the call that made the coroutine?")


def list_leaves(error: Exception) -> Iterator[Exception]:
    """List the exceptions in a group, however deep, in the order they were raised."""
    if not isinstance(error, ExceptionGroup):
        yield error
        return
    for inner in cast("ExceptionGroup[Exception]", error).exceptions:
        yield from list_leaves(inner)


def is_local(request: Request) -> bool:
    """Tell whether a request comes from this machine and was made to one of its own names."""
    try:
        _LOCAL.check(request.headers.find(b"host") or b"")
    except HTTPException:
        return False
    if request.client is not None and not is_loopback(request.client.host):
        return False
    return all(map(is_loopback, list_forwarded(request)))


def list_forwarded(request: Request) -> list[str]:
    """List whom a proxy says it speaks for, trusted or not: one at this machine has its address."""
    headers = request.headers
    hops = [hop for value in headers.getlist("forwarded") for hop in read_forwarded(value.encode())]
    told = [hop.get("for", "") for hop in hops]
    told += [part for line in headers.getlist("x-forwarded-for") for part in line.split(",")]
    return [split_port(each.strip())[0] for each in told]


def is_loopback(host: str) -> bool:
    """Tell whether an address is this machine's: loopback, a Unix socket, or a test client."""
    try:
        address = ip_address(host)
    except ValueError:
        # Only what speaks no IP has a name here: a test client, or a Unix socket's path.
        return host in ("", "testclient") or host.startswith(("/", "unix:"))
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback


def prefers_html(request: Request) -> bool:
    """Tell whether the client is a browser asking for a page."""
    return "text/html" in request.headers.get("accept", "")


def build_missing_response(request: Request, error: RouteNotFound) -> Response:
    """Answer a path that no route has with the routes there are, where a developer looks."""
    if not (is_local(request) and prefers_html(request)):
        return build_error_response(request, error)
    nonce = secrets.token_urlsafe(16)
    page = render_missing_page(request.method, request.path, error.hint, error.tried, nonce)
    return HTMLResponse(page, 404, {"content-security-policy": build_policy(nonce)})


def build_error_response(request: Request, error: HTTPException) -> Response:
    """Answer as problem details (RFC 9457), or with a plain page where a browser asks."""
    if error.status_code in BODILESS:
        return Response(b"", error.status_code, error.headers)
    problem = error.to_problem()
    if prefers_html(request):
        nonce = secrets.token_urlsafe(16)
        headers = {"content-security-policy": build_policy(nonce), **error.headers}
        return HTMLResponse(render_error_page(problem, nonce), error.status_code, headers)
    return Response(
        dump_json(problem), error.status_code, error.headers, "application/problem+json"
    )


def build_policy(nonce: str) -> str:
    """Build the content security policy of our own pages: their style sheet and nothing else."""
    return f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'"


def printable(text: str) -> str:
    """Escape control characters, so that no request can write its own log lines."""
    return text.encode("unicode_escape").decode("ascii") if not text.isprintable() else text

"""One transaction for each unsafe request: all of its writes, or none.

It is opened by the first query, committed before the first byte of the answer, and rolled back
when the handler raises or answers with a 5xx. Safe methods read in autocommit.
"""

from collections.abc import Awaitable

from undercroft.db.connections.transactions import RequestTransaction
from undercroft.errors import Conflict, IntegrityError
from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.middleware.pipeline import Endpoint

#: RFC 9110, section 9.2.1.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

_FIRST_SERVER_ERROR = 500


def run_in_transaction(request: Request, call_next: Endpoint) -> Awaitable[Response]:
    """Run an unsafe request in one transaction; a safe one goes on with no frame of ours."""
    if request.method in SAFE_METHODS:
        return call_next(request)
    return run_unsafe(request, call_next)


async def run_unsafe(request: Request, call_next: Endpoint) -> Response:
    """Open the transaction, go on, and end it as the answer says."""
    transaction = RequestTransaction()
    transaction.begin()
    try:
        response = await call_next(request)
    except BaseException:
        await transaction.rollback()
        raise
    if response.status_code >= _FIRST_SERVER_ERROR:
        await transaction.rollback()
    else:
        await commit(transaction)
    return response


async def commit(transaction: RequestTransaction) -> None:
    """Commit.

    Raises:
        Conflict: The database checks a deferred constraint only now, and refuses.
    """
    try:
        await transaction.commit()
    except IntegrityError as error:
        raise Conflict(
            "What was sent does not fit what is stored.",
            hint="Another row may have the same values, or one it refers to may be gone.",
            code="api.conflict",
        ) from error

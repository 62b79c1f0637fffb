"""One transaction for each unsafe request: all of its writes, or none.

It is opened by the first query, committed before the first byte of the answer, and rolled back
when the handler raises or answers with a 5xx. Safe methods read in autocommit. Which methods of
which routes are meant is known when the application is built, so that others pay nothing.
"""

from collections.abc import Callable, Iterable

from undercroft.db.connections.transactions import RequestTransaction
from undercroft.errors import Conflict, IntegrityError
from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.middleware.pipeline import Endpoint

#: RFC 9110, section 9.2.1.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

_FIRST_SERVER_ERROR = 500


def add_transactions(
    endpoint: Endpoint, methods: Iterable[str], is_atomic: Callable[[str], bool]
) -> Endpoint:
    """Put the request's transaction around an endpoint, for those methods that want one.

    Args:
        endpoint: Answers the methods.
        methods: Which those are.
        is_atomic: Tells whether a method wants one.
    """
    chosen = {method: is_atomic(method) for method in methods}
    if not any(chosen.values()):
        return endpoint
    wrapped = wrap_in_transaction(endpoint)
    if all(chosen.values()):
        return wrapped
    # HEAD, which a route may answer without naming it, goes the way of GET.
    return lambda request: (wrapped if chosen.get(request.method) else endpoint)(request)


def wrap_in_transaction(endpoint: Endpoint) -> Endpoint:
    """Open the transaction, go on, and end it as the answer says."""

    async def answer(request: Request) -> Response:
        transaction = RequestTransaction()
        transaction.begin()
        try:
            response = await endpoint(request)
            if response.is_deferred:
                response = await response.resolve(request)
        except BaseException:
            await transaction.rollback()
            raise
        if response.status_code >= _FIRST_SERVER_ERROR:
            await transaction.rollback()
        else:
            try:
                await commit(transaction)
            except BaseException:
                request.drop_afterwards()
                raise
        return response

    return answer


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

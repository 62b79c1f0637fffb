"""The whole exception tree.

    UndercroftError                       what was wrong, what was expected, how to mend it, a code
    ├── ImproperlyConfigured              a mistake found at start: settings, routes, plans, models
    │   ├── RouteConflictError            two routes answer the same requests
    │   └── AppNotFoundError              a command found no application to work on
    ├── SynchronousOnlyOperation          a blocking call on the event loop
    ├── NoReverseMatch                    `url_for` knows no such route
    ├── TemplateDoesNotExist              no template folder holds the file
    ├── StaticFileNotFound                a template or style sheet names a file that is not there
    ├── SerializationError                a handler answered with something that cannot be sent
    ├── DatabaseError                     the database refused or failed
    │   ├── DatabaseUnavailable           it could not be reached, or no connection came free
    │   ├── DatabaseTimeout               a statement took too long
    │   │   └── LockTimeout               it waited too long for what others hold
    │   ├── TransactionConflict           it got in the way of another one, and may be run again
    │   ├── TransactionManagementError    a block is opened, used or ended where it cannot be
    │   ├── IntegrityError                a constraint was violated
    │   │   ├── UniqueViolation           another row has the same values
    │   │   ├── ForeignKeyViolation       a row refers to one that does not exist
    │   │   │   └── ProtectedError        a row cannot go, for others refer to it
    │   │   ├── NotNullViolation          a value is missing
    │   │   ├── CheckViolation            a check constraint refuses a row
    │   │   └── ExclusionViolation        a row overlaps another (PostgreSQL)
    │   └── MigrationError                the migrations and the database do not fit together
    ├── CacheUnavailable                  the cache could not be reached, or did not answer in time
    ├── MailError                         a message cannot be sent
    │   ├── MailUnavailable               the mail server is not reached, or asks to come later
    │   └── MailRefused                   it takes a message for none of its recipients
    ├── BadHeaderError                    something of a message cannot stand in a header
    ├── FixtureError                      rows cannot be written to a file, or stored from one
    ├── FieldError                        a query names a field or lookup that does not exist
    ├── FieldValueError                   a value does not fit its field
    ├── ValidationError                   values were checked and are wrong, by field
    ├── TooManyQueriesError               a block asked the database more than it may
    ├── RepeatedQueryError                one line asked the same query again and again
    ├── ObjectDoesNotExist                `get()` found no row
    ├── MultipleObjectsReturned           `get()` found more than one row
    ├── BodyConsumedError                 the request's body was streamed and is gone
    ├── ClientDisconnected                the client went away while its request was read
    │   └── WebSocketDisconnect           the other end of a WebSocket is gone
    ├── WebSocketException                a WebSocket is to be closed, with a code and a reason
    ├── WebSocketStateError               a WebSocket is used before or after its time
    └── HTTPException                     an answer with a status, as problem details (RFC 9457)
        ├── BadRequest                    400
        ├── NotAuthenticated              401
        ├── PermissionDenied              403
        ├── NotFound                      404
        ├── MethodNotAllowed              405, with Allow
        ├── NotAcceptable                 406
        ├── Conflict                      409
        ├── ContentTooLarge               413
        ├── UnsupportedMediaType          415
        ├── RangeNotSatisfiable           416
        ├── RequestValidationError        422, with every mistake and its location
        ├── TooManyRequests               429, with Retry-After
        └── ServiceUnavailable            503

Names are Django's, REST framework's or FastAPI's where those have one.
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar, TypedDict, Unpack, cast


class UndercroftError(Exception):
    """The root of everything undercroft raises on purpose.

    Args:
        message: What was wrong, with the offending value, and what was expected.
        hint: How to mend it.
        code: A stable name that leads to the documentation; the class has a default.

    Attributes:
        is_temporary: Whether the same may work a little later: a request is answered 503, with
            Retry-After.
    """

    code: str = "undercroft"
    is_temporary: ClassVar[bool] = False

    def __init__(self, message: str = "", *, hint: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        """Join message, hint and code into the line a person reads."""
        return " ".join(part for part in (self.message, self.hint, f"[{self.code}]") if part)


class ImproperlyConfigured(UndercroftError):
    """A mistake in settings, routes, handlers or models, found before the first request."""

    code = "config"


class RouteConflictError(ImproperlyConfigured):
    """Two routes answer the same requests, so one of them could never be reached."""

    code = "routing.conflict"


class AppNotFoundError(ImproperlyConfigured):
    """A command was given, or found, no application to work on."""

    code = "cli.no-app"


class SynchronousOnlyOperation(UndercroftError):
    """A blocking call was made on the event loop; the message names its async twin."""

    code = "async.blocking"


class NoReverseMatch(UndercroftError):
    """`url_for` was asked for a route, or with parameters, that do not exist."""

    code = "routing.no-reverse"


class TemplateDoesNotExist(UndercroftError):
    """No template folder holds the file; the message lists the folders that were tried."""

    code = "templates.missing"


class StaticFileNotFound(UndercroftError):
    """A template or a style sheet names a static file that does not exist."""

    code = "static.missing"


class SerializationError(UndercroftError):
    """A handler answered with something that cannot be sent as it is."""

    code = "binding.answer"


class DatabaseError(UndercroftError):
    """The database refused a statement or failed; `__cause__` is the driver's error."""

    code = "db.error"


class DatabaseUnavailable(DatabaseError):
    """The database could not be reached, or no connection came free in time."""

    code = "db.unavailable"
    is_temporary = True


class DatabaseTimeout(DatabaseError):
    """A statement took longer than it may (`statement_timeout`), and was cancelled."""

    code = "db.statement-timeout"
    is_temporary = True


class LockTimeout(DatabaseTimeout):
    """A statement waited longer than it may for what another transaction holds."""

    code = "db.lock-timeout"
    is_temporary = True


class TransactionConflict(DatabaseError):
    """Transactions got in each other's way: a deadlock, or an order that cannot be serialized.

    Nothing of this one is stored, and it may be run again from its beginning, which
    `@atomic(retry=...)` does.
    """

    code = "db.conflict"
    is_temporary = True


class TransactionManagementError(DatabaseError, RuntimeError):
    """A transaction's block is opened, used or ended where it cannot be."""

    code = "db.transaction"


class Violated(TypedDict, total=False):
    """What an `IntegrityError` knows of the constraint; see there."""

    model: type[Any] | None
    fields: tuple[str, ...]
    table: str
    columns: tuple[str, ...]
    constraint: str
    database: str


class IntegrityError(DatabaseError):
    """A constraint of the database was violated.

    What a database does not tell, and the models do not either, is empty or None.

    Attributes:
        model: The model whose row breaks the constraint.
        fields: The names of its fields, a relation by its own name.
        table: The table of that row.
        columns: The columns of those fields.
        constraint: The constraint's name.
        database: The database's name, as in `using`.
    """

    code = "db.integrity"
    model: type[Any] | None = None
    fields: tuple[str, ...] = ()
    table: str = ""
    columns: tuple[str, ...] = ()
    constraint: str = ""
    database: str = ""

    def __init__(
        self,
        message: str = "",
        *,
        hint: str = "",
        code: str | None = None,
        **violated: Unpack[Violated],
    ) -> None:
        super().__init__(message, hint=hint, code=code)
        self.__dict__.update(violated)


class UniqueViolation(IntegrityError):
    """Another row has the same values in fields that must be unique."""

    code = "db.unique-violation"


class ForeignKeyViolation(IntegrityError):
    """A row refers to one that does not exist."""

    code = "db.foreign-key-violation"


class ProtectedError(ForeignKeyViolation):
    """A row cannot be deleted: others refer to it, by a relation that protects it.

    Its `model` is that of the rows that refer.
    """

    code = "db.protected"


#: Django has two names; databases have one deed.
RestrictedError = ProtectedError


class NotNullViolation(IntegrityError):
    """A field that needs a value has none."""

    code = "db.not-null-violation"


class CheckViolation(IntegrityError):
    """A check constraint refuses the row."""

    code = "db.check-violation"


class ExclusionViolation(IntegrityError):
    """The row overlaps another, which an exclusion constraint forbids (PostgreSQL)."""

    code = "db.exclusion-violation"


class MigrationError(DatabaseError):
    """The migrations and the database do not fit together."""

    code = "migrations"


class CacheUnavailable(UndercroftError):
    """The cache could not be reached, or did not answer in time; `__cause__` says more."""

    code = "cache.unavailable"
    is_temporary = True


class MailError(UndercroftError):
    """A message cannot be sent; `__cause__` says more."""

    code = "mail"


class MailUnavailable(MailError):
    """The mail server is not reached, does not answer in time, or asks to come later."""

    code = "mail.unavailable"
    is_temporary = True


class MailRefused(MailError):
    """The mail server refuses a message: its sender, all its recipients, or what it says.

    Attributes:
        sent: How many others of the same call were sent.
    """

    code = "mail.refused"
    sent: int = 0


class BadHeaderError(UndercroftError, ValueError):
    """Something of a message, often a line break, cannot stand in a header; nothing was sent."""

    code = "mail.header"


class FixtureError(UndercroftError):
    """Rows cannot be written to a file, or those of a file not be stored; nothing was."""

    code = "fixtures"


class FieldError(UndercroftError):
    """A query names a field or lookup that does not exist."""

    code = "db.unknown-field"


class FieldValueError(UndercroftError):
    """A value does not fit its field."""

    code = "db.field-value"


#: The key of messages that are about no single field.
NON_FIELD_ERRORS = "__all__"


class ValidationError(UndercroftError):
    """Values were checked and are wrong. Where a handler lets it escape, the answer is a 422.

    Args:
        message: What is wrong: one message, a list of messages or of such errors, or any of
            these under the name of each field.
        code: The mistake's name, for a single message.
        params: Put into a single message by `%`, as in `"%(value)s is odd."`.

    Attributes:
        error_list: The single mistakes, each with its `message` and `code`.
        error_dict: The same by field; under `NON_FIELD_ERRORS` where no field was named.
    """

    code = "invalid"

    def __init__(
        self, message: Any, code: str | None = None, params: Mapping[str, Any] | None = None
    ) -> None:
        self.params = dict(params or {})
        self.error_dict: dict[str, list[ValidationError]]
        if isinstance(message, str):
            super().__init__(message % self.params if params else message, code=code)
            self.error_dict = {NON_FIELD_ERRORS: [self]}
            return
        self.error_dict = _sort_by_field(message, code)
        super().__init__(" ".join(_list_lines(self.error_dict)), code=code)

    @property
    def error_list(self) -> "list[ValidationError]":
        """The single mistakes, whichever field they are of."""
        return [error for errors in self.error_dict.values() for error in errors]

    @property
    def messages(self) -> list[str]:
        """The messages, whichever field they are of."""
        return [error.message for error in self.error_list]

    @property
    def message_dict(self) -> dict[str, list[str]]:
        """The messages by field."""
        return {
            name: [error.message for error in errors] for name, errors in self.error_dict.items()
        }

    def list_problems(self) -> list[dict[str, Any]]:
        """List the mistakes as `RequestValidationError` does."""
        return [
            {
                "location": ["body"] if name == NON_FIELD_ERRORS else ["body", name],
                "message": error.message,
                "code": error.code,
            }
            for name, errors in self.error_dict.items()
            for error in errors
        ]


def _sort_by_field(given: Any, code: str | None) -> dict[str, list[ValidationError]]:
    if isinstance(given, ValidationError):
        return given.error_dict
    if isinstance(given, Mapping):
        named = cast("Mapping[str, Any]", given)
        return {name: ValidationError(inner, code).error_list for name, inner in named.items()}
    found: dict[str, list[ValidationError]] = {}
    for inner in given:
        for name, errors in ValidationError(inner, code).error_dict.items():
            found.setdefault(name, []).extend(errors)
    return found


def _list_lines(by_field: Mapping[str, Sequence[ValidationError]]) -> list[str]:
    return [
        error.message if name == NON_FIELD_ERRORS else f"{name}: {error.message}"
        for name, errors in by_field.items()
        for error in errors
    ]


class TooManyQueriesError(UndercroftError, AssertionError):
    """A block asked the database more than `max_queries` allows."""

    code = "db.too-many-queries"


class RepeatedQueryError(UndercroftError, AssertionError):
    """One line asked the same query again and again, where that is forbidden."""

    code = "db.repeated-query"


class ObjectDoesNotExist(UndercroftError):
    """`get()` found no row. Every model has its own subclass, `Model.DoesNotExist`."""

    code = "db.not-found"


class MultipleObjectsReturned(UndercroftError):
    """`get()` found more than one row."""

    code = "db.multiple"


class BadSignature(UndercroftError):
    """A signed value was changed, signed elsewhere or for something else, or is too old."""

    code = "security.bad-signature"


class BodyConsumedError(UndercroftError):
    """The body of a request was read piece by piece, and is asked for again."""

    code = "http.body-consumed"


class ClientDisconnected(UndercroftError):
    """The client went away while its request was read: there is nobody to answer."""

    code = "http.disconnected"


class WebSocketDisconnect(ClientDisconnected):
    """The other end of a WebSocket is gone: there will be no more messages.

    Attributes:
        close_code: Of RFC 6455, section 7.4; 1006 where the connection just ended.
        reason: What was said with it.
    """

    code = "websocket.disconnected"

    def __init__(self, close_code: int = 1005, reason: str = "") -> None:
        self.close_code = close_code
        self.reason = reason
        super().__init__(
            f"The WebSocket was closed with {close_code}" + f" ({reason})." * bool(reason)
        )


class WebSocketException(UndercroftError):
    """Close a WebSocket with a code and a reason; before it is accepted, refuse it with 403.

    Args:
        close_code: Of RFC 6455, section 7.4, for example 1008 where a rule forbids something.
        reason: Told to the client; what is over 123 bytes is cut off.
    """

    code = "websocket.closed"

    def __init__(self, close_code: int, reason: str = "") -> None:
        self.close_code = close_code
        self.reason = reason
        super().__init__(
            f"The WebSocket is to be closed with {close_code}: {reason or 'no reason'}"
        )


class WebSocketStateError(UndercroftError):
    """A WebSocket is used before it was accepted, or accepted twice."""

    code = "websocket.state"


#: What a header may be: `token:text` in ISO 8859-1 without line breaks (RFC 9110, section 5).
_HEADER = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*")


class HTTPException(UndercroftError):
    """Answer the request with a status, as problem details (RFC 9457).

    Args:
        status_code: The HTTP status, 400 to 599.
        detail: What to tell the client; the status's own phrase when left out.
        headers: Sent with the answer.
        code: A stable, machine-readable name of the problem.
        extra: Further members of the problem details object (RFC 9457, section 3.2).

    Raises:
        ValueError: The status is no error's, or a header cannot be sent.
    """

    status_code: int = 500
    code = "http"

    def __init__(  # noqa: PLR0913 - FastAPI's and RFC 9457's members, all optional
        self,
        status_code: int | None = None,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        code: str | None = None,
        hint: str = "",
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        self.status_code = status_code if status_code is not None else type(self).status_code
        self.detail = detail if detail is not None else find_phrase(self.status_code)
        self.headers = dict(headers or {})
        check_error_answer(self.status_code, self.headers)
        self.extra = dict(extra or {})
        super().__init__(self.detail, hint=hint, code=code)

    def to_problem(self) -> dict[str, Any]:
        """Build the problem details object (RFC 9457, section 3.1)."""
        problem: dict[str, Any] = {
            "type": "about:blank",
            "title": find_phrase(self.status_code),
            "status": self.status_code,
            "detail": self.detail,
            "code": self.code,
        }
        if self.hint:
            problem["hint"] = self.hint
        return {**problem, **self.extra}


class _StatusException(HTTPException):
    """An `HTTPException` whose class fixes the status, so that the detail comes first."""

    default_detail: ClassVar[str | None] = None

    def __init__(
        self,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        code: str | None = None,
        hint: str = "",
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(
            None, detail or self.default_detail, headers=headers, code=code, hint=hint, extra=extra
        )


class BadRequest(_StatusException):
    """400: the request cannot be read, for example malformed JSON."""

    status_code = 400
    code = "http.bad-request"


class NotAuthenticated(_StatusException):
    """401: no valid credentials came with the request."""

    status_code = 401
    code = "http.not-authenticated"


class PermissionDenied(_StatusException):
    """403: the caller is known and may not do this."""

    status_code = 403
    code = "http.permission-denied"


class NotFound(_StatusException):
    """404: nothing answers at this address."""

    status_code = 404
    code = "http.not-found"


class MethodNotAllowed(_StatusException):
    """405: the address exists, not for this method; `allowed` becomes the Allow header."""

    status_code = 405
    code = "http.method-not-allowed"

    def __init__(self, method: str, allowed: Sequence[str]) -> None:
        self.allowed = tuple(allowed)
        allow = ", ".join(self.allowed)
        super().__init__(
            f"{method} is not allowed here; use one of: {allow}.", headers={"allow": allow}
        )


class NotAcceptable(_StatusException):
    """406: nothing the client accepts can be made."""

    status_code = 406
    code = "http.not-acceptable"


class Conflict(_StatusException):
    """409: the request does not fit the state of what it addresses."""

    status_code = 409
    code = "http.conflict"


class ContentTooLarge(_StatusException):
    """413: the body is larger than the limit in force."""

    status_code = 413
    code = "http.content-too-large"


class UnsupportedMediaType(_StatusException):
    """415: the handler does not read this kind of body."""

    status_code = 415
    code = "http.unsupported-media-type"


class RangeNotSatisfiable(_StatusException):
    """416: the range asked for lies outside the content."""

    status_code = 416
    code = "http.range-not-satisfiable"


class RequestValidationError(_StatusException):
    """422: the request was read, and its values are wrong.

    `errors` lists every mistake at once, each with `location` (for example
    `["query", "limit"]`), `message`, `code` and, when it can be shown, `value`.
    """

    status_code = 422
    code = "request.invalid"

    def __init__(self, errors: Sequence[Mapping[str, Any]]) -> None:
        self.errors = [dict(error) for error in errors]
        count = len(self.errors)
        wrong = "1 value is" if count == 1 else f"{count} values are"
        super().__init__(f"{wrong} not as expected.", extra={"errors": self.errors})


class TooManyRequests(_StatusException):
    """429: more of these came than may, and Retry-After says when to go on."""

    status_code = 429
    code = "http.too-many-requests"


class ServiceUnavailable(_StatusException):
    """503: a part the answer needs, such as the database, is not available now."""

    status_code = 503
    code = "http.service-unavailable"


def find_phrase(status_code: int) -> str:
    """Find the reason phrase of a status (RFC 9110, section 15), or a plain one."""
    try:
        return HTTPStatus(status_code).phrase
    except ValueError:
        return "Error"


def check_error_answer(status_code: int, headers: Mapping[str, str]) -> None:
    """Refuse at the `raise` what would only fail when the answer is sent.

    Raises:
        ValueError: The status is no error's, or a header cannot be sent.
    """
    if status_code not in range(400, 600):
        raise ValueError(f"Status {status_code!r} is no error's; those are 400 to 599.")
    for field in headers.items():
        if not _HEADER.fullmatch(":".join(map(str, field))):
            raise ValueError(f"Header {field!r} is no field of one line in ISO 8859-1.")

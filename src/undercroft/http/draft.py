"""What a handler says of its answer beside what it returns: FastAPI's `response: Response`."""

from functools import partial

from undercroft.errors import UndercroftError
from undercroft.http.request import Request
from undercroft.http.responses import BODILESS, Response, check_status

#: What None is answered with.
_NOTHING = (b"", b"null")


class ResponseDraft(Response):
    """Headers, cookies and, if told, a status for the answer to come.

    A handler and its dependencies that ask for a `Response` share one; a failure is without it.

    Attributes:
        told_status: The status, as far as somebody has set it.
    """

    told_status: int | None = None

    def __init__(self) -> None:
        self.body = b""
        self.raw_headers = []

    @property  # type: ignore[override]  # one that is not told is the route's own
    def status_code(self) -> int | None:
        """The status; None leaves it to the route."""
        return self.told_status

    @status_code.setter
    def status_code(self, status_code: int) -> None:
        self.told_status = check_status(status_code)

    @classmethod
    def of(cls, request: Request) -> "ResponseDraft":
        """Return the draft of a request, which `apply` is going to fill in."""
        if request.draft is None:
            request.draft = cls()
            request.call_before_answer(partial(cls.fill_in, request))
        draft: ResponseDraft = request.draft
        return draft

    @staticmethod
    async def fill_in(request: Request, response: Response) -> None:
        """Say in the answer what the draft has, unless the request has failed meanwhile."""
        if request.draft is not None:
            await request.draft.apply(request, response)

    async def apply(self, request: Request, response: Response) -> None:
        """Say it in the answer.

        Raises:
            UndercroftError: The status allows no body, and the answer has one.
        """
        settled = await self.resolve(request)
        headers = response.headers
        for name, value in settled.raw_headers:
            if name == b"set-cookie":
                response.raw_headers.append((name, value))
            else:
                headers[name.decode("latin-1")] = value.decode("latin-1")
        if self.told_status is not None:
            if self.told_status in BODILESS:
                self._drop_body(response)
            response.status_code = self.told_status

    def _drop_body(self, response: Response) -> None:
        if response.body not in _NOTHING or response.stream is not None:
            raise UndercroftError(
                f"The status was set to {self.told_status}, which has no body, and the handler"
                " returned one.",
                hint="Return None, or set another status.",
                code="http.draft-status",
            )
        response.body = b""
        response.raw_headers[:] = [
            field for field in response.raw_headers if not field[0].startswith(b"content-")
        ]

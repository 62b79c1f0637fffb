"""Security schemes: dependencies that read a caller's credentials and tell OpenAPI of them.

    def get_user(token: Annotated[str, Depends(OAuth2PasswordBearer(tokenUrl="token"))]) -> User

A scheme reads; whether what it read is good is for the dependency behind it to say. Names and
arguments are those of `fastapi.security`.
"""

from typing import Any, ClassVar, Generic, TypeVar

from undercroft.errors import NotAuthenticated
from undercroft.http.request import Request

T = TypeVar("T")


class SecurityScheme(Generic[T]):
    """A way to send credentials.

    Args:
        scheme_name: What OpenAPI calls it; its class's name when left out.
        description: For OpenAPI; Markdown.
        auto_error: Whether a request without credentials is answered 401; it is None otherwise.
    """

    #: What `WWW-Authenticate` asks for (RFC 9110, section 11.6.1).
    challenge: str = ""
    #: Reading a header needs no thread.
    is_at_hand: ClassVar[bool] = True

    def __init__(
        self,
        *,
        scheme_name: str | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        self.scheme_name = scheme_name or type(self).__name__
        self.description = description
        self.auto_error = auto_error

    def __call__(self, request: Request) -> T | None:
        """Read the credentials of a request.

        Raises:
            NotAuthenticated: There are none, or none that can be read, and `auto_error` is set.
        """
        found = self.find_credentials(request)
        if found is None and self.auto_error:
            raise self.make_not_authenticated_error()
        return found

    def find_credentials(self, request: Request) -> T | None:
        """Find the credentials, or None."""
        raise NotImplementedError

    def make_not_authenticated_error(self) -> NotAuthenticated:
        """Make the answer to a request without credentials; a subclass may make another one."""
        return NotAuthenticated(
            "No credentials came with the request.",
            headers={"WWW-Authenticate": self.challenge},
            hint=f"Send {self.explain()}.",
            code="security.no-credentials",
        )

    def explain(self) -> str:
        """Say in words where the credentials belong."""
        return f"the header Authorization: {self.challenge.split()[0]} <credentials>"

    def describe(self) -> dict[str, Any]:
        """Build OpenAPI's security scheme object (3.1, section 4.8.27)."""
        described = self.describe_kind()
        return {**described, "description": self.description} if self.description else described

    def describe_kind(self) -> dict[str, Any]:
        """Build the members that its kind has."""
        raise NotImplementedError


def find_authorization(request: Request, scheme: str) -> str | None:
    """Find what follows the name of a scheme in `Authorization`; None where it is another one.

    Two such headers are none: whoever stands before us may have looked at the other one.
    """
    sent = request.headers.getlist("authorization")
    if len(sent) != 1:
        return None
    name, _, credentials = sent[0].partition(" ")
    return credentials.strip() or None if name.lower() == scheme else None

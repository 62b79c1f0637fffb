"""OAuth 2 and OpenID Connect: tokens of flows that OpenAPI tells of, and the password flow's form.

Arguments are spelled as FastAPI and OpenAPI spell them.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from undercroft.binding.parameters import Form
from undercroft.http.request import Request
from undercroft.security.http_schemes import AuthorizationScheme


class OAuth2(AuthorizationScheme[str]):
    """Read the bearer token of any flows.

    Args:
        flows: OpenAPI's flows object, `{"clientCredentials": {"tokenUrl": "token", "scopes": {}}}`.
        options: Those of every scheme.
    """

    challenge = "Bearer"

    def __init__(self, *, flows: Mapping[str, Mapping[str, Any]], **options: Any) -> None:
        super().__init__(**options)
        self.flows = {name: dict(flow) for name, flow in flows.items()}

    def find_credentials(self, request: Request) -> str | None:
        """Find the token."""
        found = self.find_sent(request)
        return None if found is None else found.credentials

    def describe_kind(self) -> dict[str, Any]:
        """List the flows."""
        return {"type": "oauth2", "flows": self.flows}


class OAuth2PasswordBearer(OAuth2):
    """Read a token that a name and a password were exchanged for.

    Args:
        tokenUrl: Where to exchange them; relative to the address of the description.
        scopes: What may be asked for, with a description each.
        refreshUrl: Where a token is renewed.
        options: Those of every scheme.
    """

    def __init__(
        self,
        tokenUrl: str,  # noqa: N803 - FastAPI's and OpenAPI's name
        *,
        scopes: Mapping[str, str] | None = None,
        refreshUrl: str | None = None,  # noqa: N803 - the same
        **options: Any,
    ) -> None:
        flow = build_flow(scopes, refreshUrl, tokenUrl=tokenUrl)
        super().__init__(flows={"password": flow}, **options)


class OAuth2AuthorizationCodeBearer(OAuth2):
    """Read a token of the authorization code flow.

    Args:
        authorizationUrl: Where a person agrees.
        tokenUrl: Where the code is exchanged.
        scopes: What may be asked for, with a description each.
        refreshUrl: Where a token is renewed.
        options: Those of every scheme.
    """

    def __init__(
        self,
        authorizationUrl: str,  # noqa: N803 - FastAPI's and OpenAPI's name
        tokenUrl: str,  # noqa: N803 - the same
        *,
        scopes: Mapping[str, str] | None = None,
        refreshUrl: str | None = None,  # noqa: N803 - the same
        **options: Any,
    ) -> None:
        urls = {"authorizationUrl": authorizationUrl, "tokenUrl": tokenUrl}
        flow = build_flow(scopes, refreshUrl, **urls)
        super().__init__(flows={"authorizationCode": flow}, **options)


class OpenIdConnect(AuthorizationScheme[str]):
    """Read the bearer token of an OpenID Connect provider.

    Args:
        openIdConnectUrl: Where the provider describes itself.
        options: Those of every scheme.
    """

    challenge = "Bearer"

    def __init__(self, *, openIdConnectUrl: str, **options: Any) -> None:  # noqa: N803 - FastAPI's and OpenAPI's name
        super().__init__(**options)
        self.openid_connect_url = openIdConnectUrl

    def find_credentials(self, request: Request) -> str | None:
        """Find the token."""
        found = self.find_sent(request)
        return None if found is None else found.credentials

    def describe_kind(self) -> dict[str, Any]:
        """Name the provider."""
        return {"type": "openIdConnect", "openIdConnectUrl": self.openid_connect_url}


def build_flow(
    scopes: Mapping[str, str] | None, refresh_url: str | None, **urls: str
) -> dict[str, Any]:
    """Build OpenAPI's flow object."""
    flow: dict[str, Any] = {**urls, "scopes": dict(scopes or {})}
    return {**flow, "refreshUrl": refresh_url} if refresh_url else flow


class OAuth2PasswordRequestForm:
    """The form that the password flow sends (RFC 6749, section 4.3.2), as a dependency.

    Attributes:
        username: As it was sent.
        password: As it was sent.
        scopes: What is asked for, each by its name.
        client_id: Of the program that asks, or None.
        client_secret: The same.
        grant_type: "password", where the program says it.
    """

    #: To put values in their places needs no thread.
    is_at_hand: ClassVar[bool] = True

    def __init__(  # noqa: PLR0913 - the fields of the form
        self,
        *,
        username: Annotated[str, Form()],
        password: Annotated[str, Form()],
        grant_type: Annotated[str | None, Form(pattern="^password$")] = None,
        scope: Annotated[str, Form()] = "",
        client_id: Annotated[str | None, Form()] = None,
        client_secret: Annotated[str | None, Form()] = None,
    ) -> None:
        self.grant_type = grant_type
        self.username = username
        self.password = password
        self.scopes = scope.split()
        self.client_id = client_id
        self.client_secret = client_secret


class OAuth2PasswordRequestFormStrict(OAuth2PasswordRequestForm):
    """The same for programs that keep to the letter: `grant_type=password` must be there."""

    def __init__(  # noqa: PLR0913 - as above
        self,
        *,
        grant_type: Annotated[str, Form(pattern="^password$")],
        username: Annotated[str, Form()],
        password: Annotated[str, Form()],
        scope: Annotated[str, Form()] = "",
        client_id: Annotated[str | None, Form()] = None,
        client_secret: Annotated[str | None, Form()] = None,
    ) -> None:
        super().__init__(
            username=username,
            password=password,
            grant_type=grant_type,
            scope=scope,
            client_id=client_id,
            client_secret=client_secret,
        )

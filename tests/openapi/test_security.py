"""Who may call, as OpenAPI says it: schemes, scopes, alternatives."""

from typing import Annotated, Any

import pytest

from tests.openapi.test_document import describe
from undercroft import App, Depends, Router, Security, Settings, View, path
from undercroft.errors import ImproperlyConfigured, NotAuthenticated
from undercroft.security import (
    APIKeyCookie,
    APIKeyHeader,
    HTTPBasic,
    HTTPBearer,
    OAuth2AuthorizationCodeBearer,
    OAuth2PasswordBearer,
    OpenIdConnect,
)

bearer = OAuth2PasswordBearer("token", scopes={"me": "Read me", "items": "Read items"})


def get_user(token: Annotated[str, Depends(bearer)]) -> str:
    return token


def get_security(app: App, address: str, method: str = "get") -> Any:
    return describe(app)["paths"][address][method].get("security")


def test_schemes_and_scopes_are_listed() -> None:
    """However deep a scheme stands, it is a component, and its scopes are those that lead to it."""
    app = App(Settings())

    @app.get("/items")
    def list_items(user: Annotated[str, Security(get_user, scopes=["items", "me"])]) -> str: ...

    @app.get("/open")
    def show() -> str: ...

    document = describe(app)
    assert document["components"]["securitySchemes"] == {
        "OAuth2PasswordBearer": {
            "type": "oauth2",
            "flows": {
                "password": {
                    "tokenUrl": "token",
                    "scopes": {"me": "Read me", "items": "Read items"},
                }
            },
        }
    }
    operation = document["paths"]["/items"]["get"]
    assert operation["security"] == [{"OAuth2PasswordBearer": ["items", "me"]}]
    assert operation["responses"]["401"] == {"$ref": "#/components/responses/Unauthorized"}
    assert "security" not in document["paths"]["/open"]["get"]
    assert "401" not in document["paths"]["/open"]["get"]["responses"]


def test_dependencies_of_app_router_and_route_count() -> None:
    """What nobody takes the value of is wanted all the same: all schemes together."""
    app = App(Settings(), dependencies=[Depends(APIKeyHeader(name="X-Key"))])
    router = Router(prefix="/in", dependencies=[Depends(HTTPBearer(bearerFormat="JWT"))])

    @router.get("/x", dependencies=[Security(get_user, scopes=["me"])])
    def show() -> str: ...

    class Page(View):
        def get(self) -> str: ...

    router.include([path("page", Page.as_view())])
    app.include(router)
    assert get_security(app, "/in/x") == [
        {"APIKeyHeader": [], "HTTPBearer": [], "OAuth2PasswordBearer": ["me"]}
    ]
    assert get_security(app, "/in/page") == [{"APIKeyHeader": [], "HTTPBearer": []}]


def test_schemes_that_do_not_insist_are_alternatives() -> None:
    """Nothing is one of them, too, unless the route says that it raises NotAuthenticated."""
    app = App(Settings())
    key = APIKeyCookie(name="key", auto_error=False)
    basic = HTTPBasic(auto_error=False, description="For *scripts*")

    @app.get("/optional")
    def optional(
        key: Annotated[str | None, Depends(key)], basic: Annotated[Any, Depends(basic)]
    ) -> str: ...

    @app.get("/either", raises=[NotAuthenticated])
    def either(
        key: Annotated[str | None, Depends(key)], basic: Annotated[Any, Depends(basic)]
    ) -> str: ...

    assert get_security(app, "/optional") == [{}, {"APIKeyCookie": []}, {"HTTPBasic": []}]
    assert get_security(app, "/either") == [{"APIKeyCookie": []}, {"HTTPBasic": []}]
    document = describe(app)
    assert document["components"]["securitySchemes"]["HTTPBasic"]["description"] == "For *scripts*"
    assert "401" not in document["paths"]["/optional"]["get"]["responses"]
    assert "401" in document["paths"]["/either"]["get"]["responses"]


def test_scopes_of_a_shared_dependency_add_up() -> None:
    """A value that is asked for twice with different scopes needs all of them."""
    app = App(Settings())

    @app.get("/x", dependencies=[Security(get_user, scopes=["me"])])
    def show(user: Annotated[str, Security(get_user, scopes=["items"])]) -> str: ...

    assert get_security(app, "/x") == [{"OAuth2PasswordBearer": ["me", "items"]}]


def test_schemes_of_one_name_must_be_alike() -> None:
    """The same scheme made twice is one component; different ones are told apart at start."""
    app = App(Settings())

    @app.get("/a")
    def a(token: Annotated[str, Depends(OAuth2PasswordBearer("token"))]) -> str: ...

    @app.get("/b")
    def b(token: Annotated[str, Depends(OAuth2PasswordBearer("token"))]) -> str: ...

    assert list(describe(app)["components"]["securitySchemes"]) == ["OAuth2PasswordBearer"]

    @app.get("/c")
    def c(token: Annotated[str, Depends(OAuth2PasswordBearer("other"))]) -> str: ...

    with pytest.raises(ImproperlyConfigured, match="scheme_name"):
        app.build()


def test_every_kind_of_scheme_is_described() -> None:
    """Authorization code, OpenID Connect and names of one's own are valid OpenAPI."""
    app = App(Settings())
    code = OAuth2AuthorizationCodeBearer(
        "https://id.example/authorize", "https://id.example/token", refreshUrl="/refresh"
    )
    connect = OpenIdConnect(
        openIdConnectUrl="https://id.example/.well-known/openid-configuration",
        scheme_name="Company",
    )

    @app.get("/x", dependencies=[Depends(code), Depends(connect)])
    def show() -> str: ...

    schemes = describe(app)["components"]["securitySchemes"]
    assert schemes["OAuth2AuthorizationCodeBearer"]["flows"]["authorizationCode"] == {
        "authorizationUrl": "https://id.example/authorize",
        "tokenUrl": "https://id.example/token",
        "refreshUrl": "/refresh",
        "scopes": {},
    }
    assert schemes["Company"]["type"] == "openIdConnect"


def test_what_is_no_dependency_is_refused() -> None:
    """A bare function in `dependencies` would be ignored, so it is an error at start."""
    app = App(Settings())

    @app.get("/x", dependencies=[get_user])
    def show() -> str: ...

    with pytest.raises(ImproperlyConfigured, match="Depends"):
        app.build()

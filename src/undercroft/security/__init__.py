"""What keeps others out: credentials and their schemes, signed values.

`Security` and `SecurityScopes` are here for those who look where FastAPI has them.
"""

from undercroft.binding.parameters import Security
from undercroft.binding.scopes import SecurityScopes
from undercroft.security.api_keys import APIKeyCookie, APIKeyHeader, APIKeyQuery
from undercroft.security.http_schemes import (
    HTTPAuthorizationCredentials,
    HTTPBasic,
    HTTPBasicCredentials,
    HTTPBearer,
    HTTPDigest,
)
from undercroft.security.oauth2 import (
    OAuth2,
    OAuth2AuthorizationCodeBearer,
    OAuth2PasswordBearer,
    OAuth2PasswordRequestForm,
    OAuth2PasswordRequestFormStrict,
    OpenIdConnect,
)
from undercroft.security.schemes import SecurityScheme

__all__ = [
    "APIKeyCookie",
    "APIKeyHeader",
    "APIKeyQuery",
    "HTTPAuthorizationCredentials",
    "HTTPBasic",
    "HTTPBasicCredentials",
    "HTTPBearer",
    "HTTPDigest",
    "OAuth2",
    "OAuth2AuthorizationCodeBearer",
    "OAuth2PasswordBearer",
    "OAuth2PasswordRequestForm",
    "OAuth2PasswordRequestFormStrict",
    "OpenIdConnect",
    "Security",
    "SecurityScheme",
    "SecurityScopes",
]

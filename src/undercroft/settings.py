"""Settings: typed values with safe defaults, each from code, the environment or `.env`.

`UNDERCROFT_DEBUG=1` sets `debug`; a project adds its own by a subclass.
"""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    SecretStr,
    Tag,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from undercroft.errors import ImproperlyConfigured

LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")

#: Characters of a secret key, at least.
SHORTEST_SECRET = 32

#: What pages may load and run unless told otherwise: files of our own, and what carries the nonce.
CONTENT_POLICY: dict[str, list[str] | str] = {
    "default-src": ["'self'"],
    "script-src": ["'self'", "'nonce'"],
    "style-src": ["'self'", "'nonce'"],
    "img-src": ["'self'", "data:"],
    "object-src": ["'none'"],
    "base-uri": ["'self'"],
    "form-action": ["'self'"],
}

_UNREADABLE = re.compile(r'field "(\w+)"')
#: Names whose values are not shown in an error.
_PRIVATE = re.compile(r"url|databases|key|secret|password|token")

T = TypeVar("T")


def split_list(value: Any) -> Any:
    """Read a list from text: `a, b` or `["a", "b"]`; empty parts are dropped.

    Raises:
        ValueError: It begins like JSON and is none.
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    if re.match(r'\[\s*("|\])', text):
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"neither `a, b` nor JSON: {error}") from None
        return value
    return [part.strip() for part in text.split(",") if part.strip()]


#: A list that the environment may hold as `a, b` or as JSON.
Listed = Annotated[list[T], NoDecode, BeforeValidator(split_list)]


class DatabaseSettings(BaseModel):
    """A database with its options, where a URL alone would be long; times are in seconds.

    What is left out has its default; an option that means nothing for the kind of database is
    refused when the database is configured.

    Attributes:
        url: For example `postgresql://user@host/name`; it may have options in its query, too.
        pool_size: Connections at most, for sync code and for each event loop.
        max_connections: Connections at most for the process, whichever pools they are in.
        pool_timeout: How long to wait for a connection.
        pool_recycle: The age at which a connection is replaced.
        connect_timeout: How long to wait for the server to accept a connection.
        statement_timeout: How long a statement may take.
        lock_timeout: How long to wait for what others hold.
        idle_in_transaction_timeout: How long a transaction may do nothing.
        application_name: What the server calls the process in its lists.
        replicas: URLs of copies that answer reads.
        replica_sticky: How long who has written reads from the primary.
    """

    model_config = ConfigDict(extra="forbid")

    url: str
    pool_size: int | None = None
    max_connections: int | None = None
    pool_timeout: float | None = None
    pool_recycle: float | None = None
    connect_timeout: float | None = None
    statement_timeout: float | None = None
    lock_timeout: float | None = None
    idle_in_transaction_timeout: float | None = None
    application_name: str | None = None
    replicas: list[str] | None = None
    replica_sticky: float | None = None


#: A URL, or a URL with options; told apart first, so that a mistake is told of the one meant.
DatabaseConfiguration = Annotated[
    Annotated[str, Tag("url")] | Annotated[DatabaseSettings, Tag("options")],
    Discriminator(lambda value: "options" if isinstance(value, dict | DatabaseSettings) else "url"),
]


class Settings(BaseSettings):
    """What an application is told from outside.

    In the environment and `.env` lists are written `a, b` or as JSON, dictionaries as JSON.

    Attributes:
        debug: Error pages show source and values to whoever sits at this machine; templates
            reload. Never in production.
        allowed_hosts: The names the application answers to; `.example.org` covers those below
            it, `*` everything.
        trusted_proxies: Addresses and networks of the proxies whose X-Forwarded-For, -Proto, -Host,
            -Port and Forwarded are believed; `unix` for those behind a Unix socket.
        request_timeout: Seconds until an answer must begin; then it is 504.
        secret_key: Signs cookies, sessions and links; at least 32 characters that nobody can guess.
            Left out, one is made for as long as the process lives, in debug only.
        secret_key_fallbacks: Keys that were in use before, newest first; what they signed counts.
        databases: A URL for each name, or options with a URL; models use `default`.
        atomic_requests: Whether a request with an unsafe method is one transaction.
        redirect_slashes: Whether GET and HEAD of an address that differs from a route's by the
            slash at its end are redirected there; else, as for other methods, the 404 names it.
        base_dir: The project's folder; relative paths start here.
        templates: Folders of the project's templates, before those of its apps.
        context_processors: Functions, by their dotted names, that give names to every template.
        strict_templates: Whether to show a name that does not exist is an error; None in debug.
        static_dirs: Folders of the project's static files, before those of its apps.
        static_url: Where static files are served from.
        static_root: Where `collectstatic` puts them, and production serves them from.
        authentication: How it is found out who makes a request: "session", "token", "jwt", "basic",
            or classes by their dotted names, in their order.
        jwt_keys: PEM texts; the first signs access tokens, the others were in use before. Left out,
            keys are derived from the secret ones.
        jwt_access_age: Seconds an access token counts.
        jwt_refresh_age: Seconds after a log-in until refreshing ends.
        jwt_issuer: Who makes access tokens, `iss`; None leaves it out.
        jwt_audience: For whom they are, `aud`; None leaves it out.
        jwt_leeway: Seconds that the clocks of those who make and check tokens may differ.
        jwt_check_user: Whether an access token's user is looked up with each request.
        jwt_scopes: What may be asked for at the log-in, with a description each.
        login_url: Where people log in: a path, or a route's name.
        login_redirect_url: Where they go then, unless they came from a page of ours.
        logout_redirect_url: Where they go after the log-out.
        password_reset_timeout: Seconds a mailed link to a new password counts.
        email_link_timeout: Seconds a link counts that proves that mail arrives.
        site_url: Where the links in mails begin, `https://example.org`; left out, they lead to the
            host that was asked, which `allowed_hosts` must then name.
        cache_url: Where the cache is, `memory://` or `redis://host:6379/0`.
        mail_url: Where mail goes, `smtp://user:password@host:587`; left out, the console
            in debug and an error elsewhere.
        default_from_email: Whose messages are that name nobody.
        admins: Addresses that `mail_admins` writes to.
        managers: Addresses that `mail_managers` writes to.
        email_subject_prefix: Before the subjects of these two.
        session_engine: Where sessions are kept: "signed_cookies", "db" or "cache".
        session_cookie_name: Gets the prefix `__Host-` over HTTPS.
        session_cookie_age: Seconds a session lives without being used.
        session_absolute_age: Seconds a session lives at most; None for ever.
        session_cookie_secure: Whether its cookie is for HTTPS only; None where HTTPS is spoken.
        session_cookie_httponly: Whether scripts may not read it.
        session_cookie_samesite: Whether other sites' requests carry it.
        session_cookie_domain: For which domain it is; None for this host alone.
        session_cookie_path: Below which path it is sent.
        session_expire_at_browser_close: Whether it ends with the browser.
        session_save_every_request: Whether each touch begins its idle age anew.
        access_log: Whether each request is logged, to `undercroft.access`.
        log_format: How `undercroft serve` writes the log, as "text" or lines of "json".
        client_timeout: Seconds in which a client that is waited for must do something, under our
            own server: send a piece of its request's body, or read its answer; None for ever.
        max_concurrent_requests: Requests being answered at once; more get 503, to come again. A
            stream counts until it begins. None for no limit.
        max_url_length: The longest path and query, decoded; longer ones are 414.
        max_header_fields: The most header fields; more are 431.
        max_header_size: The most bytes of all header fields; more are 431.
        secure_csp: The policy of pages: what they may load and run, by directive; None for none.
        secure_csp_report_only: A policy whose breaches are only reported.
        secure_hsts_seconds: How long browsers that came by HTTPS keep to it; 0 for not at all. It
            is never sent in debug.
        secure_hsts_include_subdomains: Whether that holds for all hosts below ours.
        secure_hsts_preload: Whether browsers may know of it before anybody has come.
        secure_referrer_policy: What other sites are told of where a visitor comes from; None says
            nothing.
        secure_cross_origin_opener_policy: Who shares a window with pages that opened them; None
            says nothing.
        secure_content_type_nosniff: Whether browsers are told not to guess a type.
        secure_ssl_redirect: Whether who comes by http is sent to https.
        secure_redirect_exempt: Paths that answer by http all the same.
        x_frame_options: Which pages may show ours in a frame: "DENY", "SAMEORIGIN" or None for all.
        csrf_trusted_origins: Pages that may send forms here besides our own:
            `https://app.example.org`, or `https://*.example.org`.
        csrf_header_name: The header in which a script sends the token.
        csrf_cookie_name: Of the cookie with the secret; gets the prefix `__Host-` over HTTPS.
        csrf_cookie_age: Seconds it lives; None as long as the browser.
        csrf_cookie_secure: Whether it is for HTTPS only; None where HTTPS is spoken.
        csrf_cookie_httponly: Whether scripts may not read it.
        csrf_cookie_samesite: Whether other sites' requests carry it.
        csrf_cookie_domain: For which domain it is; None for this host alone.
        csrf_cookie_path: Below which path it is sent.
        max_body_size: The largest body read into memory, in bytes.
        max_upload_size: The largest multipart form, files included, in bytes.
        max_json_depth: How deep lists and objects of a JSON body may be nested.
        json_unknown_fields: What becomes of members of a JSON body that no field has: "ignore" or
            "forbid", which is a 422; None leaves it to the models.
        max_form_fields: The most fields of a form that are no files.
        max_form_files: The most files of a form.
        max_field_size: The longest field of a multipart form that is no file, in bytes.
        websocket_origins: Pages that may open WebSockets besides our own: `https://app.example.org`.
        websocket_max_size: The largest message of a WebSocket, in bytes.
        websocket_ping_interval: Seconds between two pings to a WebSocket's client; None for none.
        websocket_ping_timeout: Seconds it may take to answer one.
        silenced_system_checks: Findings of `undercroft check` that are meant so, by their ids.
        max_threads: Threads for `def` handlers and blocking calls; None chooses by cores.

    Raises:
        ImproperlyConfigured: A value cannot be read; the message names its variable.
    """

    model_config = SettingsConfigDict(
        env_prefix="UNDERCROFT_", env_file=".env", env_file_encoding="utf-8", extra="ignore"
    )

    debug: bool = False
    allowed_hosts: Listed[str] = list(LOCAL_HOSTS)
    trusted_proxies: Listed[str] = []
    request_timeout: float | None = Field(default=None, gt=0)
    secret_key: SecretStr | None = None
    secret_key_fallbacks: Listed[SecretStr] = []
    databases: dict[str, DatabaseConfiguration] = Field(default_factory=dict, repr=False)
    database_url: str | None = Field(default=None, repr=False)
    atomic_requests: bool = True
    redirect_slashes: bool = True
    base_dir: Path = Field(default_factory=Path.cwd)
    templates: Listed[Path] = [Path("templates")]
    context_processors: Listed[str] = []
    strict_templates: bool | None = None
    static_dirs: Listed[Path] = [Path("static")]
    static_url: str = "/static/"
    static_root: Path = Path("staticfiles")
    authentication: Listed[str] = ["session"]
    jwt_keys: Listed[SecretStr] = []
    jwt_access_age: int = Field(default=15 * 60, gt=0)
    jwt_refresh_age: int = Field(default=30 * 24 * 3600, gt=0)
    jwt_issuer: str | None = None
    jwt_audience: str | None = None
    jwt_leeway: int = Field(default=0, ge=0, le=300)
    jwt_check_user: bool = False
    jwt_scopes: dict[str, str] = {}
    login_url: str = "/accounts/login/"
    login_redirect_url: str = "/"
    logout_redirect_url: str = "/"
    cache_url: str = Field(default="memory://", repr=False)
    password_reset_timeout: int = Field(default=24 * 3600, gt=0)
    email_link_timeout: int = Field(default=3 * 24 * 3600, gt=0)
    site_url: str | None = Field(default=None, pattern=r"^https?://[^/?#\s]+$")
    mail_url: str | None = Field(default=None, repr=False)
    default_from_email: str | None = None
    admins: Listed[str] = []
    managers: Listed[str] = []
    email_subject_prefix: str = ""
    session_engine: Literal["signed_cookies", "db", "cache"] = "signed_cookies"
    session_cookie_name: str = Field(default="sessionid", pattern=r"^[A-Za-z0-9_.-]+$")
    session_cookie_age: int = Field(default=14 * 24 * 3600, gt=0)
    session_absolute_age: int | None = Field(default=90 * 24 * 3600, gt=0)
    session_cookie_secure: bool | None = None
    session_cookie_httponly: bool = True
    session_cookie_samesite: Literal["lax", "strict", "none"] = "lax"
    session_cookie_domain: str | None = None
    session_cookie_path: str = Field(default="/", pattern=r"^/[\x20-\x3a\x3c-\x7e]*$")
    session_expire_at_browser_close: bool = False
    session_save_every_request: bool = False
    access_log: bool = False
    log_format: Literal["text", "json"] = "text"
    client_timeout: float | None = Field(default=60, gt=0)
    max_concurrent_requests: int | None = Field(default=1000, gt=0)
    max_url_length: int = Field(default=8192, gt=0)
    max_header_fields: int = Field(default=100, gt=0)
    max_header_size: int = Field(default=32 * 1024, gt=0)
    secure_csp: dict[str, list[str] | str] | None = CONTENT_POLICY
    secure_csp_report_only: dict[str, list[str] | str] | None = None
    secure_hsts_seconds: int = Field(default=3600, ge=0)
    secure_hsts_include_subdomains: bool = False
    secure_hsts_preload: bool = False
    secure_referrer_policy: str | None = Field(default="same-origin", pattern=r"^[a-z, -]+$")
    secure_cross_origin_opener_policy: str | None = Field(
        default="same-origin", pattern=r"^[a-z-]+$"
    )
    secure_content_type_nosniff: bool = True
    secure_ssl_redirect: bool = False
    secure_redirect_exempt: Listed[str] = []
    x_frame_options: Literal["DENY", "SAMEORIGIN"] | None = "DENY"
    csrf_trusted_origins: Listed[str] = []
    csrf_header_name: str = Field(default="X-CSRFToken", pattern=r"^[A-Za-z0-9-]+$")
    csrf_cookie_name: str = Field(default="csrftoken", pattern=r"^[A-Za-z0-9_.-]+$")
    csrf_cookie_age: int | None = Field(default=364 * 24 * 3600, gt=0)
    csrf_cookie_secure: bool | None = None
    csrf_cookie_httponly: bool = False
    csrf_cookie_samesite: Literal["lax", "strict", "none"] = "lax"
    csrf_cookie_domain: str | None = None
    csrf_cookie_path: str = Field(default="/", pattern=r"^/[\x20-\x3a\x3c-\x7e]*$")
    max_body_size: int = Field(default=10 * 1024 * 1024, gt=0)
    max_upload_size: int = Field(default=100 * 1024 * 1024, gt=0)
    max_json_depth: int = Field(default=100, gt=0)
    json_unknown_fields: Literal["ignore", "forbid"] | None = None
    max_form_fields: int = Field(default=1000, gt=0)
    max_form_files: int = Field(default=100, gt=0)
    max_field_size: int = Field(default=1024 * 1024, gt=0)
    websocket_origins: Listed[str] = []
    websocket_max_size: int = Field(default=1024 * 1024, gt=0)
    websocket_ping_interval: float | None = Field(default=20, gt=0)
    websocket_ping_timeout: float | None = Field(default=20, gt=0)
    silenced_system_checks: Listed[str] = []
    max_threads: int | None = Field(default=None, gt=0)

    if not TYPE_CHECKING:  # checkers derive the arguments from the fields

        def __init__(self, **values: Any) -> None:
            try:
                super().__init__(**values)
            except ValidationError as error:
                # Its own words would show values that are nobody's business.
                raise build_mistake(type(self), error) from None
            except SettingsError as error:
                raise build_unreadable(type(self), error) from error

    @field_validator("allowed_hosts")
    @classmethod
    def _check_hosts(cls, value: list[str]) -> list[str]:
        for host in value:
            if not host.strip(". "):
                raise ValueError(f"{host!r} is no host name")
        return value

    @field_validator("secret_key")
    @classmethod
    def _check_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < SHORTEST_SECRET:
            raise ValueError(f"at least {SHORTEST_SECRET} characters that nobody can guess")
        return value

    @field_validator("static_url")
    @classmethod
    def _check_static_url(cls, value: str) -> str:
        if not (value.startswith("/") and value.endswith("/") and len(value) > 1):
            raise ValueError("a path such as '/static/', with a slash at both ends")
        return value

    def find_databases(self) -> dict[str, str | dict[str, Any]]:
        """Return every database's URL, or options with a URL; empty where nothing was told.

        `database_url` names the default one; a `base_dir` of one's own puts the SQLite file there.
        """
        found: dict[str, str | dict[str, Any]] = {
            name: told if isinstance(told, str) else told.model_dump(exclude_none=True)
            for name, told in self.databases.items()
        }
        if self.database_url is not None:
            found["default"] = self.database_url
        declared = self.__class__.model_fields["base_dir"].default_factory != Path.cwd
        if "default" not in found and (declared or "base_dir" in self.model_fields_set):
            found["default"] = f"sqlite:///{self.base_dir / 'db.sqlite3'}"
        return found

    def find_folders(self, folders: list[Path]) -> list[Path]:
        """Return folders as absolute paths below `base_dir`."""
        return [self.base_dir / folder for folder in folders]


def build_mistake(settings: type[Settings], error: ValidationError) -> ImproperlyConfigured:
    """Build the error for values of the wrong kind; all of them are named."""
    mistakes = error.errors(include_url=False)
    lines = [describe_mistake(settings, mistake) for mistake in mistakes]
    variables = ", ".join(dict.fromkeys(find_variable(settings, mistake) for mistake in mistakes))
    return ImproperlyConfigured(
        "; ".join(lines) + ".",
        hint=f"Correct it in Settings(...), in the environment or in .env ({variables}).",
        code="settings.value",
    )


def describe_mistake(settings: type[Settings], mistake: Any) -> str:
    """Describe one wrong value, which is shown unless it may be secret."""
    name = ".".join(map(str, mistake["loc"])) or settings.__name__
    shown = "" if _PRIVATE.search(name.lower()) else f" is {mistake['input']!r:.100}"
    message = mistake["msg"].removeprefix("Value error, ").rstrip(".")
    return f"Setting {name!r}{shown}: {message}"


def find_variable(settings: type[Settings], mistake: Any) -> str:
    """Find the environment's name of the setting that a mistake is about."""
    return name_variable(settings, str((*mistake["loc"], "")[0]))


def name_variable(settings: type[Settings], name: str) -> str:
    """Name the variable of a setting."""
    return f"{settings.model_config.get('env_prefix', '')}{name}".upper()


def build_unreadable(settings: type[Settings], error: SettingsError) -> ImproperlyConfigured:
    """Build the error for a variable that should hold JSON and does not."""
    found = _UNREADABLE.search(str(error))
    variable = name_variable(settings, found[1]) if found else "A setting"
    return ImproperlyConfigured(
        f"{variable} holds no JSON.",
        hint='Write for example \'{"default": "sqlite:///db.sqlite3"}\' or \'["a", "b"]\'.',
        code="settings.value",
    )

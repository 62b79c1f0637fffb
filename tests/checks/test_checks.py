"""Checks: each fires on what it is for and is silent on a good deployment."""

import ast
import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from undercroft import App, OpenAPIOptions, Router, Settings
from undercroft.checks import CheckMessage, Critical, Debug, Error, Info, Tags, Warning, registry
from undercroft.checks.databases import ask, is_superuser
from undercroft.checks.limits import SWITCHED_OFF
from undercroft.checks.running import run_checks
from undercroft.db.connections.databases import Database
from undercroft.errors import ImproperlyConfigured
from undercroft.middleware.cors import CORS
from undercroft.middleware.https import HTTPSRedirect
from undercroft.pagination import PageNumberPagination
from undercroft.permissions import IsAdminUser
from undercroft.security import HTTPBearer, Security
from undercroft.security.csrf import csrf_exempt
from undercroft.staticfiles.collecting import Collector
from undercroft.viewsets import GenericViewSet

KEY = "kP3v8Qz1nL6xW0tY5rB2mJ9cF4hD7sG-aEuVoXiNqTlZy_RM"[:25] + "8fK1wQ0zXn5yPb3LtV7cJdA2mGhE9r"
GOOD: dict[str, Any] = {
    "secret_key": SecretStr(KEY),
    "allowed_hosts": ["example.org"],
    "trusted_proxies": ["10.0.0.1"],
    "request_timeout": 30,
    "secure_ssl_redirect": True,
    "secure_hsts_seconds": 365 * 24 * 3600,
    "secure_hsts_include_subdomains": True,
    "secure_hsts_preload": True,
    "cache_url": "redis://127.0.0.1:6379/0",
    "mail_url": "smtp://user:s3cret@mail.example.org",
}


def build(tmp_path: Path, /, **changed: Any) -> App:
    """Build an application that is fit for the world, but for what is changed."""
    settings = Settings(**(GOOD | {"base_dir": tmp_path} | changed))
    return App(settings, openapi=OpenAPIOptions(url=None))


def find(app: App, **options: Any) -> dict[str, CheckMessage]:
    """Find what is wrong, by id; the models that other tests declare are not looked at."""
    found = run_checks(app, include_deployment_checks=True, **options)
    return {each.id: each for each in found if not each.id.startswith(("database.", "models."))}


def test_a_good_deployment_is_silent(tmp_path: Path) -> None:
    """Nothing is found where everything is as it should be."""
    app = build(tmp_path)
    guard = HTTPBearer()

    @app.post("/orders", dependencies=[Security(guard)])
    def order() -> None: ...

    assert find(app) == {}


@pytest.mark.parametrize(
    "id, changed",
    [
        ("security.debug", {"debug": True}),
        ("security.no-secret-key", {"secret_key": None}),
        ("security.weak-secret-key", {"secret_key": SecretStr(KEY[:40])}),
        ("security.weak-secret-key", {"secret_key": SecretStr("abc" * 20)}),
        ("security.weak-secret-key", {"secret_key": SecretStr("django-insecure-" + KEY)}),
        ("security.weak-fallback-key", {"secret_key_fallbacks": [SecretStr("a" * 60)]}),
        ("security.any-host", {"allowed_hosts": ["example.org", "*"]}),
        ("security.local-hosts", {"allowed_hosts": ["localhost"]}),
        ("security.wide-proxies", {"trusted_proxies": ["0.0.0.0/0"]}),
        ("security.wide-proxies", {"trusted_proxies": ["::/0"]}),
        ("security.no-proxies", {"trusted_proxies": []}),
        ("security.any-websocket-origin", {"websocket_origins": ["*"]}),
        ("security.plain-trusted-origin", {"csrf_trusted_origins": ["http://example.org"]}),
        ("security.session-cookie-secure", {"session_cookie_secure": False}),
        ("security.session-cookie-httponly", {"session_cookie_httponly": False}),
        ("security.session-cookie-samesite", {"session_cookie_samesite": "none"}),
        ("security.session-cookie-prefix", {"session_cookie_domain": "example.org"}),
        ("security.session-cookie-prefix", {"session_cookie_path": "/shop"}),
        ("security.csrf-cookie-secure", {"csrf_cookie_secure": False}),
        ("security.csrf-cookie-prefix", {"csrf_cookie_domain": "example.org"}),
        ("security.no-https-redirect", {"secure_ssl_redirect": False}),
        ("security.no-hsts", {"secure_hsts_seconds": 0}),
        ("security.short-hsts", {"secure_hsts_seconds": 3600}),
        ("security.partial-hsts", {"secure_hsts_include_subdomains": False}),
        ("security.partial-hsts", {"secure_hsts_preload": False}),
        ("security.frame-options", {"x_frame_options": None}),
        ("security.referrer-policy", {"secure_referrer_policy": None}),
        ("security.referrer-policy", {"secure_referrer_policy": "unsafe-url"}),
        ("security.opener-policy", {"secure_cross_origin_opener_policy": "unsafe-none"}),
        ("security.nosniff", {"secure_content_type_nosniff": False}),
        ("security.no-csp", {"secure_csp": None}),
        ("security.unsafe-csp", {"secure_csp": {"img-src": "'self'"}}),
        ("security.unsafe-csp", {"secure_csp": {"default-src": "'self' 'unsafe-inline'"}}),
        ("security.unsafe-csp", {"secure_csp": {"script-src": ["'self'", "https:"]}}),
        ("limits.no-timeout", {"request_timeout": None}),
        ("limits.no-concurrency-limit", {"max_concurrent_requests": None}),
        ("limits.no-websocket-pings", {"websocket_ping_interval": None}),
        ("limits.large-body", {"max_body_size": 2**30}),
        ("mail.goes-nowhere", {"mail_url": "console://"}),
        ("mail.plain-text", {"mail_url": "smtp://user:s3cret@mail.example.org?tls=none"}),
        ("cache.in-memory", {"cache_url": "memory://"}),
        ("sessions.in-memory", {"cache_url": "memory://", "session_engine": "cache"}),
    ],
)
def test_a_setting_that_is_not_fit_is_found(
    id: str, changed: dict[str, Any], tmp_path: Path
) -> None:
    """Each setting has its check, which speaks alone, names it, and gives a hint."""
    found = find(build(tmp_path, **changed))
    assert list(found) == [id]
    assert found[id].hint
    assert str(found[id].obj).partition("[")[0] in Settings.model_fields
    assert "s3cret" not in str(found[id])


def test_a_nonce_outweighs_unsafe_inline(tmp_path: Path) -> None:
    """It stands there for browsers that know no nonces; others pass over it."""
    policy = {"script-src": ["'self'", "'nonce'", "'unsafe-inline'"]}
    assert find(build(tmp_path, secure_csp=policy)) == {}


def test_a_redirect_by_middleware_counts(tmp_path: Path) -> None:
    """Whoever adds HTTPSRedirect needs no setting."""
    app = build(tmp_path, secure_ssl_redirect=False)
    app.add_middleware(HTTPSRedirect())
    assert find(app) == {}


def test_mail_on_this_machine_may_be_plain(tmp_path: Path) -> None:
    """No wire, no need to encrypt; and no mail at all is no mistake."""
    assert find(build(tmp_path, mail_url="smtp://localhost:25?tls=none")) == {}
    assert find(build(tmp_path, mail_url=None)) == {}


def test_without_deploy_nothing_is_asked_of_a_laptop() -> None:
    """The defaults of development are no findings."""
    app = App(Settings(debug=True))
    app.post("/")(lambda: None)
    assert [each for each in run_checks(app) if not each.id.startswith("models.")] == []


def test_a_variable_that_sets_nothing_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A typing mistake in the environment is told of, with the likely name."""
    monkeypatch.setenv("UNDERCROFT_ALLOWED_HOST", "example.org")
    monkeypatch.setenv("UNDERCROFT_APP", "main.py")
    found = find(build(tmp_path))
    assert list(found) == ["settings.unknown-variable"]
    assert found["settings.unknown-variable"].hint == "Did you mean UNDERCROFT_ALLOWED_HOSTS?"


def test_templates_that_cannot_be_read_are_found(tmp_path: Path) -> None:
    """Syntax, unknown filters and broken bytes, each with its place; images are no templates."""
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "good.html").write_text("{% if a %}{{ a|upper }}{% endif %}")
    (folder / "logo.png").write_bytes(b"\xff{% if %}")
    assert find(build(tmp_path)) == {}
    (folder / "open.html").write_text("\n{% if a %}")
    (folder / "filter.html").write_text("{{ a|no_such_filter }}")
    (folder / "bytes.txt").write_bytes(b"\xff\xfe")
    found = run_checks(build(tmp_path), [Tags.templates])
    assert [each.obj for each in found] == ["bytes.txt:1", "filter.html:1", "open.html:2"]
    assert {each.id for each in found} == {"templates.syntax"}


def test_paths_meant_as_expressions_are_found(tmp_path: Path) -> None:
    """Who comes from Django's `url()` is told of `re_path`."""
    app = build(tmp_path)
    app.get("/posts/{id}$")(lambda id: id)
    assert list(find(app)) == ["urls.regex"]


def test_open_doors_are_found(tmp_path: Path) -> None:
    """A route that changes something and does not say who may is told of, each method."""
    app = build(tmp_path)
    app.get("/posts")(lambda: None)
    app.post("/posts")(lambda: None)
    found = find(app)
    assert list(found) == ["api.open-route"]
    assert found["api.open-route"].msg.startswith("POST /posts ")


def test_doors_that_say_who_may_are_silent(tmp_path: Path) -> None:
    """By a scheme, by permission classes of a viewset, on a route or around a router."""
    app, router = build(tmp_path), Router()

    class Orders(GenericViewSet):
        permission_classes = (IsAdminUser,)

        def create(self) -> None: ...

    router.add_route("/orders", Orders.as_view({"post": "create"}))
    app.include(router)
    app.post("/scheme", dependencies=[Security(HTTPBearer())])(lambda: None)
    assert find(app) == {}


def test_exempt_routes_are_found(tmp_path: Path) -> None:
    """By the decorator and by the route's option."""
    app = build(tmp_path)
    scheme = [Security(HTTPBearer())]
    app.post("/hook", dependencies=scheme)(csrf_exempt(lambda: None))
    app.post("/other", dependencies=scheme, csrf=False)(lambda: None)
    found = run_checks(app, [Tags.security], include_deployment_checks=True)
    assert [each.id for each in found] == ["security.csrf-exempt"] * 2


class Everything(GenericViewSet):
    """A list without pages."""

    pagination_class = None
    max_rows = 100_000

    def list(self) -> list[int]:
        return []


class Paged(Everything):
    """A list in pages."""

    pagination_class = PageNumberPagination


@pytest.mark.parametrize(
    "view, options, is_found",
    [
        (Everything, {}, True),
        (Everything, {"max_rows": 50}, False),
        (Paged, {}, False),
        (Paged, {"pagination_class": None}, True),
    ],
)
def test_lists_without_end_are_found(
    view: type[GenericViewSet], options: dict[str, Any], is_found: bool, tmp_path: Path
) -> None:
    """A list needs pages or a limit, by its class or where it is routed."""
    app = build(tmp_path)
    app.add_route("/rows", view.as_view({"get": "list"}, **options))
    assert ("api.unbounded-list" in find(app)) is is_found


def test_a_public_description_is_found(tmp_path: Path) -> None:
    """The API's description is for everybody unless it is switched off."""
    settings = build(tmp_path).settings
    assert list(find(App(settings))) == ["api.public-description"]


def test_cross_origin_reading_is_told_of(tmp_path: Path) -> None:
    """CORS for all is said; for some it is not."""
    app = build(tmp_path)
    app.add_middleware(CORS(allow_origins=["https://example.org"]))
    assert find(app) == {}
    app.add_middleware(CORS(allow_origins=["*"]))
    assert list(find(app)) == ["security.any-cors-origin"]


def test_static_files_that_were_not_collected_are_found(tmp_path: Path) -> None:
    """A folder of static files without a manifest is told of."""
    (tmp_path / "static").mkdir()
    assert list(find(build(tmp_path))) == ["staticfiles.not-collected"]
    Collector([tmp_path / "static"], tmp_path / "staticfiles", "/static/").collect()
    assert find(build(tmp_path)) == {}


# ---------------------------------------------------------------------------- databases


def test_sqlite_as_we_open_it_is_fit(tmp_path: Path) -> None:
    """A file is; memory ends with the process."""
    database = Database("default", f"sqlite:///{tmp_path / 'db.sqlite3'}")
    assert list(ask(database)) == []
    database.dispose()
    database = Database("default", "sqlite:///:memory:")
    assert [each.id for each in ask(database)] == ["database.in-memory"]
    database.dispose()


@pytest.mark.parametrize(
    "pragma", ["foreign_keys = OFF", "synchronous = OFF", "journal_mode = DELETE"]
)
def test_a_pragma_that_was_changed_is_found(pragma: str, tmp_path: Path) -> None:
    """Whoever changes one, or the file system that does not take it, is told the consequence."""
    database = Database("default", f"sqlite:///{tmp_path / 'db.sqlite3'}")
    with database.sync_engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute(f"PRAGMA {pragma}")
    (found,) = ask(database)
    assert found.id == "database.pragma"
    assert pragma.partition(" ")[0] in found.msg
    database.dispose()


@pytest.mark.postgres
def test_a_role_that_may_do_everything_is_found_on_postgres(postgres_url: str) -> None:
    """A superuser is told of, an owner of one database is not."""
    database = Database("default", postgres_url)
    assert [each.id for each in ask(database)] == ["database.superuser"]
    role = f"undercroft_{uuid.uuid4().hex}"
    with database.sync_engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {role}")
        connection.exec_driver_sql(f"SET ROLE {role}")
        assert not is_superuser("postgresql", connection)
        connection.rollback()
    database.dispose()


@pytest.mark.mariadb
def test_a_role_that_may_do_everything_is_found_on_mariadb(mariadb_url: str) -> None:
    """The server's root is told of."""
    database = Database("default", mariadb_url)
    assert [each.id for each in ask(database)] == ["database.superuser"]
    database.dispose()


# ----------------------------------------------------------------- registry and messages


@pytest.fixture
def registered() -> Iterator[Callable[..., None]]:
    """Register checks for as long as the test lasts."""
    added: list[Any] = []

    def add(check: Any, *tags: str, **options: Any) -> None:
        registry.register(*tags, **options)(check)
        added.append(check)

    yield add
    for check in added:
        registry.unregister(check)


def test_a_project_has_checks_of_its_own(registered: Callable[..., None], tmp_path: Path) -> None:
    """They are run beside ours, by their tag, for deployments or always."""
    registered(lambda app: [Warning("Stock is low.", id="shop.stock")], "shop")
    registered(lambda app: [Info("Prices.", id="shop.prices")], "shop", deploy=True)
    app = build(tmp_path)
    assert [each.id for each in run_checks(app, ["shop"])] == ["shop.stock"]
    assert {"shop.stock", "shop.prices"} == set(find(app))
    with pytest.raises(ImproperlyConfigured) as raised:
        run_checks(app, ["sohp"])
    assert raised.value.code == "checks.tag"


def test_register_needs_no_brackets() -> None:
    """`@register` alone registers for every run."""

    @registry.register
    def check(app: App) -> list[CheckMessage]:
        return [Error("Always.", id="shop.always")]

    try:
        assert "shop.always" in {each.id for each in run_checks(App(Settings()))}
    finally:
        registry.unregister(check)


def test_what_is_meant_so_is_silenced(tmp_path: Path) -> None:
    """`silenced_system_checks` leaves findings out by their ids."""
    silenced = ["security.no-proxies"]
    assert find(build(tmp_path, trusted_proxies=[], silenced_system_checks=silenced)) == {}


def test_messages_have_levels() -> None:
    """They compare by their level, and read as one line."""
    kinds = [Debug, Info, Warning, Error, Critical]
    levels = [kind("x").level for kind in kinds]
    assert levels == sorted(levels)
    assert [kind("x").level_name for kind in kinds] == [
        "debug", "info", "warning", "error", "critical",
    ]  # fmt: skip
    assert [kind("x").is_serious() for kind in kinds] == [False, False, False, True, True]
    assert CheckMessage(35, "x").level_name == "warning"
    assert str(Error("Wrong.", "Mend it.", "blog", id="a.b")) == "blog: Wrong. Mend it. [a.b]"
    assert Error("x", id="a") == Error("x", id="a")


def test_every_id_is_in_the_docs_with_its_level(repository: Path) -> None:
    """docs/checks.md lists each finding once, with its level, and none that is gone."""
    page = (repository / "docs" / "checks.md").read_text("utf-8")
    listed = re.findall(r"^\| `([a-z.-]+)` \| (\w+) \| .{20,} \|$", page, re.MULTILINE)
    trees = [
        ast.parse(path.read_text("utf-8"))
        for path in (repository / "src" / "undercroft" / "checks").glob("*.py")
    ]
    used = {(f"limits.{code}", "warning") for code, _ in SWITCHED_OFF.values()}
    used |= {found for tree in trees for found in list_findings(tree)}
    assert sorted(listed) == sorted(used)


def list_findings(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=kind), keywords=keywords):
                for keyword in keywords:
                    if keyword.arg == "id" and isinstance(keyword.value, ast.Constant):
                        yield str(keyword.value.value), kind.lower()
            case _:
                pass

"""Fixtures every test may use: services that may be missing, and ways to reach them."""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import pytest
from playwright.sync_api import Browser, sync_playwright

from undercroft.testing.client import Client

POSTGRES_VARIABLE = "UNDERCROFT_TEST_POSTGRES_URL"
DEFAULT_POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"
MARIADB_VARIABLE = "UNDERCROFT_TEST_MARIADB_URL"
DEFAULT_MARIADB = "mysql://root@127.0.0.1:3306"
CHROMIUM = "/usr/bin/chromium"


def require_service(name: str, ok: bool, reason: str) -> None:
    """Skip the running test where a service is missing; on CI, where nothing may be, fail it.

    Args:
        name: What is needed, as a person calls it: "PostgreSQL".
        ok: Whether it is there.
        reason: What was tried, and how to provide it.
    """
    if ok:
        return
    message = f"{name} is missing: {reason}"
    if os.environ.get("CI"):
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The repository's root folder."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """The address of a PostgreSQL server on which databases may be created."""
    import psycopg

    url = os.environ.get(POSTGRES_VARIABLE, DEFAULT_POSTGRES)
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.OperationalError as error:
        reason = f"{str(error).strip()!r}; set {POSTGRES_VARIABLE} to a server's address"
        require_service("PostgreSQL", False, reason)
    return url


@contextmanager
def create_postgres_database(server: str) -> Iterator[str]:
    """Create an empty database, give its address, and drop it."""
    import psycopg
    from psycopg.sql import SQL, Identifier

    name = f"undercroft_test_{uuid.uuid4().hex[:12]}"
    create = SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0").format(Identifier(name))
    drop = SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(create)
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(drop)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The address of an empty PostgreSQL database that lives as long as the test."""
    with create_postgres_database(postgres_server) as url:
        yield url


@pytest.fixture(scope="module")
def postgres_module_url(postgres_server: str) -> Iterator[str]:
    """The address of an empty PostgreSQL database that a module's tests share."""
    with create_postgres_database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def mariadb_server() -> str:
    """The address of a MariaDB server on which databases may be created."""
    import pymysql

    url = os.environ.get(MARIADB_VARIABLE, DEFAULT_MARIADB)
    try:
        connect_to_mariadb(url).close()
    except pymysql.OperationalError as error:
        reason = f"{str(error).strip()!r}; set {MARIADB_VARIABLE} to a server's address"
        require_service("MariaDB", False, reason)
    return url


def connect_to_mariadb(url: str) -> Any:
    """Open a connection by PyMySQL alone."""
    import pymysql

    parts = urlsplit(url)
    return pymysql.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=unquote(parts.username or "root"),
        password=unquote(parts.password or ""),
        connect_timeout=3,
        autocommit=True,
    )


@contextmanager
def create_mariadb_database(server: str) -> Iterator[str]:
    """Create an empty database, give its address, and drop it."""
    name = f"undercroft_test_{uuid.uuid4().hex[:12]}"
    with connect_to_mariadb(server) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        with connect_to_mariadb(server) as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name}")


@pytest.fixture
def mariadb_url(mariadb_server: str) -> Iterator[str]:
    """The address of an empty MariaDB database that lives as long as the test."""
    with create_mariadb_database(mariadb_server) as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of an SQLite database file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'test.sqlite3'}"


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgres", marks=pytest.mark.postgres),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
    ]
)
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty database, on SQLite, PostgreSQL and MariaDB in turn."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


def create_tables(*prefixes: str) -> None:
    """Create the tables of some models, by how their names begin, and of no other test's."""
    # A test without a database need not import SQLAlchemy.
    from undercroft import models
    from undercroft.db.connections.databases import databases

    known = models.Model.metadata.tables
    tables = [table for name, table in known.items() if name.startswith(prefixes)]
    models.Model.metadata.create_all(databases["default"].sync_engine, tables)


@pytest.fixture
def chromium() -> Iterator[Browser]:
    """The system's Chromium, without a window.

    For one test only: while Playwright is there, its event loop counts as running in this thread,
    and blocking queries refuse to work beside it. A browser test talks to a server of its own.
    """
    found = shutil.which("chromium", path=f"{Path(CHROMIUM).parent}:{os.environ.get('PATH', '')}")
    require_service("Chromium", found is not None, f"no {CHROMIUM}; Debian's package is `chromium`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found,
            # A container's root user has no sandbox, and its /dev/shm is small.
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
        )
        yield browser
        browser.close()


@pytest.fixture(params=["asgi", "wsgi"])
def client(request: pytest.FixtureRequest) -> Iterator[Callable[..., Client]]:
    """Make started clients of an application, once through each gateway.

    `client(app)` gives an `undercroft.testing.Client`; all are shut down after the test.
    """
    with ExitStack() as stack:

        def make(app: Any, **options: Any) -> Client:
            return stack.enter_context(Client(app, through=request.param, **options))

        yield make

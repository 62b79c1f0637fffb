"""Settings: safe defaults, typed, from code and the environment."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from undercroft import App, Settings
from undercroft.errors import ImproperlyConfigured


def test_defaults_are_safe() -> None:
    """Out of the box nothing is shown and only local names are answered."""
    settings = Settings()
    assert settings.debug is False
    assert settings.allowed_hosts == ["localhost", "127.0.0.1", "[::1]"]


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting has a variable, in upper case after the prefix."""
    monkeypatch.setenv("UNDERCROFT_DEBUG", "1")
    monkeypatch.setenv("UNDERCROFT_ALLOWED_HOSTS", "a.example, b.example")
    monkeypatch.setenv("UNDERCROFT_DATABASE_URL", "sqlite:///there.db")
    settings = Settings()
    assert settings.debug is True
    assert settings.allowed_hosts == ["a.example", "b.example"]
    assert settings.find_databases() == {"default": "sqlite:///there.db"}


def test_a_project_adds_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A subclass adds typed settings, read from the environment like the others."""

    class Mine(Settings):
        page_size: int = 20

    monkeypatch.setenv("UNDERCROFT_PAGE_SIZE", "50")
    assert Mine().page_size == 50


def test_folders_lie_below_the_project(tmp_path: Path) -> None:
    """Relative folders and the SQLite file are looked for below `base_dir`."""
    settings = Settings(base_dir=tmp_path)
    assert settings.find_folders([Path("templates")]) == [tmp_path / "templates"]
    assert settings.find_databases() == {"default": f"sqlite:///{tmp_path / 'db.sqlite3'}"}

    class Mine(Settings):
        base_dir: Path = tmp_path / "mine"

    assert Mine().find_databases() == {"default": f"sqlite:///{tmp_path / 'mine' / 'db.sqlite3'}"}
    assert Settings().find_databases() == {}


@pytest.mark.parametrize("url", ["static/", "/static", "/", ""])
def test_a_static_url_has_slashes_at_both_ends(url: str) -> None:
    """An address that could not be joined to a file's name is refused."""
    with pytest.raises(ImproperlyConfigured, match="slash at both ends"):
        Settings(static_url=url)


@pytest.mark.parametrize(
    "text,expected",
    [
        ("a, b", ["a", "b"]),
        ('["a", "b"]', ["a", "b"]),
        (' [ "a" ] ', ["a"]),
        ("a,", ["a"]),
        (",a,,b, ", ["a", "b"]),
        ("", []),
        ("[]", []),
        ("[::1], a", ["[::1]", "a"]),
        ("[::1]", ["[::1]"]),
    ],
)
def test_lists_are_read_either_way(
    monkeypatch: pytest.MonkeyPatch, text: str, expected: list[str]
) -> None:
    """Every list may be written with commas or as JSON, and has no empty parts."""
    for name in ("ALLOWED_HOSTS", "TEMPLATES", "STATIC_DIRS"):
        monkeypatch.setenv(f"UNDERCROFT_{name}", text)
    settings = Settings()
    assert settings.allowed_hosts == expected
    assert settings.templates == settings.static_dirs == [Path(part) for part in expected]


@pytest.mark.parametrize("host", ["", ".", " ", ".."])
def test_an_empty_host_name_is_refused(host: str) -> None:
    """A name that would match the malformed header `Host: .` is no name."""
    with pytest.raises(ImproperlyConfigured, match="is no host name"):
        Settings(allowed_hosts=["a.example", host])


@pytest.mark.parametrize(
    "name,value,message",
    [
        ("UNDERCROFT_MAX_THREADS", "many", "Setting 'max_threads' is 'many': .*valid integer"),
        ("UNDERCROFT_MAX_BODY_SIZE", "0", "'max_body_size' is '0': .*greater than 0"),
        ("UNDERCROFT_DEBUG", "perhaps", "'debug' is 'perhaps': .*valid boolean"),
        ("UNDERCROFT_TEMPLATES", '["a"', "neither `a, b` nor JSON"),
        ("UNDERCROFT_DATABASES", "sqlite:///db", "UNDERCROFT_DATABASES holds no JSON"),
        ("UNDERCROFT_DATABASES", '{"default": 1}', r"'databases\.default\.url': .*valid string"),
        (
            "UNDERCROFT_DATABASES",
            '{"default": {"url": "sqlite://", "pool_siez": 1}}',
            r"'databases\.default\.options\.pool_siez': Extra inputs",
        ),
    ],
)
def test_a_wrong_value_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    """Whoever builds the settings, the error is ours and tells where to mend it."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=message) as caught:
        App()
    assert name in str(caught.value)


def test_a_wrong_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error names a secret's variable, and never its value."""

    class Mine(Settings):
        mail_password: SecretStr
        signing_keys: list[int]

    monkeypatch.setenv("UNDERCROFT_SIGNING_KEYS", '["hidden"]')
    with pytest.raises(ImproperlyConfigured) as caught:
        Mine()
    assert "UNDERCROFT_MAIL_PASSWORD, UNDERCROFT_SIGNING_KEYS" in str(caught.value)
    assert "'mail_password': Field required" in str(caught.value)
    assert "hidden" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_places_with_passwords_are_not_shown() -> None:
    """What is logged or seen in a debugger has no password of a database or cache."""
    told = Settings(
        databases={"other": "postgresql://ada:hidden@db/x"},
        database_url="postgresql://ada:hidden@db/x",
        cache_url="redis://:hidden@cache/0",
        secret_key="hidden" * 8,
    )
    assert "hidden" not in repr(told)
    assert "hidden" not in str(told)

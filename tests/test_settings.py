"""Settings: safe defaults, typed, from code and the environment."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from undercroft import Settings


def test_defaults_are_safe() -> None:
    """Out of the box nothing is shown and only local names are answered."""
    settings = Settings()
    assert settings.debug is False
    assert settings.allowed_hosts == ["localhost", "127.0.0.1", "[::1]"]
    assert settings.secret_key is None


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting has a variable; lists are separated by commas; secrets are not shown."""
    monkeypatch.setenv("UNDERCROFT_DEBUG", "1")
    monkeypatch.setenv("UNDERCROFT_ALLOWED_HOSTS", "a.example, b.example")
    monkeypatch.setenv("UNDERCROFT_SECRET_KEY", "hidden")
    monkeypatch.setenv("UNDERCROFT_DATABASE_URL", "sqlite:///there.db")
    settings = Settings()
    assert settings.debug is True
    assert settings.allowed_hosts == ["a.example", "b.example"]
    assert settings.find_databases() == {"default": "sqlite:///there.db"}
    assert "hidden" not in repr(settings)


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


@pytest.mark.parametrize("url", ["static/", "/static", "/", ""])
def test_a_static_url_has_slashes_at_both_ends(url: str) -> None:
    """An address that could not be joined to a file's name is refused."""
    with pytest.raises(ValidationError, match="slash at both ends"):
        Settings(static_url=url)

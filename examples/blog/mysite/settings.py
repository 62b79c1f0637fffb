"""The project's settings; every one can be set in the environment, as in `UNDERCROFT_DEBUG=1`."""

from pathlib import Path

from undercroft.settings import Settings

BASE_DIR = Path(__file__).resolve().parent.parent


class BlogSettings(Settings):
    """What differs from undercroft's defaults."""

    base_dir: Path = BASE_DIR
    allowed_hosts: list[str] = ["localhost", "127.0.0.1", "[::1]", "testserver"]
    databases: dict[str, str] = {"default": f"sqlite:///{BASE_DIR / 'db.sqlite3'}"}
    templates: list[Path] = [BASE_DIR / "templates"]
    static_dirs: list[Path] = [BASE_DIR / "static"]


settings = BlogSettings()

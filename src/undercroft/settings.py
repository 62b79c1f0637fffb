"""Settings: typed values with safe defaults, each from code, the environment or `.env`.

`UNDERCROFT_DEBUG=1` sets `debug`; a project adds its own by a subclass.
"""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")


class Settings(BaseSettings):
    """What an application is told from outside.

    Attributes:
        debug: Error pages show source and values; templates reload. Never in production.
        secret_key: Signs what is handed to clients.
        allowed_hosts: The names the application answers to; `.example.org` covers those below
            it, `*` everything.
        databases: URLs by name; models use `default`.
        base_dir: The project's folder; relative paths start here.
        templates: Folders of the project's templates, before those of its apps.
        static_dirs: Folders of the project's static files, before those of its apps.
        static_url: Where static files are served from.
        max_body_size: The largest body read into memory, in bytes.
        max_threads: Threads for `def` handlers and blocking calls; None chooses by cores.
    """

    model_config = SettingsConfigDict(
        env_prefix="UNDERCROFT_", env_file=".env", env_file_encoding="utf-8", extra="ignore"
    )

    debug: bool = False
    secret_key: SecretStr | None = None
    allowed_hosts: Annotated[list[str], NoDecode] = list(LOCAL_HOSTS)
    databases: dict[str, str] = Field(default_factory=dict)
    database_url: str | None = None
    base_dir: Path = Field(default_factory=Path.cwd)
    templates: list[Path] = [Path("templates")]
    static_dirs: list[Path] = [Path("static")]
    static_url: str = "/static/"
    max_body_size: int = Field(default=10 * 1024 * 1024, gt=0)
    max_threads: int | None = Field(default=None, gt=0)

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: Any) -> Any:
        """Read the environment's `a.example, b.example`."""
        return [part.strip() for part in value.split(",")] if isinstance(value, str) else value

    @field_validator("static_url")
    @classmethod
    def _check_static_url(cls, value: str) -> str:
        if not (value.startswith("/") and value.endswith("/") and len(value) > 1):
            raise ValueError("a path such as '/static/', with a slash at both ends")
        return value

    def find_databases(self) -> dict[str, str]:
        """Return every database's URL by name; empty where nothing was told.

        `database_url` names the default one; a `base_dir` of one's own puts the SQLite file there.
        """
        found = dict(self.databases)
        if self.database_url is not None:
            found["default"] = self.database_url
        if "default" not in found and "base_dir" in self.model_fields_set:
            found["default"] = f"sqlite:///{self.base_dir / 'db.sqlite3'}"
        return found

    def find_folders(self, folders: list[Path]) -> list[Path]:
        """Return folders as absolute paths below `base_dir`."""
        return [self.base_dir / folder for folder in folders]

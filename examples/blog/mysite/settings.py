"""The project's settings; every one can be set in the environment, as in `UNDERCROFT_DEBUG=1`."""

from pathlib import Path

from undercroft.settings import Settings


class BlogSettings(Settings):
    """What differs from undercroft's defaults; all paths start at the project's folder."""

    base_dir: Path = Path(__file__).resolve().parent.parent


settings = BlogSettings()

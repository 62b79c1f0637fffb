"""Installed apps: packages that bring models, templates and static files."""

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from undercroft.errors import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class InstalledApp:
    """One package of an application.

    Attributes:
        name: Its dotted import path, for example `shop.catalogue`.
        module: The package.
        path: Its folder.
    """

    name: str
    module: ModuleType
    path: Path

    @property
    def label(self) -> str:
        """The last part of the name: what its tables and migrations start with."""
        return self.name.rpartition(".")[2]

    def make_ready(self, app: Any) -> None:
        """Call the package's function `ready` with the application, if it has one.

        All apps are imported by then, so that one can look at what the others declare.
        """
        ready = getattr(self.module, "ready", None)
        if ready is not None:
            ready(app)


def install_app(name: str) -> InstalledApp:
    """Import a package and its models.

    Raises:
        ImproperlyConfigured: There is no such package.
    """
    try:
        found = find_spec(name)
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise ImproperlyConfigured(
            f"The app {name!r} cannot be imported.",
            hint="Name a package that lies beside your application, or remove it from `apps`.",
            code="app.unknown",
        )
    module = import_module(name)
    if not hasattr(module, "__path__"):
        raise ImproperlyConfigured(
            f"The app {name!r} is a single module, not a package.",
            hint="Name the package that holds `models`, `templates` and `static`.",
            code="app.unknown",
        )
    if find_spec(f"{name}.models") is not None:
        import_module(f"{name}.models")
    # A package without __init__.py has no file, and one path or more.
    return InstalledApp(name, module, Path(next(iter(module.__path__))))


def import_name(name: str) -> Any:
    """Import what a setting names, `blog.context.add_menu`.

    Raises:
        ImproperlyConfigured: There is no such thing.
    """
    module, _, attribute = name.rpartition(".")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ImproperlyConfigured(
            f"{name!r} cannot be imported.",
            hint="Name a function by its module, for example 'blog.context.add_menu'.",
            code="settings.import",
        ) from error

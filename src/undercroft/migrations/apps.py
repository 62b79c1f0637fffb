"""The apps that have migrations, and where these lie."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from undercroft.db.mapping.registry import all_models
from undercroft.errors import ImproperlyConfigured

#: The label of models that live in no package: a single `main.py`.
MAIN = "main"

FOLDER = "migrations"


@dataclass(frozen=True, slots=True)
class MigratedApp:
    """An app as migrations see it.

    Attributes:
        label: The last part of its name; revisions start with it.
        folder: Of its migrations; it need not exist yet.
    """

    label: str
    folder: Path


def find_apps(installed: Iterable[tuple[str, Path]] = ()) -> list[MigratedApp]:
    """Find every app that has models or migrations.

    Args:
        installed: Label and folder of the application's apps. Apps whose models are imported
            are found without.

    Raises:
        ImproperlyConfigured: Two apps have one label.
    """
    folders: dict[str, Path] = {}
    for label, folder in [*installed, *map(locate_model, all_models())]:
        present = folders.setdefault(label, folder)
        if present.resolve() != folder.resolve():
            raise ImproperlyConfigured(
                f"Two apps are called {label!r}: {present} and {folder}.",
                hint="Rename one of the packages, or set Meta.app_label of its models.",
                code="migrations.label",
            )
    return [MigratedApp(label, folder / FOLDER) for label, folder in folders.items()]


def locate_model(model: type[Any]) -> tuple[str, Path]:
    """Locate a model: the label of its app and the folder of the app's package."""
    label: str = model.__options__.app_label
    parts = model.__module__.split(".")
    if label in parts[:-1]:
        package = sys.modules[".".join(parts[: parts.index(label) + 1])]
        return label, Path(next(iter(package.__path__)))
    file = getattr(sys.modules.get(model.__module__), "__file__", None)
    return label or MAIN, Path(file).parent if file else Path.cwd()


def choose_apps(apps: Sequence[MigratedApp], labels: Iterable[str]) -> list[MigratedApp]:
    """Choose apps by label; all of them when no label is given.

    Raises:
        ImproperlyConfigured: There is no such app.
    """
    by_label = {app.label: app for app in apps}
    wanted = list(labels)
    for label in wanted:
        if label not in by_label:
            close = get_close_matches(label, by_label, n=1)
            known = ", ".join(sorted(by_label)) or "none has models"
            raise ImproperlyConfigured(
                f"There is no app {label!r} with models or migrations.",
                hint=f"Did you mean {close[0]!r}?" if close else f"Known: {known}.",
                code="migrations.unknown-app",
            )
    return [by_label[label] for label in wanted] if wanted else list(apps)

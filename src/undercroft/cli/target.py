"""APP: from what was typed, or left out, to the application itself."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from undercroft.errors import AppNotFoundError, ImproperlyConfigured, UndercroftError

if TYPE_CHECKING:
    from undercroft.app.application import App

VARIABLE = "UNDERCROFT_APP"

#: Attributes to look for when none is named: ours, then Django's and other WSGI projects'.
_ATTRIBUTES = ("app", "application")


@dataclass(frozen=True, slots=True)
class Target:
    """Where an application is.

    Attributes:
        module: To be imported.
        attribute: Of the module; empty when not named.
        folder: Goes on `sys.path`.
        file: The file that was named; None where a module was.
    """

    module: str
    attribute: str
    folder: Path
    file: Path | None = None

    def __str__(self) -> str:
        return self.join(self.module)

    @property
    def argument(self) -> str:
        """What names it on a command line, from any working directory if it is a file."""
        return self.join(str(self.file) if self.file is not None else self.module)

    def join(self, place: str) -> str:
        """Write a place with the attribute, if one was named."""
        return f"{place}:{self.attribute}" if self.attribute else place


# ---------------------------------------------------------------------------- finding it


def find_target(text: str | None) -> Target:
    """Find the application from what was typed, or from the working directory.

    Raises:
        AppNotFoundError: There is none; the message lists what was tried.
    """
    if text:
        return parse_target(text)
    tried: list[str] = []
    for place, found in look_around():
        if found:
            return parse_target(found)
        tried.append(place)
    raise AppNotFoundError(
        f"No application was named, and none found in {Path.cwd()}.",
        hint=f"Tried {', '.join(tried)}. Name it, for example `main.py` or `mysite.app:app`.",
    )


def look_around() -> Iterator[tuple[str, str | None]]:
    """Look where applications usually are; yield each place and what it says."""
    yield VARIABLE, os.environ.get(VARIABLE)
    yield "[tool.undercroft] in pyproject.toml", read_pyproject(Path("pyproject.toml"))
    for name in ("main.py", "app.py"):
        yield name, name if Path(name).is_file() else None
    packages = sorted(
        path for path in Path().glob("*/app.py") if (path.parent / "__init__.py").exists()
    )
    yield "<package>/app.py", str(packages[0]) if len(packages) == 1 else None


def read_pyproject(path: Path) -> str | None:
    """Read `app` below `[tool.undercroft]`.

    Raises:
        ImproperlyConfigured: The file is no TOML.
    """
    if not path.is_file():
        return None
    # Not needed when APP is given.
    import tomllib  # noqa: PLC0415

    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ImproperlyConfigured(f"{path} cannot be read.", code="cli.pyproject") from error
    found = content.get("tool", {}).get("undercroft", {}).get("app")
    return found if isinstance(found, str) else None


def parse_target(text: str) -> Target:
    """Parse `main.py`, `main.py:app`, `mysite.app` or `mysite.app:app`.

    Raises:
        AppNotFoundError: It names a file that does not exist, or is no module path.
    """
    place, attribute = split_attribute(text)
    if place.endswith(".py") or os.sep in place:
        return parse_file(Path(place), attribute)
    if not all(part.isidentifier() for part in place.split(".")):
        raise AppNotFoundError(
            f"{text!r} is neither a file nor a module.",
            hint="Write for example `main.py`, `mysite.app` or `mysite.app:app`.",
        )
    return Target(place, attribute, Path.cwd())


def split_attribute(text: str) -> tuple[str, str]:
    """Split off the attribute; a colon after a drive's letter does not separate one."""
    place, separator, attribute = text.rpartition(":")
    if separator and all(part.isidentifier() for part in attribute.split(".")):
        return place, attribute
    return text, ""


def parse_file(path: Path, attribute: str) -> Target:
    """Turn a file into a module and the folder it is imported from.

    Raises:
        AppNotFoundError: There is no such file.
    """
    if not path.is_file():
        near = find_near(path.name, [other.name for other in path.parent.glob("*.py")])
        raise AppNotFoundError(f"There is no file {str(path)!r}.", hint=near)
    path = path.resolve()
    folder, names = path.parent, [path.stem]
    while (folder / "__init__.py").exists():
        names.insert(0, folder.name)
        folder = folder.parent
    return Target(".".join(names), attribute, folder, path)


def find_near(name: str, known: Sequence[str]) -> str:
    """Suggest the name that was probably meant."""
    # Only a mistake pays for this import.
    from difflib import get_close_matches  # noqa: PLC0415

    close = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"Did you mean {close[0]!r}?" if close else ""


# ---------------------------------------------------------------------------- loading it


def load_object(target: Target, *, factory: bool = False) -> Any:
    """Import the module and return the application, ours or somebody else's.

    Args:
        target: Where it is.
        factory: Whether what is there makes the application when called.

    Raises:
        AppNotFoundError: The module or the attribute does not exist.
        ImproperlyConfigured: The module fails; its own error is the cause.
    """
    module = load_module(target)
    found = get_attribute(module, target) if target.attribute else choose_attribute(module, target)
    if isinstance(found, ModuleType):
        # `mysite.app` is an attribute of `mysite` as soon as it is imported.
        found = choose_attribute(found, Target(found.__name__, "", target.folder))
    if not factory:
        return found
    try:
        return found()
    except UndercroftError:
        raise
    except Exception as error:
        raise ImproperlyConfigured(f"The factory {target} fails.", code="cli.factory") from error


def load_app(text: str | None) -> "App":
    """Load an application of ours and build it, so that every mistake shows now.

    Raises:
        AppNotFoundError: There is none.
        ImproperlyConfigured: It cannot be imported or built.
    """
    target = find_target(text)
    found = load_object(target)
    # The project has imported it already.
    from undercroft.app.application import App  # noqa: PLC0415

    if not isinstance(found, App):
        raise AppNotFoundError(
            f"{target} is {type(found).__name__}, not an undercroft App.",
            hint="This command needs one; `undercroft serve` serves any ASGI or WSGI application.",
        )
    found.build()
    return found


def load_module(target: Target) -> ModuleType:
    """Import the module, with its folder first on `sys.path`.

    Raises:
        AppNotFoundError: There is no such module.
        ImproperlyConfigured: It raises while it is imported.
    """
    folder = str(target.folder)
    if folder in sys.path:
        sys.path.remove(folder)
    sys.path.insert(0, folder)
    try:
        return import_module(target.module)
    except UndercroftError:
        raise
    except ModuleNotFoundError as error:
        if error.name and f"{target.module}.".startswith(f"{error.name}."):
            raise AppNotFoundError(
                f"There is no module {error.name!r} in {folder}.",
                hint=find_near(error.name.rpartition(".")[2], list_modules(target, error.name)),
            ) from None
        raise build_import_failure(target) from error
    except Exception as error:
        raise build_import_failure(target) from error


def build_import_failure(target: Target) -> ImproperlyConfigured:
    """Build the error for a module that raises."""
    return ImproperlyConfigured(f"{target.module} cannot be imported.", code="cli.import")


def list_modules(target: Target, missing: str) -> list[str]:
    """List the modules beside the one that is missing."""
    folder = target.folder.joinpath(*missing.split(".")[:-1])
    with suppress(OSError):
        return [path.stem for path in folder.iterdir() if path.suffix == ".py" or path.is_dir()]
    return []


def get_attribute(module: ModuleType, target: Target) -> Any:
    """Get a named attribute, dots allowed.

    Raises:
        AppNotFoundError: It does not exist.
    """
    found: Any = module
    for name in target.attribute.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            known = [other for other in vars(module) if not other.startswith("_")]
            raise AppNotFoundError(
                f"Module {target.module!r} has no {target.attribute!r}.",
                hint=find_near(target.attribute, known),
            ) from None
    return found


def choose_attribute(module: ModuleType, target: Target) -> Any:
    """Choose the application of a module: `app`, `application`, or the one App in it.

    A module of that name is taken only if there is nothing else.

    Raises:
        AppNotFoundError: There is none, or there are several.
    """
    named = [getattr(module, name) for name in _ATTRIBUTES if hasattr(module, name)]
    for value in named:
        if not isinstance(value, ModuleType):
            return value
    # Imported by the project already, if it has an App.
    application = sys.modules.get("undercroft.app.application")
    kind = application.App if application is not None else ()
    found = {name: value for name, value in vars(module).items() if isinstance(value, kind)}
    if len({id(value) for value in found.values()}) == 1:
        return next(iter(found.values()))
    if named and not found and named[0] is not module:
        return named[0]
    several = f" but several apps: {', '.join(sorted(found))}" if found else ""
    raise AppNotFoundError(
        f"Module {target.module!r} has no `app`{several}.",
        hint=f"Name it, for example `{target.module}:{next(iter(found), 'my_app')}`.",
    )

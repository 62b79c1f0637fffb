"""Every model by name, so that a foreign key may name a model that is not defined yet."""

from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from typing import Any

import sqlalchemy as sa

from undercroft.errors import ImproperlyConfigured

#: Gives the mapper of a model; typed loosely, since models are known here as classes only.
find_mapper: Callable[..., Any] = partial(sa.inspect, raiseerr=False)

#: Models by `app.Name`, and by `Name` where no app is given.
_models: dict[tuple[str, str], type[Any]] = {}
#: Models by another name, `app.Name`, that they are also referred to by.
_aliases: dict[tuple[str, str], type[Any]] = {}
#: References not found yet: the text, the app it was written in, what to do, where it stands.
_waiting: list[tuple[str, str, Callable[[type[Any]], None], str]] = []


def register(app_label: str, model: type[Any]) -> None:
    """Make a model known and resolve the references that waited for it."""
    _models[app_label, model.__name__] = model
    _resolve_waiting(_find_exactly)


def set_alias(reference: str, model: type[Any]) -> None:
    """Let references to `app.Name` mean a model of another name, as "auth.User" may a project's.

    Raises:
        ImproperlyConfigured: They mean yet another model.
    """
    app_label, _, name = reference.rpartition(".")
    known = _find_exactly(reference, "")
    if known is not None and known is not model:
        raise ImproperlyConfigured(
            f"Both {known.__module__}.{known.__name__} and {model.__module__}.{model.__name__}"
            f" would be the model {reference!r}.",
            hint="Declare one of them only, and before the other is imported.",
            code="db.duplicate-model",
        )
    _aliases[app_label, name] = model
    _resolve_waiting(_find_exactly)


def check_free(app_label: str, name: str, module: str, table: sa.Table | None) -> None:
    """Check that no model has an app's name, or the table of one about to be mapped.

    Args:
        app_label: The app.
        name: The name of the class.
        module: Where it is written.
        table: What there is already under the name of its table.

    Raises:
        ImproperlyConfigured: There is one.
    """
    label = f"{app_label}.{name}".lstrip(".")
    known = _models.get((app_label, name))
    if known is not None:
        raise ImproperlyConfigured(
            f"Model {label} is declared twice: in {known.__module__}, and again in {module}.",
            hint="Rename one, or give it another `Meta.app_label`. A module that is imported under "
            "two names declares its models twice, too.",
            code="db.duplicate-model",
        )
    if table is not None:
        owners = [each for each in _models.values() if find_mapper(each).local_table is table]
        owner = owners[0].__name__ if owners else "another class"
        raise ImproperlyConfigured(
            f"Model {label} would have the table {table.name!r}, which is that of {owner}.",
            hint="Give one of them another `Meta.db_table`.",
            code="db.duplicate-model",
        )


def settle() -> None:
    """Resolve bare names that stand for the only model of that name in another app.

    Not before all models are there: one of that name may still follow in the app itself.
    """
    _resolve_waiting(find_model)


def _resolve_waiting(find: Callable[[str, str], type[Any] | None]) -> None:
    for entry in list(_waiting):
        reference, from_app, resolve, _ = entry
        target = find(reference, from_app)
        if target is not None and entry in _waiting:
            _waiting.remove(entry)
            resolve(target)


def _find_exactly(reference: str, from_app: str) -> type[Any] | None:
    """Find a model by `app.Name`, or by its name in the same app."""
    app_label, separator, name = reference.rpartition(".")
    wanted = app_label if separator else from_app, name
    return _models.get(wanted) or _aliases.get(wanted)


def find_model(reference: str, from_app: str = "") -> type[Any] | None:
    """Find a model by `Name` (in the same app first, else the only one) or by `app.Name`."""
    _, separator, name = reference.rpartition(".")
    if separator:
        return _find_exactly(reference, from_app)
    if (from_app, name) in _models:
        return _models[from_app, name]
    found = [model for (_, known), model in _models.items() if known == name]
    return found[0] if len(found) == 1 else None


def get_model(reference: str, from_app: str = "") -> type[Any]:
    """Get a model by its name.

    Raises:
        ImproperlyConfigured: No such model is defined.
    """
    model = find_model(reference, from_app)
    if model is None:
        raise _build_undefined(reference, "")
    return model


def check_targets() -> None:
    """Check that every model a foreign key names is defined by now.

    Raises:
        ImproperlyConfigured: One is not.
    """
    settle()
    for reference, _, _, source in _waiting:
        raise _build_undefined(reference, source)


def _build_undefined(reference: str, source: str) -> ImproperlyConfigured:
    known = sorted(f"{app}.{name}".lstrip(".") for app, name in _models)
    names = known if "." in reference else [name for _, name in _models]
    close = get_close_matches(reference, names, n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known)}."
    named = f", which {source} names," if source else ""
    return ImproperlyConfigured(
        f"Model {reference!r}{named} is not defined.", hint=hint, code="db.unknown-model"
    )


def all_models() -> list[type[Any]]:
    """List every model that is mapped to a table, in the order of definition."""
    return list(_models.values())


def when_defined(
    reference: str, from_app: str, resolve: Callable[[type[Any]], None], source: str = ""
) -> type[Any] | None:
    """Call `resolve` with the model now, or as soon as it is defined.

    Args:
        reference: The model's name.
        from_app: The app it is named in.
        resolve: What to call.
        source: Where it is named, for messages.
    """
    model = _find_exactly(reference, from_app)
    if model is None:
        _waiting.append((reference, from_app, resolve, source))
    else:
        resolve(model)
    return model

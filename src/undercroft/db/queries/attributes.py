"""Names that a query gives to attributes of instances: they hide nothing that matters there."""

from functools import cached_property
from inspect import getattr_static
from typing import Any

from undercroft.db.mapping.options import ModelOptions
from undercroft.db.queries.names import MAX_NAME, shorten
from undercroft.errors import FieldError

#: What a name may be called for, with the code of the error about it.
_CODES = {"annotation": "db.annotation", "column": "db.raw", "list": "db.prefetch"}

_MISSING = object()


def check_attribute(options: ModelOptions, name: str, kind: str) -> None:
    """Check that instances may get an attribute of a name; whether it is a field's is not asked.

    Args:
        options: Of the model.
        name: The name, which may come from anybody.
        kind: What gets it: `annotation`, `column` or `list`.

    Raises:
        FieldError: It is no name, Python's own, or that of a method.
    """
    is_own = name.startswith(("__", "_sa_"))
    is_wrong = not name.isidentifier() or len(name) > MAX_NAME or is_own
    if kind != "column" and is_wrong:
        raise FieldError(
            f"{shorten(name)!r} is no name for {_ARTICLES[kind]}: expected a Python name.",
            code=_CODES[kind],
        )
    found = getattr_static(options.model, name, _MISSING)
    if is_own or name in ("pk", "objects") or _is_fixed(found):
        raise build_hiding(options, name, kind)


_ARTICLES = {"annotation": "an annotation", "list": "a list"}


def _is_fixed(found: Any) -> bool:
    """Tell whether an attribute of the class is a method, or a property without a setter."""
    if isinstance(found, property):
        return found.fset is None
    if isinstance(found, cached_property):
        return False
    return callable(found) or isinstance(found, (classmethod, staticmethod))


def build_hiding(options: ModelOptions, name: str, kind: str) -> FieldError:
    """Build the error for a name that means something already."""
    return FieldError(
        f"The {kind} {shorten(name)!r} would hide {options.name}.{shorten(name)}.",
        hint="Give it another name.",
        code=_CODES[kind],
    )

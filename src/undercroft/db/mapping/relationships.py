"""SQLAlchemy's `relationship("Tag")`: a bare name means a near model here, as everywhere."""

import sys
from collections.abc import Iterable
from typing import Any

from sqlalchemy.orm import RelationshipProperty

from undercroft.db.mapping.registry import find_model


def resolve_bare_names(mappers: Iterable[Any]) -> None:
    """Give relations that name their target the model meant: of the module, else of the app.

    SQLAlchemy would ask for a name that no other app uses; every app has its own names here.
    To be called when it is about to configure mappers. What is not found stays its own affair.
    """
    for mapper in mappers:
        if mapper.configured:
            continue
        for attribute in mapper.iterate_properties:
            target: Any = getattr(attribute, "argument", None)
            if isinstance(attribute, RelationshipProperty) and isinstance(target, str):
                attribute.argument = _find_near(mapper.class_, target) or target


def _find_near(model: Any, name: str) -> type[Any] | None:
    """Find the model a name means where a model's class stands."""
    module = sys.modules.get(model.__module__)
    beside = vars(module).get(name) if module is not None else None
    if isinstance(beside, type) and hasattr(beside, "__options__"):
        return beside
    return find_model(name, model.__options__.app_label)

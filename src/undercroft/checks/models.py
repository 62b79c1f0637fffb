"""Checks of models; most mistakes in them are errors where the class is written."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from undercroft.checks.messages import CheckMessage, Error
from undercroft.checks.registry import Tags, register
from undercroft.errors import UndercroftError

if TYPE_CHECKING:
    from undercroft.app.application import App


def has_models() -> bool:
    """Tell whether any model is declared, without loading SQLAlchemy to find out."""
    if "undercroft.db.model" not in sys.modules:
        return False
    from undercroft.db.mapping import registry as models  # noqa: PLC0415 - it is loaded already

    return bool(models.all_models())


@register(Tags.models)
def check_models(_app: "App") -> Iterator[CheckMessage]:
    """Find orderings by no field, and fields that the database does not know."""
    if not has_models():
        return
    # SQLAlchemy, which an application without models never needs.
    from undercroft.db.connections.databases import databases  # noqa: PLC0415
    from undercroft.db.schema import (  # noqa: PLC0415 - likewise
        check_orderings,
        check_types,
        list_tables,
    )

    try:
        check_orderings()
    except UndercroftError as error:
        yield Error(error.message, error.hint, id="models.ordering")
    vendor = databases["default"].vendor
    try:
        check_types(list_tables(), vendor)
    except UndercroftError as error:
        yield Error(error.message, error.hint, id="models.database")

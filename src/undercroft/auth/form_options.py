"""What every form takes besides what was sent."""

from collections.abc import Mapping
from typing import Any, TypedDict


class FormOptions(TypedDict, total=False):
    """Options of every form; see `Form`."""

    initial: Mapping[str, Any] | None
    prefix: str

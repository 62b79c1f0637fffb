"""Puts what a user spells out over what was found out."""

from collections.abc import Mapping
from typing import Any

from undercroft.openapi.schemas import Schema


def merge(described: Schema, told: Mapping[str, Any]) -> Schema:
    """Copy a description with members put over it: objects member by member, lists after lists."""
    merged: Schema = dict(described)
    for name, value in told.items():
        merged[name] = merge_value(merged.get(name), value)
    return merged


def merge_value(known: Any, told: Any) -> Any:
    """Put one value over another; what is neither an object nor a list takes its place."""
    if isinstance(known, dict) and isinstance(told, Mapping):
        return merge(known, told)  # pyright: ignore[reportUnknownArgumentType] - OpenAPI
    if isinstance(known, list) and isinstance(told, list):
        return [*known, *told]  # pyright: ignore[reportUnknownVariableType] - the same
    return told

"""Names such as `author__name`: followed through relations to a column; they are never SQL."""

from difflib import get_close_matches
from typing import Any, NamedTuple

from undercroft.db.mapping.options import ModelOptions
from undercroft.errors import FieldError

#: Names longer than this are refused unread.
MAX_NAME = 500

#: Relations one name may follow: each is a join, and names may come from outside.
_MAX_DEPTH = 8

#: What stands between the names of a path.
SEPARATOR = "__"


class Found(NamedTuple):
    """Where a name leads.

    Attributes:
        path: The relations to join.
        options: Of the model reached.
        keys: The attributes of the columns there; several of a composite primary key.
        rest: What is left of the name.
        relation: The relation the name ends with, if it does.
    """

    path: tuple[str, ...]
    options: ModelOptions
    keys: tuple[str, ...]
    rest: list[str]
    relation: str | None = None


def split_name(options: ModelOptions, name: str) -> list[str]:
    """Split a name at its relations.

    Raises:
        FieldError: It is too long.
    """
    check_name(options, name)
    parts = name.split(SEPARATOR)
    if len(parts) > _MAX_DEPTH + 3:
        raise FieldError(
            f"{shorten(name)!r} follows {len(parts)} names from {options.name}: expected at "
            f"most {_MAX_DEPTH} relations."
        )
    return parts


def check_name(options: ModelOptions, name: Any) -> None:
    """Refuse a name that none can be, before anything is looked for in it.

    Raises:
        FieldError: It is too long, has NUL in it, or is no text.
    """
    if not isinstance(name, str):
        raise FieldError(
            f"{shorten(repr(name))} is no name of a field of {options.name}: expected text."
        )
    if len(name) > MAX_NAME or "\x00" in name:
        raise options.build_unknown(name[: MAX_NAME + 1])


def find_column(options: ModelOptions, name: str) -> Found:
    """Follow a name through relations to a column, or to the columns of a key.

    Raises:
        FieldError: A part of it is neither.
    """
    parts = split_name(options, name)
    path: tuple[str, ...] = ()
    relation_name: str | None = None
    while parts:
        part = parts[0]
        if part == "pk":
            return Found(path, options, options.primary_keys, parts[1:])
        if part in options.columns:
            return Found(path, options, (part,), parts[1:])
        if part in options.many:
            # `tags` is two steps: to the rows between, and from them to the tags.
            parts[:1] = options.many[part].path
            part = parts[0]
        relation = options.joins.get(part)
        if relation is None:
            if relation_name is not None:
                break
            raise options.build_unknown(part)
        target = relation.target.__options__
        following = parts[1] if len(parts) > 1 else None
        if following == "pk" and len(target.primary_keys) == 1:
            following = target.primary_key
        if not relation.is_reverse and following == relation.target_column:
            # `author__id` is `author_id`: nothing to join.
            return Found(path, options, (relation.column,), parts[2:], part)
        if not relation.is_reverse and (following is None or not target.knows(following)):
            return Found(path, options, (relation.column,), parts[1:], part)
        path, options, relation_name = (*path, part), target, part
        parts = parts[1:]
    return Found(path, options, options.primary_keys, parts, relation_name)


def resolve_related(options: ModelOptions, name: str) -> tuple[str, ...]:
    """Resolve a path of relations to one row each, such as `author__publisher`.

    Raises:
        FieldError: A part of it is no such relation.
    """
    path: tuple[str, ...] = ()
    for part in split_name(options, name):
        relation = options.joins.get(part)
        if relation is None or relation.many:
            single = [known for known, each in options.joins.items() if not each.many]
            close = get_close_matches(part, single, n=1)
            hint = f"Did you mean {close[0]!r}?" if close else ""
            if part in options.many or relation is not None:
                hint = f'It leads to many rows: use .prefetch_related("{part}").'
            hint = hint or f"Relations: {', '.join(single) or 'none'}."
            raise FieldError(
                f"{shorten(part)!r} is no relation of {options.name} to one row.", hint=hint
            )
        path, options = (*path, part), relation.target.__options__
    return path


def is_many(options: ModelOptions, path: tuple[str, ...]) -> bool:
    """Tell whether a path of relations may lead to several rows."""
    for name in path:
        relation = options.joins[name]
        if relation.many:
            return True
        options = relation.target.__options__
    return False


def is_optional(options: ModelOptions, path: tuple[str, ...]) -> bool:
    """Tell whether a path of relations may lead nowhere."""
    for name in path:
        relation = options.joins[name]
        if relation.null:
            return True
        options = relation.target.__options__
    return False


def shorten(name: str) -> str:
    """Shorten a name for a message."""
    return name if len(name) <= 60 else name[:57] + "..."

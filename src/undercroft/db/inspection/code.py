"""Pieces of Python: every name and text of a database goes through here, and none becomes code."""

import ast
import re
import textwrap
from collections.abc import Iterator
from typing import Any, TypeGuard, cast

from undercroft.formatting import WIDTH, format_expression

_INDENT = "    "

#: What SQLAlchemy would take for a parameter in SQL text.
_PARAMETER = re.compile(r"(?<![:\w$\\]):(?=[\w$]+(?![:\w$]))")

#: What tools read as an order where a comment begins with it.
_PRAGMA = re.compile(
    r"\W*(type|mypy|pyright|noqa|fmt|ruff|isort|yapf|pylint|flake8|pragma|nosec|coding)\b",
    re.IGNORECASE,
)


def constant(value: Any) -> ast.expr:
    """Make a literal of plain values, lists and dicts of them included."""
    match value:
        case None | bool() | int() | float():
            return ast.Constant(value)
        case _ if _is_list(value):
            return ast.List([constant(each) for each in value], ast.Load())
        case dict():
            members = cast("dict[str, Any]", value)
            values = [constant(each) for each in members.values()]
            return ast.Dict([constant(each) for each in members], values)
        case _:
            return ast.Constant(str(value))


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def name(dotted: str) -> ast.expr:
    """Make a name of our own choice, such as `models.CASCADE`."""
    return ast.parse(dotted, mode="eval").body


def call(function: str, *arguments: ast.expr, **keywords: ast.expr) -> ast.Call:
    """Make a call of a function of our own choice."""
    named = [ast.keyword(key, value) for key, value in keywords.items()]
    return ast.Call(name(function), list(arguments), named)


def sql(text: str) -> ast.expr:
    """Make SQL as SQLAlchemy's text."""
    return call("sa.text", sql_text(text))


def sql_text(text: str) -> ast.expr:
    """Make SQL as plain text, with nothing in it taken for a parameter."""
    return ast.Constant(_PARAMETER.sub(r"\\:", text))


def write_assignment(target: str, value: ast.expr, depth: int, trailer: str = "") -> Iterator[str]:
    """Write an assignment, laid out as formatters do.

    Args:
        target: What stands before the `=`.
        value: What stands behind it.
        depth: How far it is indented.
        trailer: A comment for type checkers, which formatters do not count.
    """
    indent = _INDENT * depth
    begin = f"{indent}{target} = "
    first, *others = f"{begin}{format_expression(value, depth, len(begin))}".split("\n")
    yield f"{first}  {trailer}" if trailer else first
    yield from others


def write_comment(text: str, depth: int) -> Iterator[str]:
    """Write a comment, whatever the text: it stays in its lines, and no tool obeys it."""
    indent = _INDENT * depth
    width = WIDTH - len(indent) - 4
    lines = textwrap.wrap(flatten(text).replace("#", " "), width, break_on_hyphens=False)
    for line in lines:
        yield f"{indent}# {'… ' if _PRAGMA.match(line) else ''}{line}"


def write_docstring(text: str, depth: int) -> Iterator[str]:
    """Write a docstring, whatever the text: it ends where it should."""
    indent = _INDENT * depth
    clean = flatten(text).replace("\\", "\\\\").replace('"', "'")
    lines = textwrap.wrap(clean, WIDTH - len(indent) - 6, break_on_hyphens=False)
    if not lines:
        return
    if len(lines) == 1:
        yield f'{indent}"""{lines[0]}"""'
        return
    yield f'{indent}"""{lines[0]}'
    yield from (f"{indent}{line}" for line in lines[1:])
    yield f'{indent}"""'


def flatten(text: str) -> str:
    """Bring text into one line of what can be seen: no controls, nothing that turns direction."""
    visible = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(visible.split())

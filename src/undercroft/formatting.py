"""Lays out code we write as the common formatters do, so that they have nothing to change."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator

WIDTH = 100
_INDENT = "    "


def format_body(code: str) -> str:
    """Lay out statements, indented once."""
    return "\n".join(
        line for statement in ast.parse(code).body for line in format_statement(statement, 1)
    )


def format_statement(statement: ast.stmt, depth: int) -> Iterator[str]:
    """Lay out one statement."""
    indent = _INDENT * depth
    if isinstance(statement, ast.With):
        items = ", ".join(write(item) for item in statement.items)
        yield f"{indent}with {items}:"
        for inner in statement.body:
            yield from format_statement(inner, depth + 1)
    elif isinstance(statement, ast.Expr):
        yield indent + format_expression(statement.value, depth, len(indent))
    else:
        yield from (indent + line for line in write(statement).splitlines())


def format_expression(node: ast.expr, depth: int, column: int, tail: int = 0) -> str:
    """Lay out an expression: on one line, else its parts each on its own.

    The arguments of a call first try to stay together on a line below it.

    Args:
        node: A call or a list is taken apart when it is too long.
        depth: The depth of its first line.
        column: Where it begins.
        tail: What must still fit behind it.
    """
    flat = write(node)
    if column + len(flat) + tail <= WIDTH:
        return flat
    parts: list[tuple[str, ast.expr]]
    match node:
        case ast.Call():
            begin, end = f"{write(node.func)}(", ")"
            parts = [("", part) for part in node.args]
            parts += [(f"{word.arg}=", word.value) for word in node.keywords]
        case ast.Dict():
            begin, end = "{", "}"
            pairs = zip(node.keys, node.values, strict=True)
            parts = [(f"{write(key)}: " if key else "**", value) for key, value in pairs]
        case ast.List() | ast.Tuple():
            begin, end = ("[", "]") if isinstance(node, ast.List) else ("(", ")")
            parts = [("", part) for part in node.elts]
        case _:
            return flat
    inner = _INDENT * (depth + 1)
    joined = ", ".join(name + write(part) for name, part in parts)
    if isinstance(node, ast.Call) and len(inner) + len(joined) <= WIDTH:
        body = f"{inner}{joined}\n"
    else:
        body = "".join(
            f"{inner}{name}{format_expression(part, depth + 1, len(inner) + len(name), 1)},\n"
            for name, part in parts
        )
    return f"{begin}\n{body}{_INDENT * depth}{end}"


def write_literal(value: object) -> str:
    """Write a plain value."""
    return write(ast.parse(repr(value), mode="eval").body)


def write(node: ast.AST) -> str:
    """Write a node on one line, with double quotes where that needs no escape."""
    code = ast.unparse(node)
    pieces: list[str] = []
    end = 0
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.start[0] > 1:
            break
        text = token.string
        if token.type == tokenize.STRING and text.startswith("'"):
            text = prefer_double_quotes(text)
        if token.type not in (tokenize.NEWLINE, tokenize.NL, tokenize.ENDMARKER):
            pieces += [code[end : token.start[1]], text]
            end = token.end[1]
    return "".join(pieces)


def prefer_double_quotes(literal: str) -> str:
    """Write a literal in double quotes, unless it would need more escapes that way."""
    body = literal[1:-1]
    if body.count('"') > body.count("\\'"):
        return literal
    return '"' + _QUOTE.sub(_swap_quote, body) + '"'


def _swap_quote(found: re.Match[str]) -> str:
    text = found.group()
    return {"\\'": "'", '"': '\\"'}.get(text, text)


#: A quote of either kind, or any other escape, which is passed over as a whole.
_QUOTE = re.compile(r"\\.|\"")

"""Lays out a migration's code as the common formatters do, so that they have nothing to change."""

import ast
import io
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
    """Lay out an expression: on one line, else its parts on one line, else each on its own.

    Args:
        node: A call or a list is taken apart when it is too long.
        depth: The depth of its first line.
        column: Where it begins.
        tail: What must still fit behind it.
    """
    flat = write(node)
    if column + len(flat) + tail <= WIDTH:
        return flat
    match node:
        case ast.Call():
            begin, end = f"{write(node.func)}(", ")"
            parts: list[tuple[str, ast.expr]] = [("", part) for part in node.args]
            parts += [(f"{word.arg}=", word.value) for word in node.keywords]
        case ast.List() | ast.Tuple():
            begin, end = ("[", "]") if isinstance(node, ast.List) else ("(", ")")
            parts = [("", part) for part in node.elts]
        case _:
            return flat
    inner = _INDENT * (depth + 1)
    joined = ", ".join(name + write(part) for name, part in parts)
    if len(inner) + len(joined) <= WIDTH:
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
        if token.type == tokenize.STRING and text.startswith("'") and '"' not in text:
            text = f'"{text[1:-1]}"'
        if token.type not in (tokenize.NEWLINE, tokenize.NL, tokenize.ENDMARKER):
            pieces += [code[end : token.start[1]], text]
            end = token.end[1]
    return "".join(pieces)

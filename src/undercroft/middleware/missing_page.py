"""The page a developer gets where no route has a path: what was tried, the nearest first."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from html import escape

from undercroft.middleware.error_page import STYLE
from undercroft.routing.route import Route

#: Of a longer path so many characters are compared.
_LONGEST = 200

_TABLE_STYLE = """
main { width: min(100%, 60rem); } table { width: 100%; border-collapse: collapse; }
caption { text-align: left; padding: .6rem 0; } th, td { padding: .35rem .75rem .35rem 0;
  text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
thead th { color: var(--soft); } tbody th { font-weight: 400; } tbody th code { color: var(--ink); }
"""


def render_missing_page(
    method: str, path: str, hint: str, routes: Sequence[Route], nonce: str
) -> str:
    """Render the page.

    Args:
        method: The request's method.
        path: The request's path, which no route has.
        hint: The near address, or nothing.
        routes: What was tried.
        nonce: Allows the page's one style sheet under the policy it is sent with.
    """
    advice = f'<p class="hint">{escape(hint)}</p>' if hint else ""
    rows = "".join(_render_row(route) for route in sort_by_nearness(path, routes))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>404 Not Found</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<style nonce="{escape(nonce)}">{STYLE}{_TABLE_STYLE}</style></head><body><main>'
        f'<p class="status">404</p><h1>No route has this path</h1>'
        f"<p><code>{escape(method)} {escape(path[:_LONGEST])}</code></p>{advice}"
        "<table><caption>The routes that were tried, the nearest first:</caption>"
        '<thead><tr><th scope="col">Path</th><th scope="col">Methods</th>'
        '<th scope="col">Name</th><th scope="col">Declared at</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
        '<p class="hint">This list is shown in debug, at this machine, only.</p>'
        "</main></body></html>"
    )


def sort_by_nearness(path: str, routes: Sequence[Route]) -> list[Route]:
    """Sort routes by how much their paths are like the one that was asked for."""
    wanted = path[:_LONGEST]
    return sorted(routes, key=lambda each: -SequenceMatcher(None, wanted, each.path).ratio())


def _render_row(route: Route) -> str:
    host = "" if route.host is None else route.host.text
    cells = [", ".join(sorted(route.methods)), route.name or "", route.source]
    return (
        f'<tr><th scope="row"><code>{escape(host + route.path)}</code></th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>"
    )

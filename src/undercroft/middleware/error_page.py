"""The page a browser gets for an error: what it is, what was wrong, how to go on.

It says what the problem details say and nothing more, so it is the same in production.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light dark; --ink: #1f1f1c; --soft: #5c594f; --paper: #faf9f5;
  --line: #dcd9ce; --mark: #8a4a24; }
@media (prefers-color-scheme: dark) { :root { --ink: #eceae2; --soft: #a9a698; --paper: #1b1a17;
  --line: #3b3930; --mark: #e0a070; } }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper);
  color: var(--ink); font: 1.0625rem/1.6 system-ui, sans-serif; }
main { box-sizing: border-box; width: min(100%, 42rem); padding: 2rem 1.5rem;
  overflow-wrap: anywhere; }
.status { margin: 0; color: var(--mark); font-weight: 600; letter-spacing: .04em; }
h1 { margin: .25rem 0 1rem; font-size: 2rem; line-height: 1.2; }
p { margin: .5rem 0; } .hint { color: var(--soft); }
ul { margin: 1.25rem 0; padding: 0; list-style: none; border-top: 1px solid var(--line); }
li { padding: .6rem 0; border-bottom: 1px solid var(--line); }
code { color: var(--soft); font: .9em ui-monospace, monospace; }
"""


def render_error_page(problem: Mapping[str, Any], nonce: str) -> str:
    """Render problem details (RFC 9457) as a page.

    Args:
        problem: What `HTTPException.to_problem` builds.
        nonce: Allows the page's one style sheet under the policy it is sent with.
    """
    status, title = escape(str(problem["status"])), escape(str(problem["title"]))
    detail, hint = str(problem.get("detail", "")), str(problem.get("hint", ""))
    said = f"<p>{escape(detail)}</p>" if detail != problem["title"] else ""
    advice = f'<p class="hint">{escape(hint)}</p>' if hint else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{status} {title}'
        '</title><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<style nonce="{escape(nonce)}">{STYLE}</style></head><body><main>'
        f'<p class="status">{status}</p><h1>{title}</h1>{said}{advice}'
        f"{_render_errors(problem.get('errors', ()))}"
        f"<p><code>{escape(str(problem['code']))}</code></p></main></body></html>"
    )


def _render_errors(errors: Sequence[Mapping[str, Any]]) -> str:
    """Render the mistakes of a request as a list, each with its place."""
    items = [
        f"<li><code>{escape(' → '.join(map(str, error.get('location', ()))))}</code><br>"
        f"{escape(str(error.get('message', '')))}</li>"
        for error in errors
    ]
    return f"<ul>{''.join(items)}</ul>" if items else ""

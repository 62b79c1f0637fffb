"""A bar on standard error for work that takes a while; nothing where nobody looks at it."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def build_console() -> "Console":
    """Build the console of standard error."""
    # Slow to import, and only commands that draw need it.
    from rich.console import Console  # noqa: PLC0415

    return Console(stderr=True)


@contextmanager
def show_progress(
    title: str, total: float | None = None, *, hidden: bool = False
) -> Generator[Callable[[float], None]]:
    """Show a bar until the end of the block; gives what tells it of work done.

    Args:
        title: What is being done.
        total: How much work there is, in any unit; unknown when None.
        hidden: Show nothing, for other output goes to the same terminal.
    """
    # As above.
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    console = build_console()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%" if total else "{task.completed:,.0f}"),
        TimeElapsedColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=hidden or not console.is_terminal
    ) as progress:
        task = progress.add_task(title, total=total)
        yield lambda done: progress.advance(task, done)

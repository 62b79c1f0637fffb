"""Python's own shell, in which `await` works: one event loop for as long as it is open."""

import ast
import asyncio
import code
import inspect
from types import CodeType, FunctionType
from typing import Any


class Console(code.InteractiveConsole):
    """A shell whose lines may `await`.

    Args:
        names: What is at hand.
        runner: Keeps the event loop between lines.
    """

    def __init__(self, names: dict[str, Any], runner: asyncio.Runner) -> None:
        super().__init__(names)
        self.names = names
        self.runner = runner
        self.compile.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT

    def runcode(self, code: CodeType) -> None:
        """Run what was typed: what awaits on the loop, all else without one, so it may block."""
        try:
            self._run(code)
        except SystemExit:
            raise
        except BaseException:  # noqa: BLE001 - shown, and the shell goes on
            self.showtraceback()

    def _run(self, code: CodeType) -> None:
        function = FunctionType(code, self.names)
        if code.co_flags & inspect.CO_COROUTINE:
            self.runner.run(function())
        else:
            function()


def interact(names: dict[str, Any], banner: str) -> None:
    """Open the shell until it is left; databases used on its loop are closed with it."""
    # Only where something was awaited is there anything to close.
    from undercroft.db.connections.databases import databases  # noqa: PLC0415

    with asyncio.Runner() as runner:
        Console(names, runner).interact(banner=banner, exitmsg="")
        runner.run(databases.adispose())

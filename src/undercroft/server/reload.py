"""Reload: a supervisor that starts a child, watches the project and starts the child anew.

The supervisor holds the sockets. While a child is away, or broken, connections wait in the
backlog and are answered by the next one that works.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from watchfiles import Change, DefaultFilter, watch

#: Seconds a child gets to finish its requests.
GRACE = 5.0

#: What a project is configured by, beside its Python files.
_WATCHED_NAMES = frozenset({".env", "pyproject.toml"})


class ProjectFilter(DefaultFilter):
    """The project's source files; not virtual environments, caches and version control."""

    def __call__(self, change: Change, path: str) -> bool:
        """Tell whether a change matters."""
        file = Path(path)
        if file.suffix != ".py" and file.name not in _WATCHED_NAMES:
            return False
        return super().__call__(change, path) and not is_in_environment(file)


def is_in_environment(path: Path) -> bool:
    """Tell whether a file belongs to a virtual environment or an installed package."""
    return "site-packages" in path.parts or any(
        (parent / "pyvenv.cfg").exists() for parent in path.parents
    )


def run_with_reload(
    command: Sequence[str],
    folders: Sequence[Path],
    sockets: Sequence[socket.socket],
    tell: Callable[[str], None],
) -> None:
    """Run a child until SIGINT or SIGTERM, and start it anew whenever the project changes.

    Args:
        command: Starts the child; it inherits the sockets.
        folders: What to watch, with everything below.
        sockets: Listening already.
        tell: Says to the developer what happens.
    """
    stop = threading.Event()

    def end(*_signal: object) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    child, mourned = start_child(command, sockets), False
    try:
        for changed in watch_project(folders, stop):
            if changed:
                tell(f"Changed: {changed}. Starting again.")
                stop_child(child)
                child, mourned = start_child(command, sockets), False
            elif not mourned and child.poll() is not None:
                tell("The application is not running. Waiting for a change.")
                mourned = True
    finally:
        stop_child(child)


def watch_project(folders: Sequence[Path], stop: threading.Event) -> Iterator[str]:
    """Yield what has changed, in words, and every half second of quiet an empty string."""
    changes = watch(
        *folders,
        watch_filter=ProjectFilter(),
        stop_event=stop,
        raise_interrupt=False,
        debounce=200,
        step=50,
        rust_timeout=500,
        yield_on_timeout=True,
    )
    for found in changes:
        names = sorted({Path(path).name for _, path in found})
        yield f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else "".join(names)


def start_child(
    command: Sequence[str], sockets: Sequence[socket.socket]
) -> subprocess.Popen[bytes]:
    """Start a child that inherits the sockets and ends with this process."""
    descriptors = [listening.fileno() for listening in sockets]
    for descriptor in descriptors:
        os.set_inheritable(descriptor, True)
    flags = [argument for descriptor in descriptors for argument in ("--fd", str(descriptor))]
    environment = {**os.environ, "UNDERCROFT_PARENT": str(os.getpid())}
    return subprocess.Popen(  # noqa: S603 - our own command line, without a shell
        [sys.executable, *command, *flags],
        env=environment,
        pass_fds=descriptors if os.name == "posix" else (),
    )


def stop_child(child: subprocess.Popen[bytes]) -> None:
    """Stop a child: politely, then not."""
    if child.poll() is None:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(GRACE)
    if child.poll() is None:
        child.kill()
    child.wait()


def end_with_parent() -> None:
    """End this process when the supervisor that started it is gone, however that came about."""
    parent = os.environ.pop("UNDERCROFT_PARENT", "")
    if not parent.isdigit():
        return

    def watch_parent() -> None:
        while os.getppid() == int(parent):
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch_parent, name="undercroft-parent", daemon=True).start()

"""Watch the queries of a block: how many there are, and which one a loop asks again and again.

```python
with max_queries(2):
    client.get("/books")
```

Nothing is noted, and nothing is paid, where nobody watches.
"""

import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from undercroft.errors import RepeatedQueryError, TooManyQueriesError

#: Calls of one query from one line that make it a loop's.
REPEATS = 5

#: Where the package lies: the first frame outside of it is who asked.
_PACKAGE = str(Path(__file__).resolve().parent.parent)

_log = logging.getLogger("undercroft.db")


class Seen(NamedTuple):
    """A query that was asked.

    Attributes:
        model: The name of the model it is about.
        kind: What was asked for or done, for example `instances` or `insert`.
        file: The file it was asked in.
        line: The line there.
    """

    model: str
    kind: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.kind} of {self.model} at {self.file}:{self.line}"


class Watch:
    """Notes the queries of a block, in the threads and tasks that the block starts too.

    Args:
        at_most: Queries that may be asked; None: as many as they like.
        repeats: How often one line may ask one query before `on_repeat` is called.
        on_repeat: Called once for each such line.

    Attributes:
        queries: What was asked, in order.
    """

    def __init__(
        self,
        at_most: int | None = None,
        repeats: int = REPEATS,
        on_repeat: Callable[[Seen, int], None] | None = None,
    ) -> None:
        self.at_most = at_most
        self.repeats = repeats
        self.on_repeat = on_repeat
        self.queries: list[Seen] = []
        self._counts: Counter[Any] = Counter()
        self._last: Any = None
        self._outer: Watch | None = None

    def note(self, call: Any) -> None:
        """Note a call; one that is passed on to a thread comes by twice."""
        if call is self._last:
            return
        self._last = call
        shape = call.shape
        seen = Seen(shape.model.__name__, shape.kind, *_find_origin())
        self.queries.append(seen)
        key = (shape, seen.file, seen.line)
        self._counts[key] += 1
        if self.on_repeat is not None and self._counts[key] == self.repeats:
            self.on_repeat(seen, self.repeats)
        if self._outer is not None:
            self._outer.note(call)

    def __enter__(self) -> Self:
        outer = _watch.get()
        self._outer = outer if outer in open_watches else None
        _watch.set(self)
        open_watches.add(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        open_watches.discard(self)
        # Not by a token: under WSGI a request may end in another context than it began in.
        _watch.set(self._outer)
        if error is None and self.at_most is not None and len(self.queries) > self.at_most:
            raise TooManyQueriesError(
                f"{len(self.queries)} queries were asked: expected at most {self.at_most}.",
                hint=f"They were: {_list(self.queries)}.",
            )


#: The watches open in the process: while there are none, the lane asks no further.
open_watches: set[Watch] = set()

_watch: ContextVar[Watch | None] = ContextVar("undercroft_watch", default=None)


def note(call: Any) -> None:
    """Note a call for whoever watches the running code."""
    watch = _watch.get()
    if watch is not None:
        watch.note(call)


def _find_origin() -> tuple[str, int]:
    """Find the line outside of this package that led here."""
    frame = sys._getframe(2)  # pyright: ignore[reportPrivateUsage] - documented, and the only way
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


def _list(queries: Iterable[Seen]) -> str:
    counted = Counter(map(str, queries))
    return "; ".join(f"{text}{f' ({n} times)' if n > 1 else ''}" for text, n in counted.items())


def capture_queries() -> Watch:
    """Note the queries of a block.

    ```python
    with capture_queries() as seen:
        client.get("/books")
    assert len(seen.queries) == 2
    ```
    """
    return Watch()


def max_queries(at_most: int) -> Watch:
    """Allow a block so many queries.

    Raises:
        TooManyQueriesError: At its end; there were more. The message lists them.
    """
    return Watch(at_most)


def forbid_repeated_queries(repeats: int = REPEATS) -> Watch:
    """Refuse that one line of a block asks one query again and again.

    Args:
        repeats: The call that is refused.

    Raises:
        RepeatedQueryError: At that call, which names file and line.
    """
    return Watch(repeats=repeats, on_repeat=_refuse)


def warn_of_repeated_queries(repeats: int = REPEATS) -> Watch:
    """Log a warning, with file and line, when one line of a block asks one query repeatedly."""
    return Watch(repeats=repeats, on_repeat=_warn)


_HINT = (
    'Load them together: .prefetch_related("..."), .select_related("..."), or filter(pk__in=...).'
)


def _refuse(seen: Seen, repeats: int) -> None:
    raise RepeatedQueryError(
        f"{seen.file}:{seen.line} asks the same query for the {repeats}th time: {seen.kind} of "
        f"{seen.model}.",
        hint=_HINT,
    )


def _warn(seen: Seen, repeats: int) -> None:
    _log.warning(
        "%s:%d asks the same query for the %dth time: %s of %s. %s",
        seen.file,
        seen.line,
        repeats,
        seen.kind,
        seen.model,
        _HINT,
    )

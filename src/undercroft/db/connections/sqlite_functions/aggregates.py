"""Aggregates, which serve as windows as well."""

import statistics
from collections.abc import Callable
from typing import Any


class Collector:
    """Collects the arguments of each row, to work the answer out at the end."""

    def __init__(self) -> None:
        self.rows: list[tuple[Any, ...]] = []

    def step(self, *arguments: Any) -> None:
        """Take in a row; one whose value is NULL counts as none."""
        if arguments[0] is not None:
            self.rows.append(arguments)

    def inverse(self, *arguments: Any) -> None:
        """Forget a row that a window leaves behind."""
        if arguments[0] is not None:
            self.rows.remove(arguments)

    def value(self) -> Any:
        """Answer for the rows so far; NULL when there are too few."""
        raise NotImplementedError

    def finalize(self) -> Any:
        """Answer for all rows."""
        return self.value()


def _build(compute: Callable[[list[Any]], Any], least: int = 1) -> type[Collector]:
    """Build an aggregate of one argument.

    Args:
        compute: Works the answer out of the values.
        least: How many of them it needs.
    """

    class Computed(Collector):
        def value(self) -> Any:
            values = [row[0] for row in self.rows]
            return compute(values) if len(values) >= least else None

    return Computed


def _and(values: list[int]) -> int:
    found = -1
    for value in values:
        found &= value
    return found


def _or(values: list[int]) -> int:
    found = 0
    for value in values:
        found |= value
    return found


def _xor(values: list[int]) -> int:
    found = 0
    for value in values:
        found ^= value
    return found


class Ordered(Collector):
    """Collects values in an order: the values, a plan, the keys to order by.

    The plan is `u` when equal values are taken once, else `-`; then for each key `a` or `d` for
    its direction, and `f`, `l` or `-` for NULLs first, last or the least.
    """

    #: Where the plan stands among the arguments.
    plan_at = 1

    def list_values(self) -> list[Any]:
        """List the values as planned."""
        rows, at = list(self.rows), self.plan_at
        plan = rows[0][at]
        for index in reversed(range(len(rows[0]) - at - 1)):
            direction, nulls = plan[2 * index + 1 : 2 * index + 3]
            key = at + 1 + index
            rows.sort(key=lambda row: _rank(row[key]), reverse=direction == "d")
            if nulls != "-":
                rows.sort(key=lambda row: (row[key] is None) is (nulls == "l"))
        values = [row[0] for row in rows]
        return list(dict.fromkeys(values)) if plan[0] == "u" else values


class JoinedText(Ordered):
    """Texts joined by a delimiter, the second argument."""

    plan_at = 2

    def value(self) -> str | None:
        """Join the texts; NULL when there are none."""
        if not self.rows:
            return None
        delimiter: str = self.rows[0][1]
        return delimiter.join(map(str, self.list_values()))


class ListedJSON(Ordered):
    """Values in lists of one, as JSON, in one list."""

    def value(self) -> str | None:
        """List the values; NULL when there are none."""
        if not self.rows:
            return None
        return f"[{','.join(value[1:-1] for value in self.list_values())}]"


def _rank(value: Any) -> tuple[int, Any]:
    """Rank a value as SQLite orders it: NULL, numbers, text, bytes."""
    if value is None:
        return (0, 0)
    if isinstance(value, (int, float)):
        return (1, value)
    return (2 if isinstance(value, str) else 3, value)


#: The aggregates, and how many arguments they take; -1 is any number.
AGGREGATES: dict[str, tuple[int, type[Collector]]] = {
    "undercroft_bit_and": (1, _build(_and)),
    "undercroft_bit_or": (1, _build(_or)),
    "undercroft_bit_xor": (1, _build(_xor)),
    "undercroft_json_agg": (-1, ListedJSON),
    "undercroft_stddev_pop": (1, _build(statistics.pstdev)),
    "undercroft_stddev_samp": (1, _build(statistics.stdev, 2)),
    "undercroft_string_agg": (-1, JoinedText),
    "undercroft_var_pop": (1, _build(statistics.pvariance)),
    "undercroft_var_samp": (1, _build(statistics.variance, 2)),
}

"""Values by name, ordered, several for a name: what queries and forms are made of."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

T = TypeVar("T")


class MultiValues(Mapping[str, T]):
    """Values read by name.

    `values["q"]` is the last one of a name, as in Django and Starlette; `getlist` gives all.

    Args:
        pairs: Names and values, in order.
    """

    __slots__ = ("_last", "pairs")

    def __init__(self, pairs: Iterable[tuple[str, T]] = ()) -> None:
        self.pairs = list(pairs)
        self._last = dict(self.pairs)

    def __getitem__(self, name: str) -> T:
        """Return the last value of a name."""
        return self._last[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the distinct names."""
        return iter(self._last)

    def __len__(self) -> int:
        """Count the distinct names."""
        return len(self._last)

    def getlist(self, name: str) -> list[T]:
        """Return every value of a name, in order."""
        return [value for key, value in self.pairs if key == name]

"""Changes: who includes routes learns that some were added, however far in and however late."""

from collections.abc import Callable, Iterable
from weakref import WeakSet


class Changing:
    """Something whose routes grow: a router.

    Attributes:
        on_change: Called whenever a route is added, here or in a router included here, for the
            application to compile anew.
    """

    def __init__(self) -> None:
        self.on_change: Callable[[], None] | None = None
        self._including: WeakSet[Changing] = WeakSet()

    def follow(self, included: "Iterable[Changing]") -> None:
        """Take the changes of what is included here for one's own."""
        for inner in included:
            inner._including.add(self)

    def announce_change(self) -> None:
        """Tell everybody who includes this."""
        for outer in self._find_including({self}):
            if outer.on_change is not None:
                outer.on_change()

    def _find_including(self, found: "set[Changing]") -> "set[Changing]":
        """Find those that include this, however far out; a circle ends."""
        for outer in self._including:
            if outer not in found:
                found.add(outer)
                outer._find_including(found)
        return found

"""Django's documented answers to conditions, worked out in plain Python over rows in memory.

Independent of the code under test: it shares no line with it. A condition is a tree of tuples,
`("and" | "or" | "xor", parts)`, `("not", part)` and leaves. Three rules are all there is:

- One `filter()` call joins every relation to many rows that it follows once: a row is found once
  for each combination of joined rows that fulfils the condition. No row at all is joined as NULL.
- Denied, a condition on a relation to many rows is about all of them: `exclude(people__age=3)`
  means that no person is 3.
- A comparison with NULL does not hold, so its denial does.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

#: A row: its columns by name, `id` among them.
Row = Mapping[str, Any]

#: Rows joined, by the path of relations that leads to them; None where there is none.
Joined = dict[tuple[str, ...], Row | None]


class Leaf(NamedTuple):
    """One comparison.

    Attributes:
        path: Relations to follow.
        name: The column at their end.
        lookup: How it is compared.
        value: With what; `Column` for another column of the same row.
    """

    path: tuple[str, ...]
    name: str
    lookup: str
    value: Any


class Column(NamedTuple):
    """A column to compare with, at the end of the leaf's own path."""

    name: str


class Step(NamedTuple):
    """A relation.

    Attributes:
        target: The model it leads to.
        many: Whether it leads to several rows.
        column: The foreign key that makes it: of this side, or of the target's where it is many.
        through: The pairs of keys, of a relation of many to many.
    """

    target: str
    many: bool
    column: str = ""
    through: str = ""


@dataclass
class World:
    """Rows by model, and how they hang together.

    Attributes:
        steps: By model and name.
        rows: By model.
        pairs: Of relations of many to many, by name: keys of this side and of the other.
    """

    steps: dict[str, dict[str, Step]]
    rows: dict[str, list[Row]] = field(default_factory=dict)
    pairs: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    def follow(self, model: str, row: Row | None, name: str) -> list[Row | None]:
        """Follow a relation of a row; [None] where it leads nowhere."""
        if row is None:
            return [None]
        step = self.steps[model][name]
        targets = self.rows[step.target]
        found: list[Row | None]
        if step.through:
            turned = step.through.startswith("-")
            pairs = self.pairs[step.through.removeprefix("-")]
            keys = [pair[1 - turned] for pair in pairs if pair[int(turned)] == row["id"]]
            found = [each for each in targets if each["id"] in keys]
        elif step.many:
            found = [each for each in targets if each[step.column] == row["id"]]
        else:
            found = [each for each in targets if each["id"] == row[step.column]]
        return found or [None]

    def is_many(self, model: str, path: tuple[str, ...]) -> bool:
        """Tell whether a path may lead to several rows."""
        for name in path:
            step = self.steps[model][name]
            if step.many:
                return True
            model = step.target
        return False

    def join(self, model: str, row: Row, paths: Iterable[tuple[str, ...]]) -> Iterator[Joined]:
        """List the combinations of rows that paths lead to."""
        prefixes = sorted(
            {path[: length + 1] for path in paths for length in range(len(path))}, key=len
        )
        yield from self._extend(model, {(): row}, prefixes)

    def _extend(
        self, model: str, joined: Joined, prefixes: list[tuple[str, ...]]
    ) -> Iterator[Joined]:
        if not prefixes:
            yield joined
            return
        first, *rest = prefixes
        for each in self.follow(self.find_model(model, first[:-1]), joined[first[:-1]], first[-1]):
            yield from self._extend(model, {**joined, first: each}, rest)

    def find_model(self, model: str, path: tuple[str, ...]) -> str:
        """Find the model at a path's end."""
        for name in path:
            model = self.steps[model][name].target
        return model

    # ------------------------------------------------------------------ answers

    def find(self, model: str, calls: Iterable[tuple[str, Any]]) -> list[int]:
        """Find the keys of rows, each as often as it comes, in order.

        Args:
            model: Which rows.
            calls: `filter` or `exclude`, and the condition.
        """
        found: list[int] = []
        for row in self.rows[model]:
            times = 1
            for method, condition in calls:
                denied = ("not", condition) if method == "exclude" else condition
                times *= self._count(model, row, denied)
            found += [row["id"]] * times
        return sorted(found)

    def _count(self, model: str, row: Row, condition: Any) -> int:
        """Count the combinations of joined rows that fulfil a condition."""
        paths = [leaf.path for leaf in list_leaves(condition) if self.is_many(model, leaf.path)]
        joined = self.join(model, row, paths)
        return sum(self._holds(model, row, each, condition, denied=False) for each in joined)

    def _holds(self, model: str, row: Row, joined: Joined, condition: Any, *, denied: bool) -> bool:
        """Tell whether a condition holds for a row with what was joined to it."""
        if isinstance(condition, Leaf):
            path = condition.path
            if path in joined and not (denied and self.is_many(model, path)):
                return compare(condition, joined[path])
            # Denied, many rows are looked at by themselves; one row needs no joining.
            return any(compare(condition, each[path]) for each in self.join(model, row, [path]))
        kind, inner = condition
        if kind == "not":
            return not self._holds(model, row, joined, inner, denied=True)
        return combine(
            kind, [self._holds(model, row, joined, part, denied=denied) for part in inner]
        )

    def list_counted(
        self, model: str, row: Row, path: tuple[str, ...], condition: Any
    ) -> list[Row]:
        """List the rows at a path that an aggregate with `filter=condition` is about.

        Whatever the condition looks at is joined, denied or not.
        """
        paths = [leaf.path for leaf in list_leaves(condition, is_whole=True)]
        found: list[Row] = []
        for joined in self.join(model, row, [path, *paths]):
            each = joined[path]
            if each is not None and _holds_joined(joined, condition):
                found.append(each)
        return found


def _holds_joined(joined: Joined, condition: Any) -> bool:
    if isinstance(condition, Leaf):
        return compare(condition, joined[condition.path])
    kind, inner = condition
    if kind == "not":
        return not _holds_joined(joined, inner)
    return combine(kind, [_holds_joined(joined, part) for part in inner])


def combine(kind: str, parts: list[bool]) -> bool:
    """Join what holds by a connector."""
    return {"and": all(parts), "or": any(parts), "xor": sum(parts) % 2 == 1}[kind]


def list_leaves(condition: Any, *, is_whole: bool = False) -> Iterator[Leaf]:
    """List the leaves that are not denied, which are those that join; or all of them."""
    if isinstance(condition, Leaf):
        yield condition
    elif condition[0] == "not":
        if is_whole:
            yield from list_leaves(condition[1], is_whole=True)
    else:
        for part in condition[1]:
            yield from list_leaves(part, is_whole=is_whole)


def compare(leaf: Leaf, row: Row | None) -> bool:
    """Tell whether a comparison holds for the row at its end."""
    left = None if row is None else row[leaf.name]
    right = leaf.value
    if isinstance(right, Column):
        right = None if row is None else row[right.name]
        return left is not None and right is not None and _COMPARISONS[leaf.lookup](left, right)
    if leaf.lookup == "isnull":
        return (left is None) == right
    if right is None:
        return left is None
    return left is not None and bool(_COMPARISONS[leaf.lookup](left, right))


_COMPARISONS: dict[str, Any] = {
    "exact": lambda left, right: left == right,
    "gt": lambda left, right: left > right,
    "gte": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "lte": lambda left, right: left <= right,
    "in": lambda left, right: left in [each for each in right if each is not None],
    "range": lambda left, right: right[0] <= left <= right[1],
    "iexact": lambda left, right: left.lower() == right.lower(),
    "contains": lambda left, right: right in left,
    "icontains": lambda left, right: right.lower() in left.lower(),
    "startswith": lambda left, right: left.startswith(right),
    "istartswith": lambda left, right: left.lower().startswith(right.lower()),
    "endswith": lambda left, right: left.endswith(right),
}

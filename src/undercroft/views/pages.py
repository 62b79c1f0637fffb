"""Pages of a list, with Django's names: `page_obj.has_next()`, `paginator.num_pages`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic

from typing_extensions import TypeVar

from undercroft.errors import NotFound

T = TypeVar("T", default=Any)

#: A page of so many digits is beyond any list, and its offset may be beyond the database.
_MOST_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Paginator:
    """A list in pages.

    Attributes:
        count: Rows on all pages.
        per_page: Rows on a full page.
    """

    count: int
    per_page: int

    @property
    def num_pages(self) -> int:
        """How many pages there are; an empty list has one."""
        return max(1, -(-self.count // self.per_page))

    @property
    def page_range(self) -> range:
        """The numbers of all pages."""
        return range(1, self.num_pages + 1)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list.

    Attributes:
        object_list: Its rows.
        number: From one.
        paginator: Knows of all pages.
    """

    object_list: Sequence[T]
    number: int
    paginator: Paginator

    def __iter__(self) -> Iterator[T]:
        """Iterate over the rows."""
        return iter(self.object_list)

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.object_list)

    def has_next(self) -> bool:
        """Tell whether a page follows."""
        return self.number < self.paginator.num_pages

    def has_previous(self) -> bool:
        """Tell whether a page is before this one."""
        return self.number > 1

    def has_other_pages(self) -> bool:
        """Tell whether this page is not the only one."""
        return self.paginator.num_pages > 1

    def next_page_number(self) -> int:
        """Return the number of the next page."""
        return self.number + 1

    def previous_page_number(self) -> int:
        """Return the number of the page before."""
        return self.number - 1

    def start_index(self) -> int:
        """Return the place of the first row in the whole list, from one; 0 where it is empty."""
        count, per_page = self.paginator.count, self.paginator.per_page
        return (self.number - 1) * per_page + 1 if count else 0

    def end_index(self) -> int:
        """Return the place of the last row in the whole list."""
        return min(self.number * self.paginator.per_page, self.paginator.count)


async def get_page(rows: Any, text: str, per_page: int) -> Page[Any]:
    """Fetch one page of a queryset.

    Args:
        rows: The queryset.
        text: The page's number as it was asked for, or `last`.
        per_page: Rows on a page.

    Raises:
        NotFound: There is no such page.
    """
    paginator = Paginator(await rows.acount(), per_page)
    is_number = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
    number = paginator.num_pages if text == "last" else int(text) if is_number else 0
    if not 1 <= number <= paginator.num_pages:
        raise NotFound(
            f"There is no page {text[:20]!r}; there are {paginator.num_pages}.",
            code="views.no-page",
        )
    start = (number - 1) * per_page
    return Page(await rows[start : start + per_page], number, paginator)

"""One page of a longer list, with the numbers its links need."""

from collections.abc import Sequence
from dataclasses import dataclass

from blog.models import BlogPost
from undercroft.models import QuerySet


@dataclass(frozen=True, slots=True)
class Page:
    """Some posts, and where they stand among all of them."""

    posts: Sequence[BlogPost]
    number: int
    size: int
    total: int

    @property
    def last(self) -> int:
        """The number of the last page; an empty list still has one page."""
        return max(1, -(-self.total // self.size))

    @property
    def first_position(self) -> int:
        """The position of the first post shown, counted from one."""
        return (self.number - 1) * self.size + 1

    @property
    def last_position(self) -> int:
        """The position of the last post shown."""
        return self.first_position + len(self.posts) - 1


async def get_page(posts: QuerySet[BlogPost], number: int, size: int) -> Page:
    """Fetch page `number`, counted from one; past the end its list of posts is empty."""
    total = await posts.acount()
    start = (number - 1) * size
    found = await posts[start : start + size] if start < total else []
    return Page(found, number, size, total)

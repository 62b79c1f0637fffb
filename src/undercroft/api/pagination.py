"""Pagination: a long list in pages, by number."""

from collections.abc import Sequence
from dataclasses import dataclass
from inspect import Parameter
from typing import Annotated, Any, ClassVar
from urllib.parse import quote, urlencode

from undercroft.api.loading import LoadPlan
from undercroft.api.twins import run_twin
from undercroft.binding.parameters import Query
from undercroft.db.queryset import QuerySet
from undercroft.errors import NotFound
from undercroft.http.query import parse_pairs
from undercroft.http.request import Request
from undercroft.http.url import SAFE_IN_PATH

#: No page is further away: its offset fits every database.
LAST_PAGE = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list.

    Attributes:
        number: From one.
        size: Rows on a full page.
        count: Rows on all pages.
        results: The page's rows, ready for JSON.
        address: Of the list, with the rest of the query.
        parameter: The name of the page number in the query string.
    """

    number: int
    size: int
    count: int
    results: list[Any]
    address: str
    parameter: str

    @property
    def next(self) -> str | None:
        """The address of the next page; None on the last."""
        if self.number * self.size >= self.count:
            return None
        return self.build_link(self.number + 1)

    @property
    def previous(self) -> str | None:
        """The address of the previous page; None on the first."""
        return self.build_link(self.number - 1) if self.number > 1 else None

    def build_link(self, number: int) -> str:
        """Build the address of another page."""
        if number == 1:
            return self.address
        separator = "&" if "?" in self.address else "?"
        return f"{self.address}{separator}{self.parameter}={number}"


def build_address(request: Request, parameter: str) -> str:
    """Build the address a request asked for, without one parameter of its query."""
    path = quote(request.root_path + request.path, safe=SAFE_IN_PATH)
    address = f"{request.scheme}://{request.host}{path}"
    raw = request.raw_query
    if not raw or (b"&" not in raw and raw.startswith(f"{parameter}=".encode())):
        return address
    pairs = [pair for pair in parse_pairs(raw) if pair[0] != parameter]
    return f"{address}?{urlencode(pairs)}" if pairs else address


class PageNumberPagination:
    """Pages by number: `?page=3`.

    Subclass it and set the attributes; for another envelope, override `get_paginated_response`
    and `get_envelope_fields` together. A page beyond the last is a 404.

    Attributes:
        page_size: Rows on a page.
        page_query_param: The name of the page number in the query string.
        page_size_query_param: A name by which clients may choose the size; None lets them not.
        max_page_size: The largest size they may choose.
    """

    page_size: ClassVar[int] = 50
    page_query_param: ClassVar[str] = "page"
    page_size_query_param: ClassVar[str | None] = None
    max_page_size: ClassVar[int] = 1000

    def get_parameters(self) -> list[Parameter]:
        """Return what a list reads from the query string, as a handler's parameters."""
        number: Any = Query(
            alias=self.page_query_param, ge=1, le=LAST_PAGE, description="The page, from 1."
        )
        found = [
            Parameter("page", Parameter.KEYWORD_ONLY, default=1, annotation=Annotated[int, number])
        ]
        if self.page_size_query_param is not None:
            size: Any = Query(
                alias=self.page_size_query_param,
                ge=1,
                le=self.max_page_size,
                description="How many rows a page has.",
            )
            found.append(
                Parameter(
                    "page_size",
                    Parameter.KEYWORD_ONLY,
                    default=self.page_size,
                    annotation=Annotated[int, size],
                )
            )
        return found

    def get_envelope_fields(self, item: Any) -> dict[str, Any]:
        """Return the types of the envelope's members, for OpenAPI."""
        return {"count": int, "next": str | None, "previous": str | None, "results": list[item]}

    def get_paginated_response(self, page: Page) -> dict[str, Any]:
        """Build the envelope of a page."""
        return {
            "count": page.count,
            "next": page.next,
            "previous": page.previous,
            "results": page.results,
        }

    async def paginate(
        self, request: Request, queryset: QuerySet[Any], plan: LoadPlan, **asked: int
    ) -> dict[str, Any]:
        """Load the page that was asked for and put it into its envelope.

        Raises:
            NotFound: It lies beyond the last.
        """
        number, size = asked["page"], asked.get("page_size", self.page_size)
        start = (number - 1) * size
        ordered = queryset._order_by_key()  # pyright: ignore[reportPrivateUsage] - what `first()` does
        rows = await plan.load_many(ordered[start : start + size])
        count = await self._count(queryset, start, size, rows)
        if not rows and number > 1:
            raise NotFound(
                f"There is no page {number}: the last is {max(1, -(-count // size))}.",
                code="api.no-page",
            )
        parameter = self.page_query_param
        page = Page(number, size, count, rows, build_address(request, parameter), parameter)
        return self.get_paginated_response(page)

    async def _count(
        self, queryset: QuerySet[Any], start: int, size: int, rows: Sequence[Any]
    ) -> int:
        """Count all rows; the last page has told already."""
        if len(rows) < size and (rows or start == 0):
            return start + len(rows)
        count: int = await run_twin(queryset, "count")
        return count

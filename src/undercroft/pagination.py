"""Pagination of lists: `from undercroft import pagination`."""

from undercroft.api.pagination import Page, PageNumberPagination

__all__ = ["Page", "PageNumberPagination"]

"""The addresses of the API's description and of the pages that show it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from undercroft.routing.route import Route


@dataclass(frozen=True, slots=True)
class OpenAPIOptions:
    """How the API is described.

    Attributes:
        title: Its name.
        version: The API's own version.
        description: Markdown shown at the top.
        url: Where the document is served; None serves nothing.
        docs_url: Where Swagger UI is served; None serves none.
    """

    title: str = "undercroft"
    version: str = "0.1.0"
    description: str = ""
    url: str | None = "/openapi.json"
    docs_url: str | None = "/docs"


def build_openapi_routes(
    options: OpenAPIOptions, get_operations: Callable[[], Sequence[Any]]
) -> list[Route]:
    """Build the routes of the description."""
    return []

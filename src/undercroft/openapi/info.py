"""What a description says of the API as a whole."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from undercroft.routing.route import Route

Member = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """The API as a whole, in the words of OpenAPI 3.1, sections 4.8.2 to 4.8.5.

    Attributes:
        title: Its name.
        version: The API's own version.
        summary: What it is, in a line.
        description: Markdown.
        terms_of_service: An address.
        contact: `name`, `url`, `email`.
        license: `name`, and `identifier` or `url`.
        servers: Where it is served, each with `url` and perhaps a `description`.
        tags: In their order, each with `name` and perhaps a `description`.
        external_docs: `url`, and perhaps a `description`.
        generate_unique_id_function: Names an operation by its route, where that has no
            `operation_id`; the function's name does otherwise. What two share is told apart.
    """

    title: str = "undercroft"
    version: str = "0.1.0"
    summary: str = ""
    description: str = ""
    terms_of_service: str = ""
    contact: Member = field(default_factory=dict[str, Any])
    license: Member = field(default_factory=dict[str, Any])
    servers: Sequence[Member] = ()
    tags: Sequence[Member] = ()
    external_docs: Member = field(default_factory=dict[str, Any])
    generate_unique_id_function: Callable[[Route], str] | None = None

    def describe(self) -> dict[str, Any]:
        """Build the info object."""
        described: dict[str, Any] = {
            "title": self.title,
            "summary": self.summary,
            "description": self.description,
            "termsOfService": self.terms_of_service,
            "contact": dict(self.contact),
            "license": dict(self.license),
            "version": self.version,
        }
        return {name: value for name, value in described.items() if value}

"""Views of rows: one of them, or a list."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic

from typing_extensions import TypeVar

from undercroft.errors import ImproperlyConfigured, NotFound, ObjectDoesNotExist
from undercroft.http.responses import Response
from undercroft.views.calling import call_hook
from undercroft.views.pages import Page, get_page
from undercroft.views.templates import TemplateResponseMixin

if TYPE_CHECKING:
    # Only for type checkers: an application without models loads no SQLAlchemy.
    from undercroft.db.queryset import QuerySet

M = TypeVar("M", default=Any)


class ModelMixin(TemplateResponseMixin, Generic[M]):
    """What views of a model's rows have in common.

    Attributes:
        model: The model, of which all rows are meant.
        queryset: Instead, the rows that are meant.
        ordering: The order of a list.
        context_object_name: What the template calls the row or rows besides `object` and
            `object_list`; the model's name in lower case, or with `_list`, when left out.
        template_name_suffix: What follows the model's name in the template's.
    """

    model: type[M] | None = None
    queryset: "QuerySet[Any] | None" = None
    ordering: str | Sequence[str] | None = None
    context_object_name: str | None = None
    template_name_suffix: str = ""

    def get_queryset(self) -> "QuerySet[Any]":
        """Return the rows that are meant; override it to choose by the request."""
        rows: Any = self.queryset
        if rows is None and self.model is not None:
            options: Any = getattr(self.model, "__options__")  # noqa: B009 - a model's, which its type here does not say
            rows = getattr(self.model, options.manager_name)
        if rows is None:
            raise ImproperlyConfigured(
                f"{type(self).__name__} knows no rows.",
                hint="Set `model` or `queryset`, or override `get_queryset`.",
                code="views.no-queryset",
            )
        rows = rows.all()
        if self.ordering:
            names = [self.ordering] if isinstance(self.ordering, str) else self.ordering
            rows = rows.order_by(*names)
        found: QuerySet[Any] = rows
        return found

    def find_model(self) -> Any:
        """Return the model whose rows are shown, or None where it is not known."""
        return self.model if self.model is not None else getattr(self.queryset, "model", None)

    def get_template_names(self) -> Sequence[str]:
        """Return `template_name`, or one made of the app's, the model's and the view's names."""
        model = self.find_model()
        if self.template_name is not None or model is None:
            return super().get_template_names()
        label = model.__options__.app_label
        name = f"{model.__name__.lower()}{self.template_name_suffix}.html"
        return [f"{label}/{name}" if label else name]


class ListView(ModelMixin[M]):
    """Show a list of rows, in pages with `paginate_by`.

    The context has `object_list` (also as `post_list`), and `page_obj`, `paginator`,
    `is_paginated`.

    Attributes:
        paginate_by: Rows on a page; None shows all.
        page_kwarg: The name of the page's number in the query or the path.
        allow_empty: Whether an empty list is shown; else it is a 404.
    """

    template_name_suffix = "_list"
    paginate_by: int | None = None
    page_kwarg: str = "page"
    allow_empty: bool = True
    object_list: Sequence[M]

    def get_paginate_by(self) -> int | None:
        """Return how many rows a page has; None for all."""
        return self.paginate_by

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the context, with the rows by their names."""
        model = self.find_model()
        named = f"{model.__name__.lower()}_list" if model is not None else "object_list"
        rows = {
            "object_list": self.object_list,
            self.context_object_name or named: self.object_list,
        }
        return super().get_context_data(**{**rows, **kwargs})

    async def get(self) -> Response:
        """Show the list."""
        rows = await call_hook(self, "get_queryset")
        size = await call_hook(self, "get_paginate_by")
        page: Page[M] | None = None
        if size is None:
            self.object_list = await rows if hasattr(rows, "model") else rows
        else:
            asked = self.request.query_params.get(self.page_kwarg, "1")
            page = await get_page(rows, str(self.kwargs.get(self.page_kwarg, asked)), size)
            self.object_list = page.object_list
        if not self.object_list and not self.allow_empty:
            raise NotFound("The list is empty.")
        return await self.render(
            page_obj=page,
            paginator=page and page.paginator,
            is_paginated=page is not None and page.has_other_pages(),
        )


class SingleObjectMixin(ModelMixin[M]):
    """What views of one row have in common.

    Attributes:
        slug_field: The field that `slug_url_kwarg` is compared with.
        slug_url_kwarg: What the path calls the slug.
        pk_url_kwarg: What the path calls the key; `id` goes as well.
    """

    slug_field: str = "slug"
    slug_url_kwarg: str = "slug"
    pk_url_kwarg: str = "pk"
    object: M

    async def get_object(self) -> M:
        """Fetch the row that the path names.

        Raises:
            NotFound: There is none.
        """
        rows = await call_hook(self, "get_queryset")
        found: M
        try:
            found = await rows.aget(**self.get_lookups())
        except ObjectDoesNotExist as error:
            raise NotFound(error.message) from None
        return found

    def get_lookups(self) -> dict[str, Any]:
        """Return the conditions that the path's parameters make."""
        for name in (self.pk_url_kwarg, "id"):
            if name in self.kwargs:
                return {"pk": self.kwargs[name]}
        if self.slug_url_kwarg in self.kwargs:
            return {self.slug_field: self.kwargs[self.slug_url_kwarg]}
        raise ImproperlyConfigured(
            f"The path {self.request.route.path!r} of {type(self).__name__} names no row.",
            hint=f"Write {{{self.pk_url_kwarg}:int}} or {{{self.slug_url_kwarg}:slug}} in it.",
            code="views.no-key",
        )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the context, with the row by its names."""
        row = getattr(self, "object", None)
        if row is None:
            return super().get_context_data(**kwargs)
        name = self.context_object_name or type(row).__name__.lower()
        return super().get_context_data(**{"object": row, name: row, **kwargs})


class DetailView(SingleObjectMixin[M]):
    """Show one row; the context has it as `object` and by its model's name."""

    template_name_suffix = "_detail"

    async def get(self) -> Response:
        """Show it."""
        self.object = await call_hook(self, "get_object")
        return await self.render()

"""Views that show a template, or send elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from undercroft.errors import HTTPException, ImproperlyConfigured
from undercroft.http.responses import HTMLResponse, RedirectResponse, Response
from undercroft.views.base import View
from undercroft.views.calling import call_hook

_GONE = 410


def quote_values(values: Mapping[str, Any]) -> dict[str, str]:
    """Percent-encode what the path captured: no value may lead to another host or path."""
    return {name: quote(str(value), safe="") for name, value in values.items()}


class TemplateResponseMixin(View):
    """What views that show a template have in common.

    Attributes:
        template_name: The template.
        content_type: Its media type.
        extra_context: What every page's context has besides.
    """

    template_name: str | None = None
    content_type: str = "text/html"
    extra_context: dict[str, Any] | None = None

    def get_template_names(self) -> Sequence[str]:
        """Return the templates to look for; the first that exists is taken."""
        if self.template_name is None:
            raise ImproperlyConfigured(
                f"{type(self).__name__} has no template.",
                hint="Set `template_name`, or override `get_template_names`.",
                code="views.no-template",
            )
        return [self.template_name]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the template's context; override it, `def` or `async def`, and call `super()`."""
        return {"view": self, **(self.extra_context or {}), **kwargs}

    async def render(self, status_code: int = 200, **kwargs: Any) -> Response:
        """Render the template with the context that the hooks make."""
        context = await call_hook(self, "get_context_data", **kwargs)
        names = await call_hook(self, "get_template_names")
        return self.render_to_response(context, names, status_code)

    def render_to_response(
        self, context: dict[str, Any], names: Sequence[str], status_code: int = 200
    ) -> Response:
        """Render the template; a hook for headers of one's own."""
        templates: Any = self.request.app.templates
        page: Markup = templates.render_first(names, templates.build_context(self.request, context))
        return HTMLResponse(page, status_code, media_type=self.content_type)


class TemplateView(TemplateResponseMixin):
    """Show a template; what the path captured is in its context."""

    async def get(self) -> Response:
        """Show it."""
        return await self.render(**self.kwargs)


class RedirectView(View):
    """Send the browser elsewhere, whatever the method.

    Attributes:
        permanent: Whether browsers may remember it.
        url: The address, in which `{name}` stands for what the path captured.
        pattern_name: Instead, the name of a route that takes the same parameters.
        query_string: Whether the request's query goes along.
    """

    permanent: bool = False
    url: str | None = None
    pattern_name: str | None = None
    query_string: bool = False

    def get_redirect_url(self, **kwargs: Any) -> str | None:
        """Return the address; None answers 410 Gone."""
        if self.url is not None:
            address = self.url.format_map(quote_values(kwargs))
        elif self.pattern_name is not None:
            address = self.request.url_for(self.pattern_name, **kwargs)
        else:
            return None
        query = self.request.raw_query.decode("latin-1")
        return f"{address}?{query}" if query and self.query_string else address

    async def get(self) -> Response:
        """Redirect."""
        address = await call_hook(self, "get_redirect_url", **self.kwargs)
        if address is None:
            raise HTTPException(_GONE)
        return RedirectResponse(address, 301 if self.permanent else 302)

    post = put = patch = delete = get

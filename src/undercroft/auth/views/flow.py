"""What all views of accounts have in common: one address answers pages, and JSON alike.

Who sends JSON, or accepts no page, is answered in JSON: with where to go on, or with problem
details. Nothing of it is kept by caches.
"""

from collections.abc import Mapping
from typing import Any, cast

from undercroft.errors import (
    NON_FIELD_ERRORS,
    BadRequest,
    NoReverseMatch,
    RequestValidationError,
    TooManyRequests,
)
from undercroft.forms.form import Form
from undercroft.http.request import Request
from undercroft.http.responses import JSONResponse, RedirectResponse, Response
from undercroft.middleware.caching import never_cache
from undercroft.middleware.failures import prefers_html
from undercroft.security.csrf import get_token
from undercroft.security.redirects import url_has_allowed_host_and_scheme
from undercroft.views.base import View
from undercroft.views.calling import call_hook
from undercroft.views.editing import FormView
from undercroft.views.templates import TemplateView

_FOUND = 302

#: The query's, or the form's, field that says where to go; Django's name.
NEXT = "next"


def is_json(request: Request) -> bool:
    """Tell whether a request brings JSON."""
    return request.media_type == "application/json"


def prefers_json(request: Request) -> bool:
    """Tell whether a request is answered by JSON, and not by a page."""
    return is_json(request) or not prefers_html(request)


def resolve_address(request: Request, target: str) -> str:
    """Find the address that a setting means: an address itself, or a route's name."""
    is_address = target.startswith(("/", "http://", "https://"))
    return target if is_address else request.url_for(target)


def find_next(request: Request, data: Any = None) -> str:
    """Find where a visitor wants to go on; "" where that is nowhere of ours."""
    told = request.query_params.get(NEXT) if data is None else data.get(NEXT)
    told = request.query_params.get(NEXT) if told is None else told
    is_https = request.scheme == "https"
    if not isinstance(told, str):
        return ""
    is_ours = url_has_allowed_host_and_scheme(told, {request.host}, require_https=is_https)
    return told if is_ours else ""


def go_on(request: Request, address: str, **told: Any) -> Response:
    """Send the browser on, or tell a script where it would go."""
    if prefers_json(request):
        return JSONResponse({**told, NEXT: address})
    return RedirectResponse(address, _FOUND)


class LinksMixin(View):
    """What pages of accounts know of each other: a project need not have them all."""

    def find_address(self, name: str) -> str:
        """Find the address of a route; "" where there is none."""
        try:
            return self.request.url_for(name)
        except NoReverseMatch:
            return ""


@never_cache
class FlowView(LinksMixin, FormView):
    """A form, as a page or in JSON.

    Attributes:
        confirmations: Fields that repeat another one, by their names: a script leaves them out.
    """

    confirmations: Mapping[str, str] = {}

    def list_form_arguments(self) -> list[Any]:
        """List what the form is made with, before what was sent."""
        return []

    async def build_form(self, data: Any = None) -> Any:
        """Make the form by the hooks."""
        form_class: Any = await call_hook(self, "get_form_class")
        options = await call_hook(self, "get_form_kwargs")
        return form_class(*self.list_form_arguments(), data, **options)

    async def read_data(self) -> Any:
        """Read what was sent, a form or JSON.

        Raises:
            BadRequest: The JSON is no object.
        """
        if not is_json(self.request):
            return await self.request.form()
        found = await self.request.json()
        if not isinstance(found, dict):
            raise BadRequest("The body is to be an object, with the form's fields as its members.")
        told = cast("dict[str, Any]", found)
        repeated = {
            second: told[first] for second, first in self.confirmations.items() if first in told
        }
        return {**repeated, **told}

    async def get(self) -> Response:
        """Show the form; a script is told its fields, and a token for its requests."""
        if not prefers_json(self.request):
            return await super().get()
        form: Form = await self.build_form()
        fields = [
            {
                "name": field.html_name,
                "type": field.input_type,
                "label": field.label,
                "required": field.field.required and field.name not in self.confirmations,
            }
            for field in form
        ]
        return JSONResponse({"fields": fields, "csrf_token": get_token(self.request)})

    async def post(self) -> Response:
        """Check the form that was sent, and do what it says."""
        form = await self.build_form(await self.read_data())
        try:
            if await self.check_forms(form):
                return await self.perform(form)
        except TooManyRequests as error:
            return await self.form_throttled(form, error)
        return await self.form_invalid(form)

    async def perform(self, form: Any) -> Response:
        """Do what the form says."""
        answer: Response = await call_hook(self, "form_valid", form)
        return answer

    async def form_valid(self, form: Any) -> Response:
        """Go on."""
        return go_on(self.request, await call_hook(self, "get_success_url"))

    async def form_invalid(self, form: Any) -> Response:
        """Show the form again, with what is wrong.

        Raises:
            RequestValidationError: A script sent it.
        """
        if prefers_json(self.request):
            raise RequestValidationError(list_mistakes(form))
        return await super().form_invalid(form)

    async def form_throttled(self, form: Any, error: TooManyRequests) -> Response:
        """Show the form again, and say how long to wait.

        Raises:
            TooManyRequests: A script sent it.
        """
        if prefers_json(self.request):
            raise error
        form.add_error(None, f"{error.message} {error.hint}")
        response = await self.render(error.status_code, form=form)
        for name, value in error.headers.items():
            response.headers[name] = value
        return response


class ButtonMixin(FlowView):
    """A form of a button alone."""

    form_class = Form

    async def read_data(self) -> Any:
        """Read nothing: a button has no values."""
        return {}


@never_cache
class MessageView(LinksMixin, TemplateView):
    """A page that says what has happened; a script was told already."""


def list_mistakes(form: Form) -> list[dict[str, Any]]:
    """List what is wrong with a form as `RequestValidationError` does."""
    return [
        {
            "location": ["body"] if name == NON_FIELD_ERRORS else ["body", name],
            "message": message,
            "code": "invalid",
        }
        for name, messages in form.errors.items()
        for message in messages
    ]

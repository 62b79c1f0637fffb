"""Pages that a mailed link leads to: its address is a secret, which goes nowhere from here."""

from typing import Any

from undercroft.auth.links import LinkKind
from undercroft.auth.stepping import carry_out
from undercroft.auth.views.flow import FlowView, prefers_json
from undercroft.errors import BadRequest
from undercroft.http.responses import Response
from undercroft.views.calling import call_hook


class LinkedView(FlowView):
    """A form that whoever has a link may send, once.

    Attributes:
        kind: What the link is for.
        user: Whose link it is.
        value: What it brings along.
    """

    kind: LinkKind
    user: Any = None
    value: str = ""

    async def get(self) -> Response:
        """Show the form, where the link counts."""
        return await self._answer(super().get)

    async def post(self) -> Response:
        """Check the form that was sent, where the link counts."""
        return await self._answer(super().post)

    async def read_link(self) -> None:
        """Find what the link means.

        Raises:
            BadRequest: It does not count.
        """
        settings, token = self.request.app.settings, self.kwargs["token"]
        self.user, self.value = await carry_out(self.kind.find_steps(settings, token))

    async def _answer(self, answer: Any) -> Response:
        try:
            await self.read_link()
            response: Response = await answer()
        except BadRequest as error:
            if error.code != "auth.link" or prefers_json(self.request):
                raise
            response = await self._render_dead(error)
        # Other pages, of ours as well, do not learn of the address by Referer. Not "no-referrer":
        # browsers then keep from us by Origin whose form it is.
        response.headers["referrer-policy"] = "same-origin"
        return response

    async def _render_dead(self, error: BadRequest) -> Response:
        context = await call_hook(self, "get_context_data", error=error, form=None)
        return self.render_to_response(context, ["auth/link_dead.html"], error.status_code)

"""Where one is logged in, with buttons to end that."""

from dataclasses import asdict
from typing import Any

from undercroft.auth.decorators import login_required
from undercroft.auth.sessions import aend_other_sessions, aend_session, alist_sessions
from undercroft.auth.views.flow import LinksMixin, go_on, prefers_json
from undercroft.errors import NotFound
from undercroft.http.responses import JSONResponse, Response
from undercroft.middleware.caching import never_cache
from undercroft.views.base import View
from undercroft.views.templates import TemplateView


def check_listed(view: View) -> None:
    """Check that sessions can be listed at all.

    Raises:
        NotFound: They are kept in cookies.
    """
    if not view.request.app.sessions.store.can_list:
        raise NotFound(
            "Sessions are kept in signed cookies here, which nobody can list or end.",
            code="sessions.unlisted",
        )


@login_required
@never_cache
class SessionListView(LinksMixin, TemplateView):
    """List one's own sessions."""

    template_name = "auth/session_list.html"
    end_name: str = "session_end"

    async def get(self) -> Response:
        """Show them."""
        check_listed(self)
        sessions = await alist_sessions(self.request)
        if prefers_json(self.request):
            told: list[dict[str, Any]] = [asdict(each) for each in sessions]
            return JSONResponse({"sessions": told})
        return await self.render(sessions=sessions)


@login_required
class SessionEndView(View):
    """End one session of one's own."""

    async def post(self) -> Response:
        """End it.

        Raises:
            NotFound: It is over, or somebody else's.
        """
        check_listed(self)
        if not await aend_session(self.request, self.kwargs["id"]):
            raise NotFound("There is no such session.", hint="It may have ended already.")
        return go_on(self.request, self.request.url_for("session_list"))


@login_required
class SessionEndOthersView(View):
    """End all sessions of one's own but this one."""

    async def post(self) -> Response:
        """End them."""
        check_listed(self)
        ended = await aend_other_sessions(self.request)
        return go_on(self.request, self.request.url_for("session_list"), ended=ended)

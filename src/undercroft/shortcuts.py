"""Django's and Flask's shortcuts: what most views need, in one call."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from markupsafe import Markup

from undercroft.errors import (
    BadRequest,
    Conflict,
    HTTPException,
    NotFound,
    ObjectDoesNotExist,
    PermissionDenied,
)
from undercroft.http.files import FileResponse, send_file
from undercroft.http.request import Request
from undercroft.http.responses import RedirectResponse, StreamingResponse
from undercroft.staticfiles.finders import find_static

if TYPE_CHECKING:
    # Only for type checkers: an application without models loads no SQLAlchemy.
    from undercroft.db.model import Model
    from undercroft.db.queryset import QuerySet

M = TypeVar("M", bound="Model")


def render(
    request: Request,
    template: str,
    context: dict[str, Any] | None = None,
    *,
    block: str | None = None,
) -> Markup:
    """Render a template whose context has `request`, so that its links know the mount.

    Args:
        request: The request being answered.
        template: The template's name.
        context: What it shows, beside what context processors give.
        block: Render this block of it alone.

    Raises:
        TemplateDoesNotExist: No folder holds it, or it has no such block.
    """
    templates = request.app.templates
    values = templates.build_context(request, context)
    markup: Markup = (
        templates.render(template, values)
        if block is None
        else templates.render_block(template, block, values)
    )
    return markup


def stream_template(
    request: Request, template: str, context: dict[str, Any] | None = None
) -> StreamingResponse:
    """Answer with a page that is sent while it is rendered, for long ones.

    A mistake in its midst ends the connection: the status has been sent by then.

    Raises:
        TemplateDoesNotExist: No folder holds it.
    """
    templates = request.app.templates
    pieces = templates.stream(template, templates.build_context(request, context))
    return StreamingResponse(_note_start(request, pieces), media_type="text/html")


def _note_start(request: Request, pieces: Iterator[str]) -> Iterator[str]:
    """Note that the headers are sent once the first piece is asked for."""
    request.is_answered = True
    yield from pieces


def redirect(
    request: Request, to: str, *, permanent: bool = False, **params: Any
) -> RedirectResponse:
    """Redirect to a path, or to a named route of the application.

    The statuses are Django's: 302, or 301 if permanent. Browsers follow both with GET, also after a
    form was sent; to have the method kept, answer with `RedirectResponse(url, 307)` or 308.

    Args:
        request: The request being answered.
        to: A path that starts with a slash, or a route's name.
        permanent: Browsers may remember it.
        params: The named route's parameters.

    Raises:
        NoReverseMatch: No such route.
    """
    is_path = to.startswith("/") and not to.startswith(("//", "/\\"))
    address = to if is_path else request.url_for(to, **params)
    return RedirectResponse(address, 301 if permanent else 302)


def send_from_directory(
    directory: str | os.PathLike[str], path: str, **options: Any
) -> FileResponse:
    """Answer with a file below a folder, whatever path a client has sent.

    Hidden files, and links that lead out of the folder, are not there.

    Args:
        directory: The folder.
        path: Relative to it, with slashes.
        options: Those of `send_file`.

    Raises:
        NotFound: There is no such file below it.
    """
    file = find_static(path, [Path(directory)])
    if file is None:
        raise NotFound
    return send_file(file, **options)


def reverse(request: Request, name: str, /, **params: Any) -> str:
    """Return the path of a named route, below the mount; the same as `request.url_for`.

    Raises:
        NoReverseMatch: No such route, or its parameters do not fit.
    """
    return request.url_for(name, **params)


def abort(status_code: int, detail: str | None = None, **options: Any) -> NoReturn:
    """End the request with an error, `abort(404)`.

    Args:
        status_code: The HTTP status, 400 to 599.
        detail: What to tell the client.
        options: `headers`, `code`, `hint` and `extra` of `HTTPException`.

    Raises:
        HTTPException: Always; of the status's own class where it has one.
    """
    known = {each.status_code: each for each in (BadRequest, PermissionDenied, NotFound, Conflict)}
    if status_code in known:
        raise known[status_code](detail, **options)
    raise HTTPException(status_code, detail, **options)


def get_object_or_404(source: "type[M] | QuerySet[M]", /, *expressions: Any, **lookups: Any) -> M:
    """Return the one row of a model or queryset that fulfils all conditions, or answer 404.

    Raises:
        NotFound: There is none.
    """
    try:
        return _get_rows(source).get(*expressions, **lookups)
    except ObjectDoesNotExist as error:
        raise NotFound(error.message) from None


async def aget_object_or_404(
    source: "type[M] | QuerySet[M]", /, *expressions: Any, **lookups: Any
) -> M:
    """Return the one row of a model or queryset, or answer 404; for async code.

    Raises:
        NotFound: There is none.
    """
    try:
        return await _get_rows(source).aget(*expressions, **lookups)
    except ObjectDoesNotExist as error:
        raise NotFound(error.message) from None


def get_list_or_404(
    source: "type[M] | QuerySet[M]", /, *expressions: Any, **lookups: Any
) -> list[M]:
    """Return the rows of a model or queryset that fulfil all conditions, or answer 404.

    Raises:
        NotFound: There is none.
    """
    return _check_some(list(_get_rows(source).filter(*expressions, **lookups)))


async def aget_list_or_404(
    source: "type[M] | QuerySet[M]", /, *expressions: Any, **lookups: Any
) -> list[M]:
    """Return the rows of a model or queryset, or answer 404; for async code.

    Raises:
        NotFound: There is none.
    """
    return _check_some(await _get_rows(source).filter(*expressions, **lookups))


def _check_some(rows: list[M]) -> list[M]:
    if not rows:
        raise NotFound("No row fulfils the conditions.")
    return rows


def _get_rows(source: "type[M] | QuerySet[M]") -> "QuerySet[M]":
    """Take a queryset as it is, and of a model its first manager, as relations do."""
    if not isinstance(source, type):
        return source
    rows: QuerySet[M] = getattr(source, source.__options__.manager_name)
    return rows

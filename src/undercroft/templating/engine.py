"""Templates: the one owner of Jinja2.

Everything is escaped, whatever a file is called. What is already HTML says so by being
`Markup`; text for other uses, such as mail, turns escaping off with `{% autoescape false %}`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from types import CoroutineType
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from undercroft.errors import TemplateDoesNotExist, UndercroftError
from undercroft.templating.csrf import CSRFToken
from undercroft.templating.dates import format_date
from undercroft.templating.filters import FILTERS

ContextProcessor = Callable[[Any], Mapping[str, Any]]

#: So many pieces of a template make one of a stream; a piece is a tag's output or the text between.
_PIECES_AT_ONCE = 64


class StrictOutput(jinja2.Undefined):
    """A name that does not exist: it may be asked for and compared, and not be shown."""

    __slots__ = ()

    __str__ = jinja2.StrictUndefined.__str__
    __iter__ = jinja2.StrictUndefined.__iter__
    __len__ = jinja2.StrictUndefined.__len__


class _Block:
    """One block of a template, rendered like a template."""

    def __init__(self, template: jinja2.Template, block: str) -> None:
        self._template = template
        self._block = block

    def render(self, context: Mapping[str, Any]) -> str:
        found = self._template.new_context(dict(context))
        try:
            return "".join(self._template.blocks[self._block](found))
        except Exception:  # noqa: BLE001 - raised again, below
            # Leads to the template's own line, as where it is rendered as a whole.
            self._template.environment.handle_exception()


class Templates:
    """Find and render templates.

    Args:
        directories: Folders in the order they are searched: the project's, then the apps'.
        debug: Look for changed files at each use.
        strict: Make the output of a name that does not exist an error; else it is empty. It may
            still be asked for: `{% if name %}`.
        globals: Names that every template knows, such as those of `build_links`.
        sandboxed: For templates that people write who may not run code here, such as texts of
            mails in a database: no private parts of values, no calls that change them. Rendering
            may still take all time and memory there is, so it is no place for strangers.

    Attributes:
        directories: The folders.
        environment: Jinja2's own object, for filters, tests, globals and extensions.
        processors: Functions that are given a request and return names for every template.
    """

    def __init__(
        self,
        directories: Sequence[str | PathLike[str]],
        *,
        debug: bool = False,
        strict: bool = False,
        globals: Mapping[str, Any] | None = None,
        sandboxed: bool = False,
    ) -> None:
        self.directories = tuple(Path(directory) for directory in directories)
        kind = ImmutableSandboxedEnvironment if sandboxed else jinja2.Environment
        self.environment = kind(
            loader=jinja2.FileSystemLoader(self.directories),
            autoescape=True,
            auto_reload=debug,
            cache_size=-1,
            undefined=StrictOutput if strict else jinja2.Undefined,
            extensions=[CSRFToken],
        )
        self.processors: list[ContextProcessor] = []
        self.environment.filters.update(FILTERS)
        known: dict[str, Any] = {"now": now}
        known.update(globals or {})
        self.environment.globals.update(known)

    def context_processor(self, function: ContextProcessor) -> ContextProcessor:
        """Let a function give names to every template that is rendered for a request."""
        self.processors.append(function)
        return function

    def build_context(
        self, request: Any, context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Build the context for a request: what the processors give, and over it what was told."""
        given: dict[str, Any] = {"request": request}
        for function in self.processors:
            given.update(function(request))
        return {**given, **(context or {})}

    def render_block(
        self, name: str, block: str, context: Mapping[str, Any] | None = None
    ) -> Markup:
        """Render one block of a template alone, for a page that is updated in parts.

        What stands outside of the block, `{% set %}` and imports among it, does not count.

        Raises:
            TemplateDoesNotExist: There is no such template, or no such block in it.
        """
        return self._run(lambda: self._find_block(name, block), context)

    def _find_block(self, name: str, block: str) -> "_Block":
        template = self.environment.get_template(name)
        if block not in template.blocks:
            close = get_close_matches(block, template.blocks, n=1)
            known = ", ".join(template.blocks) or "none"
            raise TemplateDoesNotExist(
                f"Template {name!r} itself has no block {block!r}.",
                hint=f"Did you mean {close[0]!r}?" if close else f"Its blocks: {known}.",
                code="templates.block",
            )
        return _Block(template, block)

    def render(self, name: str, context: Mapping[str, Any] | None = None) -> Markup:
        """Render a template such as `blog/list.html`.

        Raises:
            TemplateDoesNotExist: No folder holds it, or one that it extends or includes.
            jinja2.TemplateSyntaxError: It cannot be read; file and line are on the error.
            jinja2.UndefinedError: It uses a part of a value that does not exist.
            UndercroftError: A value of the context was not awaited.
        """
        return self._run(lambda: self.environment.get_template(name), context)

    def stream(self, name: str, context: Mapping[str, Any] | None = None) -> Iterator[str]:
        """Find a template now and give its text in pieces, each rendered when it is asked for.

        The errors of `render` are raised at once where the template itself is missing or wrong, and
        the rest by the piece that has them.
        """
        context = dict(context or {})
        check_awaited(context)
        try:
            pieces = self.environment.get_template(name).stream(context)
        except jinja2.TemplateNotFound as error:
            raise self._build_missing(error) from error
        pieces.enable_buffering(_PIECES_AT_ONCE)
        return pieces

    def render_first(
        self, names: Sequence[str], context: Mapping[str, Any] | None = None
    ) -> Markup:
        """Render the first of these templates that exists; errors are those of `render`."""
        return self._run(lambda: self.environment.select_template(list(names)), context)

    def render_string(self, source: str, context: Mapping[str, Any] | None = None) -> Markup:
        """Render a template given as text, which must be the application's own.

        Raises:
            TemplateDoesNotExist: No folder holds one that it extends or includes.
            jinja2.TemplateSyntaxError: It cannot be read.
            jinja2.UndefinedError: It uses a part of a value that does not exist.
            UndercroftError: A value of the context was not awaited.
        """
        return self._run(lambda: self.environment.from_string(source), context)

    def list_templates(self) -> list[str]:
        """List the names of all templates that exist."""
        return self.environment.list_templates()

    def _run(
        self,
        get_template: Callable[[], "jinja2.Template | _Block"],
        context: Mapping[str, Any] | None,
    ) -> Markup:
        context = context or {}
        check_awaited(context)
        try:
            return Markup(get_template().render(context))  # noqa: S704 - escaped by Jinja2
        except jinja2.TemplateNotFound as error:
            raise self._build_missing(error) from error

    def _build_missing(self, error: jinja2.TemplateNotFound) -> TemplateDoesNotExist:
        names = error.templates if isinstance(error, jinja2.TemplatesNotFound) else [error.name]
        wanted = " or ".join(repr(str(name)) for name in names)
        user = self._find_template_line(error)
        folders = ", ".join(str(folder) for folder in self.directories) or "none"
        known = self.list_templates()
        close = get_close_matches(str(names[0]), known, n=2) or [
            name for name in known if Path(name).name == Path(str(names[0])).name
        ]
        hint = f"Did you mean {' or '.join(repr(name) for name in close)}?" if close else ""
        return TemplateDoesNotExist(
            f"Template {wanted} does not exist{user}. Folders tried: {folders}.",
            hint=hint or "Put it into one of these folders.",
        )

    def _find_template_line(self, error: BaseException) -> str:
        """Find which line of which template wanted the missing one; empty when code did."""
        place = ""
        trace = error.__traceback__
        while trace is not None:
            file = trace.tb_frame.f_code.co_filename
            if any(Path(file).is_relative_to(folder) for folder in self.directories):
                place = f", wanted by {file}:{trace.tb_lineno}"
            trace = trace.tb_next
        return place


def now(format: str = "") -> Any:
    """Return the present moment, in UTC, or with a format its text: `now("Y")`."""
    moment = datetime.now(UTC)
    return format_date(moment, format) if format else moment


def check_awaited(context: Mapping[str, Any]) -> None:
    """Check that no value is a coroutine, all parts of which a template would show as empty.

    Raises:
        UndercroftError: One is.
    """
    for name, value in context.items():
        if isinstance(value, CoroutineType):
            raise UndercroftError(
                f"The template was given a coroutine as {name!r}, made by {value.__qualname__}().",
                hint="Write `await` in front of that call.",
                code="templates.coroutine",
            )

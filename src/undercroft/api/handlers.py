"""Makes a viewset's actions into handlers: functions with concrete signatures that binding reads.

An action says by `@describes(...)` how its signature follows from the serializer; an action
written by a user is bound by the signature it has.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import Parameter, Signature, iscoroutine
from typing import Any, TypeVar, get_type_hints

from undercroft.auth.permission_classes import BasePermission, build_permission, refuse
from undercroft.concurrency import drive
from undercroft.errors import ImproperlyConfigured
from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.middleware.caching import Wrap, mark
from undercroft.middleware.pipeline import Endpoint
from undercroft.views.base import View, ViewHandler

A = TypeVar("A", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Signed:
    """What a handler reads and answers.

    Attributes:
        returns: The type of the answer.
        parameters: What is read from the request, beside the path.
        status_code: Of a good answer.
        errors: Statuses of errors it may answer with, beside those every handler has.
        summary: What it does, in a line.
    """

    returns: Any
    parameters: Sequence[Parameter] = ()
    status_code: int = 200
    errors: Sequence[int] = ()
    summary: str = ""


#: Builds an action's signature for a viewset; the viewset has no request then.
Describe = Callable[[Any], Signed]


@dataclass(frozen=True, slots=True)
class ActionInfo:
    """What is known of an action as written.

    Attributes:
        describe: Builds its signature; None where it has its own.
        hooks: The methods it calls that users override, `def` or `async def`.
    """

    describe: Describe | None = None
    hooks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExtraAction:
    """What `@action` says of a method that is no standard action."""

    detail: bool
    methods: tuple[str, ...]
    url_path: str
    url_name: str
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])


def describes(describe: Describe, *hooks: str) -> Callable[[A], A]:
    """Say how an action's signature follows from its viewset, and which hooks it calls."""

    def mark(action: A) -> A:
        action.action_info = ActionInfo(describe, hooks)  # type: ignore[attr-defined]  # a mark on a function
        return action

    return mark


def action(
    *,
    detail: bool,
    methods: Sequence[str] = ("get",),
    url_path: str | None = None,
    url_name: str | None = None,
    **options: Any,
) -> Callable[[A], A]:
    """Route a method of a viewset, as REST framework's decorator of this name does.

    Args:
        detail: It is about one row, below `{prefix}/{pk}/`; else about the list.
        methods: The HTTP methods it answers.
        url_path: The last part of its address; the method's name when left out.
        url_name: The last part of its route's name; the path with hyphens when left out.
        options: Attributes of the viewset that differ for this action.
    """

    def mark(function: A) -> A:
        path = url_path or function.__name__
        name = url_name or path.replace("_", "-")
        function.extra_action = ExtraAction(  # type: ignore[attr-defined]  # a mark on a function
            detail, tuple(method.upper() for method in methods), path, name, options
        )
        return function

    return mark


class ViewSetHandler(ViewHandler):
    """What a viewset's `as_view()` returns: an action for each HTTP method.

    Attributes:
        prefix: What operation ids start with.
        permission: What the viewset's `permission_classes` come to.
    """

    prefix: str = ""

    def __init__(
        self, view_class: type[View], actions: Mapping[str, str], options: Mapping[str, Any]
    ) -> None:
        super().__init__(view_class, actions, options)
        self.options = dict(options)
        self.permission = build_permission(self.get_option("permission_classes") or ())
        if self.permission is not None:
            mark(self, build_guard(self, self.permission))

    def build_action_view(self, request: Request, name: str) -> Any:
        """Make the viewset for one request, or take the one that its permissions were asked of."""
        if request.view is not None:
            return request.view
        view: Any = self.view_class()
        view.__dict__.update(self.options, request=request, kwargs=request.path_params, action=name)
        view.setup()
        return view

    def get_method(self, method: str) -> Any:
        """Return the handler of an HTTP method: a plain function that binding compiles."""
        return build_handler(self, self.actions[method])


def build_handler(handler: ViewSetHandler, name: str) -> Callable[..., Any]:
    """Build the function for one action.

    Raises:
        ImproperlyConfigured: The action's hooks are of both kinds.
    """
    view_class: Any = handler.view_class
    written = getattr(view_class, name)
    info: ActionInfo = getattr(written, "action_info", ActionInfo())
    if info.describe is not None:
        view = view_class()
        for option, value in handler.options.items():
            setattr(view, option, value)
        view.action = name
        signed = info.describe(view)
    else:
        signed = read_written(written)
    kind = find_kind(view_class, written, info)
    function = _BUILDERS[kind](handler, name)
    own = Parameter("request", Parameter.POSITIONAL_OR_KEYWORD, annotation=Request)
    parameters = [own, *(each for each in signed.parameters if each.name != "request")]
    function.__signature__ = Signature(parameters, return_annotation=signed.returns)
    function.__annotations__ = {
        **{each.name: each.annotation for each in parameters},
        "return": signed.returns,
    }
    prefix = handler.prefix or view_class.__name__
    function.__name__ = function.__qualname__ = f"{prefix}_{name}"
    function.__doc__ = signed.summary or inspect.getdoc(written)
    function.__module__ = view_class.__module__
    function.status_code = signed.status_code
    refusals = () if handler.permission is None else (401, 403)
    function.error_statuses = tuple(dict.fromkeys((*signed.errors, *refusals)))
    return function  # type: ignore[no-any-return]  # a function with marks on it


def build_guard(handler: ViewSetHandler, permission: BasePermission) -> Wrap:
    """Build what asks a viewset's permissions, before anything is read of the request's body."""

    def wrap(endpoint: Endpoint) -> Endpoint:
        async def enter(request: Request) -> Response:
            await request.auser()
            name = handler.actions.get(request.method) or handler.actions["GET"]
            view = handler.build_action_view(request, name)
            view.permission = permission
            view.allowed_rows = await permission.find_rows(request, view)
            if view.allowed_rows is False:
                raise refuse(request)
            request.view = view
            return await endpoint(request)

        return enter

    return wrap


def read_written(written: Callable[..., Any]) -> Signed:
    """Read the signature of an action as its author wrote it, without `self`."""
    hints = get_type_hints(written, include_extras=True)
    _, *parameters = inspect.signature(written).parameters.values()
    named = [
        each.replace(annotation=hints.get(each.name, Any), kind=Parameter.KEYWORD_ONLY)
        for each in parameters
        if each.kind not in (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL)
    ]
    return Signed(hints.get("return", Any), named)


# ------------------------------------------------------------------------- where actions run


def find_kind(view_class: Any, written: Callable[..., Any], info: ActionInfo) -> str:
    """Find where an action runs.

    Returns:
        "loop" where it, or a hook of it, is `async def`; "thread" where it is `def`, or a hook of
        it is, for that may block; "anywhere" where nothing was overridden: it awaits the
        database on a loop, and without one it blocks.

    Raises:
        ImproperlyConfigured: Some hooks are `def` and others `async def`: they could not share
            the request's transaction.
    """
    if info.describe is None:
        return "loop" if inspect.iscoroutinefunction(written) else "thread"
    overridden = [hook for hook in info.hooks if is_overridden(view_class, hook)]
    if inspect.iscoroutinefunction(getattr(view_class, "get_queryset", None)):
        overridden.append("get_queryset")
    asynchronous = [
        hook for hook in overridden if inspect.iscoroutinefunction(getattr(view_class, hook))
    ]
    if asynchronous and len(asynchronous) < len(overridden):
        blocking = next(hook for hook in overridden if hook not in asynchronous)
        raise ImproperlyConfigured(
            f"{view_class.__name__}.{asynchronous[0]} is `async def` and {blocking} is `def`.",
            hint="Write both the same way: an action runs on the loop or in a thread.",
            code="api.mixed-hooks",
        )
    if asynchronous:
        return "loop"
    return "thread" if overridden else "anywhere"


def is_overridden(view_class: Any, hook: str) -> bool:
    """Tell whether a user's class has its own version of a hook."""
    return not getattr(getattr(view_class, hook), "is_default_hook", False)


def default_hook(hook: A) -> A:
    """Mark a hook as ours."""
    hook.is_default_hook = True  # type: ignore[attr-defined]  # a mark on a function
    return hook


def _build_coroutine(handler: ViewSetHandler, name: str) -> Any:
    async def call(request: Request, **values: Any) -> Any:
        view = handler.build_action_view(request, name)
        return await getattr(view, name)(**values)

    return call


def _build_anywhere(handler: ViewSetHandler, name: str) -> Any:
    call = _build_coroutine(handler, name)
    call.needs_loop = False
    return call


def _build_blocking(handler: ViewSetHandler, name: str) -> Any:
    def call(request: Request, **values: Any) -> Any:
        view = handler.build_action_view(request, name)
        answer = getattr(view, name)(**values)
        # In this thread no loop runs, so our own coroutines have nothing to wait for.
        return drive(answer) if iscoroutine(answer) else answer

    return call


_BUILDERS: dict[str, Callable[[ViewSetHandler, str], Any]] = {
    "anywhere": _build_anywhere,
    "loop": _build_coroutine,
    "thread": _build_blocking,
}


async def settle(value: Awaitable[Any] | Any) -> Any:
    """Await what a hook returned, where that is a coroutine; a queryset stays as it is."""
    return await value if iscoroutine(value) else value

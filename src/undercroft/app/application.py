"""App: what servers call, commands work on and a project is composed in."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from undercroft.app.dispatch import build_dispatch
from undercroft.app.installed import InstalledApp, import_name, install_app
from undercroft.app.lifespan import BackgroundLifespan, at_exit
from undercroft.app.links import check_links
from undercroft.app.mounts import Mounts
from undercroft.app.operations import Defaults, Operation, compile_routes
from undercroft.app.providers import Providers
from undercroft.app.sockets import SocketAddresses, build_limits, build_sockets
from undercroft.binding.calling import call_without_request
from undercroft.binding.container import Container, Overrides
from undercroft.binding.plan import Plan
from undercroft.concurrency import drive, ensure_loop, run_on_background_loop, threads
from undercroft.db.connections.databases import databases
from undercroft.errors import NoReverseMatch
from undercroft.gateways.asgi import ASGIGateway
from undercroft.gateways.interfaces import show_as_asgi
from undercroft.gateways.wsgi import WSGIGateway
from undercroft.http.multipart import FormLimits
from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.http.signed_cookies import CookieSigner
from undercroft.http.websockets import WebSocket
from undercroft.mail.mailer import mailer
from undercroft.middleware.access_log import AccessLog
from undercroft.middleware.error_handlers import ErrorHandlers
from undercroft.middleware.failures import Failures
from undercroft.middleware.hosts import AllowedHosts
from undercroft.middleware.https import HTTPSRedirect
from undercroft.middleware.limits import ConcurrencyLimit
from undercroft.middleware.pipeline import (
    Endpoint,
    Middleware,
    begin_on_loop,
    check_middleware,
    compose,
    on_loop,
)
from undercroft.middleware.proxies import TrustedProxies
from undercroft.middleware.queries import watch_queries
from undercroft.middleware.replicas import build_stickiness
from undercroft.middleware.sockets import (
    SocketEndpoint,
    SocketMiddleware,
    list_socket_layers,
)
from undercroft.middleware.timeouts import RequestTimeout
from undercroft.openapi.responses import check_others
from undercroft.openapi.routes import OpenAPIOptions, build_openapi_routes
from undercroft.openapi.security import check_schemes, find_insisting
from undercroft.routing.decorators import RouteDecorators
from undercroft.routing.hooks import HookDecorators, Hooks
from undercroft.routing.inclusion import RouteEntry, RouteSource
from undercroft.routing.mounts import Mount
from undercroft.routing.reverse import Reverser
from undercroft.routing.route import Route, RouteOptions
from undercroft.routing.router import Router
from undercroft.security.csrf_checks import CSRFCheck
from undercroft.security.csrf_cookies import CSRFCookie
from undercroft.security.headers import SecurityHeaders
from undercroft.settings import Settings
from undercroft.staticfiles.routes import StaticFiles, find_static_files

if TYPE_CHECKING:
    from undercroft.auth.identification import Identification
    from undercroft.cache.interface import Cache
    from undercroft.sessions.opening import Sessions
    from undercroft.templating.engine import Templates

Lifespan = Callable[["App"], AbstractAsyncContextManager[None]]


class App(RouteDecorators, HookDecorators):
    """An application, for ASGI and WSGI servers alike.

    Args:
        settings: What it is told from outside; read from the environment when left out.
        apps: Packages that bring models, templates and static files.
        routes: What `path()` and `include()` return, as in `urlpatterns`.
        middleware: Coroutines around every handler, the first outermost.
        socket_middleware: The same around every handler of a WebSocket.
        dependencies: `Depends(...)` or `Security(...)` that every route begins with; what is
            mounted and the pages of the description go past them.
        lifespan: An async context manager around the application's life: entered when an ASGI
            server starts and left when it stops; under WSGI, which tells of neither, from the
            first request until the process ends.
        openapi: Title, version and addresses of the API's description.

    Attributes:
        operations: Every method of every route, compiled; filled by `build`.
        form_limits: How much of a form is read, by the settings.
        max_json_depth: How deep JSON of a body may be nested, by the settings.
        webhooks: What the application sends to others, declared as routes whose paths are
            names; only for the API's description.
        csrf_cookie: Knows the secrets that forms are checked against.
    """

    def __init__(  # noqa: PLR0913 - what a project is composed of, all optional
        self,
        settings: Settings | None = None,
        *,
        apps: Sequence[str] = (),
        routes: Sequence[RouteEntry] = (),
        middleware: Sequence[Middleware] = (),
        socket_middleware: Sequence[SocketMiddleware] = (),
        dependencies: Sequence[Any] = (),
        lifespan: Lifespan | None = None,
        openapi: OpenAPIOptions | None = None,
    ) -> None:
        self.settings = settings if settings is not None else Settings()
        self.openapi = openapi if openapi is not None else OpenAPIOptions()
        self.router = Router(dependencies=dependencies)
        self.router.on_change = self._forget_endpoint
        self.webhooks = Router()
        self.operations: list[Operation] = []
        self._middleware = list(middleware)
        self._socket_middleware = list(socket_middleware)
        self._lifespan = lifespan
        self._max_body_size = self.settings.max_body_size
        self.max_json_depth = self.settings.max_json_depth
        self.form_limits = FormLimits(
            self.settings.max_form_fields,
            self.settings.max_form_files,
            self.settings.max_field_size,
            self.settings.max_upload_size,
        )
        self.csrf_cookie = CSRFCookie(self.settings)
        self._container = Container(self._forget_endpoint, self._expect_end)
        self._container.unknown_fields = self.settings.json_unknown_fields
        self._providers = Providers(self, self.settings, self._container)
        self._mounts = Mounts(max(self.settings.max_upload_size, self._max_body_size))
        self._running = AsyncExitStack()
        self._is_started = False
        self._background = BackgroundLifespan(self.startup, self.shutdown, lambda: self._is_started)
        self._lock = threading.RLock()
        self._endpoint: Endpoint | None = None
        self._serve_socket: SocketEndpoint | None = None
        self._reverser = Reverser(())
        urls = self.settings.find_databases()
        if urls:
            databases.configure(urls)
        mailer.adopt(self.settings)
        if self.settings.max_threads is not None:
            threads.configure(self.settings.max_threads)
        self.apps: list[InstalledApp] = [install_app(name) for name in apps]
        for installed in self.apps:
            installed.make_ready(self)
        if routes:
            self.router.include(list(routes))
        # What servers call; middleware of the protocols is put around these.
        self.asgi: Any = ASGIGateway(self)
        self.wsgi: Any = WSGIGateway(self)
        # Servers look at the instance to learn that the application is asynchronous; Python
        # itself calls the type's method, which serves both protocols.
        self.__call__ = self.asgi.__call__  # type: ignore[method-assign]  # as said above

    def __call__(self, *connection: Any) -> Any:
        """Serve a connection: three arguments are ASGI's, two are WSGI's."""
        entry = self.asgi if len(connection) == 3 else self.wsgi
        return entry(*connection)

    async def handle(self, request: Request) -> Response:
        """Answer a request: the one entrance, whatever the server speaks."""
        endpoint = self._endpoint or self.build()
        request.app = self
        request.max_body_size = self._max_body_size
        response = await endpoint(request)
        if request.method == "HEAD":
            await response.close()
            return response.without_body()
        return response

    async def handle_socket(self, socket: WebSocket) -> None:
        """Serve a WebSocket from its handshake to its end."""
        if self._endpoint is None or self._serve_socket is None:
            self.build()
        socket.request.app = self
        socket.max_message_size = self.settings.websocket_max_size
        if self._serve_socket is not None:
            await self._serve_socket(socket)

    def change_settings(self, **values: Any) -> None:
        """Set what a command line says of settings that are read when everything is compiled."""
        for name, value in values.items():
            setattr(self.settings, name, value)
        self.announce_change()

    # ------------------------------------------------------------------------- composing

    def add_route(
        self,
        path: str,
        handler: Callable[..., Any],
        *,
        methods: Iterable[str] | None = None,
        **options: Unpack[RouteOptions],
    ) -> Route:
        """Add a route; the decorators `get`, `post` and so on end up here."""
        return self.router.add_route(path, handler, methods=methods, **options)

    def include(
        self, routes: RouteSource | RouteEntry, prefix: str = "", namespace: str | None = None
    ) -> None:
        """Put the routes of a router or a list below a prefix and a namespace."""
        self.router.include(routes, prefix, namespace)

    def mount(
        self,
        path: str,
        application: Any,
        name: str | None = None,
        *,
        max_body_size: int | None = None,
        strip_path: bool = False,
    ) -> None:
        """Put any ASGI or WSGI application below a path.

        Args:
            path: Its place, `/old`; at `/` it answers what no route of ours does.
            application: What is to answer there.
            name: For `url_for(name, path="users/1")`.
            max_body_size: The largest body it is sent, in bytes; the setting `max_upload_size`
                when left out.
            strip_path: Give an ASGI application the path below the mount alone, as Falcon wants it,
                not with the mount as the specification says.
        """
        self.router.mount(
            path, application, name, max_body_size=max_body_size, strip_path=strip_path
        )

    def add_middleware(self, middleware: Middleware) -> None:
        """Put a middleware around every handler, inside those added before."""
        self._middleware.append(middleware)
        self._forget_endpoint()

    @property
    def middleware(self) -> Sequence[Middleware]:
        """What was put around every handler, the outermost first."""
        return tuple(self._middleware)

    def add_socket_middleware(self, middleware: SocketMiddleware) -> None:
        """Put a middleware around every handler of a WebSocket, inside those added before."""
        self._socket_middleware.append(middleware)
        self._forget_endpoint()

    @property
    def hooks(self) -> Hooks:
        """The hooks and exception handlers around all routes."""
        return self.router.hooks

    def announce_change(self) -> None:
        """Have everything compiled anew at the next request."""
        self._forget_endpoint()

    def add_asgi_middleware(self, wrapper: Callable[..., Any], /, **options: Any) -> None:
        """Put a class or function that takes an ASGI application around everything.

        It sees every connection before we do, WebSockets and the lifespan too; the one added
        last is outermost. A WSGI server goes past it.

        Args:
            wrapper: Called with the application, for example Starlette's `GZipMiddleware`.
            options: Its other arguments, `minimum_size=500`.
        """
        self.asgi = wrapper(self.asgi, **options)
        self.__call__ = show_as_asgi(self.asgi)  # type: ignore[method-assign]  # as in `__init__`

    def add_wsgi_middleware(self, wrapper: Callable[..., Any], /, **options: Any) -> None:
        """Put a class or function that takes a WSGI application around everything.

        The one added last is outermost. An ASGI server goes past it.

        Args:
            wrapper: Called with the application, for example Werkzeug's `ProxyFix`.
            options: Its other arguments, `x_for=1`.
        """
        self.wsgi = wrapper(self.wsgi, **options)

    def _forget_endpoint(self) -> None:
        self._endpoint = None

    def build(self) -> Endpoint:
        """Compile routes, handlers and middleware; later calls return what is there.

        Raises:
            ImproperlyConfigured: Something does not fit together; the message names the place.
        """
        with self._lock:
            if self._endpoint is None:
                if self.settings.session_engine != "signed_cookies":
                    _ = self.sessions  # what is wrong with it shows now
                routes = [*self.router.routes, *self._build_own_routes()]
                self._mounts.connect(routes)
                for route in routes:
                    check_others(route)
                self.operations = self._compile(routes)
                self._reverser = Reverser(routes)
                plans = [operation.plan for operation in self.operations]
                check_schemes(plans, self._list_ways(plans))
                sockets = [route for route in routes if route.is_socket]
                self._serve_socket = self._build_sockets(routes)
                dispatch = build_dispatch(
                    routes,
                    SocketAddresses(sockets),
                    debug=self.settings.debug,
                    redirect_slashes=self.settings.redirect_slashes,
                )
                self._endpoint = compose(self._order_middleware(), dispatch)
                check_links(self, routes, self.find_folders(self.settings.templates, "templates"))
            return self._endpoint

    def _compile(self, routes: Iterable[Route]) -> list[Operation]:
        check = CSRFCheck(self.settings, self.csrf_cookie)
        defaults = Defaults(self._providers.find, check, self.settings.atomic_requests)
        return compile_routes(routes, self.hooks, defaults)

    def _build_own_routes(self) -> list[Route]:
        described = build_openapi_routes(self.openapi, self._find_described)
        return [*described, *self.static_files.build_routes()]

    def _find_described(self) -> tuple[list[Operation], list[Operation], list[Any]]:
        """Find what OpenAPI can describe, which knows no WebSockets."""
        operations = [each for each in self.operations if not each.route.is_socket]
        ways = self._list_ways([each.plan for each in operations])
        return operations, self._compile(self.webhooks.routes), ways

    def _list_ways(self, plans: Sequence[Plan]) -> list[Any]:
        """List the ways in which users are found, as OpenAPI is told of them; none unasked."""
        if all(find_insisting(plan) is None for plan in plans):
            return []
        return self.identification.list_schemes(self._find_url)

    def _find_url(self, name: str) -> str | None:
        """Find the path of a route without parameters; None where there is none."""
        try:
            return self._reverser.url_for(name)
        except NoReverseMatch:
            return None

    def _list_middleware(self) -> list[Middleware]:
        layers = [check_middleware(layer) for layer in self._middleware]
        if self.settings.access_log and not any(isinstance(each, AccessLog) for each in layers):
            layers.insert(0, AccessLog())
        return layers

    def _order_middleware(self) -> list[Middleware]:
        layers = self._list_middleware()
        outermost = [layer for layer in layers if getattr(layer, "is_outermost", False)]
        proxies, seconds = self.settings.trusted_proxies, self.settings.request_timeout
        most = self.settings.max_concurrent_requests
        exempt = self.settings.secure_redirect_exempt
        return [
            SecurityHeaders(self.settings),
            *outermost,
            Failures(debug=self.settings.debug, handlers=ErrorHandlers(self.hooks.handlers)),
            *([ConcurrencyLimit(most)] if most is not None else []),
            *([TrustedProxies(proxies)] if proxies else []),
            build_limits(self.settings),
            AllowedHosts(self.settings.allowed_hosts),
            *([HTTPSRedirect(exempt)] if self.settings.secure_ssl_redirect else []),
            *([on_loop(RequestTimeout(seconds))] if seconds is not None else []),
            *([self._background] if self._has_lifespan else []),
            *build_stickiness(databases),
            *([watch_queries] if self.settings.debug else []),
            *begin_on_loop([layer for layer in layers if layer not in outermost]),
        ]

    def _build_sockets(self, routes: Sequence[Route]) -> SocketEndpoint:
        layers = self._list_middleware()
        outermost = [layer for layer in layers if getattr(layer, "is_outermost", False)]
        inner = [layer for layer in layers if layer not in outermost]
        return build_sockets(
            [each for each in routes if each.is_socket or isinstance(each.handler, Mount)],
            self.settings,
            list_socket_layers(outermost),
            [*list_socket_layers(inner), *self._socket_middleware],
            self._mounts.serve_socket,
        )

    @property
    def _has_lifespan(self) -> bool:
        return self._lifespan is not None or self._mounts.has_asgi

    # ---------------------------------------------------------------------- what it offers

    def url_for(self, name: str, /, **params: Any) -> str:
        """Return the path of a named route, for example `app.url_for("blog:detail", id=1)`.

        Raises:
            NoReverseMatch: No such route, or its parameters do not fit.
        """
        return self.url_for_within("", name, params)

    def url_for_within(self, namespace: str, name: str, params: Mapping[str, Any]) -> str:
        """Return the path of a named route, as seen from a route in a namespace.

        Raises:
            NoReverseMatch: No such route, or its parameters do not fit.
        """
        if self._endpoint is None:
            self.build()
        return self._reverser.url_for_within(namespace, name, params)

    @property
    def reverser(self) -> Reverser:
        """The names of all routes."""
        return self._reverser

    @cached_property
    def cache(self) -> "Cache":
        """The cache that the settings name."""
        from undercroft.cache.urls import build_cache  # noqa: PLC0415 - most applications need none

        return build_cache(self.settings.cache_url)

    @cached_property
    def sessions(self) -> "Sessions":
        """What opens the session of a request, as the settings say."""
        from undercroft.sessions.opening import build_sessions  # noqa: PLC0415 - an API needs none

        names = [app.name for app in self.apps]
        return build_sessions(self.settings, lambda: self.cache, names)

    @cached_property
    def identification(self) -> "Identification":
        """What finds out who makes a request, as the settings say."""
        from undercroft.auth.identification import build_identification  # noqa: PLC0415 - as above

        return build_identification(self.settings)

    @cached_property
    def static_files(self) -> StaticFiles:
        """The static files of the project and its apps, collected or in their folders."""
        settings = self.settings
        folders = self.find_folders(settings.static_dirs, "static")
        root = settings.base_dir / settings.static_root
        return find_static_files(settings.static_url, folders, root, settings.debug)

    @cached_property
    def templates(self) -> "Templates":
        """The templates of the project and its apps."""
        from undercroft.forms.rendering import TEMPLATES  # noqa: PLC0415 - as above
        from undercroft.security.page_names import add_security_names  # noqa: PLC0415 - as above
        from undercroft.sessions.messages import get_messages  # noqa: PLC0415 - for templates only
        from undercroft.templating.engine import Templates  # noqa: PLC0415 - Jinja2 is slow to import
        from undercroft.templating.forms import build_form_globals  # noqa: PLC0415 - as above
        from undercroft.templating.links import build_links, with_request  # noqa: PLC0415 - and an API needs none

        folders = [*self.find_folders(self.settings.templates, "templates"), TEMPLATES]
        static = self.static_files
        links = build_links(self.url_for, static.url, static.name_file) | build_form_globals()
        links["get_messages"] = with_request(get_messages)
        debug, strict = self.settings.debug, self.settings.strict_templates
        strict = debug if strict is None else strict
        templates = Templates(folders, debug=debug, strict=strict, globals=links)
        templates.processors.append(add_security_names)
        templates.processors += map(import_name, self.settings.context_processors)
        return templates

    @cached_property
    def cookie_signer(self) -> CookieSigner:
        """Signs cookies with the settings' keys."""
        from undercroft.security.cookies import KeyedCookieSigner  # noqa: PLC0415 - most need no cryptography

        return KeyedCookieSigner(self.settings)

    def find_folders(self, project: list[Path], name: str) -> list[Path]:
        """Return the project's folders, then the folder of this name in each app."""
        return [*self.settings.find_folders(project), *(app.path / name for app in self.apps)]

    @property
    def server_options(self) -> dict[str, Any]:
        """What a server should know of the application, by the names of our server's options.

        The WebSocket library is slow to import, so it is only wanted where a route needs it, or
        may do so in what is mounted or put around us.
        """
        self.build()
        return {
            "websockets": self._mounts.has_asgi
            or not isinstance(self.asgi, ASGIGateway)
            or any(each.route.is_socket for each in self.operations),
            "client_timeout": self.settings.client_timeout,
            "websocket_max_size": self.settings.websocket_max_size,
            "websocket_ping_interval": self.settings.websocket_ping_interval,
            "websocket_ping_timeout": self.settings.websocket_ping_timeout,
        }

    @property
    def dependency_overrides(self) -> Overrides:
        """What takes the place of dependencies, for tests; a change counts at once."""
        return self._container.overrides

    @dependency_overrides.setter
    def dependency_overrides(self, overrides: Mapping[Any, Callable[..., Any]]) -> None:
        self._container.overrides.clear()
        self._container.overrides.update(overrides)

    async def acall(self, function: Callable[..., Any], /, **given: Any) -> Any:
        """Call a function with what its signature asks for, outside of any request.

        Args:
            function: Of either kind; what it depends on lives until it has returned, or longer.
            given: Arguments by name, in place of what would be injected.

        Raises:
            ImproperlyConfigured: Something it asks for is read from a request.
        """
        return await call_without_request(partial(function, **given), self, self._providers.find)

    def call(self, function: Callable[..., Any], /, **given: Any) -> Any:
        """Call a function as `acall` does, from code without an event loop: commands, scripts."""
        return drive(self.acall(function, **given))

    # -------------------------------------------------------------------------- its life

    async def startup(self) -> None:
        """Compile everything and enter the lifespan.

        Raises:
            ImproperlyConfigured: Something does not fit together.
        """
        self.build()
        try:
            if self._has_lifespan:
                await ensure_loop()
                await self._mounts.start(self._running)
            if self._lifespan is not None:
                await self._running.enter_async_context(self._lifespan(self))
        except BaseException:
            await self._running.aclose()
            raise
        self._is_started = True

    async def shutdown(self) -> None:
        """Leave the lifespan and close the databases' connections, whatever the lifespan raises."""
        self._is_started = False
        try:
            await self._running.aclose()
        finally:
            try:
                await self._container.aclose()
            finally:
                await databases.adispose()

    def close(self) -> None:
        """End the lifespan that a WSGI request began; for tests, else the process's end does it."""
        self._background.stop()
        if not self._container.is_empty:
            run_on_background_loop(self._container.aclose())

    def _expect_end(self) -> None:
        """Clean up at the process's end what is kept, where no server tells of the end."""
        if not self._is_started:
            at_exit(self.close)

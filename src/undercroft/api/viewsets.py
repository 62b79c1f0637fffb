"""Viewsets: one class for the list of a model's rows and for each row, with REST framework's names.

    class BlogPostViewSet(ModelViewSet):
        queryset = BlogPost.objects.all()
        serializer_class = BlogPostSerializer

An action is written once and runs under ASGI and WSGI. Its hooks (`perform_create` and so on)
may be `def`, and then the action runs in a thread, or `async def`.
"""

import logging
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, ClassVar

from undercroft.api.handlers import (
    ViewSetHandler,
    action,
    default_hook,
    describes,
    settle,
)
from undercroft.api.loading import LoadPlan, dump
from undercroft.api.pagination import PageNumberPagination
from undercroft.api.signatures import (
    describe_create,
    describe_destroy,
    describe_list,
    describe_partial_update,
    describe_retrieve,
    describe_update,
)
from undercroft.api.twins import run_twin
from undercroft.api.variants import WriteSerializer
from undercroft.api.violations import build_delete_problem, build_write_problem
from undercroft.auth.allowing import meets_steps
from undercroft.auth.permission_classes import BasePermission, asks_of_rows, refuse
from undercroft.auth.stepping import carry_out, run_within
from undercroft.db.queryset import QuerySet
from undercroft.errors import (
    FieldValueError,
    ImproperlyConfigured,
    IntegrityError,
    NotFound,
    ObjectDoesNotExist,
    RequestValidationError,
)
from undercroft.http.responses import Response, content_type
from undercroft.views.base import View

__all__ = [
    "CreateModelMixin",
    "DestroyModelMixin",
    "GenericViewSet",
    "ListModelMixin",
    "ModelViewSet",
    "ReadOnlyModelViewSet",
    "RetrieveModelMixin",
    "UpdateModelMixin",
    "action",
]

logger = logging.getLogger("undercroft.api")

_JSON = content_type("application/json")


class GenericViewSet(View):
    """What all actions share: where rows come from, how they are shown and found.

    Attributes:
        queryset: The rows; `get_queryset` may narrow them for a request.
        serializer_class: What of them leaves and enters.
        pagination_class: How a list is cut into pages; None sends up to `max_rows` at once.
        max_rows: The most rows a list without pagination sends.
        lookup_field: The field a row is found by.
        lookup_url_kwarg: Its name in the address; `lookup_field` when left out.
        permission_classes: Who may do what; all of them must agree. Lists have the rows they grant.
        action: The name of the running action.
        permission: What `permission_classes` come to; None where there are none.
        allowed_rows: The condition for the rows of this request.
    """

    queryset: ClassVar[Any] = None
    serializer_class: ClassVar[Any] = None
    pagination_class: ClassVar[type[PageNumberPagination] | None] = PageNumberPagination
    max_rows: ClassVar[int] = 1000
    lookup_field: ClassVar[str] = "pk"
    lookup_url_kwarg: ClassVar[str | None] = None
    permission_classes: ClassVar[Sequence[Any]] = ()
    action: str = ""
    permission: BasePermission | None = None
    allowed_rows: Any = True

    @classmethod
    def as_view(cls, actions: Mapping[str, str] | None = None, /, **options: Any) -> ViewSetHandler:
        """Make a handler of the viewset.

        Args:
            actions: Action names by HTTP method, `{"get": "list", "post": "create"}`.
            options: Class attributes to set differently for this route.

        Raises:
            ImproperlyConfigured: An action or option does not exist.
        """
        if not actions:
            raise ImproperlyConfigured(
                f"{cls.__name__}.as_view() needs to know its actions.",
                hint='Register it with a router, or write as_view({"get": "list"}).',
                code="api.no-actions",
            )
        for name in [*actions.values(), *options]:
            if not hasattr(cls, name):
                raise ImproperlyConfigured(
                    f"{cls.__name__} has no {name!r}.",
                    hint="Name one of its actions or attributes.",
                    code="api.unknown-action",
                )
        upper = {method.upper(): name for method, name in actions.items()}
        return ViewSetHandler(cls, upper, options)

    # ------------------------------------------------------------------------------- hooks

    def get_queryset(self) -> Any:
        """Return the rows this request is about; a hook, which must not run a query."""
        if self.queryset is None:
            raise ImproperlyConfigured(
                f"{type(self).__name__} has no queryset.",
                hint="Set `queryset = BlogPost.objects.all()`, or override get_queryset.",
                code="api.no-queryset",
            )
        return self.queryset.all()

    def filter_queryset(self, queryset: Any) -> Any:
        """Narrow the rows of a list; a hook, which must not run a query."""
        return queryset

    def get_serializer_class(self) -> Any:
        """Return the serializer of the running action; a hook, also asked at start."""
        if self.serializer_class is None:
            raise ImproperlyConfigured(
                f"{type(self).__name__} has no serializer_class.",
                hint="Set `serializer_class = BlogPostSerializer`.",
                code="api.no-serializer",
            )
        return self.serializer_class

    @default_hook
    def get_object(self) -> Awaitable[Any] | Any:
        """Return the row the address names; a hook.

        Raises:
            NotFound: There is none.
        """
        return self._get_object()

    async def _get_object(self) -> Any:
        queryset = await self.find_row()
        instance = await run_twin(queryset, "first")
        if instance is None:
            raise self.build_not_found()
        if self.permission is not None:
            await self._check_object(self.permission, instance, is_within=True)
        return instance

    async def get_checked(self) -> Any:
        """Return the row the address names, checked even where `get_object` is overridden."""
        instance = await settle(self.get_object())
        if self.permission is not None and not hasattr(self.get_object, "is_default_hook"):
            if not await carry_out(meets_steps(instance, self.allowed_rows)):
                raise self.build_not_found()
            await self._check_object(self.permission, instance, is_within=False)
        return instance

    async def _check_object(
        self, permission: BasePermission, instance: Any, *, is_within: bool
    ) -> None:
        if not await permission.allows(self.request, self, instance, is_within=is_within):
            raise refuse(self.request)

    # ----------------------------------------------------------------------------- shared

    @property
    def load_plan(self) -> LoadPlan:
        """How the running action's serializer loads and writes."""
        plan: LoadPlan = self.get_serializer_class().get_load_plan()
        return plan

    async def find_rows(self) -> Any:
        """Return the rows that this request is about, and that it may see."""
        queryset = await settle(self.get_queryset())
        if self.allowed_rows is not True:
            queryset = queryset.keep(self.allowed_rows)
        return self.filter_queryset(queryset)

    async def find_row(self) -> QuerySet[Any]:
        """Return the queryset of the one row the address names.

        Raises:
            NotFound: The address cannot name a row.
        """
        field = self.lookup_field
        queryset = await self.find_rows()
        try:
            found: QuerySet[Any] = queryset.filter(**{field: self.lookup_value})
        except FieldValueError:
            raise self.build_not_found() from None
        return found

    @property
    def lookup_value(self) -> Any:
        """What the address names the row by."""
        return self.kwargs[self.lookup_url_kwarg or self.lookup_field]

    def build_not_found(self) -> NotFound:
        """Build the answer to an address that names no row."""
        name = self.load_plan.options.verbose_name
        return NotFound(f"There is no {name} with {self.lookup_field} {self.lookup_value!r}.")

    async def answer_row(self, instance: Any, status_code: int) -> Response:
        """Answer with a row that was written, as it is stored now."""
        plan = self.load_plan
        if plan.nested or plan.needs_instances or type(instance) is not plan.declaration.model:
            rows = plan.declaration.model.objects.filter(pk=instance.pk)
            value = await plan.load_one(rows)
        else:
            value = plan.from_instance(instance)
        return Response.from_bytes(dump(value), _JSON, status_code)

    async def perform_write(self, hook: Any, data: WriteSerializer) -> Any:
        """Call the hook that saves, and turn what the database refuses into a problem.

        Raises:
            RequestValidationError: A value is taken, or refers to nothing.
            Conflict: The row does not fit for another reason.
        """
        try:
            await self._write(hook, data)
        except IntegrityError as error:
            options = data.declaration.options
            values = data.validated_data
            problem = await build_write_problem(error, options, data.columns, values)
            raise problem from error
        except FieldValueError as error:
            mistake = {"location": ["body"], "message": error.message, "code": error.code}
            raise RequestValidationError([mistake]) from error
        except ObjectDoesNotExist:
            raise self.build_not_found() from None
        if data.instance is None:
            raise ImproperlyConfigured(
                f"{type(self).__name__}.{hook.__name__} saved nothing.",
                hint="Call `serializer.save()` in it, or `await serializer.asave()`.",
                code="api.nothing-saved",
            )
        return data.instance

    async def _write(self, hook: Any, data: WriteSerializer) -> None:
        """Call the hook that saves; a row that may not be left behind so is taken back."""
        allowed: Any = True
        if self.permission is not None:
            allowed = await self.permission.find_written(self.request, self)
        if allowed is True:
            await settle(hook(data))
        elif allowed is False:
            raise refuse(self.request)
        else:
            await run_within(self._write_and_check(hook, data, allowed))

    async def _write_and_check(self, hook: Any, data: WriteSerializer, allowed: Any) -> None:
        await settle(hook(data))
        if data.instance is not None and not await carry_out(meets_steps(data.instance, allowed)):
            raise refuse(self.request)


class ListModelMixin(GenericViewSet):
    """Lists rows."""

    @describes(describe_list)
    async def list(self, **asked: Any) -> Response:
        """List the rows, page by page."""
        plan = self.load_plan
        queryset = await self.find_rows()
        if self.pagination_class is None:
            rows = await plan.load_many(queryset[: self.max_rows + 1])
            return Response.from_bytes(dump(self._limit(rows)), _JSON, 200)
        pagination = self.pagination_class()
        envelope = await pagination.paginate(self.request, queryset, plan, **asked)
        return Response.from_bytes(dump(envelope), _JSON, 200)

    def _limit(self, rows: Any) -> Any:
        if len(rows) > self.max_rows:
            logger.warning(
                "%s has more than %d rows and no pagination: the rest was not sent",
                type(self).__name__,
                self.max_rows,
            )
            del rows[self.max_rows :]
        return rows


class CreateModelMixin(GenericViewSet):
    """Creates rows."""

    @describes(describe_create, "perform_create")
    async def create(self, data: WriteSerializer) -> Response:
        """Create a row from checked input."""
        instance = await self.perform_write(self.perform_create, data)
        return await self.answer_row(instance, 201)

    @default_hook
    def perform_create(self, serializer: WriteSerializer) -> Awaitable[Any] | None:
        """Save a new row; a hook, for example to `serializer.save(author=...)`."""
        return run_twin(serializer, "save")


class RetrieveModelMixin(GenericViewSet):
    """Shows one row."""

    @describes(describe_retrieve, "get_object")
    async def retrieve(self) -> Response:
        """Show the row the address names."""
        plan = self.load_plan
        if not hasattr(self.get_object, "is_default_hook"):
            return Response.from_bytes(
                dump(plan.from_instance(await self.get_checked())), _JSON, 200
            )
        if self.permission is not None and asks_of_rows(self.permission):
            await self.get_checked()
        value = await plan.load_one(await self.find_row())
        if value is None:
            raise self.build_not_found()
        return Response.from_bytes(dump(value), _JSON, 200)


class UpdateModelMixin(GenericViewSet):
    """Replaces rows, and changes them in part."""

    @describes(describe_update, "get_object", "perform_update")
    async def update(self, data: WriteSerializer) -> Response:
        """Write everything that was sent into the row the address names."""
        data.bind(await self.get_checked())
        instance = await self.perform_write(self.perform_update, data)
        return await self.answer_row(instance, 200)

    @describes(describe_partial_update, "get_object", "perform_update")
    async def partial_update(self, data: WriteSerializer) -> Response:
        """Change what was sent; a field left out stays as it is."""
        data.bind(await self.get_checked())
        instance = await self.perform_write(self.perform_update, data)
        return await self.answer_row(instance, 200)

    @default_hook
    def perform_update(self, serializer: WriteSerializer) -> Awaitable[Any] | None:
        """Save a changed row; a hook."""
        return run_twin(serializer, "save")


class DestroyModelMixin(GenericViewSet):
    """Deletes rows."""

    @describes(describe_destroy, "get_object", "perform_destroy")
    async def destroy(self) -> None:
        """Delete the row the address names."""
        instance = await self.get_checked()
        try:
            await settle(self.perform_destroy(instance))
        except IntegrityError as error:
            raise build_delete_problem() from error

    @default_hook
    def perform_destroy(self, instance: Any) -> Awaitable[Any] | None:
        """Delete a row; a hook."""
        return run_twin(instance, "delete")


class ReadOnlyModelViewSet(ListModelMixin, RetrieveModelMixin):
    """Lists rows and shows each."""


class ModelViewSet(
    ListModelMixin, CreateModelMixin, RetrieveModelMixin, UpdateModelMixin, DestroyModelMixin
):
    """Lists, creates, shows, replaces, changes and deletes rows."""

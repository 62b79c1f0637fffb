"""Views of forms: one of its own, or of a row that is made, changed or deleted."""

from collections.abc import Sequence
from typing import Any, cast

from undercroft.errors import Conflict, ImproperlyConfigured, IntegrityError
from undercroft.forms.form import Form
from undercroft.forms.formsets import BaseFormSet
from undercroft.forms.inline_formsets import BaseInlineFormSet
from undercroft.forms.models import ModelForm
from undercroft.http.responses import RedirectResponse, Response
from undercroft.views.calling import call_hook
from undercroft.views.objects import M, ModelMixin, SingleObjectMixin
from undercroft.views.templates import TemplateResponseMixin, quote_values

_FOUND = 302


class FormMixin(TemplateResponseMixin):
    """What views with a form have in common.

    Attributes:
        form_class: The form, or the formset.
        initial: What it shows at first, by field.
        prefix: What stands before its fields' names.
        success_url: Where to go when it was right: an address, in which `{name}` is a value of the
            row, or a route's name.
    """

    form_class: type[Form] | type[BaseFormSet] | None = None
    initial: dict[str, Any] | None = None
    prefix: str = ""
    success_url: str | None = None

    def get_initial(self) -> dict[str, Any]:
        """Return what the form shows at first."""
        return dict(self.initial or {})

    def get_form_class(self) -> type[Form] | type[BaseFormSet]:
        """Return the form's class."""
        if self.form_class is None:
            raise ImproperlyConfigured(
                f"{type(self).__name__} has no form.",
                hint="Set `form_class`, or override `get_form_class`.",
                code="views.no-form",
            )
        return self.form_class

    def get_form_kwargs(self) -> dict[str, Any]:
        """Return what the form is made with, besides what was sent."""
        return {"initial": self.get_initial(), "prefix": self.prefix}

    async def build_form(self, data: Any = None) -> Any:
        """Make the form by the hooks."""
        form_class = await call_hook(self, "get_form_class")
        return form_class(data, **await call_hook(self, "get_form_kwargs"))

    def list_forms(self, form: Any) -> list[Any]:
        """List the forms and formsets of the page."""
        return [form]

    async def load_forms(self, form: Any) -> None:
        """Fetch what the page needs to show them."""
        for each in self.list_forms(form):
            await each.aload()

    async def check_forms(self, form: Any) -> bool:
        """Check all of them, so that a visitor reads of every mistake at once."""
        return all([await each.ais_valid() for each in self.list_forms(form)])

    def get_success_url(self) -> str:
        """Return where to go when the form was right."""
        url = self.success_url
        row: Any = getattr(self, "object", None)
        if url is None and hasattr(row, "get_absolute_url"):
            return str(row.get_absolute_url())
        if url is None:
            raise ImproperlyConfigured(
                f"{type(self).__name__} does not know where to go.",
                hint="Set `success_url`, or give the model a `get_absolute_url`.",
                code="views.no-success-url",
            )
        if url.startswith(("/", "http://", "https://")):
            values = {} if row is None else cast("dict[str, Any]", vars(row))
            return url.format_map(quote_values(values))
        return self.request.url_for(url)

    async def form_valid(self, form: Any) -> Response:
        """Answer a form that is right; override it to do something with its values."""
        return RedirectResponse(await call_hook(self, "get_success_url"), _FOUND)

    async def form_invalid(self, form: Any) -> Response:
        """Show the form again, with what is wrong."""
        return await self.render(form=form)

    async def get(self) -> Response:
        """Show the form."""
        form = await self.build_form()
        await self.load_forms(form)
        return await self.render(form=form)

    async def read_data(self) -> Any:
        """Read what was sent."""
        return await self.request.form()

    async def post(self) -> Response:
        """Check the form that was sent."""
        form = await self.build_form(await self.read_data())
        is_valid = await self.check_forms(form)
        if not is_valid:
            await self.load_forms(form)
        answer: Response = await call_hook(self, "form_valid" if is_valid else "form_invalid", form)
        return answer


class FormView(FormMixin):
    """Show a form, and do what `form_valid` says when it comes back right."""


class ModelFormMixin(FormMixin, SingleObjectMixin[M]):
    """What views of a row's form have in common.

    Attributes:
        fields: The fields of the model that may be set, where there is no `form_class`.
        inlines: Formsets of rows that belong to it, by `inlineformset_factory`; the template has
            them as `formsets`, and they are checked and saved with the row.
    """

    fields: Sequence[str] | None = None
    inlines: Sequence[type[BaseInlineFormSet]] = ()
    formsets: Sequence[BaseInlineFormSet] = ()
    template_name_suffix = "_form"

    async def build_form(self, data: Any = None) -> Any:
        """Make the form, and the formsets of what belongs to its row."""
        form = await super().build_form(data)
        self.formsets = [made(data, instance=form.instance) for made in self.inlines]
        return form

    def list_forms(self, form: Any) -> list[Any]:
        """List the form and the formsets."""
        return [form, *self.formsets]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the context, with the formsets."""
        return super().get_context_data(**{"formsets": self.formsets, **kwargs})

    def get_form_class(self) -> type[Form] | type[BaseFormSet]:
        """Return the form's class, made of `model` and `fields` where there is none."""
        model = self.find_model()
        if self.form_class is not None or model is None or self.fields is None:
            return super().get_form_class()
        meta = type("Meta", (), {"model": model, "fields": tuple(self.fields)})
        return type(f"{model.__name__}Form", (ModelForm,), {"Meta": meta})

    def get_form_kwargs(self) -> dict[str, Any]:
        """Return what the form is made with: the row among it."""
        row = getattr(self, "object", None)
        return {**super().get_form_kwargs(), "instance": row}

    async def form_valid(self, form: Any) -> Response:
        """Save the row and what belongs to it, and go on."""
        try:
            self.object = await form.asave()
            for each in self.formsets:
                await each.asave()
        except IntegrityError as error:
            raise build_conflict() from error
        return await super().form_valid(form)


class CreateView(ModelFormMixin[M]):
    """Make a row of a form."""


class UpdateView(ModelFormMixin[M]):
    """Change a row by a form."""

    async def get(self) -> Response:
        """Show the form with the row."""
        self.object = await call_hook(self, "get_object")
        return await super().get()

    async def post(self) -> Response:
        """Check the form, and change the row."""
        self.object = await call_hook(self, "get_object")
        return await super().post()


class ModelFormSetView(FormMixin, ModelMixin[M]):
    """Change several rows on one page; `form_class` is of `modelformset_factory`."""

    template_name_suffix = "_formset"

    def get_form_kwargs(self) -> dict[str, Any]:
        """Return what the formset is made with: the rows, which no other can be changed beside."""
        return {"prefix": self.prefix, "queryset": self.get_queryset()}

    async def form_valid(self, form: Any) -> Response:
        """Save the rows, and go on."""
        try:
            await form.asave()
        except IntegrityError as error:
            raise build_conflict() from error
        return await super().form_valid(form)


class DeleteView(FormMixin, SingleObjectMixin[M]):
    """Ask whether a row is to go, and delete it."""

    template_name_suffix = "_confirm_delete"

    async def get(self) -> Response:
        """Ask."""
        self.object = await call_hook(self, "get_object")
        return await self.render()

    async def post(self) -> Response:
        """Delete."""
        self.object = await call_hook(self, "get_object")
        row: Any = self.object
        try:
            await row.adelete()
        except IntegrityError as error:
            raise build_conflict() from error
        return RedirectResponse(await call_hook(self, "get_success_url"), _FOUND)


def build_conflict() -> Conflict:
    """Build the answer to what the database refuses although it was checked."""
    return Conflict(
        "What was sent does not fit what is stored.",
        hint="Another row may have the same values, or others refer to this one.",
        code="api.conflict",
    )

"""Formsets: a form several times on one page, with rows to add, to order and to delete.

How many rows there are is the client's word, and bounded; which rows were there before is the
server's.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from undercroft.db.twins import Steps, arun_steps, run_steps
from undercroft.errors import ImproperlyConfigured, ValidationError
from undercroft.forms.fields.booleans import BooleanField
from undercroft.forms.fields.numbers import IntegerField
from undercroft.forms.form import Form
from undercroft.forms.management import ManagementForm
from undercroft.forms.problems import Problem, list_problems

#: Rows at most, where a formset does not say how many.
MAX_NUM = 1000

#: Rows beyond `max_num` that are shown again, so that none of a visitor's words are lost.
_SHOWN_BEYOND = 100


class BaseFormSet:
    """A form several times; `formset_factory` makes a class of it for a form.

    Args:
        data: What was sent; None for rows to fill in.
        files: Uploaded files, where they are not in `data`.
        prefix: What stands before each name, for several formsets on one page.
        initial: What the rows there are at first show, by field: a list.
        form_kwargs: Further arguments of each form.
    """

    form: ClassVar[type[Any]]
    extra: ClassVar[int] = 1
    min_num: ClassVar[int] = 0
    max_num: ClassVar[int | None] = None
    absolute_max: ClassVar[int | None] = None
    validate_min: ClassVar[bool] = True
    validate_max: ClassVar[bool] = True
    can_order: ClassVar[bool] = False
    can_delete: ClassVar[bool] = False
    can_delete_extra: ClassVar[bool] = True
    row_name: ClassVar[str] = "Row"
    template_name: ClassVar[str] = "forms/formset.html"

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        files: Mapping[str, Any] | None = None,
        *,
        prefix: str = "",
        initial: Sequence[Mapping[str, Any]] | Mapping[str, Any] | None = None,
        form_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        self.data, self.files = data, files
        self.is_bound = data is not None or files is not None
        self.prefix = prefix or self.get_default_prefix()
        self.initial = [] if isinstance(initial, Mapping) else list(initial or ())
        self.form_kwargs = dict(form_kwargs or {})
        self._forms: list[Form] | None = None
        self._non_form_errors: list[str] | None = None

    @classmethod
    def get_default_prefix(cls) -> str:
        """Return what stands before each name where nothing else is said."""
        return "form"

    # -------------------------------------------------------------------- how many rows

    @cached_property
    def _sent(self) -> ManagementForm:
        return ManagementForm(self.data or {}, prefix=self.prefix)

    @property
    def management_form(self) -> ManagementForm:
        """The hidden fields that say how many rows the page has."""
        told = {
            "TOTAL_FORMS": len(self.forms),
            "INITIAL_FORMS": self.initial_form_count(),
            "MIN_NUM_FORMS": self.min_num,
            "MAX_NUM_FORMS": self.get_max_num(),
        }
        return ManagementForm(prefix=self.prefix, initial=told)

    def get_max_num(self) -> int:
        """Return how many rows there may be."""
        return MAX_NUM if self.max_num is None else self.max_num

    def get_absolute_max(self) -> int:
        """Return how many rows are read at most, whatever was sent."""
        least = self.get_max_num() + _SHOWN_BEYOND
        return least if self.absolute_max is None else self.absolute_max

    def initial_form_count(self) -> int:
        """Count the rows that were there before; the server knows."""
        return len(self.initial)

    def total_form_count(self) -> int:
        """Count the rows: those that were sent, within bounds, or those that are shown."""
        if self.is_bound:
            sent = self._sent.cleaned_data if self._sent.is_valid() else {}
            # Rows of which nothing at all was sent cost as much as others: no more than fields
            # were sent, or rows shown.
            shown = len(self.initial) + max(self.min_num, self.extra)
            fields = max(len(self.data or ()), shown)
            return min(int(sent.get("TOTAL_FORMS", 0)), self.get_absolute_max(), fields)
        first, most = self.initial_form_count(), self.get_max_num()
        return max(first, min(max(first, self.min_num) + self.extra, most))

    # -------------------------------------------------------------------------- its forms

    @property
    def forms(self) -> list[Form]:
        """The forms, one for each row."""
        if self._forms is None:
            run_steps(self.build_steps())
        return self._forms or []

    def build_steps(self) -> Steps[None]:
        """Make the forms, once."""
        if self._forms is None:
            self._forms = yield from self.make_forms()

    def make_forms(self) -> Steps[list[Form]]:
        """Make the forms; rows of a model are fetched for it."""
        yield from ()
        return [self.make_form(index) for index in range(self.total_form_count())]

    def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
        """Return the further arguments of a form; `index` is None for the empty one."""
        return dict(self.form_kwargs)

    def add_prefix(self, index: int | str) -> str:
        """Return what stands before the names of one row."""
        return f"{self.prefix}-{index}"

    def make_form(self, index: int, **options: Any) -> Form:
        """Make the form of one row."""
        is_first = index < self.initial_form_count()
        options = {
            "prefix": self.add_prefix(index),
            "empty_permitted": not is_first and index >= self.min_num,
            **({"initial": self.initial[index]} if index < len(self.initial) else {}),
            **self.get_form_kwargs(index),
            **options,
        }
        form: Form = self.form(self.data, self.files, **options)
        form.use_required_attribute = False
        form.legend = f"{self.row_name} {index + 1}"
        self.add_fields(form, index)
        return form

    @property
    def empty_form(self) -> Form:
        """A row for scripts to copy, with `__prefix__` in place of its number."""
        options = {"prefix": self.add_prefix("__prefix__"), **self.get_form_kwargs(None)}
        form: Form = self.form(empty_permitted=True, **options)
        form.use_required_attribute = False
        form.legend = f"{self.row_name} __prefix__"
        self.add_fields(form, None)
        return form

    def add_fields(self, form: Form, index: int | None) -> None:
        """Add what is asked of each row besides: its place, and whether it goes."""
        is_first = self.is_first_row(form, index)
        if self.can_order:
            place = index + 1 if is_first and index is not None else None
            form.fields["ORDER"] = IntegerField(
                label="Order", required=False, initial=place, min_value=0, max_value=1_000_000
            )
        if self.can_delete and (is_first or self.can_delete_extra):
            form.fields["DELETE"] = BooleanField(label="Delete", required=False)

    def is_first_row(self, form: Form, index: int | None) -> bool:
        """Tell whether a form is of a row that was there before."""
        return index is not None and index < self.initial_form_count()

    def is_deleted(self, form: Form) -> bool:
        """Tell whether a row was marked to go; one without the box cannot be."""
        box = form.fields.get("DELETE")
        return self.can_delete and box is not None and bool(box.clean(form.read("DELETE")))

    def is_untouched(self, form: Form) -> bool:
        """Tell whether nothing was entered in a row that may be left so."""
        return form.empty_permitted and not form.has_changed()

    @property
    def remaining_forms(self) -> list[Form]:
        """The forms of rows that are filled in and stay."""
        return [
            form for form in self.forms if not self.is_deleted(form) and not self.is_untouched(form)
        ]

    @property
    def deleted_forms(self) -> list[Form]:
        """The forms of rows that are to go; those that were never filled in are no rows."""
        marked = [form for form in self.forms if self.is_bound and self.is_deleted(form)]
        return [
            form
            for form in marked
            if not form.empty_permitted or set(form.changed_data) > {"DELETE"}
        ]

    @property
    def ordered_forms(self) -> list[Form]:
        """The rows that stay in the order that was asked for; those without a place last."""
        if not self.can_order:
            raise ImproperlyConfigured(
                f"The rows of {type(self).__name__} have no order.",
                hint="Make it with can_order=True.",
                code="forms.formset",
            )
        places = [(form.cleaned_data.get("ORDER"), form) for form in self.remaining_forms]
        return [
            form for _, form in sorted(places, key=lambda each: (each[0] is None, each[0] or 0))
        ]

    @property
    def cleaned_data(self) -> list[dict[str, Any]]:
        """The values of the rows that are filled in and stay."""
        if self._non_form_errors is None:
            self.full_clean()
        return [form.cleaned_data for form in self.remaining_forms]

    # --------------------------------------------------------------------------- checking

    def is_valid(self) -> bool:
        """Tell whether something was sent, and every row is right."""
        return self.is_bound and not self.total_error_count()

    async def ais_valid(self) -> bool:
        """Tell whether something was sent, and every row is right; for async code.

        Where something is wrong, all that the page needs to be shown again is fetched, too.
        """
        if self.is_bound and self._non_form_errors is None:
            await self.afull_clean()
        if not self.is_valid():
            await self.aload()
            return False
        return True

    def full_clean(self) -> None:
        """Check every row; what is wrong is in `errors` and `non_form_errors()`."""
        run_steps(self.clean_steps())

    async def afull_clean(self) -> None:
        """Check every row; for async code."""
        await arun_steps(self.clean_steps())

    def clean_steps(self) -> Steps[None]:
        """Check every row that stays, then all together."""
        self._non_form_errors = []
        if not self.is_bound:
            return
        yield from self.build_steps()
        for form in self.forms:
            if self.is_deleted(form):
                form.skip_clean()
            else:
                yield from form.clean_steps()
        try:
            yield from self.check_numbers()
            self.clean()
        except ValidationError as error:
            self._non_form_errors += error.messages

    def check_numbers(self) -> Steps[None]:
        """Check how many rows there are.

        Raises:
            ValidationError: They are too many or too few, or nobody knows.
        """
        if not self._sent.is_valid():
            raise ValidationError(
                "The page was sent without the number of its rows. Please send it again.",
                "missing_management_form",
            )
        count = yield from self.count_rows()
        most = max(self.get_max_num(), self.initial_form_count())
        is_cut = self._sent.cleaned_data["TOTAL_FORMS"] > self.get_absolute_max()
        if is_cut or (self.validate_max and count > most):
            raise ValidationError(f"Rows: at most {most}.", "too_many_forms")
        if self.validate_min and count < self.min_num:
            raise ValidationError(f"Rows: at least {self.min_num}.", "too_few_forms")

    def count_rows(self) -> Steps[int]:
        """Count the rows there will be."""
        yield from ()
        return len(self.remaining_forms)

    def clean(self) -> None:
        """Check the rows together; override it, and raise `ValidationError`."""

    @property
    def errors(self) -> list[dict[str, list[str]]]:
        """The messages of each form, by field."""
        if self._non_form_errors is None:
            self.full_clean()
        return [form.errors for form in self.forms] if self.is_bound else []

    def non_form_errors(self) -> list[str]:
        """List the messages that are about no single row."""
        if self._non_form_errors is None:
            self.full_clean()
        return self._non_form_errors or []

    def total_error_count(self) -> int:
        """Count the mistakes."""
        in_forms = sum(len(texts) for errors in self.errors for texts in errors.values())
        return in_forms + len(self.non_form_errors())

    def has_changed(self) -> bool:
        """Tell whether anything that was sent differs from what was shown."""
        return any(form.has_changed() for form in self.forms)

    # ---------------------------------------------------------------------------- showing

    def load(self) -> None:
        """Fetch the rows, and those there are to choose from."""
        run_steps(self.load_steps())

    async def aload(self) -> None:
        """Fetch the rows, and those there are to choose from; for async code."""
        await arun_steps(self.load_steps())

    def load_steps(self) -> Steps[None]:
        """Fetch what is needed to show the page: each list to choose from once for all rows."""
        yield from self.build_steps()
        first: Form | None = None
        for form in self.forms:
            if first is not None:
                form.share_rows(first)
            yield from form.load_steps()
            first = first or form

    def __iter__(self) -> Iterator[Form]:
        """Iterate over the forms."""
        return iter(self.forms)

    def __len__(self) -> int:
        """Count the forms."""
        return len(self.forms)

    def __getitem__(self, index: int) -> Form:
        """Return the form of one row."""
        return self.forms[index]

    def __bool__(self) -> bool:
        """Be true, even without a row: there is a formset."""
        return True

    @property
    def auto_prefix(self) -> str:
        """What ids of the formset's own begin with."""
        return f"id_{self.prefix}-"

    @property
    def is_multipart(self) -> bool:
        """Whether the page must send it as `multipart/form-data`, for its files."""
        return self.empty_form.is_multipart

    def list_problems(self) -> list[Problem]:
        """List what is wrong for the summary, by row, with the place that each is about."""
        found = [Problem(text) for text in self.non_form_errors()]
        for form in self.forms:
            found += list_problems(form, form.legend, f"{form.auto_prefix}row")
        return found

    def __html__(self) -> str:
        """Render all rows, by the templates of the package."""
        from undercroft.forms.rendering import render_alone  # noqa: PLC0415 - Jinja2 is slow to import, and an API needs none

        self.load()
        return render_alone(self.template_name, form=self)

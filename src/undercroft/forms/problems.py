"""The summary of what is wrong: every mistake of a page, with a link to its control."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from undercroft.forms.form import Form


@dataclass(frozen=True, slots=True)
class Problem:
    """One line of the summary.

    Attributes:
        text: What is wrong, and with what.
        anchor: The id of the control; empty where there is none to go to.
    """

    text: str
    anchor: str = ""


def list_problems(form: "Form", row: str = "", anchor: str = "") -> list[Problem]:
    """List what is wrong with a form.

    Args:
        form: The form, which was checked.
        row: Of a formset, what the form is called there.
        anchor: Of a formset, where the form begins.
    """
    before = f"{row}: " if row else ""
    own = [Problem(before + text, anchor) for text in form.non_field_errors()]
    return own + [Problem(before + text, target) for text, target in _list_of_fields(form)]


def _list_of_fields(form: "Form") -> Iterator[tuple[str, str]]:
    for field in form:
        for error in field.errors:
            yield f"{field.label}: {error}", "" if field.is_hidden else field.anchor

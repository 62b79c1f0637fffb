"""What a page of several forms says about them: how many there are."""

from undercroft.forms.fields.numbers import IntegerField
from undercroft.forms.form import Form
from undercroft.forms.widgets import HiddenInput

#: A number past any limit; how many rows are really taken, the formset decides.
_MOST = 1_000_000


def _count_field(*, required: bool = False) -> IntegerField:
    return IntegerField(required=required, min_value=0, max_value=_MOST, widget=HiddenInput)


class ManagementForm(Form):
    """The hidden fields of a formset, under Django's names, by which scripts add rows.

    How many forms there are, is asked of it, and bounded. How many there were at first, and the
    limits, are there for scripts: what decides about those is known to the server.
    """

    TOTAL_FORMS = _count_field(required=True)
    INITIAL_FORMS = _count_field()
    MIN_NUM_FORMS = _count_field()
    MAX_NUM_FORMS = _count_field()

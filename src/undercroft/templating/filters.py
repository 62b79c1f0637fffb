"""Filters for numbers and text, under Django's names; what they return is escaped like any text."""

import re
import unicodedata
from collections.abc import Callable, Sized
from decimal import ROUND_HALF_UP, Context, Decimal, DecimalException
from typing import Any

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup, escape

from undercroft.templating.dates import (
    format_date,
    format_time,
    naturaltime,
    timesince,
    timeuntil,
)

#: Longer numbers are written as they are: nobody reads them, and rounding would take its time.
_MOST_DIGITS = 200
_CONTEXT = Context(prec=3 * _MOST_DIGITS)


def floatformat(value: Any, places: int = -1) -> str:
    """Round a number to decimal places; a negative count drops them where they are all zero."""
    try:
        number = Decimal(str(value))
        if not number.is_finite() or abs(number.adjusted()) > _MOST_DIGITS:
            return str(value)
        count = min(abs(places), _MOST_DIGITS)
        if places < 0 and number == number.to_integral_value():
            count = 0
        # Python's own context has too few digits for what is allowed here.
        rounded = number.quantize(Decimal(1).scaleb(-count), ROUND_HALF_UP, _CONTEXT)
    except (DecimalException, ValueError):
        return ""
    return f"{rounded:f}"


def intcomma(value: Any) -> str:
    """Write a number with a comma before every three digits."""
    found = re.match(r"-?[0-9]+", str(value))
    if found is None or len(found[0]) > _MOST_DIGITS:
        return str(value)
    return f"{int(found[0]):,}{str(value)[found.end() :]}"


def truncatechars(value: Any, length: int) -> str:
    """Cut a text to so many characters, the mark of the cut among them."""
    text = str(value)
    return text if len(text) <= length else text[: max(length - 1, 0)] + "…"


def truncatewords(value: Any, count: int) -> str:
    """Cut a text to so many words."""
    words = str(value).split(None, max(count, 0))
    return " ".join(words) if len(words) <= count else " ".join(words[:count]) + " …"


def linebreaksbr(value: Any) -> Markup:
    """Write a text with `<br>` for each line break; the text is escaped."""
    escaped = re.sub(r"\r\n|\r|\n", "<br>", str(escape(value)))
    return Markup(escaped)  # noqa: S704 - escaped the line above


def linebreaks(value: Any) -> Markup:
    """Write a text as paragraphs, which blank lines separate; the text is escaped."""
    text = re.sub(r"\r\n|\r", "\n", str(escape(value)))
    blocks = [block for block in re.split(r"\n{2,}", text) if block]
    paragraphs = [f"<p>{block}</p>".replace("\n", "<br>") for block in blocks]
    return Markup("\n\n".join(paragraphs))  # noqa: S704 - escaped in the first line


def pluralize(value: Any, endings: str = "s") -> str:
    """Return the plural's ending, `pluralize("y,ies")`, unless a number, or a length, is one."""
    singular, _, plural = endings.rpartition(",")
    # A length counts for what has one, except that of a text, which is read as a number.
    measure: Any = len if isinstance(value, Sized) and not isinstance(value, str) else float
    try:
        count = measure(value)
    except (TypeError, ValueError):
        return ""
    return singular if count == 1 else plural


def slugify(value: Any) -> str:
    """Write a text as a slug: ASCII letters, digits, hyphens and underscores, in lower case."""
    # One by one: together, marks would be sorted, which of many in a row takes their square.
    parts = "".join(unicodedata.normalize("NFKD", each) for each in str(value))
    plain = parts.encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain.lower())).strip("-_")


def default_if_none(value: Any, default: Any = "") -> Any:
    """Return the default for None, and nothing but None."""
    return default if value is None else value


def yesno(value: Any, words: str = "yes,no,maybe") -> str:
    """Write a truth: `{{ done|yesno("finished,open") }}`; None is the third word, or the second."""
    yes, no, maybe = (*words.split(","), "", "")[:3]
    if value is None:
        return maybe or no
    return yes if value else no


def json_script(value: Any, element_id: str | None = None) -> Markup:
    """Write a value as JSON into a script element, from which no text can break out."""
    attribute = Markup(' id="{}"').format(element_id) if element_id else Markup("")
    opening = Markup('<script{} type="application/json">').format(attribute)
    return opening + htmlsafe_json_dumps(value) + Markup("</script>")


FILTERS: dict[str, Callable[..., Any]] = {
    "date": format_date,
    "default_if_none": default_if_none,
    "floatformat": floatformat,
    "intcomma": intcomma,
    "json_script": json_script,
    "linebreaks": linebreaks,
    "linebreaksbr": linebreaksbr,
    "naturaltime": naturaltime,
    "pluralize": pluralize,
    "slugify": slugify,
    "time": format_time,
    "timesince": timesince,
    "timeuntil": timeuntil,
    "truncatechars": truncatechars,
    "truncatewords": truncatewords,
    "yesno": yesno,
}

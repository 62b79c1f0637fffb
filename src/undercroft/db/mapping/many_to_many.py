"""The declaration of a relation of many rows to many; `through` builds the model between."""

from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any

from undercroft.errors import ImproperlyConfigured


@dataclass(frozen=True, slots=True, kw_only=True)
class ManyOptions:
    """What may be said of a relation of many to many.

    Attributes:
        related_name: The accessor on the other side; `<model>_set` when None, none for `+`.
        related_query_name: What look-ups from there call it; as the accessor when None.
        through: The model between, or its name; one is made when None.
        through_fields: Its foreign keys to this side and to the other, where it has several.
        db_table: The name of the table of the model that is made.
        symmetrical: Of a relation to the model itself: whether it always holds both ways.
        verbose_name: For people.
        blank: Forms accept none at all.
        help_text: Shown beside the field.
        editable: Forms and admin show it.
    """

    related_name: str | None = None
    related_query_name: str | None = None
    through: type[Any] | str | None = None
    through_fields: tuple[str, str] | None = None
    db_table: str | None = None
    symmetrical: bool | None = None
    verbose_name: str | None = None
    blank: bool = False
    help_text: str = ""
    editable: bool = True


#: Options of other fields that mean nothing here, with what to do instead.
_MEANINGLESS = {
    "null": "There is no column: a row may be related to none at all.",
    "on_delete": "The rows between go with either side; for other rules write a model, `through=`.",
    "unique": "Two rows are related once; to one other row only is a ForeignKey.",
    "default": "There is no column: relate the rows after the new one is saved.",
}


def check_many_option(name: str) -> None:
    """Refuse an option that a relation of many to many does not have.

    Raises:
        ImproperlyConfigured: It is one.
    """
    known = [each.name for each in fields(ManyOptions)]
    if name in known:
        return
    close = get_close_matches(name, known, n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known)}."
    raise ImproperlyConfigured(
        f"ManyToManyField has no option {name!r}.",
        hint=_MEANINGLESS.get(name, hint),
        code="db.field-option",
    )


class ManyToManyDeclaration:
    """A relation of many to many as written in a class body.

    Args:
        to: The target model, or its name (`Tag`, `blog.Tag`, `self`).
        options: What is said of it.

    Raises:
        ImproperlyConfigured: Options contradict each other.
    """

    def __init__(self, to: type[Any] | str, options: ManyOptions) -> None:
        if options.through is not None and options.db_table is not None:
            raise ImproperlyConfigured(
                "ManyToManyField takes db_table or through, not both: the model between has a "
                "table of its own.",
                code="db.field-option",
            )
        if options.through_fields is not None and options.through is None:
            raise ImproperlyConfigured(
                "ManyToManyField(through_fields=...) needs through=...: which model are they of?",
                code="db.field-option",
            )
        self.to = to
        self.options = options

    @property
    def is_symmetrical(self) -> bool:
        """Whether it always holds both ways."""
        if self.options.symmetrical is not None:
            return self.options.symmetrical and self.to == "self"
        return self.to == "self"

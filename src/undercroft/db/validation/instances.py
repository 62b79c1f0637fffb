"""The whole check of an instance: fields, then `clean`, then other rows and constraints.

Each part is made of steps, so that sync and async code share it.
"""

from collections.abc import Callable, Collection
from typing import Any

from undercroft.db.twins import Steps, take_steps
from undercroft.db.validation.mistakes import Mistakes
from undercroft.errors import NON_FIELD_ERRORS


def full_clean_steps(
    instance: Any,
    exclude: Collection[str] | None,
    *,
    validate_unique: bool,
    validate_constraints: bool,
) -> Steps[None]:
    """Check everything there is to check.

    Raises:
        ValidationError: Something is wrong.
    """
    mistakes = Mistakes()
    left_out = set(exclude or ())
    yield from mistakes.collect(take_steps(instance.clean_fields, exclude))
    yield from mistakes.collect(take_steps(instance.clean))
    further: list[Callable[..., Any]] = []
    if validate_unique:
        further.append(instance.validate_unique)
    if validate_constraints:
        further.append(instance.validate_constraints)
    for method in further:
        # What is wrong already is no value to compare.
        left_out |= mistakes.by_field.keys() - {NON_FIELD_ERRORS}
        yield from mistakes.collect(take_steps(method, left_out))
    mistakes.check()

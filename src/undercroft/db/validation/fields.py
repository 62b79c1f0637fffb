"""Checks each field of an instance by itself."""

from collections.abc import Collection
from typing import Any

from undercroft.db.fields.info import EMPTY_VALUES, MISSING, FieldInfo
from undercroft.db.mapping.options import ModelOptions
from undercroft.db.twins import Steps, take_steps
from undercroft.db.validation.mistakes import Mistakes
from undercroft.db.validation.subject import Subject
from undercroft.errors import FieldValueError, UndercroftError, ValidationError


def clean_fields_steps(instance: Any, exclude: Collection[str] | None) -> Steps[None]:
    """Check each field by itself, and give the instance what its value is converted to.

    Raises:
        ValidationError: Values are wrong, by field.
    """
    subject, mistakes = Subject(instance, exclude), Mistakes()
    for key, column in subject.options.columns.items():
        if key in subject.excluded or column.computed is not None:
            continue
        value = subject.values.get(key, MISSING)
        info = subject.options.fields[key]
        is_deferred = value is MISSING and not subject.is_new
        is_empty = info.blank and value in EMPTY_VALUES
        if is_deferred or is_empty or is_left_out(subject.options, key, value):
            continue
        try:
            cleaned = clean_value(subject.options, key, None if value is MISSING else value)
        except ValidationError as error:
            mistakes.add(info.relation or key, error)
            continue
        if cleaned is not value and value is not MISSING:
            setattr(instance, key, cleaned)
    yield from check_targets(subject, mistakes)
    mistakes.check()


def is_left_out(options: ModelOptions, key: str, value: Any) -> bool:
    """Tell whether a value is left to the database, which has one."""
    column = options.columns[key]
    if value is MISSING:
        return column.server_default is not None or key not in options.required
    return value is None and not column.nullable and key not in options.required


def clean_value(options: ModelOptions, key: str, value: Any) -> Any:
    """Check the value of a field and convert it.

    Raises:
        ValidationError: It is wrong, for one reason or several.
    """
    info = options.fields[key]
    if value is None:
        raise_unless(info.null, info, "Enter a value.", code="null")
        raise_unless(info.blank, info, "Enter a value.", code="blank")
        return None
    try:
        cleaned = options.writers[key](value)
    except (ArithmeticError, TypeError, ValueError) as error:
        message = info.error_messages.get("invalid", f"Expected {error}.")
        raise ValidationError(message, code="invalid") from error
    if info.choices and info.enum is None:
        values = [choice for choice, _ in info.choices]
        shown = ", ".join(map(str, values))
        raise_unless(cleaned in values, info, f"Choose one of: {shown}.", code="invalid_choice")
    raise_unless(info.blank or cleaned not in EMPTY_VALUES, info, "Enter a value.", code="blank")
    run_validators(info, cleaned)
    return cleaned


def raise_unless(fits: bool, info: FieldInfo, message: str, *, code: str) -> None:
    """Raise a mistake, in the field's own words where it has some.

    Raises:
        ValidationError: It is one.
    """
    if not fits:
        raise ValidationError(info.error_messages.get(code, message), code)


def run_validators(info: FieldInfo, value: Any) -> None:
    """Run all validators of a field.

    Raises:
        ValidationError: Any of them refuses the value.
    """
    found: list[ValidationError] = []
    for validate in info.validators:
        try:
            validate(value)
        except ValidationError as error:
            found += [take_own_words(info, each) for each in error.error_list]
        except (FieldValueError, TypeError, ValueError) as error:
            said = error.message if isinstance(error, UndercroftError) else str(error)
            found.append(ValidationError(said or "Enter a valid value."))
    if found:
        raise ValidationError(found)


def take_own_words(info: FieldInfo, error: ValidationError) -> ValidationError:
    """Say a mistake in the field's own words, where it has some."""
    if error.code not in info.error_messages:
        return error
    return ValidationError(info.error_messages[error.code], error.code, error.params)


def check_targets(subject: Subject, mistakes: Mistakes) -> Steps[None]:
    """Check that the rows foreign keys refer to are there; those at hand are not asked for."""
    for relation in subject.options.relations.values():
        key = subject.values.get(relation.column)
        related = subject.values.get(relation.name)
        is_known = related is not None and getattr(related, relation.target_column) == key
        refused = relation.name in mistakes.by_field or relation.column in subject.excluded
        if key is None or is_known or refused:
            continue
        # A row that the model's own manager hides is there all the same.
        rows = relation.target.__options__.base_manager.using(subject.alias).filter(
            **{relation.target_column: key}
        )
        if not (yield from take_steps(rows.exists)):
            info = subject.options.fields[relation.column]
            message = f"There is no {info.label} with the key {key!r}."
            words = info.error_messages.get("foreign", message)
            mistakes.add(relation.name, ValidationError(words, code="foreign"))

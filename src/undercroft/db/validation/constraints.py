"""Checks an instance against other rows, and against the constraints of its table."""

from collections.abc import Collection, Iterator
from typing import Any

import sqlalchemy as sa

from undercroft.db.mapping.options import ModelOptions
from undercroft.db.mapping.rules import Rule, swap_columns
from undercroft.db.queries.shape import Call, Shape
from undercroft.db.twins import Steps, take_steps
from undercroft.db.validation.mistakes import Mistakes
from undercroft.db.validation.subject import Subject
from undercroft.errors import NON_FIELD_ERRORS, ValidationError


def unique_steps(instance: Any, exclude: Collection[str] | None) -> Steps[None]:
    """Check that no other row has what must be unique: fields, or fields together.

    Raises:
        ValidationError: One has.
    """
    subject, mistakes = Subject(instance, exclude), Mistakes()
    rules = [rule for rule in subject.options.rules if rule.is_plain]
    keys = subject.options.primary_keys
    if subject.is_new and not any(subject.options.fields[key].has_default for key in keys):
        rules.insert(0, Rule(keys))
    for rule in rules:
        yield from check_unique(subject, rule, mistakes)
    mistakes.check()


def constraint_steps(instance: Any, exclude: Collection[str] | None) -> Steps[None]:
    """Check the constraints that are more than fields which are unique.

    Raises:
        ValidationError: One is violated.
    """
    subject, mistakes = Subject(instance, exclude), Mistakes()
    for rule in subject.options.rules:
        if rule.is_plain:
            continue
        if rule.is_unique:
            yield from check_unique(subject, rule, mistakes)
        elif (yield from evaluate(subject, rule, negated=True)):
            name = getattr(rule.declared, "name", "")
            message = f"The constraint {name!r} is violated."
            add_violation(rule, mistakes, message, code="constraint")
    mistakes.check()


def check_unique(subject: Subject, rule: Rule, mistakes: Mistakes) -> Steps[None]:
    """Check that no other row is like this one."""
    compared = list_compared(subject.options, rule)
    if subject.lacks(compared):
        return
    if rule.condition is not None and not (yield from evaluate(subject, rule, negated=False)):
        return
    rows = find_alike(subject, rule)
    if rows is None or not (yield from take_steps(rows.exists)):
        return
    fields = [subject.options.fields[key] for key in compared]
    labels = ", ".join(info.label for info in fields)
    if len(fields) > 1 or not rule.is_plain:
        message = f"Another {subject.options.verbose_name} has the same {labels} already."
        add_violation(rule, mistakes, message, code="unique")
        return
    (info,) = fields
    message = f"Another {subject.options.verbose_name} has this {labels} already."
    words = info.error_messages.get("unique", message)
    mistakes.add(info.relation or compared[0], describe_violation(rule, words, code="unique"))


def list_compared(options: ModelOptions, rule: Rule) -> tuple[str, ...]:
    """List the attributes of the columns that are compared, those of the condition left out."""
    declared: Any = rule.declared
    if declared is None or not declared.fields:
        return rule.keys
    names = [
        options.relations[each].column if each in options.relations else each
        for each in declared.fields
    ]
    return tuple(names)


def find_alike(subject: Subject, rule: Rule) -> Any:
    """Find the rows that an instance is too like; None where nothing can be."""
    rows = subject.find_others()
    if rule.condition is not None:
        rows = rows.filter(rule.condition)
    if rule.expressions:
        # What SQL as text makes of the instance, only the database can tell.
        return rows.filter(*_compare(subject, rule)) if rule.is_exact else None
    for key in list_compared(subject.options, rule):
        value = subject.values.get(key)
        if value is None and rule.nulls_distinct:
            return None
        rows = rows.filter(**({f"{key}__isnull": True} if value is None else {key: value}))
    return rows


def _compare(subject: Subject, rule: Rule) -> Iterator[Any]:
    """Compare each expression of other rows with that of the instance."""
    options = subject.options
    by_column = {column: key for key, column in options.columns.items()}

    def bind(column: "sa.Column[Any]") -> Any:
        key = by_column[column]
        return sa.literal(options.convert(key, subject.values.get(key)), column.type)

    for expression in rule.expressions:
        yield expression == swap_columns(expression, options.table, bind)


def evaluate(subject: Subject, rule: Rule, *, negated: bool) -> Steps[bool]:
    """Ask the database whether a condition is true, or false, of an instance.

    What the database will fill in counts as unknown, and what is left out is not asked about.
    """
    if rule.is_exact and subject.excluded & set(rule.keys):
        return False
    unknown = subject.excluded.union(subject.options.generated)
    values = [
        None if key in unknown else subject.options.convert(key, subject.values.get(key))
        for key in rule.keys
    ]
    shape = Shape("evaluate", subject.options.model, (rule, negated))
    answer: bool = yield Call(shape, tuple(values), subject.alias)
    return answer


def add_violation(rule: Rule, mistakes: Mistakes, message: str, *, code: str) -> None:
    """Add the violation of a constraint that is about no single field."""
    mistakes.add(NON_FIELD_ERRORS, describe_violation(rule, message, code=code))


def describe_violation(rule: Rule, message: str, *, code: str) -> ValidationError:
    """Describe a violation, in the constraint's own words where it has some."""
    declared = rule.declared
    if declared is None:
        return ValidationError(message, code)
    if declared.violation_error_message is not None:
        message = declared.violation_error_message
    name = {"name": declared.name}
    return ValidationError(message, declared.violation_error_code or code, name)

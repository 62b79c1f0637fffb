"""The key of a relation's target, from what stands for the target: an instance, or the key."""

from collections.abc import Collection
from typing import Any

from undercroft.db.fields.values import Convert, add_article, build_error
from undercroft.db.mapping.options import ModelOptions, Relation
from undercroft.errors import FieldError


def find_key(relation: Relation, value: Any, owner: str) -> Any:
    """Find the key of a relation's target; None for None.

    Args:
        relation: The relation.
        value: An instance of the target, or its key.
        owner: The name of the model that has the relation.

    Raises:
        FieldValueError: It is neither, or the instance was never saved.
    """
    if value is None:
        return None
    try:
        return build_key_finder(relation)(value)
    except (ArithmeticError, TypeError, ValueError) as error:
        raise build_error(owner, relation.name, value, str(error)) from error


def build_key_finder(relation: Relation) -> Convert:
    """Build what finds the key of a relation's target, for a relation that is asked often."""
    target, target_column = relation.target, relation.target_column
    options: ModelOptions = target.__options__
    convert = options.converters[target_column]

    def find(value: Any) -> Any:
        if isinstance(value, target):
            key = getattr(value, target_column)
            if key is None:
                raise ValueError(f"a saved {options.name}: save it first")
            return key
        if hasattr(value.__class__, "__options__"):
            raise TypeError(add_article(options.name))
        return convert(value)

    return find


def set_relation(instance: Any, relation: Relation, values: dict[str, Any]) -> None:
    """Give a new instance the target of a relation, as its constructor was told.

    Raises:
        FieldError: The relation and its column are given and contradict each other.
        FieldValueError: It is no target.
    """
    value, owner = values[relation.name], instance.__options__.name
    is_instance = isinstance(value, relation.target)
    if is_instance or value is None:
        key = value if value is None else getattr(value, relation.target_column)
        setattr(instance, relation.name, value)
    else:
        key = find_key(relation, value, owner)
        setattr(instance, relation.column, key)
    if relation.column in values:
        check_agreement(relation, key, values[relation.column], owner)


def check_agreement(relation: Relation, key: Any, given: Any, owner: str) -> None:
    """Check that a relation's key and what is given for its column are the same.

    Raises:
        FieldError: They contradict each other.
    """
    if key != given and key != find_key(relation, given, owner):
        raise FieldError(
            f"{owner}.{relation.name} has the key {key!r}, but {relation.column}={given!r} is "
            "given beside it.",
            hint="Give one of the two.",
            code="db.contradiction",
        )


def take_keys(instance: Any, names: Collection[str] | None = None) -> None:
    """Take the keys of targets that were saved after they were assigned.

    Args:
        instance: What refers to them.
        names: The columns that count; all when None.

    Raises:
        FieldError: A target is still not saved.
    """
    options: ModelOptions = instance.__options__
    values = instance.__dict__
    for relation in options.relations.values():
        related = values.get(relation.name)
        if related is None or values.get(relation.column) is not None:
            continue
        if names is not None and relation.column not in names:
            continue
        key = getattr(related, relation.target_column)
        if key is None:
            raise FieldError(
                f"{options.name}.{relation.name} is {add_article(relation.target.__name__)} "
                "that was never saved.",
                hint="Save it first.",
                code="db.not-saved",
            )
        setattr(instance, relation.column, key)

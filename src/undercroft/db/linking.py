"""Give the other side of a relation its look-ups and its accessor, once both models are known."""

from inspect import getattr_static
from typing import Any

from undercroft.db.accessors import ManyRelated, Related, SingleRelated
from undercroft.db.mapping import registry
from undercroft.db.mapping.foreign_keys import ForeignKeyDeclaration, get_target_column
from undercroft.db.mapping.options import ManyRelation, ModelOptions, Relation
from undercroft.db.sides import build_many_side, build_side
from undercroft.errors import ImproperlyConfigured

#: What ends a name that nobody can reach.
HIDDEN = "+"


def link_foreign_key(
    target: type[Any], model: type[Any], declaration: ForeignKeyDeclaration, name: str
) -> None:
    """Add the other side of a foreign key to its target.

    Raises:
        ImproperlyConfigured: The name is taken.
    """
    relation = declaration.relation
    column = get_target_column(target, relation.to_field)
    key: str = registry.find_mapper(target).get_property_by_column(column).key
    accessor = find_accessor(model, relation.related_name, is_single=relation.is_single)
    is_hidden = accessor.endswith(HIDDEN)
    query_name = _find_query_name(model, relation.related_query_name, relation.related_name, name)
    reverse = Relation(
        query_name,
        key,
        model,
        f"{name}_id",
        null=True,
        is_reverse=True,
        many=not relation.is_single,
        accessor="" if is_hidden else accessor,
        target_name=name,
    )
    options: ModelOptions = target.__options__
    _check_free(target, query_name, model, name)
    options.reverses[query_name] = reverse
    if is_hidden:
        return
    _check_accessor(target, accessor, model, name)
    options.accessors[accessor] = reverse
    kind = SingleRelated if relation.is_single else Related
    type.__setattr__(target, accessor, kind(reverse, build_side(target, reverse)))


def find_accessor(model: type[Any], related_name: str | None, *, is_single: bool) -> str:
    """Find the attribute that the target gets for a relation."""
    options: ModelOptions = model.__options__
    lower = model.__name__.lower()
    given = related_name or options.meta.get("default_related_name")
    if not given:
        return lower if is_single else f"{lower}_set"
    return _fill_in(str(given), options, lower)


def _fill_in(name: str, options: ModelOptions, lower: str) -> str:
    """Fill in the class a name inherited from an abstract model is for."""
    return name.replace("%(class)s", lower).replace("%(app_label)s", options.app_label)


def _find_query_name(
    model: type[Any], given: str | None, related_name: str | None, name: str
) -> str:
    options: ModelOptions = model.__options__
    lower = model.__name__.lower()
    if given:
        return _fill_in(given, options, lower)
    related = related_name or options.meta.get("default_related_name")
    if not related:
        return lower
    filled = _fill_in(str(related), options, lower)
    # A hidden relation still is a step, for relations of many to many among others.
    return f"{options.label}.{name}{HIDDEN}" if filled.endswith(HIDDEN) else filled


def _check_free(target: type[Any], query_name: str, model: type[Any], name: str) -> None:
    options: ModelOptions = target.__options__
    present = options.reverses.get(query_name)
    if present is None or (present.target is model and present.target_name == name):
        return
    raise ImproperlyConfigured(
        f"{model.__name__}.{name} cannot be looked up from {target.__name__} as {query_name!r}: "
        f"{present.target.__name__}.{present.target_name} has that name.",
        hint="Give one of them a related_name, or a related_query_name.",
        code="db.related-name",
    )


def _check_accessor(target: type[Any], accessor: str, model: type[Any], name: str) -> None:
    if getattr_static(target, accessor, None) is not None:
        raise ImproperlyConfigured(
            f"{model.__name__}.{name} cannot be reached as {target.__name__}.{accessor}: that name "
            "is taken.",
            hint='Give the relation another related_name, or "+" for none.',
            code="db.related-name",
        )


def link_many(relation: ManyRelation, back: ManyRelation, model: type[Any]) -> None:
    """Add both sides of a relation of many to many.

    Args:
        relation: As seen from the model that declares it.
        back: As seen from the other side.
        model: The model that declares it.

    Raises:
        ImproperlyConfigured: The name on the other side is taken.
    """
    _install(model, relation)
    if relation.is_symmetrical:
        return
    target = relation.target
    if back.accessor:
        _check_accessor(target, back.accessor, model, relation.name)
    _install(target, back)


def _install(model: type[Any], relation: ManyRelation) -> None:
    options: ModelOptions = model.__options__
    options.many[relation.name] = relation
    if relation.accessor:
        options.accessors[relation.accessor] = relation
        made = ManyRelated[Any](relation.name, model, build_many_side(model, relation))
        type.__setattr__(model, relation.accessor, made)

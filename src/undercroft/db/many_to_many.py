"""Relations of many rows to many: the field function, and the model made for the rows between."""

from typing import Any, TypedDict, TypeVar, Unpack, overload

from undercroft.db.accessors import ManyRelated
from undercroft.db.linking import HIDDEN, find_accessor, link_many
from undercroft.db.mapping import registry
from undercroft.db.mapping.foreign_keys import CASCADE, ForeignKey
from undercroft.db.mapping.many_to_many import (
    ManyOptions,
    ManyToManyDeclaration,
    check_many_option,
)
from undercroft.db.mapping.options import ManyRelation, ModelOptions
from undercroft.errors import ImproperlyConfigured

M = TypeVar("M")


class ManyArguments(TypedDict, total=False):
    """What a `ManyToManyField` may be told; `ManyOptions` says what each means."""

    related_name: str | None
    related_query_name: str | None
    through: type[Any] | str | None
    through_fields: tuple[str, str] | None
    db_table: str | None
    symmetrical: bool | None
    blank: bool
    help_text: str
    editable: bool


@overload
def ManyToManyField(
    to: type[M], verbose_name: str | None = None, **options: Unpack[ManyArguments]
) -> ManyRelated[M]: ...
@overload
def ManyToManyField(
    to: str, verbose_name: str | None = None, **options: Unpack[ManyArguments]
) -> ManyRelated[Any]: ...
def ManyToManyField(  # noqa: N802 - Django's name
    to: type[Any] | str, verbose_name: str | None = None, **options: Any
) -> Any:
    """Declare a relation of many rows to many of another model.

    With `tags = ManyToManyField(Tag)`, `book.tags` gives the tags and `tag.book_set` the books;
    `add`, `remove`, `set`, `clear` and `create` change them. The rows between are in a table of
    their own, or in that of `through`.
    """
    for name in options:
        check_many_option(name)
    return ManyToManyDeclaration(to, ManyOptions(verbose_name=verbose_name, **options))


def resolve_many(model: Any, name: str, declaration: ManyToManyDeclaration, base: Any) -> None:
    """Make the relation, once all of its models are known.

    Args:
        model: The class that declares it, now mapped.
        name: The attribute.
        declaration: What was said.
        base: The class that a model between is derived from.
    """
    options: ModelOptions = model.__options__
    label = options.app_label
    source = f"{options.label}.{name}"

    def meet_target(target: type[Any]) -> None:
        through = declaration.options.through
        if through is None:
            _link(model, name, declaration, _make_through(model, name, declaration, target, base))
        elif isinstance(through, str):
            registry.when_defined(
                through, label, lambda found: _link(model, name, declaration, found), source
            )
        else:
            _link(model, name, declaration, through)

    if declaration.to == "self":
        meet_target(model)
    elif isinstance(declaration.to, str):
        registry.when_defined(declaration.to, label, meet_target, source)
    else:
        meet_target(declaration.to)


def _make_through(
    model: Any, name: str, declaration: ManyToManyDeclaration, target: Any, base: Any
) -> Any:
    """Make the model between: two foreign keys, unique together."""
    options: ModelOptions = model.__options__
    near, far = model.__name__.lower(), target.__name__.lower()
    if near == far:
        near, far = f"from_{near}", f"to_{far}"
    class_name = f"{model.__name__}_{name}"
    meta = {
        "app_label": options.app_label,
        "db_table": declaration.options.db_table or f"{options.db_table}_{name}",
        "unique_together": ((near, far),),
        "auto_created": model,
    }
    hidden = f"{class_name}_{{}}{HIDDEN}"
    body = {
        "__module__": model.__module__,
        "__qualname__": class_name,
        "__doc__": f"The rows between {model.__name__}.{name} and {target.__name__}.",
        near: ForeignKey(model, CASCADE, related_name=hidden.format(near)),
        far: ForeignKey(target, CASCADE, related_name=hidden.format(far)),
        "Meta": type("Meta", (), meta),
    }
    return type(base)(class_name, (base,), body)


def _link(model: Any, name: str, declaration: ManyToManyDeclaration, through: Any) -> None:
    options: ModelOptions = model.__options__
    target = model if declaration.to == "self" else _get_target(declaration, options.app_label)
    near, far = _choose_fields(model, name, declaration, through, target)
    steps = {
        field: _find_step(through, field, owner) for field, owner in ((near, model), (far, target))
    }
    told = declaration.options
    accessor = find_accessor(model, told.related_name, is_single=False)
    is_hidden = accessor.endswith(HIDDEN) or declaration.is_symmetrical
    query_name = told.related_query_name or (
        model.__name__.lower() if told.related_name is None else accessor
    )
    relation = ManyRelation(
        name,
        through,
        near,
        far,
        target,
        (steps[near], far),
        f"{steps[far]}__{near}",
        name,
        is_symmetrical=declaration.is_symmetrical,
        verbose_name=told.verbose_name,
        blank=told.blank,
        help_text=told.help_text,
        editable=told.editable,
    )
    back = ManyRelation(
        f"{options.label}.{name}{HIDDEN}" if is_hidden else query_name,
        through,
        far,
        near,
        model,
        (steps[far], near),
        f"{steps[near]}__{far}",
        "" if is_hidden else accessor,
        is_reverse=True,
    )
    link_many(relation, back, model)


def _get_target(declaration: ManyToManyDeclaration, app_label: str) -> Any:
    to = declaration.to
    return registry.get_model(to, app_label) if isinstance(to, str) else to


def _choose_fields(
    model: Any, name: str, declaration: ManyToManyDeclaration, through: Any, target: Any
) -> tuple[str, str]:
    """Choose the foreign keys of the model between.

    Raises:
        ImproperlyConfigured: There is no one such key, or there are several.
    """
    if declaration.options.through_fields is not None:
        near, far = declaration.options.through_fields
        return near, far
    to_near, to_far = _list_keys(through, model), _list_keys(through, target)
    if model is target and len(to_near) == 2:
        return to_near[0], to_near[1]
    if len(to_near) == 1 and len(to_far) == 1:
        return to_near[0], to_far[0]
    raise ImproperlyConfigured(
        f"{through.__name__} has {len(to_near)} foreign keys to {model.__name__} and "
        f"{len(to_far)} to {target.__name__}: {model.__name__}.{name} needs one of each.",
        hint="Say which: through_fields=(to this side, to the other).",
        code="db.through",
    )


def _list_keys(through: Any, target: Any) -> list[str]:
    """List the foreign keys of a model between to one side, in the order of declaration."""
    found = [
        each.target_name for each in target.__options__.reverses.values() if each.target is through
    ]
    # The columns, since asking for relations wants every model that any of them names.
    order = list(registry.find_mapper(through).columns.keys())
    return sorted(found, key=lambda name: order.index(f"{name}_id"))


def _find_step(through: Any, field: str, owner: Any) -> str:
    """Find what look-ups from one side call the step to the rows between."""
    for name, each in owner.__options__.reverses.items():
        if each.target is through and each.target_name == field:
            return str(name)
    raise ImproperlyConfigured(
        f"{through.__name__}.{field} is no foreign key to {owner.__name__}.", code="db.through"
    )

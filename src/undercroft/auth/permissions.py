"""The permissions that models have: four each, and those that their `Meta` adds.

`undercroft migrate` makes the rows; what nobody declares any more stays, for it may be granted.
"""

from collections.abc import Collection
from typing import Any, NamedTuple

from undercroft.db.mapping import registry
from undercroft.db.twins import Steps, run_steps, take_steps

DEFAULT_ACTIONS = ("add", "change", "delete", "view")


class Declared(NamedTuple):
    """A permission that a model declares."""

    app_label: str
    codename: str
    model: str
    name: str


def get_permission_codename(action: str, model: type[Any]) -> str:
    """Return the codename of an action on a model's rows, `add_post`; Django's name."""
    return f"{action}_{model.__name__.lower()}"


def name_permission(action: str, model: type[Any]) -> str:
    """Return the permission for an action on a model's rows, `blog.add_post`."""
    return f"{model.__options__.app_label}.{get_permission_codename(action, model)}"


def list_declared(model: type[Any]) -> list[Declared]:
    """List the permissions of a model: `default_permissions` and `permissions` of its `Meta`."""
    options = model.__options__
    if options.meta.get("auto_created") or not options.meta.get("managed", True):
        return []
    kind, label = model.__name__.lower(), options.app_label
    actions = options.meta.get("default_permissions", DEFAULT_ACTIONS)
    declared = [
        Declared(
            label,
            get_permission_codename(action, model),
            kind,
            f"Can {action} {options.verbose_name}",
        )
        for action in actions
    ]
    own = options.meta.get("permissions", ())
    return declared + [Declared(label, codename, kind, name) for codename, name in own]


def create_steps(alias: str = "default") -> Steps[int]:
    """Make the permissions that are not there, in steps; answer how many."""
    permission = get_permission_model()
    declared = {
        (each.app_label, each.codename): each
        for model in registry.all_models()
        for each in list_declared(model)
    }
    rows = permission.objects.using(alias).values_list("app_label", "codename")
    known = set((yield from load_pairs(rows)))
    missing = [permission(**each._asdict()) for key, each in declared.items() if key not in known]
    if missing:
        rows = permission.objects.using(alias)
        yield from take_steps(rows.bulk_create, missing, ignore_conflicts=True)
    return len(missing)


def get_permission_model() -> Any:
    """Return the model of permissions, which the tables' module knows."""
    return registry.get_model("auth.Permission")


def get_group_model() -> Any:
    """Return the model of groups."""
    return registry.get_model("auth.Group")


def load_pairs(rows: Any) -> Steps[list[tuple[str, str]]]:
    """Load the pairs of app label and codename that a query gives, in steps."""
    steps: Steps[list[tuple[str, str]]] = rows.load_steps()
    return steps


def create_permissions(*, using: str, tables: Collection[str], **_more: Any) -> None:
    """Make the permissions that are not there, after migrations; a receiver of `post_migrate`."""
    if get_permission_model().__options__.db_table in tables:
        run_steps(create_steps(using))

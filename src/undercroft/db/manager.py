"""The managers a class declares or inherits, bound to it when it is mapped."""

from typing import Any

from undercroft.db.queryset import Manager


class FreshManager:
    """A manager whose `get_queryset` may answer differently each time.

    Args:
        manager: The manager, bound to its model.
    """

    def __init__(self, manager: Manager[Any]) -> None:
        self.manager = manager

    def __get__(self, instance: object | None, owner: type[Any], /) -> Manager[Any]:
        """Give the manager as its `get_queryset` says now."""
        if instance is not None:
            raise AttributeError(f"A manager belongs to the class {owner.__name__}, not to a row.")
        return self.manager.begin()


def find_managers(model: type[Any]) -> dict[str, Manager[Any]]:
    """Find the managers a class about to be mapped declares or inherits, the first one first."""
    found: dict[str, Manager[Any]] = {}
    for parent in model.__mro__:
        for name, value in vars(parent).items():
            inner = value.manager if isinstance(value, FreshManager) else value
            if isinstance(inner, Manager) and name not in found:
                found[name] = inner
    return found


def install_managers(model: type[Any], declared: dict[str, Manager[Any]]) -> str:
    """Give a mapped class its managers; tell the name of the default one."""
    managers = declared or {"objects": Manager[Any]()}
    for name, manager in managers.items():
        bound = manager.bind(model)
        type.__setattr__(model, name, FreshManager(bound) if bound.is_fresh else bound)
    model.__options__.base_manager = Manager[Any](model)
    return next(iter(managers))

"""A model's own `save` and `delete` count wherever ours would be called, in async code as well."""

from typing import Any

from undercroft.concurrency import run_in_thread
from undercroft.db.twins import Steps
from undercroft.db.writes import save_steps


class Saving:
    """An instance to be saved by the methods of its class.

    Args:
        instance: The instance.
        how: The arguments of `save`.
    """

    __slots__ = ("how", "instance")

    def __init__(self, instance: Any, how: dict[str, Any]) -> None:
        self.instance = instance
        self.how = how

    def perform(self) -> Any:
        """Save it, blocking."""
        return self.instance.save(**self.how)

    async def aperform(self) -> Any:
        """Save it on the event loop."""
        return await self.instance.asave(**self.how)


def save_as_declared(instance: Any, alias: str, *, force_insert: bool = False) -> Steps[None]:
    """Save an instance: by a `save` of its class where there is one, else by direct statements."""
    if instance.__options__.saves_itself:
        yield Saving(instance, {"force_insert": force_insert, "using": alias})
    else:
        yield from save_steps(instance, alias, force_insert=force_insert)


def add_async_overrides(model: type[Any]) -> None:
    """Give a class that overrides only a blocking method an async one that calls it."""
    for name in ("save", "delete"):
        if find_depth(model, name) < find_depth(model, f"a{name}"):
            setattr(model, f"a{name}", build_threaded(name))


def build_threaded(name: str) -> Any:
    """Build a method that calls the blocking one in a thread."""

    async def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return await run_in_thread(getattr(self, name), *args, **kwargs)

    call.__name__, call.__qualname__ = f"a{name}", f"a{name}"
    return call


def find_depth(model: type[Any], name: str) -> int:
    """Find how far up the class a method is defined, 0 being the class itself."""
    return next(depth for depth, parent in enumerate(model.__mro__) if name in vars(parent))


def has_own_save(model: type[Any], ours: type[Any]) -> bool:
    """Tell whether a model, or a class before ours among its parents, defines `save` or `asave`."""
    ends = model.__mro__.index(ours)
    return any(find_depth(model, name) < ends for name in ("save", "asave"))

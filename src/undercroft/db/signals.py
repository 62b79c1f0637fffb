"""Signals: who wants to know when rows are saved or deleted is called then.

```python
@receiver(post_save, sender=BlogPost)
def announce(sender, instance, created, **more): ...
```

A receiver may be a coroutine function: it is awaited where the write is.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from undercroft.db.twins import Invoke, Steps

R = TypeVar("R", bound=Callable[..., Any])


class Signal:
    """Calls its receivers when something happens to a model's rows.

    Args:
        name: Its name, for messages.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        #: Receivers by the model they are for; None: every model.
        self._receivers: dict[type[Any] | None, dict[Any, Callable[..., Any]]] = {}

    def __repr__(self) -> str:
        return f"<Signal {self.name}>"

    def connect(
        self,
        receiver: Callable[..., Any],
        sender: type[Any] | None = None,
        dispatch_uid: Any = None,
    ) -> None:
        """Call a receiver from now on.

        Args:
            receiver: Called with `sender`, `instance` and more, by keyword.
            sender: The model; every model when None.
            dispatch_uid: Of those connected with the same one, the last is called.
        """
        key = receiver if dispatch_uid is None else dispatch_uid
        self._receivers.setdefault(sender, {})[key] = receiver

    def disconnect(
        self,
        receiver: Callable[..., Any] | None = None,
        sender: type[Any] | None = None,
        dispatch_uid: Any = None,
    ) -> bool:
        """Call a receiver no longer; tell whether it was connected."""
        known = self._receivers.get(sender, {})
        found = known.pop(receiver if dispatch_uid is None else dispatch_uid, None)
        if not known:
            self._receivers.pop(sender, None)
        return found is not None

    def listens(self, sender: type[Any]) -> bool:
        """Tell whether anybody wants to know of a model's rows."""
        receivers = self._receivers
        return bool(receivers) and (sender in receivers or None in receivers)

    def send_steps(self, sender: type[Any], **arguments: Any) -> Steps[None]:
        """Call every receiver, in steps."""
        given = {"sender": sender, "signal": self, **arguments}
        for known in (self._receivers.get(None, {}), self._receivers.get(sender, {})):
            for receive in list(known.values()):
                yield Invoke(receive, given)


#: Before a row is inserted or updated: `instance`, `raw`, `using`, `update_fields`.
pre_save = Signal("pre_save")
#: After that: `created` as well.
post_save = Signal("post_save")
#: Before and after a row is deleted: `instance`, `using`.
pre_delete = Signal("pre_delete")
post_delete = Signal("post_delete")
#: When rows are put into a relation of many to many or taken out: `action`, `pk_set`, `reverse`.
m2m_changed = Signal("m2m_changed")
#: After `migrate`, with Model as the sender: `using`, and `tables`, the names of those there are.
post_migrate = Signal("post_migrate")


def receiver(signal: Signal | Iterable[Signal], **options: Any) -> Callable[[R], R]:
    """Connect a function to one or several signals.

    Args:
        signal: Which.
        options: `sender`, `dispatch_uid`.
    """
    signals = (signal,) if isinstance(signal, Signal) else tuple(signal)

    def connect(function: R) -> R:
        for each in signals:
            each.connect(function, **options)
        return function

    return connect

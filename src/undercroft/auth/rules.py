"""Row rules: which rows of a model a user may do what with, each said once, as a condition.

```python
@rule(Post, "view")
def published(user): return Q(published=True) | Q(author=user)

@rule(Post, "change", "delete")
def own(user): return Q(author=user)
```

Rules grant: a row is allowed where any rule of the action says so. An action without rules is
allowed by the model's permission. Superusers may do everything, who is not active nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from inspect import iscoroutinefunction
from typing import Any, Literal, NamedTuple, TypeVar

from undercroft.auth.granting import build_grant
from undercroft.auth.permissions import name_permission
from undercroft.auth.users import AnonymousUser, PermissionsMixin
from undercroft.db.allowing import set_decider
from undercroft.db.queries.namespace import is_expression
from undercroft.db.queries.q import Q
from undercroft.errors import ImproperlyConfigured

#: True for every row, False or None for none, a `Q`, or an expression.
Condition = Any
Rule = Callable[[Any], Condition]
R = TypeVar("R", bound=Rule)


class Ground(NamedTuple):
    """What a user may do something for, or may not.

    Attributes:
        kind: What it is: the account's state, a rule or a permission.
        name: Of the rule or permission; "" where the account decides.
        condition: The rows it is about; True for all, False for none.
    """

    kind: Literal["inactive", "superuser", "rule", "permission"]
    name: str
    condition: Condition


_declared: dict[type[Any], dict[str, list[Rule]]] = {}
_found: dict[tuple[type[Any], str], tuple[Rule, ...]] = {}


def rule(model: type[Any], *actions: str) -> Callable[[R], R]:
    """Declare a rule: a function that is given a user and answers which rows.

    It may be asked about strangers, too: they are an `AnonymousUser`, whom no row belongs to.

    Args:
        model: The model; its subclasses have the rule as well, unless they have their own.
        actions: `view`, `add`, `change`, `delete`, or names of one's own.

    Raises:
        ImproperlyConfigured: There is no action, it is no model, or the function is `async def`.
    """
    if not actions or (not hasattr(model, "__mapper_args__") and not hasattr(model, "__options__")):
        raise ImproperlyConfigured(
            f"A rule was declared for {model!r} and the actions {actions!r}.",
            hint='Write @rule(Post, "view"): a model, and one action or several.',
            code="auth.rule",
        )

    def declare(function: R) -> R:
        check_rule(function)
        for action in actions:
            _declared.setdefault(model, {}).setdefault(action, []).append(function)
        _found.clear()
        return function

    return declare


def check_rule(function: Any) -> None:
    """Check that something can be a rule.

    Raises:
        ImproperlyConfigured: It is no function, or would have to be awaited.
    """
    if not callable(function) or iscoroutinefunction(function):
        raise ImproperlyConfigured(
            f"{function!r} cannot be a rule.",
            hint="Write a `def` that is given the user and returns a Q: it is asked while a query"
            " is built, which waits for nothing. What it has to look up belongs in the Q.",
            code="auth.rule",
        )


def list_rules(model: type[Any], action: str) -> tuple[Rule, ...]:
    """List the rules for an action: the model's own, or those of the nearest parent with any."""
    key = (model, action)
    if key not in _found:
        _found[key] = next(filter(None, _list_by_parent(model, action)), ())
    return _found[key]


def _list_by_parent(model: type[Any], action: str) -> Iterator[tuple[Rule, ...]]:
    for parent in model.__mro__:
        own = _declared.get(parent, {}).get(action, ())
        told: Mapping[str, Any] = getattr(vars(parent).get("Meta"), "rules", {})
        named = told.get(action, ())
        inner: Iterable[Any] = (named,) if callable(named) else named
        for each in inner:
            check_rule(each)
        yield (*inner, *own)


def list_grounds(model: type[Any], user: Any, action: str) -> list[Ground]:
    """List what a user may do something for with a model's rows."""
    user = AnonymousUser() if user is None else user
    if user.is_authenticated and not getattr(user, "is_active", True):
        return [Ground("inactive", "", False)]
    if getattr(user, "is_superuser", False):
        return [Ground("superuser", "", True)]
    rules = list_rules(model, action)
    if rules:
        return [Ground("rule", name_rule(each), ask(each, user)) for each in rules]
    permission = name_permission(action, model)
    return [Ground("permission", permission, permits(user, permission))]


def permits(user: Any, permission: str) -> Condition:
    """Answer whether a user has a permission, as a condition: rules may join it with others.

    ```python
    @rule(Post, "change")
    def editors(user): return permits(user, "blog.change_post")
    ```

    It asks nothing by itself: the query that it ends up in finds out.
    """
    if not user.is_authenticated or not getattr(user, "is_active", True):
        return False
    if getattr(user, "is_superuser", False):
        return True
    if getattr(user.__class__, "has_perm", None) is PermissionsMixin.has_perm:
        return build_grant(user, permission)
    # Who decides in a way of its own is asked; on the event loop it must not block.
    return bool(user.has_perm(permission)) if hasattr(user, "has_perm") else False


def ask(rule: Rule, user: Any) -> Condition:
    """Ask a rule about a user.

    Raises:
        ImproperlyConfigured: It answers with what is no condition.
    """
    return check_condition(rule(user), name_rule(rule))


def check_condition(answer: Any, name: str) -> Condition:
    """Check that an answer is a condition.

    Raises:
        ImproperlyConfigured: It is none.
    """
    if answer is None or isinstance(answer, bool):
        return bool(answer)
    if not is_condition(answer):
        raise ImproperlyConfigured(
            f"The rule {name} answered {answer!r}: expected a condition.",
            hint="Return a Q with something in it, an expression, True for every row, or False.",
            code="auth.rule",
        )
    return answer


def is_condition(answer: Any) -> bool:
    """Tell whether something narrows a query; a `Q` with nothing in it would keep every row."""
    if isinstance(answer, Q):
        return bool(answer)
    return is_expression(answer)


def name_rule(rule: Rule) -> str:
    """Name a rule as people find it: `blog.rules.published`."""
    name = getattr(rule, "__qualname__", type(rule).__qualname__)
    return f"{rule.__module__}.{name}"


def build_condition(model: type[Any], user: Any, action: str) -> Condition:
    """Build the condition for the rows of a model that a user may do something with."""
    return join_any(ground.condition for ground in list_grounds(model, user, action))


def join_any(conditions: Iterable[Condition]) -> Condition:
    """Join conditions of which any may hold."""
    joined: Condition = False
    for each in conditions:
        if each is True or joined is True:
            joined = True
        elif each is not False:
            joined = each if joined is False else Q(joined) | Q(each)
    return joined


def join_all(conditions: Iterable[Condition]) -> Condition:
    """Join conditions all of which must hold."""
    joined: Condition = True
    for each in conditions:
        if each is False or joined is False:
            joined = False
        elif each is not True:
            joined = each if joined is True else Q(joined) & Q(each)
    return joined


def deny(condition: Condition) -> Condition:
    """Turn a condition around."""
    return not condition if isinstance(condition, bool) else ~Q(condition)


set_decider(build_condition)

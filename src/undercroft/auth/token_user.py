"""The user as an access token tells of it: known by key and name, without asking the database."""

from typing import Any, ClassVar

from undercroft.auth.bearer import build_token_refusal
from undercroft.auth.users import get_user_model
from undercroft.db.twins import Steps, async_twin, take_steps, twins


class TokenUser:
    """Who an access token was made for.

    It has a key and a name. What it may do is asked of the row, which `load()` fetches once; a
    token alone makes nobody staff.

    Args:
        key: The user's.
        username: As it was when the token was made.
    """

    is_authenticated: ClassVar[bool] = True
    is_anonymous: ClassVar[bool] = False
    is_active: ClassVar[bool] = True
    is_staff: ClassVar[bool] = False
    is_superuser: ClassVar[bool] = False

    def __init__(self, key: Any, username: str) -> None:
        self.pk = key
        self.id = key
        self.username = username
        self._row: Any = None

    @twins
    def load(self) -> Steps[Any]:
        """Fetch the user itself, once.

        Raises:
            NotAuthenticated: It is not there any more, or not active.
        """
        if self._row is None:
            rows = get_user_model().objects.filter(pk=self.pk)
            self._row = yield from take_steps(rows.first)
        if self._row is None or not self._row.is_active:
            raise build_token_refusal()
        return self._row

    aload = async_twin(load)

    @twins
    def has_perm(self, permission: str) -> Steps[bool]:
        """Tell whether it may do something, `blog.add_post`."""
        user = yield from TokenUser.load.steps(self)
        return bool((yield from take_steps(user.has_perm, permission)))

    ahas_perm = async_twin(has_perm)

    @twins
    def has_perms(self, permissions: Any) -> Steps[bool]:
        """Tell whether it may do all of these."""
        user = yield from TokenUser.load.steps(self)
        return bool((yield from take_steps(user.has_perms, permissions)))

    ahas_perms = async_twin(has_perms)

    def get_username(self) -> str:
        """Return what identifies the account to its owner."""
        return self.username

    def __eq__(self, other: object) -> bool:
        """Be equal to the row, too."""
        if isinstance(other, (TokenUser, get_user_model())):
            return bool(self.pk == getattr(other, "pk", None))
        return NotImplemented

    def __hash__(self) -> int:
        return hash((get_user_model(), self.pk))

    def __str__(self) -> str:
        return self.username

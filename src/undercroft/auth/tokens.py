"""Tokens: keys that programs act with for a user, made once, shown once, and stored as hashes."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from undercroft.auth.scopes import join_scopes, split_scopes
from undercroft.auth.token_keys import SHOWN, hash_key, make_key
from undercroft.auth.users import USER
from undercroft.db.fields.moments import DateTimeField
from undercroft.db.fields.text import CharField, TextField
from undercroft.db.mapping.foreign_keys import CASCADE, ForeignKey
from undercroft.db.model import Model
from undercroft.db.queries.q import Q
from undercroft.db.queryset import Manager
from undercroft.db.twins import Steps, async_twin, take_steps, twins

#: The last use is stored no more often.
_STORED_EVERY = timedelta(minutes=1)


class TokenManager(Manager["Token"]):
    """`Token.objects`: makes tokens, and finds them by their keys."""

    __slots__ = ()

    @twins
    def create_token(
        self,
        user: Any,
        name: str = "",
        *,
        scopes: Iterable[str] = (),
        expires_in: timedelta | None = None,
    ) -> Steps[tuple["Token", str]]:
        """Make a token; answer it and its key, which is shown this once and stored nowhere.

        Args:
            user: Whose it is.
            name: What its owner calls it.
            scopes: What may be done with it, where a handler asks for scopes.
            expires_in: How long it counts; for good when left out.

        Raises:
            ValueError: A scope cannot be written as one.
        """
        key = make_key()
        now = datetime.now(UTC)
        token = yield from take_steps(
            self.create,
            user=user,
            name=name,
            prefix=key[:SHOWN],
            key_hash=hash_key(key),
            scope=join_scopes(scopes),
            created_at=now,
            expires_at=None if expires_in is None else now + expires_in,
        )
        return token, key

    acreate_token = async_twin(create_token)

    @twins
    def find_by_key(self, key: str) -> Steps["Token | None"]:
        """Find the token with a key, and its user, by one query; None where it does not count."""
        rows = self.select_related("user").filter(key_hash=hash_key(key))
        token: Token | None = yield from take_steps(rows.first)
        return token if token is not None and token.is_valid() else None

    afind_by_key = async_twin(find_by_key)


class Token(Model):
    """A key that a program acts with for a user.

    Attributes:
        user: For whom.
        name: What its owner calls it.
        prefix: The first characters of the key, by which people tell tokens apart.
        key_hash: The hash of the key.
        scope: What may be done with it, as OAuth 2 writes it (RFC 6749, section 3.3).
        created_at: When it was made.
        expires_at: Until when it counts; None for good.
        last_used_at: When it was last used, to the minute.
        revoked_at: When it was taken back; None while it counts.
    """

    user = ForeignKey(USER, on_delete=CASCADE, related_name="auth_tokens")
    name = CharField(max_length=100, blank=True, default="")
    prefix = CharField(max_length=SHOWN, editable=False)
    key_hash = CharField(max_length=64, unique=True, editable=False)
    scope = TextField(blank=True, default="")
    created_at = DateTimeField(default=lambda: datetime.now(UTC), editable=False)
    expires_at = DateTimeField(null=True, blank=True)
    last_used_at = DateTimeField(null=True, blank=True, editable=False)
    revoked_at = DateTimeField(null=True, blank=True, editable=False)

    objects = TokenManager()

    class Meta:
        """How tokens are listed: the newest first."""

        ordering = ("-created_at",)

    @property
    def scopes(self) -> frozenset[str]:
        """What may be done with it, each by its name."""
        return split_scopes(self.scope)

    def is_valid(self) -> bool:
        """Tell whether it counts: it was not revoked, and is not over."""
        is_over = self.expires_at is not None and self.expires_at <= datetime.now(UTC)
        return self.revoked_at is None and not is_over

    @twins
    def revoke(self) -> Steps[None]:
        """Take it back; it stays listed, and counts no more."""
        if self.revoked_at is None:
            self.revoked_at = datetime.now(UTC)
            yield from take_steps(self.save, update_fields=["revoked_at"])

    arevoke = async_twin(revoke)

    def is_use_to_be_stored(self) -> bool:
        """Tell whether the last use that is stored is old enough to store another."""
        last = self.last_used_at
        return last is None or datetime.now(UTC) - last >= _STORED_EVERY

    def store_use(self) -> Steps[None]:
        """Store that it was used, in steps; of several requests at once, one does."""
        now = datetime.now(UTC)
        stale = Q(last_used_at=None) | Q(last_used_at__lte=now - _STORED_EVERY)
        rows = type(self).objects.filter(stale, pk=self.pk)
        yield from take_steps(rows.update, last_used_at=now)

    def __str__(self) -> str:
        return f"{self.prefix}… {self.name}".strip()

"""The table of refresh tokens: a row for each log-in, with the hash of the one that counts."""

from undercroft.auth.users import USER
from undercroft.db.fields.moments import DateTimeField
from undercroft.db.fields.text import CharField, TextField
from undercroft.db.mapping.foreign_keys import CASCADE, ForeignKey
from undercroft.db.model import Model


class RefreshFamily(Model):
    """The refresh tokens that follow from one log-in.

    Attributes:
        user: Who logged in.
        key: What all of them begin with.
        token_hash: The hash of the one that counts.
        fingerprint: Of the password at the log-in; a new one ends the family.
        scope: What was asked for at the log-in.
        created_at: When that was.
        refreshed_at: When the last token was made.
        expires_at: When the last one ends.
        revoked_at: When all of them were taken back.
    """

    user = ForeignKey(USER, on_delete=CASCADE, related_name="refresh_families")
    key = CharField(max_length=32, unique=True)
    token_hash = CharField(max_length=64)
    fingerprint = CharField(max_length=64)
    scope = TextField(blank=True, default="")
    created_at = DateTimeField()
    refreshed_at = DateTimeField()
    expires_at = DateTimeField(db_index=True)
    revoked_at = DateTimeField(null=True)

    class Meta:
        """How families are kept: nobody is granted anything of them."""

        default_permissions = ()
        verbose_name_plural = "refresh families"

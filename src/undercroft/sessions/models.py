"""The table of sessions that are kept in the database."""

from undercroft.db.fields.moments import DateTimeField
from undercroft.db.fields.numbers import IntegerField
from undercroft.db.fields.text import CharField, TextField
from undercroft.db.model import Model


class StoredSession(Model):
    """A session: what is remembered, until when, and whose it is.

    Attributes:
        key_hash: The hash of the cookie's value, which is stored nowhere.
        user_key: Whose it is; None where nobody has logged in.
        data: What is remembered, as JSON.
        version: How often it was stored again.
        created_at: When it began.
        refreshed_at: When it was last used, to a tenth of its idle age.
        expires_at: When it ends, unless it is used again.
    """

    key_hash = CharField(max_length=64, unique=True)
    user_key = CharField(max_length=255, null=True, db_index=True)
    data = TextField()
    version = IntegerField(default=0)
    created_at = DateTimeField()
    refreshed_at = DateTimeField()
    expires_at = DateTimeField(db_index=True)

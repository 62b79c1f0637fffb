"""The tables of the second step of a log-in: what codes are made of, and codes for a rainy day."""

from undercroft.auth.users import USER
from undercroft.db.fields.moments import DateTimeField
from undercroft.db.fields.numbers import BigIntegerField
from undercroft.db.fields.text import CharField
from undercroft.db.mapping.constraints import UniqueConstraint
from undercroft.db.mapping.foreign_keys import CASCADE, ForeignKey, OneToOneField
from undercroft.db.model import Model


class SecondFactor(Model):
    """What a user's app makes codes of.

    Attributes:
        user: Whose it is.
        secret: What the codes are made of, in base 32; the app has it, too.
        confirmed_at: When its owner proved that the app has it; it is asked for from then on.
        last_counter: The half minute of the last code that was taken: none is taken twice.
    """

    user = OneToOneField(USER, on_delete=CASCADE, related_name="second_factor")
    secret = CharField(max_length=64)
    confirmed_at = DateTimeField(null=True)
    last_counter = BigIntegerField(default=0)

    class Meta:
        """How factors are kept: nobody is granted anything of them."""

        default_permissions = ()


class RecoveryCode(Model):
    """A code for who has lost the app; it counts once.

    Attributes:
        user: Whose it is.
        code_hash: The hash of the code.
    """

    user = ForeignKey(USER, on_delete=CASCADE, related_name="recovery_codes")
    code_hash = CharField(max_length=64)

    class Meta:
        """How codes are kept: each once, and nobody is granted anything of them."""

        default_permissions = ()
        constraints = (
            UniqueConstraint(fields=["user", "code_hash"], name="auth_recoverycode_once"),
        )

"""The second step of a log-in: a code of an app (TOTP, RFC 6238), or a recovery code.

After the first step alone a session is nobody's: it remembers who has given a password, for ten
minutes, and nothing else knows of it.
"""

import hmac
from base64 import b32encode
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from secrets import token_bytes
from typing import Any, NamedTuple

from undercroft.auth.fingerprint import has_fingerprint, take_fingerprint
from undercroft.auth.stepping import LoadSession
from undercroft.auth.throttling import Limit, Throttle, find_address
from undercroft.auth.users import get_user_model
from undercroft.db.mapping import registry
from undercroft.db.twins import Steps, async_twin, take_steps, twins
from undercroft.errors import ImproperlyConfigured
from undercroft.http.request import Request

#: What a session remembers between the steps.
PENDING = "_auth_pending"
_PENDING_SECONDS = 600

#: A code is of half a minute; one that was typed slowly, or by a clock that is wrong, still counts.
_INTERVAL = 30
_WINDOW = (-1, 0, 1)

_LIMITS: Sequence[Limit] = (Limit("code", free=5), Limit("code-address", free=25))
_RECOVERY_CODES = 10


class Enrolment(NamedTuple):
    """What an app has to be told.

    Attributes:
        secret: To be typed where no picture can be taken.
        uri: What the picture says, `otpauth://totp/...`.
    """

    secret: str
    uri: str

    def to_svg(self) -> str:
        """Draw the picture, a QR code, as an `<svg>` element."""
        try:
            # An optional dependency.
            import segno  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise build_missing(error) from error
        drawn: str = segno.make(self.uri, micro=False).svg_inline(scale=4)
        return drawn


def build_missing(error: ModuleNotFoundError) -> ImproperlyConfigured:
    """Build the error for a package that is not installed."""
    return ImproperlyConfigured(
        f"Codes need the package {error.name}, which is not installed.",
        hint="Install undercroft[otp].",
        code="auth.otp-missing",
    )


def has_second_step(user: Any) -> Steps[bool]:
    """Tell whether a user's log-in has a second step, in steps."""
    confirmed = get_factors().filter(user=user.pk, confirmed_at__isnull=False)
    return bool((yield from take_steps(confirmed.exists)))


def verify_steps(request: Request, user: Any, code: str) -> Steps[bool]:
    """Check a code of the app, or a recovery code, in steps; each counts once.

    Raises:
        TooManyRequests: There were too many wrong ones.
    """
    confirmed = get_factors().filter(user=user.pk, confirmed_at__isnull=False)
    factor = yield from take_steps(confirmed.first)
    return factor is not None and (yield from _check(request, user, code, factor))


def suspend(request: Request, user: Any) -> None:
    """Remember in the session, which is nobody's now, who has taken the first step."""
    session = request.session
    session.flush()
    session.cycle_key()
    session[PENDING] = {
        "user": str(user.pk),
        "fingerprint": take_fingerprint(request.app.settings, user),
        "at": int(datetime.now(UTC).timestamp()),
    }


def find_pending(request: Request) -> Steps[Any]:
    """Find who has taken the first step, in steps; None for nobody, or too long ago."""
    yield LoadSession(request.session)
    told = request.session.get(PENDING)
    if not told or datetime.now(UTC).timestamp() - told["at"] > _PENDING_SECONDS:
        return None
    user = yield from take_steps(get_user_model().objects.filter(pk=told["user"]).first)
    if user is None or not user.is_active:
        return None
    settings = request.app.settings
    return user if has_fingerprint(settings, user, told["fingerprint"]) else None


def _check(request: Request, user: Any, code: str, factor: Any) -> Steps[bool]:
    throttle = Throttle(request, [str(user.pk), find_address(request)], _LIMITS, "wrong codes")
    yield from throttle.enter()
    plain = code.replace(" ", "").replace("-", "").lower()
    if len(plain) == 6 and plain.isascii() and plain.isdigit():
        is_right = yield from _take_code(factor, plain)
    else:
        rows = get_codes().filter(user=user.pk, code_hash=hash_code(plain))
        count, _ = yield from take_steps(rows.delete)
        is_right = count == 1
    if is_right:
        yield from throttle.leave()
    return is_right


def _take_code(factor: Any, code: str) -> Steps[bool]:
    """Take a code of the app; of two requests with the same code, one does."""
    totp = build_totp(factor.secret)
    now = int(datetime.now(UTC).timestamp()) // _INTERVAL
    for counter in (now + each for each in _WINDOW):
        if hmac.compare_digest(str(totp.generate_otp(counter)), code):
            unused = get_factors().filter(pk=factor.pk, last_counter__lt=counter)
            return bool((yield from take_steps(unused.update, last_counter=counter)))
    return False


def build_totp(secret: str) -> Any:
    """Build what makes the codes of a secret.

    Raises:
        ImproperlyConfigured: The package pyotp is not installed.
    """
    try:
        # An optional dependency.
        from pyotp.totp import TOTP  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise build_missing(error) from error
    return TOTP(secret)


def build_totp_secret() -> str:
    """Make a secret of 160 bits (RFC 4226, section 4), in base 32."""
    return b32encode(token_bytes(20)).decode()


def make_recovery_code() -> str:
    """Make a recovery code of 80 bits, in groups that can be copied by hand."""
    text = b32encode(token_bytes(10)).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def hash_code(code: str) -> str:
    """Hash a recovery code, however it was typed."""
    plain = code.replace(" ", "").replace("-", "").lower()
    return sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def get_factors() -> Any:
    """Return the rows of factors, which the table's module knows."""
    return registry.get_model("auth.SecondFactor").objects


def get_codes() -> Any:
    """Return the rows of recovery codes, which the table's module knows."""
    return registry.get_model("auth.RecoveryCode").objects


class SecondStep:
    """The second step of a user's log-in, as its owner sets it up.

    Args:
        request: Of the owner, who has given the password again a moment ago.
        user: The owner.
    """

    def __init__(self, request: Request, user: Any) -> None:
        self._request = request
        self._user = user

    @twins
    def is_on(self) -> Steps[bool]:
        """Tell whether the log-in has a second step."""
        return (yield from has_second_step(self._user))

    ais_on = async_twin(is_on)

    @twins
    def enrol(self, issuer: str) -> Steps[Enrolment]:
        """Make what the app makes its codes of; it counts once it is confirmed.

        Args:
            issuer: What the app shows beside the account's name: ours.

        Raises:
            ValueError: There is a second step already.
        """
        user = self._user
        if (yield from has_second_step(user)):
            raise ValueError("This account has a second step already; disable it first.")
        secret, factors = build_totp_secret(), get_factors()
        yield from take_steps(factors.filter(user=user.pk).delete)
        yield from take_steps(factors.create, user_id=user.pk, secret=secret)
        uri = build_totp(secret).provisioning_uri(name=user.get_username(), issuer_name=issuer)
        return Enrolment(secret, uri)

    aenrol = async_twin(enrol)

    @twins
    def confirm(self, code: str) -> Steps[list[str] | None]:
        """Let the second step count, by a first code of the app.

        Returns:
            The recovery codes, which are shown this once; None where the code is wrong.
        """
        pending = get_factors().filter(user=self._user.pk, confirmed_at=None)
        factor = yield from take_steps(pending.first)
        if factor is None or not (yield from _check(self._request, self._user, code, factor)):
            return None
        yield from take_steps(pending.update, confirmed_at=datetime.now(UTC))
        return (yield from SecondStep.renew_codes.steps(self))

    aconfirm = async_twin(confirm)

    @twins
    def renew_codes(self) -> Steps[list[str]]:
        """Make new recovery codes; the old ones count no more."""
        codes = [make_recovery_code() for _ in range(_RECOVERY_CODES)]
        rows, key = get_codes(), self._user.pk
        yield from take_steps(rows.filter(user=key).delete)
        made = [rows.model(user_id=key, code_hash=hash_code(code)) for code in codes]
        yield from take_steps(rows.bulk_create, made)
        return codes

    arenew_codes = async_twin(renew_codes)

    @twins
    def disable(self) -> Steps[None]:
        """Let the user log in by the password alone again."""
        for rows in (get_factors(), get_codes()):
            yield from take_steps(rows.filter(user=self._user.pk).delete)

    adisable = async_twin(disable)

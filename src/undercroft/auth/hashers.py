"""How passwords are hashed: Argon2id for ours, and Django's formats, so that its users move over.

A stored password names its format before the first `$`, as Django writes it. What is not Argon2id
by today's parameters is hashed anew when its owner next logs in.
"""

import base64
import hashlib
import hmac
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from undercroft.errors import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class Argon2Parameters:
    """What a hash costs; the defaults are OWASP's least for Argon2id (Password Storage, 2024).

    Attributes:
        time_cost: Passes.
        memory_cost: Memory, in KiB.
        parallelism: Lanes.
    """

    time_cost: int = 2
    memory_cost: int = 19 * 1024
    parallelism: int = 1


class Hasher(ABC):
    """Knows one format of stored passwords.

    Attributes:
        algorithm: Its name, before the first `$`.
    """

    algorithm: str

    @abstractmethod
    def verify(self, password: str, encoded: str) -> bool:
        """Tell whether a password is the one that was hashed.

        Raises:
            ValueError: What is stored is not of this format.
        """


class Argon2Hasher(Hasher):
    """Argon2id (RFC 9106), stored as `argon2$argon2id$v=19$...`.

    Args:
        parameters: What a hash costs.
    """

    algorithm = "argon2"

    def __init__(self, parameters: Argon2Parameters | None = None) -> None:
        # Slow to import, and needed by whoever hashes only.
        from argon2 import PasswordHasher  # noqa: PLC0415

        told = parameters or Argon2Parameters()
        self._hasher = PasswordHasher(
            time_cost=told.time_cost,
            memory_cost=told.memory_cost,
            parallelism=told.parallelism,
        )

    def hash(self, password: str) -> str:
        """Hash a password with a salt of its own."""
        return self.algorithm + self._hasher.hash(encode(password))

    def verify(self, password: str, encoded: str) -> bool:
        """Tell whether a password is the one that was hashed."""
        from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415 - as above

        try:
            return self._hasher.verify(encoded.removeprefix(self.algorithm), encode(password))
        except InvalidHashError as error:
            raise ValueError(str(error)) from None
        except VerificationError:
            return False

    def needs_rehash(self, encoded: str) -> bool:
        """Tell whether a hash was made with other parameters."""
        return self._hasher.check_needs_rehash(encoded.removeprefix(self.algorithm))


class PBKDF2Hasher(Hasher):
    """Django's default: `pbkdf2_sha256$iterations$salt$hash`.

    Args:
        digest: `sha256` or `sha1`.
    """

    def __init__(self, digest: str) -> None:
        self.algorithm = f"pbkdf2_{digest}"
        self._digest = digest

    def verify(self, password: str, encoded: str) -> bool:
        """Tell whether a password is the one that was hashed."""
        _, iterations, salt, expected = encoded.split("$", 3)
        found = hashlib.pbkdf2_hmac(self._digest, encode(password), salt.encode(), int(iterations))
        return is_same(found, expected)


class ScryptHasher(Hasher):
    """Django's `scrypt$N$salt$r$p$hash`."""

    algorithm = "scrypt"

    def verify(self, password: str, encoded: str) -> bool:
        """Tell whether a password is the one that was hashed."""
        _, n, salt, r, p, expected = encoded.split("$", 5)
        # OpenSSL refuses to take more memory than it is told it may.
        most = 132 * int(n) * int(r) * int(p)
        found = hashlib.scrypt(
            encode(password),
            salt=salt.encode(),
            n=int(n),
            r=int(r),
            p=int(p),
            maxmem=most,
            dklen=64,
        )
        return is_same(found, expected)


class BCryptHasher(Hasher):
    """Django's `bcrypt$...` and `bcrypt_sha256$...`, which hashes before; by the package bcrypt.

    Args:
        algorithm: Which of the two.
        prepare: What becomes of the password's bytes first.
    """

    def __init__(self, algorithm: str, prepare: Callable[[bytes], bytes]) -> None:
        self.algorithm = algorithm
        self._prepare = prepare

    def verify(self, password: str, encoded: str) -> bool:
        """Tell whether a password is the one that was hashed.

        Raises:
            ImproperlyConfigured: The package bcrypt is not installed.
        """
        try:
            bcrypt: Any = import_module("bcrypt")
        except ModuleNotFoundError as error:
            raise ImproperlyConfigured(
                "A stored password was hashed by bcrypt, and the package bcrypt is not installed.",
                hint="Install undercroft[bcrypt].",
                code="auth.bcrypt",
            ) from error
        stored = encoded.split("$", 1)[1].encode()
        # Bytes past the 72nd never counted, and newer versions of the package refuse them.
        found: bytes = bcrypt.hashpw(self._prepare(encode(password))[:72], stored)
        return hmac.compare_digest(found, stored)


def encode(password: str) -> bytes:
    """Write a password in UTF-8, lone surrogates included: no text may be an error here."""
    return password.encode("utf-8", "surrogatepass")


def is_same(found: bytes, expected: str) -> bool:
    """Compare a hash with a stored one, in Base64, taking the same time whatever differs."""
    return hmac.compare_digest(base64.b64encode(found), expected.encode())


#: What Django's users may bring along.
FOREIGN_HASHERS: dict[str, Hasher] = {
    hasher.algorithm: hasher
    for hasher in (
        PBKDF2Hasher("sha256"),
        PBKDF2Hasher("sha1"),
        ScryptHasher(),
        BCryptHasher("bcrypt", bytes),
        BCryptHasher("bcrypt_sha256", lambda text: hashlib.sha256(text).hexdigest().encode()),
    )
}

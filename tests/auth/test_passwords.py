"""Passwords: hashed by Argon2id, read in Django's formats, and checked in the same time for all."""

import asyncio
import statistics
import time
from typing import Any

import pytest

from undercroft.auth import hashers, passwords, validate_password
from undercroft.auth.passwords import (
    acheck_password,
    amake_password,
    check_password,
    make_password,
    needs_rehash,
)
from undercroft.errors import ValidationError

#: "lètmein", as Django 5.2's hashers wrote it.
DJANGO = [
    "pbkdf2_sha256$1000$fAwNLen4J9yOBJPWo8bk5G$phIsYimGkp94bmDxzQJbHHbXV1S+9SGKhGw9y9qpJlA=",
    "pbkdf2_sha1$1000$o51ooqQLfTmL3qwcxJZtDW$SurVD6rdD5durHjXywbPKAUs85E=",
    "scrypt$1024$1Oknyvy5Tq7VgGOQN9m9mG$8$1$yLqE0S9QAJNPaDzS3GM+iLjhvKItmRD6w+YpAuZowFacdaC+iInMsbktKYAb5a1FSLpLHvv47TroMMwgYRbp9Q==",
    "bcrypt$$2b$04$fVpwte3Lr42TfuvZPSZ0h.01ptRlQg0UDnAL8upow1TKDOuihr6f.",
    "bcrypt_sha256$$2b$04$b0897HJipHCmax2HdnoRoe0t4.TcWrrQrZ8fDq00XX93QEy/ru3le",
    "argon2$argon2id$v=19$m=8,t=1,p=1$QlNNR2lEcTJmSnlhd09nOFljS0VQYQ$3vl8QPL0FpaP0/KNV9pVFKvsV8pL8TXU6DCae6Ml+vw",
]


@pytest.mark.parametrize("encoded", DJANGO)
def test_hashes_of_django_are_read(encoded: str) -> None:
    """Users who move here log in with the password they have, and are then hashed anew."""
    assert check_password("lètmein", encoded)
    assert not check_password("lètmeinn", encoded)
    assert needs_rehash(encoded)


def test_a_hash_is_argon2id_with_a_salt_of_its_own() -> None:
    """Two hashes of one password differ, and parameters that rise are noticed."""
    first, second = make_password("secret"), make_password("secret")
    assert first.startswith("argon2$argon2id$v=19$")
    assert first != second
    assert check_password("secret", first)
    assert not needs_rehash(first)
    passwords.configure(hashers.Argon2Parameters(time_cost=2, memory_cost=16))
    assert needs_rehash(first)
    assert check_password("secret", first)


def test_the_default_costs_what_owasp_asks_at_least() -> None:
    """Nineteen MiB and two passes."""
    told = hashers.Argon2Parameters()
    assert (told.memory_cost, told.time_cost, told.parallelism) == (19456, 2, 1)


@pytest.mark.parametrize("text", ["", "a" * 4096, "ü\ud800\x00", "a" * 73])
def test_no_character_of_a_password_is_dropped(text: str) -> None:
    """Neither the 73rd, as bcrypt does, nor one after a zero byte."""
    encoded = make_password(text)
    assert check_password(text, encoded)
    assert not check_password(text + "b", encoded)
    assert not check_password(text[:-1], encoded) or not text


def test_an_endless_password_costs_no_more(recwarn: Any) -> None:
    """A megabyte is refused, not hashed and not cut (Django's CVE-2021-45115)."""
    started = time.perf_counter()
    assert not check_password("a" * 1_000_000, make_password("a"))
    assert time.perf_counter() - started < 0.5
    with pytest.raises(ValueError, match="4,096"):
        make_password("a" * 4097)
    with pytest.raises(ValidationError):
        validate_password("ab" * 500_000)


@pytest.mark.parametrize(
    "encoded", [None, "", "!unusable", "md5$x$y", "pbkdf2_sha256$x", "argon2$"]
)
def test_what_cannot_be_right_takes_as_long(encoded: str | None) -> None:
    """An account that is not there, or has no password, is answered as a wrong one is."""
    passwords.configure(hashers.Argon2Parameters(time_cost=2, memory_cost=4096))
    real = make_password("secret")
    check_password("warm", None)

    def measure(stored: str | None) -> float:
        started = time.process_time()
        assert not check_password("wrong", stored)
        return time.process_time() - started

    wrong = statistics.median(measure(real) for _ in range(9))
    missing = statistics.median(measure(encoded) for _ in range(9))
    assert 0.5 < missing / wrong < 2


def test_hashing_lets_the_loop_run() -> None:
    """On the event loop it is done beside it."""
    passwords.configure(hashers.Argon2Parameters(time_cost=4, memory_cost=32 * 1024))

    async def count_turns() -> int:
        turns = 0
        hashed = asyncio.ensure_future(amake_password("secret"))
        while not hashed.done():
            await asyncio.sleep(0)
            turns += 1
        assert await acheck_password("secret", hashed.result())
        return turns

    assert asyncio.run(count_turns()) > 100


class Ada:
    """Somebody whose password is to be like nothing of hers."""

    username, first_name, last_name, email = "ada.l", "Ada", "Lovelace", "countess@example.org"


@pytest.mark.parametrize(
    "password, codes",
    [
        ("short1!", {"password_too_short"}),
        ("12345678", {"password_too_common", "password_entirely_numeric"}),
        ("Password1", {"password_too_common"}),
        ("lovelace99", {"password_too_similar"}),
        ("countess1", {"password_too_similar"}),
        ("a long sentence about nothing in particular, with sixty-four letters", set()),
    ],
)
def test_rules_for_new_passwords(password: str, codes: set[str]) -> None:
    """All that is wrong is told at once."""
    found: set[str] = set()
    try:
        validate_password(password, Ada())
    except ValidationError as error:
        found = {each.code for each in error.error_list}
    assert found == codes

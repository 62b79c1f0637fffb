"""Debug values: secrets are withheld wherever they stand, and no text takes long to read."""

import time

import pytest

from undercroft.middleware.debug_values import REDACTED, scrub


@pytest.mark.parametrize(
    "text",
    [
        "password=hunter2",
        "db_password: hunter2",
        "--api-key=hunter2",
        "-password=hunter2",
        "x-api-key = hunter2",
        "my-token-name: 'hunter2'",
        "{'user': 'ada', 'password': 'hunter2'}",
        "{'user': {'password': 'hunter2'}}",
        "postgres://db?user=ada&password=hunter2&ssl=1",
        "('secret', 'hunter2')",
        '{"Authorization" : "hunter2"}',
        "key-key-key: hunter2",
        "Bearer hunter2",
        "postgresql://ada:hunter2@db/shop",
        "redis://:hunter2@cache/0",
        "(b'authorization', b'hunter2')",
        "(b'set-cookie', b'hunter2')",
        "('proxy-authorization', 'hunter2')",
        "('x-csrftoken', 'hunter2')",
        "('csrfmiddlewaretoken', 'hunter2')",
        "('X-API-Key', 'hunter2')",
        "passphrase=hunter2",
        "{'user': {'otp': 'hunter2'}}",
        "card_pin=hunter2",
        "jwt: hunter2",
    ],
)
def test_what_stands_after_a_secret_s_name_is_withheld(text: str) -> None:
    """However the pair is written, the value is gone and the name stays."""
    shown = scrub(text)
    assert "hunter2" not in shown
    assert REDACTED in shown


@pytest.mark.parametrize(
    "text", ["user=ada", "a key", "{'name': 'key'}", "mapping=1", "adoption: 2", "spin='a'"]
)
def test_other_values_are_shown(text: str) -> None:
    """What is not called like a secret, or has no value, stays as it is."""
    assert scrub(text) == text


@pytest.mark.parametrize(
    "piece",
    ["key-", "-", "password", "key=", "key: ", "key '", "key:'", "a ", " ", "://a:", "='\\"],
)
def test_the_time_grows_with_the_length_alone(piece: str) -> None:
    """Twice the text takes about twice the time, and never long."""

    def measure(size: int) -> float:
        text = (piece * size)[:size]
        times: list[float] = []
        for _ in range(9):
            started = time.thread_time()
            scrub(text)
            times.append(time.thread_time() - started)
        return min(times)

    once, twice = measure(9_000), measure(18_000)
    assert twice < 0.5
    assert twice < 3 * once + 0.002

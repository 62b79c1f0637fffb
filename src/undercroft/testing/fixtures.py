"""Fixtures for pytest: `pytest_plugins = ["undercroft.testing.fixtures"]` in a `conftest.py`."""

from collections.abc import Iterator

import pytest

from undercroft.mail.message import EmailMessage
from undercroft.testing.mail import capture_mail


@pytest.fixture
def mailoutbox() -> Iterator[list[EmailMessage]]:
    """The messages that the test sends, which go nowhere."""
    with capture_mail() as outbox:
        yield outbox

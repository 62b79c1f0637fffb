"""Shortcuts: a row, or the answer 404."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import create_tables
from undercroft import aget_object_or_404, get_object_or_404, models
from undercroft.db import databases
from undercroft.errors import NotFound


class Shell(models.Model):
    name = models.CharField(max_length=20)
    size = models.IntegerField()

    everything = models.Manager["Shell"]()

    class Meta:
        app_label = "shortcuts"


@pytest.fixture(autouse=True)
def shells(tmp_path: Path) -> Iterator[None]:
    before = {alias: known.url for alias, known in databases.items()}
    databases.configure({"default": f"sqlite:///{tmp_path / 'shells.sqlite3'}"})
    create_tables("shortcuts_")
    Shell.everything.create(name="cone", size=3)
    Shell.everything.create(name="whelk", size=9)
    yield
    databases.dispose()
    databases.configure(before)


def test_a_row_is_found_in_a_model_and_in_a_queryset() -> None:
    """Of a model it is asked for by its own manager, whatever that is called; `Q` goes as well."""
    assert get_object_or_404(Shell, name="cone").size == 3
    assert get_object_or_404(Shell, models.Q(size__gt=5)).name == "whelk"
    assert get_object_or_404(Shell.everything.filter(size=9), Shell.name == "whelk").size == 9
    assert asyncio.run(aget_object_or_404(Shell, models.Q(size=3))).name == "cone"


def test_no_row_is_not_found() -> None:
    """Where there is none the answer is 404, for async code as well."""
    with pytest.raises(NotFound):
        get_object_or_404(Shell.everything.filter(size=9), name="cone")
    with pytest.raises(NotFound):
        asyncio.run(aget_object_or_404(Shell, name="tulip"))

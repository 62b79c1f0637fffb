"""Rows to instances: what making many of them asks of Python's own collector."""

import gc
from collections.abc import Sequence

import pytest

from undercroft.db.rows.instances import make_calmly


def test_many_rows_leave_the_collector_as_it_was() -> None:
    """It pauses while thousands of instances are made, also if one cannot be, and not for few."""
    paused: list[bool] = []

    def build(rows: Sequence[int]) -> list[int]:
        paused.append(not gc.isenabled())
        return [1 // row for row in rows]

    hydrate = make_calmly(build)
    assert hydrate([1] * 5) == [1] * 5
    assert hydrate([1] * 5_000) == [1] * 5_000
    with pytest.raises(ZeroDivisionError):
        hydrate([0] * 5_000)
    assert paused == [False, True, True]
    assert gc.isenabled()
    gc.disable()
    try:
        assert len(hydrate([1] * 5_000)) == 5_000
        assert not gc.isenabled()
    finally:
        gc.enable()

"""`JSONObject`, `JSONArray` and `JSONArrayAgg` make the same JSON on every database."""

import datetime as dt
import uuid
from decimal import Decimal

import pytest

from tests.db.specimen_models import Specimen, ask
from undercroft import models
from undercroft.errors import FieldError
from undercroft.models import F, Value

pytestmark = pytest.mark.usefixtures("database")

VALUES = {
    "text": 'é "quoted" \\ 😀',
    "whole": -7,
    "big": 2**60,
    "real": 0.25,
    "exact": Decimal("12.5"),
    "flag": True,
    "day": dt.date(2024, 2, 29),
    "moment": dt.datetime(2024, 12, 31, 23, 59, 59, 5, dt.UTC),
    "clock": dt.time(1, 2, 3, 400),
    "code": uuid.UUID("12345678-1234-5678-1234-567812345678"),
    "data": {"a": [1, None, {"é": "x"}], "b": True},
}

#: What JSON says of them.
EXPECTED = {
    **VALUES,
    "exact": 12.5,
    "day": "2024-02-29",
    "moment": "2024-12-31T23:59:59.000005+00:00",
    "clock": "01:02:03.000400",
    "code": "12345678-1234-5678-1234-567812345678",
}


def test_an_object_holds_values_of_every_type() -> None:
    """What JSON has is that; moments are ISO 8601 that Python reads, UUIDs their usual text."""
    found = ask(models.JSONObject(**{name: name for name in VALUES}), **VALUES)
    assert found == EXPECTED
    assert dt.datetime.fromisoformat(found["moment"]) == VALUES["moment"]


def test_a_list_holds_values_of_every_type() -> None:
    """In the order of the arguments."""
    assert ask(models.JSONArray(*VALUES), **VALUES) == list(EXPECTED.values())


def test_nothing_is_null() -> None:
    """A NULL of every type is JSON's null."""
    names = [name for name in VALUES if name != "text"]
    assert ask(models.JSONObject(**{name: name for name in names})) == dict.fromkeys(names)
    assert ask(models.JSONArray(*names)) == [None] * len(names)
    assert ask(models.JSONObject()) == {}
    assert ask(models.JSONArray()) == []


def test_objects_hold_lists_objects_and_expressions() -> None:
    """They nest, and keys may be any text."""
    inner = models.JSONObject(sum=F("whole") + 1, live=Value(False))
    keys = {'a"b': "whole", "%s": models.JSONArray(inner, "data"), "ключ": Value("x")}
    found = ask(models.JSONObject(**keys), whole=1, data=[1])
    assert found == {'a"b': 1, "%s": [{"sum": 2, "live": False}, [1]], "ключ": "x"}


def test_bytes_are_refused() -> None:
    """JSON has nothing for them."""
    with pytest.raises(FieldError, match="cannot hold bytes"):
        ask(models.JSONArray(Value(b"x")))


def test_a_list_of_rows_is_ordered_distinct_and_filtered() -> None:
    """`JSONArrayAgg` keeps NULLs and types, and takes only the rows that count."""
    for whole, flag in ((3, True), (1, False), (None, True), (3, True), (2, None)):
        Specimen.objects.create(whole=whole, flag=flag)
    listed = Specimen.objects.aggregate(
        ordered=models.JSONArrayAgg("whole", order_by=F("whole").desc(nulls_last=True)),
        flags=models.JSONArrayAgg("flag", order_by="pk"),
        counted=models.JSONArrayAgg("whole", filter=models.Q(flag=True), order_by="pk"),
        distinct=models.JSONArrayAgg("whole", distinct=True, filter=models.Q(whole__gt=0)),
        none=models.JSONArrayAgg("whole", filter=models.Q(whole__gt=99)),
        objects=models.JSONArrayAgg(
            models.JSONObject(n="whole"), filter=models.Q(whole=3), order_by="pk"
        ),
    )
    assert listed["ordered"] == [3, 3, 2, 1, None]
    assert listed["flags"] == [True, False, True, True, None]
    assert listed["counted"] == [3, None, 3]
    assert sorted(listed["distinct"]) == [1, 2, 3]
    assert listed["none"] is None
    assert listed["objects"] == [{"n": 3}, {"n": 3}]

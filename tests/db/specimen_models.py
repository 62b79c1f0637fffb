"""A row of each kind of value, for the tests of functions and look-ups."""

import math
import operator
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, settings

from undercroft import models

#: Each example empties and fills a table, so there are not many; the database stays the same.
FEW = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Specimen(models.Model):
    text = models.TextField(default="")
    other = models.CharField(max_length=100, null=True)
    whole = models.IntegerField(null=True)
    big = models.BigIntegerField(null=True)
    real = models.FloatField(null=True)
    exact = models.DecimalField(max_digits=12, decimal_places=4, null=True)
    flag = models.BooleanField(null=True)
    day = models.DateField(null=True)
    moment = models.DateTimeField(null=True)
    clock = models.TimeField(null=True)
    code = models.UUIDField(null=True)
    data = models.JSONField(null=True)


def ask(expression: Any, **values: Any) -> Any:
    """Work an expression out for one row with these values."""
    row = Specimen.objects.create(**values)
    (answer,) = Specimen.objects.filter(pk=row.pk).values_list(expression, flat=True)
    return answer


def ask_all(expression: Any, name: str, values: list[Any]) -> list[Any]:
    """Work an expression out for rows that have one of these values each, in order."""
    Specimen.objects.all().delete()
    Specimen.objects.bulk_create([Specimen(**{name: value}) for value in values])
    return list(Specimen.objects.order_by("pk").values_list(expression, flat=True))


def check_all(
    functions: Mapping[str, tuple[Any, Callable[[Any], Any]]],
    name: str,
    values: list[Any],
    is_same: Callable[[Any, Any], bool] = operator.eq,
) -> None:
    """Compare expressions with what Python makes of values of a field.

    Args:
        functions: Expressions by name, each with Python's function.
        name: The field.
        values: Its values.
        is_same: Compares answers.
    """
    Specimen.objects.all().delete()
    Specimen.objects.bulk_create([Specimen(**{name: value}) for value in values])
    expressions = [expression for expression, _ in functions.values()]
    rows = Specimen.objects.order_by("pk").values_list(*expressions)
    wrong = {
        (called, value): (found, expected)
        for value, row in zip(values, rows, strict=True)
        for (called, (_, python)), found in zip(functions.items(), row, strict=True)
        for expected in (python(value),)
        if not is_same(found, expected)
    }
    assert wrong == {}


def is_close(left: Any, right: Any) -> bool:
    """Tell whether two numbers are as good as equal."""
    if left is None or right is None:
        return left is right
    return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9 if left != Decimal else 0)

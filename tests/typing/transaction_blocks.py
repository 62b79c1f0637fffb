"""A block leaves a function its type, whichever way the decorator is written."""

from typing import assert_type

from undercroft import transaction
from undercroft.db import atomic


@transaction.atomic
def bare(left: int, *, right: str = "") -> str:
    return f"{left}{right}"


@atomic(durable=True, isolation="serializable", retry=3)
async def told(left: int) -> list[int]:
    return [left]


@transaction.non_atomic_requests
@transaction.atomic("other")
async def named() -> int:
    return 1


async def check() -> None:
    assert_type(bare(1, right="x"), str)
    assert_type(await told(1), list[int])
    assert_type(await named(), int)
    with atomic(using="other", savepoint=False), transaction.atomic() as block:
        assert_type(block, transaction.Atomic)
    async with atomic(read_only=True):
        pass

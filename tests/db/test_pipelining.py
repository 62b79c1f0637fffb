"""BEGIN sent along with the first statement, and a contract test of asyncpg's internals in use."""

import pytest

from tests.db.conftest import Run
from tests.db.shop_models import Counter
from undercroft.db import atomic
from undercroft.db.connections.databases import databases
from undercroft.db.connections.pipelining import send_ahead
from undercroft.errors import DatabaseError, FieldValueError, IntegrityError, TransactionConflict

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.parametrize("database", ["postgresql"], indirect=True),
]


def test_a_connection_takes_a_statement_ahead_of_another(database: str, run: Run) -> None:
    """The driver reads past the answers of what was sent ahead, and knows what is open."""

    async def main() -> None:
        async with databases["default"].async_engine.connect() as connection:
            raw = await connection.get_raw_connection()
            driver = raw.driver_connection
            assert driver is not None
            await driver.execute("ROLLBACK")
            statement = await driver.prepare("SELECT $1::int + 1")
            send_ahead(driver, "BEGIN")
            assert (await statement.fetch(1))[0][0] == 2
            assert driver.is_in_transaction()
            assert await driver.fetchval("SELECT now() = statement_timestamp()") is False
            await driver.execute("ROLLBACK")
            send_ahead(driver, "BEGIN")
            assert await driver.execute("ROLLBACK") == "ROLLBACK"
            assert not driver.is_in_transaction()

    run(main())


def test_what_fails_first_is_rolled_back_like_anything(database: str, run: Run) -> None:
    """The first statement of a prepared shape may fail at the server or before it is sent."""

    async def main() -> None:
        counter = await Counter.objects.acreate(value=1)
        for _ in range(2):
            async with atomic():
                await Counter.objects.acreate(value=2)
        with pytest.raises(IntegrityError):
            async with atomic():
                await Counter.objects.acreate(id=counter.id, value=3)
        with pytest.raises(IntegrityError):
            async with atomic():
                await Counter.objects.acreate(id=counter.id, value=3)
        with pytest.raises((FieldValueError, DatabaseError)):
            async with atomic():
                await Counter.objects.acreate(value=1 << 40)
        async with atomic():
            await Counter.objects.acreate(value=4)
            raised = False
            try:
                async with atomic():
                    await Counter.objects.acreate(id=counter.id, value=5)
            except IntegrityError:
                raised = True
            assert raised
            assert await Counter.objects.filter(value=1).aupdate(value=9) == 1
        values = await Counter.objects.order_by("id").values_list("value", flat=True)
        assert list(values) == [9, 2, 2, 4]

    run(main())


def test_updates_are_counted_when_they_are_prepared(database: str, run: Run) -> None:
    """The count comes from the command tag of the prepared statement, also the second time."""

    async def main() -> None:
        for value in range(3):
            await Counter.objects.acreate(value=value)
        for _ in range(3):
            assert await Counter.objects.filter(value__gte=1).aupdate(value=5) == 2

    run(main())


def test_a_changed_table_fails_one_transaction_at_most(database: str, run: Run) -> None:
    """What was prepared for a table's old shape is forgotten, and the conflict run again."""

    @atomic(retry=1)
    async def read() -> int:
        return (await Counter.objects.aget()).value

    async def change(kind: str) -> None:
        async with databases["default"].async_engine.begin() as connection:
            await connection.exec_driver_sql(f"ALTER TABLE db_counter ALTER value TYPE {kind}")

    async def main() -> None:
        await Counter.objects.acreate(value=1)
        assert await read() == 1
        await change("bigint")
        assert await read() == 1
        await change("integer")
        with pytest.raises(TransactionConflict, match="has changed"):
            async with atomic():
                await Counter.objects.aget()
        async with atomic():
            assert (await Counter.objects.aget()).value == 1

    run(main())

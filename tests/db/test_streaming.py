# ruff: noqa: PT012 - what a block does with an exception is what is tested
"""Rows one by one: in chunks from the database's cursor, in and out of a transaction."""

import asyncio

import pytest

from tests.db.conftest import Run
from tests.db.music_models import Genre
from undercroft import models
from undercroft.db.connections.databases import databases
from undercroft.db.connections.transactions import atomic
from undercroft.errors import FieldError, TransactionManagementError


@pytest.fixture(autouse=True)
def genres(database: str) -> None:
    """More rows than a chunk holds."""
    del database
    Genre.objects.bulk_create([Genre(name=f"genre {number:02}") for number in range(20)])


def test_all_rows_come_in_chunks() -> None:
    """Every row comes once, those included that the open transaction has written."""
    ordered = Genre.objects.order_by("name")
    assert len({genre.pk for genre in ordered.iterator(chunk_size=3)}) == 20
    with atomic():
        Genre.objects.create(name="zzz")
        names = [genre.name for genre in ordered.iterator(chunk_size=3)]
    assert len(names) == 21
    assert names[-1] == "zzz"


def test_other_queries_may_run_between_rows() -> None:
    """A loop over rows may write, in and out of a transaction, without losing one."""
    for genre in Genre.objects.iterator(chunk_size=3):
        Genre.objects.filter(pk=genre.pk).update(name=f"x{genre.pk}")
    with atomic():
        for genre in Genre.objects.iterator(chunk_size=3):
            Genre.objects.filter(pk=genre.pk).update(name=f"y{genre.pk}")
    assert Genre.objects.filter(name__startswith="y").count() == 20


def test_who_gives_up_early_leaves_nothing_open() -> None:
    """The connection of a broken-off iteration is good for the next query."""
    for _ in range(30):
        assert next(Genre.objects.iterator(chunk_size=2)).name
    assert Genre.objects.count() == 20


def test_async_code_streams_too(run: Run) -> None:
    """`async for` over `aiterator()` gives the same rows, in and out of a transaction."""

    async def main() -> tuple[int, int, int]:
        outside = [genre async for genre in Genre.objects.aiterator(chunk_size=3)]
        async with atomic():
            await Genre.objects.acreate(name="zzz")
            inside = [genre async for genre in Genre.objects.aiterator(chunk_size=3)]
        async for _ in Genre.objects.aiterator(chunk_size=3):
            break
        return len(outside), len(inside), await Genre.objects.acount()

    assert run(main()) == (20, 21, 21)


def test_a_chunk_of_nothing_is_refused() -> None:
    """A chunk holds at least one row."""
    with pytest.raises(FieldError, match="chunk_size=0"):
        next(Genre.objects.iterator(chunk_size=0))


def test_rows_come_beside_other_queries(run: Run) -> None:
    """Tasks of one transaction may ask while rows are streamed: they wait for each other."""

    async def read() -> int:
        return len([genre async for genre in Genre.objects.aiterator(chunk_size=2)])

    async def count() -> int:
        return sum([await Genre.objects.acount() for _ in range(10)])

    async def main() -> list[int]:
        async with atomic():
            return await asyncio.gather(read(), count(), read())

    assert run(main()) == [20, 200, 20]


# MariaDB's rows are fetched at once.
@pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)
def test_rows_end_with_their_transaction(run: Run, database: str) -> None:
    """Behind the block nobody reads on, on a connection that others have by then."""
    only_reads = database == "sqlite"
    with atomic(read_only=only_reads):
        rows = Genre.objects.iterator(chunk_size=3)
        for _ in range(3):
            next(rows)
    with pytest.raises(TransactionManagementError, match="has ended"), atomic():
        assert Genre.objects.count() == 20
        next(rows)

    async def main() -> None:
        async with atomic(read_only=only_reads):
            found = Genre.objects.aiterator(chunk_size=3)
            for _ in range(3):
                await anext(found)
        async with atomic():
            assert await Genre.objects.acount() == 20
            with pytest.raises(TransactionManagementError, match="has ended"):
                await anext(found)
            assert await Genre.objects.acount() == 20

    run(main())


def test_an_in_memory_database_is_read_and_written_at_once() -> None:
    """The loop over rows of a database with one connection may query."""
    before = {alias: known.configuration for alias, known in databases.items()}
    databases.configure({"default": "sqlite://?pool_timeout=1"})
    try:
        models.create_all()
        Genre.objects.bulk_create([Genre(name=f"genre {number}") for number in range(5)])
        for genre in Genre.objects.iterator(chunk_size=2):
            genre.name += "!"
            genre.save()
        assert Genre.objects.filter(name__endswith="!").count() == 5
    finally:
        databases.configure(before)


def test_rows_written_meanwhile_do_not_come(run: Run) -> None:
    """What a loop inserts, or changes within an index, does not come by in it."""
    with atomic():
        for genre in Genre.objects.order_by("name").iterator(chunk_size=3):
            assert not genre.name.startswith("z")
            genre.name = f"z{genre.name}"
            genre.save()
            Genre.objects.create(name=f"zz{genre.name}")
    assert Genre.objects.count() == 40

    async def main() -> None:
        async with atomic():
            async for genre in Genre.objects.order_by("name").aiterator(chunk_size=3):
                await Genre.objects.acreate(name=f"~{genre.name}")
        assert await Genre.objects.acount() == 80

    run(main())

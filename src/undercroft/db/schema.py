"""Make or drop all tables at once, for tests and scripts; a project's database has migrations."""

from undercroft.concurrency import run_in_thread
from undercroft.db.connections.databases import databases
from undercroft.db.connections.failures import raise_translated
from undercroft.db.model import Model


def create_all(alias: str = "default") -> None:
    """Create the tables of every model that has none yet.

    Raises:
        DatabaseUnavailable: The database cannot be reached.
    """
    try:
        Model.metadata.create_all(databases[alias].sync_engine)
    except Exception as error:  # noqa: BLE001 - translated
        raise_translated(error)


def drop_all(alias: str = "default") -> None:
    """Drop the tables of every model.

    Raises:
        DatabaseUnavailable: The database cannot be reached.
    """
    try:
        Model.metadata.drop_all(databases[alias].sync_engine)
    except Exception as error:  # noqa: BLE001 - translated
        raise_translated(error)


async def acreate_all(alias: str = "default") -> None:
    """As `create_all`, from async code."""
    await run_in_thread(create_all, alias)


async def adrop_all(alias: str = "default") -> None:
    """As `drop_all`, from async code."""
    await run_in_thread(drop_all, alias)

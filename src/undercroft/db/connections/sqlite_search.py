"""Search indexes on SQLite: an FTS5 table that knows the words, and triggers that keep it so.

The table keeps no text of its own: it refers to the rows by their number, which has to be their
key. See sqlite.org/fts5.html, "External Content Tables".
"""

import re
from typing import Any

import sqlalchemy as sa

from undercroft.db.connections.search_indexes import CONFIGS, Search, build_unknown_config
from undercroft.errors import ImproperlyConfigured

#: What finds the words of a text: accents do not count.
_PLAIN = "unicode61 remove_diacritics 2"

#: By configuration, where it is another: this one knows the endings of English words.
_TOKENIZERS = {"english": f"porter {_PLAIN}"}

#: What happens to a row, and what the index is told of it then.
_EVENTS = {
    "insert": ("INSERT", ("new",)),
    "delete": ("DELETE", ("old",)),
    "update": ("UPDATE OF {columns}", ("old", "new")),
}

#: Reads the statement that `write_table` writes.
_TABLE = re.compile(
    r"CREATE VIRTUAL TABLE (?P<name>\S+|\"(?:[^\"]|\"\")+\") USING fts5\((?P<columns>.+), "
    r"content='(?P<table>(?:[^']|'')+)', content_rowid='(?:[^']|'')+', "
    r"tokenize='(?P<tokenizer>[^']+)'\)",
    re.DOTALL,
)
_COLUMN = re.compile(r'"((?:[^"]|"")+)"')


def list_creating(connection: sa.Connection, search: Search) -> list[str]:
    """List the statements that make an index, which knows the rows that are there.

    Raises:
        ImproperlyConfigured: Its configuration is unknown, or rows have no number for a key.
    """
    if search.config not in CONFIGS:
        raise build_unknown_config(search.config, CONFIGS)
    key = get_key(connection, search)
    triggers = [write_trigger(search, key, event) for event in _EVENTS]
    return [write_table(search, key), *triggers, write_rebuild(search)]


def list_dropping(_connection: sa.Connection, search: Search) -> list[str]:
    """List the statements that drop an index."""
    triggers = [f"DROP TRIGGER IF EXISTS {quote(f'{search.name}_{each}')}" for each in _EVENTS]
    return [*triggers, f"DROP TABLE IF EXISTS {quote(search.name)}"]


def get_key(connection: sa.Connection, search: Search) -> str:
    """Get the column that numbers the rows of a table.

    Raises:
        ImproperlyConfigured: The key is no single integer.
    """
    rows = connection.exec_driver_sql(f"PRAGMA table_info({quote(search.table)})").all()
    keys = [(row[1], row[2]) for row in rows if row[5]]
    if len(keys) == 1 and keys[0][1].upper() == "INTEGER":
        return str(keys[0][0])
    shown = ", ".join(f"{name} {kind}" for name, kind in keys) or "none"
    raise ImproperlyConfigured(
        f"SearchIndex {search.name!r} is on {search.table!r}, whose key is {shown}: SQLite "
        "searches only tables with one integer for a key.",
        hint="Give the model a BigAutoField for its key, and make the present one unique.",
        code="db.search-key",
    )


def write_table(search: Search, key: str) -> str:
    """Write the statement that makes the table of words."""
    tokenizer = _TOKENIZERS.get(search.config, _PLAIN)
    return (
        f"CREATE VIRTUAL TABLE {quote(search.name)} USING fts5({_list_names(search)}, "
        f"content={quote_text(search.table)}, content_rowid={quote_text(key)}, "
        f"tokenize='{tokenizer}')"
    )


def write_trigger(search: Search, key: str, event: str) -> str:
    """Write the statement that makes a trigger."""
    when, told = _EVENTS[event]
    columns = ", ".join(map(quote, (key, *search.columns)))
    body = " ".join(_write_telling(search, key, each) for each in told)
    return (
        f"CREATE TRIGGER {quote(f'{search.name}_{event}')} AFTER {when.format(columns=columns)} "
        f"ON {quote(search.table)} BEGIN {body} END"
    )


def _write_telling(search: Search, key: str, row: str) -> str:
    """Write what tells the index of a row that has come, or of one that is to be forgotten."""
    index, names = quote(search.name), _list_names(search)
    values = ", ".join(f"{row}.{quote(each)}" for each in (key, *search.columns))
    if row == "new":
        return f"INSERT INTO {index}(rowid, {names}) VALUES ({values});"  # noqa: S608 - names
    told = f"{index}({index}, rowid, {names})"
    return f"INSERT INTO {told} VALUES ('delete', {values});"  # noqa: S608 - names


def write_rebuild(search: Search) -> str:
    """Write the statement that makes an index anew of the rows that are there."""
    index = quote(search.name)
    return f"INSERT INTO {index}({index}) VALUES ('rebuild')"  # noqa: S608 - a name


def find_searches(connection: sa.Connection) -> list[Search]:
    """Find the indexes that a database has; what is not told of one is left empty."""
    rows = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql LIKE '%USING fts5%'"
    ).all()
    found = [(str(name), _TABLE.match(sql)) for name, sql in rows]
    return [_read(name, told) for name, told in found if told is not None]


def _read(name: str, told: re.Match[str]) -> Search:
    columns = tuple(each.replace('""', '"') for each in _COLUMN.findall(told["columns"]))
    config = next(
        (config for config, each in _TOKENIZERS.items() if each == told["tokenizer"]), "simple"
    )
    return Search(name, told["table"].replace("''", "'"), columns, config, ("",) * len(columns))


def _list_names(search: Search) -> str:
    return ", ".join(map(quote, search.columns))


def quote(name: Any) -> str:
    """Write a name in quotes."""
    return '"' + str(name).replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """Write text in quotes."""
    return "'" + text.replace("'", "''") + "'"

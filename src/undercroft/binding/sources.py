"""Readers of path, query, headers and cookies: one for each reads all that is wanted there."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from undercroft.binding.parameters import Source
from undercroft.binding.signature import Argument, Member
from undercroft.binding.validating import Slot
from undercroft.http.query import parse_pairs
from undercroft.http.request import Request

Reader = Callable[[Request, dict[str, Any]], None]

#: What is read: the key of the value, its name there, and whether all values are taken.
Entry = tuple[str, str, bool]


def build_readers(slots: Sequence[Slot]) -> list[Reader]:
    """Build a reader for each source, and one for each group of values from there."""
    singles: dict[Source, list[Entry]] = {}
    readers: list[Reader] = []
    for slot in slots:
        argument = slot.argument
        if argument.members is None:
            entry = (slot.key, argument.alias, argument.several)
            singles.setdefault(argument.source, []).append(entry)
        else:
            readers.append(_build_group_reader(slot.key, argument, argument.members))
    return [*(_BUILDERS[source](entries) for source, entries in singles.items()), *readers]


def _build_group_reader(key: str, argument: Argument, members: Sequence[Member]) -> Reader:
    """Build the reader of a model whose members are values of one source.

    Where none of them is given, a default of the whole counts, else those of the members.
    """
    source, is_required = argument.source, argument.is_required
    read_members = _BUILDERS[source]([(each.name, each.alias, each.several) for each in members])
    has_others = source is Source.QUERY
    known = {each.alias for each in members}

    def read(request: Request, values: dict[str, Any]) -> None:
        found: dict[str, Any] = {}
        read_members(request, found)
        if has_others:
            # For a model that forbids what it does not know.
            others = {
                name: each for name, each in request.query_params.items() if name not in known
            }
            found = {**others, **found}
        if found or is_required:
            values[key] = found

    return read


def _path_reader(entries: Sequence[Entry]) -> Reader:
    names = [(key, alias) for key, alias, _ in entries]

    def read(request: Request, values: dict[str, Any]) -> None:
        captured = request.path_params
        for key, alias in names:
            values[key] = captured[alias]

    return read


def _query_reader(entries: Sequence[Entry]) -> Reader:
    singles = [(key, alias) for key, alias, several in entries if not several]
    lists = [(key, alias) for key, alias, several in entries if several]

    def read(request: Request, values: dict[str, Any]) -> None:
        raw = request.raw_query
        if not raw:
            return
        pairs = parse_pairs(raw)
        given = dict(pairs)
        for key, alias in singles:
            if alias in given:
                values[key] = given[alias]
        for key, alias in lists:
            if alias in given:
                values[key] = [value for name, value in pairs if name == alias]

    return read


def _header_reader(entries: Sequence[Entry]) -> Reader:
    def read(request: Request, values: dict[str, Any]) -> None:
        headers = request.headers
        for key, alias, several in entries:
            found = headers.getlist(alias)
            if found:
                values[key] = found if several else found[0]

    return read


def _cookie_reader(entries: Sequence[Entry]) -> Reader:
    def read(request: Request, values: dict[str, Any]) -> None:
        cookies = request.cookies
        for key, alias, _ in entries:
            if alias in cookies:
                values[key] = cookies[alias]

    return read


_BUILDERS: Mapping[Source, Callable[[Sequence[Entry]], Reader]] = {
    Source.PATH: _path_reader,
    Source.QUERY: _query_reader,
    Source.HEADER: _header_reader,
    Source.COOKIE: _cookie_reader,
}

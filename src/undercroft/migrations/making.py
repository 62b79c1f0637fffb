"""`makemigrations`: write down what has changed in the models since the last migration."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import sqlalchemy as sa
from alembic.operations import ops
from sqlalchemy.engine import make_url
from sqlalchemy.orm import configure_mappers

from undercroft.db.connections.databases import databases
from undercroft.db.mapping.registry import all_models
from undercroft.errors import ImproperlyConfigured, MigrationError
from undercroft.migrations.apps import MAIN, MigratedApp, choose_apps
from undercroft.migrations.differences import build_operations
from undercroft.migrations.graph import Graph
from undercroft.migrations.recording import record_migrations
from undercroft.migrations.renaming import Answers, Decide, Rename, build_rename, find_renames
from undercroft.migrations.rendering import Revision, render_revision
from undercroft.migrations.state import Tables, TableState, describe_table
from undercroft.migrations.wording import describe_operations

#: Characters of a summary, so that with its ending it fits on a line.
_SUMMARY = 75

_PACKAGE = '"""Migrations, in order; written by `undercroft makemigrations`, yours to edit."""\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeOptions:
    """What to make.

    Attributes:
        labels: Only these apps; all of them when empty.
        name: The migration's name behind its number; found from what it does when left out.
        empty: Make one without operations, to be filled in by hand; needs labels.
        dry_run: Write nothing.
        database: Migrations that ask for the database's kind are told this one's.
        renames: What was renamed: `blog_post.title=headline`, or `blog_post=blog_article`.
        decide: Asked whether something else was; None refuses what may be a rename.
    """

    labels: Sequence[str] = ()
    name: str | None = None
    empty: bool = False
    dry_run: bool = False
    database: str = "default"
    renames: Sequence[str] = ()
    decide: Decide | None = None


@dataclass(frozen=True, slots=True)
class WrittenMigration:
    """A migration that was written, or would be.

    Attributes:
        label: Of its app.
        name: The file's, without `.py`.
        path: Of the file.
        changes: What it does, in words.
        source: The file's text.
    """

    label: str
    name: str
    path: Path
    changes: tuple[str, ...]
    source: str = field(repr=False)


@dataclass(slots=True)
class _Draft:
    """What one app needs."""

    app: MigratedApp
    upgrade: list[ops.MigrateOperation]
    downgrade: list[ops.MigrateOperation]
    #: Other apps whose tables new foreign keys refer to, with the migrations that made these.
    refers_to: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    #: Other apps whose foreign keys were made for the old name of what is renamed.
    follows: set[str] = field(default_factory=set[str])


def make_migrations(
    apps: Sequence[MigratedApp],
    options: MakeOptions | None = None,
    tables: Tables | None = None,
) -> list[WrittenMigration]:
    """Write a migration for each app whose models differ from what its migrations build.

    Args:
        apps: All apps, whichever are to be made.
        options: What to make; everything that is needed when left out.
        tables: What is wanted; what the models say when left out.

    Returns:
        What was written, in the order it has to be applied.

    Raises:
        ImproperlyConfigured: There is no such app.
        MigrationError: The migrations cannot be read or replayed, or a change needs a decision.
    """
    options = options or MakeOptions()
    chosen = choose_apps(apps, options.labels)
    if options.empty and not options.labels:
        raise ImproperlyConfigured(
            "An empty migration belongs to an app, and none was named.",
            hint="Write for example `undercroft makemigrations blog --empty`.",
            code="migrations.empty",
        )
    graph = Graph(apps)
    dialect = make_url(databases[options.database].sync_url).get_dialect()()
    old = record_migrations(graph, dialect)
    new = describe_models() if tables is None else tables
    if options.empty:
        drafts = [_Draft(app, [], []) for app in chosen]
    else:
        answers = Answers(options.renames, options.decide)
        old, renames = find_renames(old, new, [app.label for app in chosen], answers, dialect)
        drafts = [draft for app in chosen if (draft := compare(app, old, new, renames)).upgrade]
    written: list[WrittenMigration] = []
    heads = {app.label: graph.find_head(app.label) for app in apps}
    for draft in sort_drafts(drafts):
        made, revision = write_draft(draft, graph, heads, options.name)
        heads[draft.app.label] = revision
        written.append(made)
    if not options.dry_run:
        for made in written:
            save(made)
    return written


def describe_models() -> Tables:
    """Describe the tables of all models."""
    configure_mappers()
    tables: Tables = {}
    for model in all_models():
        if not model.__options__.managed:
            continue
        table = model.__options__.table
        label = model.__options__.app_label or MAIN
        tables[table.name] = describe_table(table, label)
    return tables


def describe_metadata(metadata: sa.MetaData, label: str) -> Tables:
    """Describe tables declared the SQLAlchemy way, as those of one app."""
    return {table.name: describe_table(table, label) for table in metadata.tables.values()}


def compare(app: MigratedApp, old: Tables, new: Tables, renames: Sequence[Rename]) -> _Draft:
    """Compare one app's tables, which have their new names already."""
    before, after = select(old, app.label), select(new, app.label)
    refers_to: dict[str, set[str]] = {}
    for name, table in after.items():
        for target in find_new_targets(before.get(name), table) & new.keys():
            if (other := new[target].label) != app.label:
                made = old[target].changed_by if target in old else ""
                refers_to.setdefault(other, set()).add(made)
    own = [each for each in renames if each.label == app.label]
    upgrade = [
        *(build_rename(each, is_upgrade=True) for each in own),
        *build_operations(before, after),
    ]
    downgrade = [
        *build_operations(after, before),
        *(build_rename(each, is_upgrade=False) for each in reversed(own)),
    ]
    renamed = {each.new if each.state is None else each.table for each in own}
    follows = {table.label for table in old.values() if table.list_targets() & renamed}
    return _Draft(app, upgrade, downgrade, refers_to, follows - {app.label})


def select(tables: Tables, label: str) -> Tables:
    """Select the tables of one app."""
    return {name: table for name, table in tables.items() if table.label == label}


def find_new_targets(old: TableState | None, new: TableState) -> set[str]:
    """Find the tables that a table refers to and did not before."""
    return new.list_targets() - (old.list_targets() if old is not None else set())


def sort_drafts(drafts: Iterable[_Draft]) -> list[_Draft]:
    """Sort drafts so that each comes after those it refers to.

    Raises:
        MigrationError: New foreign keys lead in a circle from app to app.
    """
    by_label = {draft.app.label: draft for draft in drafts}
    sorter = TopologicalSorter(
        {
            label: sorted(draft.refers_to.keys() & by_label.keys())
            for label, draft in by_label.items()
        }
    )
    try:
        return [by_label[label] for label in sorter.static_order()]
    except CycleError as error:
        circle = " → ".join(error.args[1])
        raise MigrationError(
            f"New foreign keys lead in a circle from app to app: {circle}.",
            hint="Take one of them out, run makemigrations, put it back, run it again.",
            code="migrations.circle",
        ) from None


def write_draft(
    draft: _Draft, graph: Graph, heads: dict[str, str | None], name: str | None
) -> tuple[WrittenMigration, str]:
    """Write a draft's text, and give the identifier of the new migration.

    Raises:
        MigrationError: It refers to an app that has no migrations.
    """
    label = draft.app.label
    depends_on: list[str] = []
    for other in sorted(draft.refers_to):
        head = heads.get(other)
        if head is None:
            raise MigrationError(
                f"Models of {label!r} refer to {other!r}, which has no migrations.",
                hint=f"Make both: `undercroft makemigrations {other} {label}`.",
                code="migrations.missing",
            )
        if head == graph.find_head(other):
            # What came after the tables may itself wait for this app.
            head = graph.find_last(other, draft.refers_to[other]) or head
        depends_on.append(head)
    heads_before = map(graph.find_head, sorted(draft.follows))
    depends_on += [head for head in heads_before if head is not None and head not in depends_on]
    own = graph.of_app(label)
    number = max((each.number for each in own), default=0) + 1
    changes = describe_operations(draft.upgrade)
    file_name = f"{number:04}_{choose_name(name, changes, is_first=not own)}"
    revision = f"{label}_{number:04}"
    source = render_revision(
        Revision(
            summary=summarize(changes),
            revision=revision,
            down_revision=heads[label],
            branch_labels=None if own else (label,),
            depends_on=tuple(depends_on) or None,
            upgrade=draft.upgrade,
            downgrade=draft.downgrade,
        )
    )
    path = draft.app.folder / f"{file_name}.py"
    return WrittenMigration(label, file_name, path, tuple(changes), source), revision


def choose_name(name: str | None, changes: Sequence[str], *, is_first: bool) -> str:
    """Choose a migration's name: as told, `initial`, or from the one thing it does.

    Raises:
        ImproperlyConfigured: The name is no Python name.
    """
    if name is not None:
        if not name.isidentifier():
            raise ImproperlyConfigured(
                f"{name!r} cannot be a migration's name.",
                hint="Use letters, digits and underscores.",
                code="migrations.name",
            )
        return name
    if is_first:
        return "initial"
    tables = [change for change in changes if "index" not in change and "constraint" not in change]
    if len(tables) == 1:
        verb, _, rest = tables[0].partition(" ")
        subject = rest.partition(" ")[2].replace(".", "_")
        slug = f"{verb.lower()}_{subject}" if verb in ("Drop", "Alter", "Rename") else subject
        return re.sub(r"\W", "_", slug)[:50]
    return f"auto_{datetime.now(UTC):%Y%m%d_%H%M}"


def summarize(changes: Sequence[str]) -> str:
    """Sum a migration up in one line."""
    if not changes:
        return "Describe here what this migration does."
    main = [change for change in changes if "index" not in change] or list(changes)
    shown = main[:1]
    while len(shown) < len(main) and len("; ".join(main[: len(shown) + 1])) <= _SUMMARY:
        shown = main[: len(shown) + 1]
    rest = len(main) - len(shown)
    return "; ".join([*shown, *([f"and {rest} more"] if rest else [])]) + "."


def save(made: WrittenMigration) -> None:
    """Write a migration's file, and make its folder a package."""
    folder = made.path.parent
    folder.mkdir(parents=True, exist_ok=True)
    package = folder / "__init__.py"
    if not package.exists():
        package.write_text(_PACKAGE, encoding="utf-8")
    # Never over a file that is there already.
    with made.path.open("x", encoding="utf-8") as file:
        file.write(made.source)

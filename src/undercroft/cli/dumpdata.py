"""`undercroft dumpdata`: write rows to a file that `loaddata` can read."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from undercroft.cli.progress import show_progress
from undercroft.cli.target import load_app

if TYPE_CHECKING:
    from undercroft.db.fixtures.dumping import DumpOptions

_PKS = "Only the rows with these keys, with commas between; needs one model."


@click.command("dumpdata")
@click.argument("labels", nargs=-1, metavar="[APP[.MODEL]]...")
@click.option("--app", help="The application, as for other commands.")
@click.option("--database", default="default", show_default=True, help="Which of the databases.")
@click.option("-e", "--exclude", multiple=True, metavar="APP[.MODEL]", help="Leave this out.")
@click.option("--natural-foreign", is_flag=True, help="Refer to rows by their natural keys.")
@click.option(
    "--natural-primary", is_flag=True, help="Leave out keys where there is a natural one."
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["json", "jsonl"]),
    default="json",
    show_default=True,
    help="Without a FILE that tells.",
)
@click.option("--indent", type=click.IntRange(0, 16), help="Spaces for each level of JSON.")
@click.option("-o", "--output", metavar="FILE", help="Ends in .json or .jsonl, and .gz if packed.")
@click.option("--pks", help=_PKS)
def command(
    *,
    labels: tuple[str, ...],
    app: str | None,
    database: str,
    exclude: tuple[str, ...],
    natural_foreign: bool,
    natural_primary: bool,
    format_: str,
    indent: int | None,
    output: str | None,
    pks: str | None,
) -> int:
    """Write all rows, or those of the apps and models named, to FILE or standard output.

    The rows are as they are at one moment. `undercroft loaddata` and Django read them.
    """
    load_app(app)
    # Slow to import (SQLAlchemy).
    from undercroft.db.fixtures.dumping import DumpOptions  # noqa: PLC0415

    return dump(
        DumpOptions(
            labels=labels,
            exclude=exclude,
            pks=None if pks is None else [pk.strip() for pk in pks.split(",")],
            natural_foreign=natural_foreign,
            natural_primary=natural_primary,
            format="jsonl" if format_ == "jsonl" else "json",
            indent=indent,
            using=database,
        ),
        output,
    )


def dump(options: "DumpOptions", output: str | None) -> int:
    """Dump to a file or standard output, show how far it is, and return the exit status."""
    # As above.
    from undercroft.db.fixtures.dumping import dump_data  # noqa: PLC0415

    hidden = output is None and sys.stdout.isatty()
    with show_progress("Dumping", count_rows(options), hidden=hidden) as advance:

        def notice(_label: str, count: int) -> None:
            advance(count)

        options = replace(options, on_rows=notice)
        try:
            counts = dump_data(Path(output) if output else sys.stdout.buffer, options)
            sys.stdout.flush()
        except BrokenPipeError:
            # Whoever read it has seen enough; Python would complain once more at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
    if output:
        click.echo(f"Dumped {describe_counts(counts)} to {output}.", err=True)
    return 0


def count_rows(options: "DumpOptions") -> int | None:
    """Count the rows to dump, where somebody looks at the bar."""
    if not sys.stderr.isatty() or options.pks is not None:
        return None
    # As above.
    from undercroft.db.fixtures.dumping import choose_models  # noqa: PLC0415
    from undercroft.db.queryset import QuerySet  # noqa: PLC0415 - likewise

    return sum(QuerySet[Any](model, options.using).count() for model in choose_models(options))


def describe_counts(counts: dict[str, int]) -> str:
    """Describe how many rows of how many models there were."""
    rows, models = sum(counts.values()), sum(1 for count in counts.values() if count)
    return (
        f"{rows:,} {'row' if rows == 1 else 'rows'} of {models} "
        f"{'model' if models == 1 else 'models'}"
    )

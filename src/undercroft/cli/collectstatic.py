"""`undercroft collectstatic`: collect static files under names with a hash of their content."""

import click

from undercroft.cli.progress import show_progress
from undercroft.cli.target import load_app


@click.command("collectstatic")
@click.argument("app", required=False)
@click.option("--clear", is_flag=True, help="Remove what was collected before.")
@click.option("-n", "--dry-run", is_flag=True, help="Write nothing; list the files.")
def command(*, app: str | None, clear: bool, dry_run: bool) -> None:
    """Collect the static files of the project and its apps into the folder `static_root`.

    Each gets a name with a hash of its content, which browsers may keep for ever. References in
    style sheets and scripts follow, and what compresses well is compressed.
    """
    loaded = load_app(app)
    # The application has loaded it already.
    from undercroft.staticfiles.collecting import Collector  # noqa: PLC0415

    static = loaded.static_files
    root = loaded.settings.base_dir / loaded.settings.static_root
    collector = Collector(static.folders, root, static.url)
    if dry_run:
        for path in collector.files:
            click.echo(path)
        return
    with show_progress("Collecting", len(collector.files)) as advance:
        collected = collector.collect(clear=clear, advance=advance)
    click.echo(f"{len(collected.names)} static files in {root}, {collected.written} written.")

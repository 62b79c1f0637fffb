"""`undercroft clearsessions`: delete the sessions that are over."""

import click

from undercroft.cli.target import load_app


@click.command("clearsessions")
@click.argument("app", required=False)
def command(app: str | None) -> None:
    """Delete the sessions that are over.

    Only the database keeps them; cookies and caches forget by themselves. Made for a timer.
    """
    engine = load_app(app).settings.session_engine
    if engine != "db":
        click.echo(f"Nothing to do: session_engine is {engine!r}, which forgets by itself.")
        return
    # The application has loaded it already.
    from undercroft.sessions.listing import find_expired  # noqa: PLC0415

    count, _ = find_expired().delete()
    click.echo(f"Deleted {count} session{'' if count == 1 else 's'}.")

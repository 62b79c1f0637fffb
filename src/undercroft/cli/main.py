"""The `undercroft` command: finds the command's module when it is called, and shows errors."""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from undercroft.errors import UndercroftError

#: Name, module below `undercroft.cli`, and what the list of commands says of it.
COMMANDS = {
    "run": ("run", "Serve for development: reload, error pages, coloured log."),
    "serve": ("serve", "Serve for production, any ASGI or WSGI application."),
    "routes": ("routes", "List the routes."),
    "shell": ("shell", "Open a Python shell with the application and its models."),
    "makemigrations": ("makemigrations", "Write migrations for what changed in the models."),
    "migrate": ("migrate", "Bring the database up to date, or to one migration."),
    "showmigrations": ("showmigrations", "List the migrations and which are applied."),
    "inspectdb": ("inspectdb", "Write models for a database that is there."),
    "dumpdata": ("dumpdata", "Write rows to a file."),
    "loaddata": ("loaddata", "Store the rows of files."),
    "collectstatic": ("collectstatic", "Collect static files under names with a hash."),
    "clearsessions": ("clearsessions", "Delete the sessions that are over."),
    "createsuperuser": ("createsuperuser", "Make a user who may do everything."),
    "changepassword": ("changepassword", "Give a user a new password."),
    "check": ("check", "Build the application and say what is wrong with it."),
    "version": ("version", "Print the version."),
}

#: What other frameworks' commands are called here; None where there is nothing like it yet.
ELSEWHERE = {
    "runserver": "run",
    "dev": "run",
    "start": "serve",
    "server": "run",
    "url": "routes",
    "urls": "routes",
    "show_urls": "routes",
    "console": "shell",
    "upgrade": "migrate",
    "revision": "makemigrations",
    "startproject": None,
    "startapp": None,
    "new": None,
    "init": None,
}


class LazyGroup(click.Group):
    """Commands by name, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the names in the order a project meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"{__package__}.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for an unknown one, name the one that was probably meant."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = suggest(args[0])
            raise click.UsageError(f"There is no command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


def suggest(name: str) -> str:
    """Suggest the command that was probably meant: other frameworks' names, then like ones."""
    if name in ELSEWHERE:
        known = ELSEWHERE[name]
        return f" Here it is {known!r}." if known else " Nothing here does that yet."
    # Only a mistake pays for this import.
    from difflib import get_close_matches  # noqa: PLC0415

    close = get_close_matches(name, COMMANDS, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def print_version(ctx: click.Context, _option: click.Parameter, value: bool) -> None:
    """Print the version and stop, where `--version` was given."""
    if value:
        ctx.invoke(LazyGroup().get_command(ctx, "version"))  # type: ignore[arg-type]  # it exists
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=print_version)
def command() -> None:
    """One Python back end from the first five lines to production.

    Commands that work on an application take it as APP: `main.py`, `mysite.app` or
    `mysite.app:app`. Left out, it is UNDERCROFT_APP, `app` below [tool.undercroft] in
    pyproject.toml, or what lies in main.py, app.py or <package>/app.py.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0 when it went well, 1 for an error, 2 for wrong usage."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    try:
        result: Any = command.main(
            args=None if arguments is None else list(arguments),
            prog_name="undercroft",
            standalone_mode=False,
        )
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("Stopped.", err=True)
        return 130
    except UndercroftError as error:
        # Only an error pays for this import.
        from undercroft.cli.failures import show_error  # noqa: PLC0415

        show_error(error)
        return 1
    return result if isinstance(result, int) else 0

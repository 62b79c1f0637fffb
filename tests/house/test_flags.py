"""Guard the reference of commands: each flag a command takes is told of below its heading."""

import re
from importlib import import_module
from pathlib import Path

import click
import pytest

from undercroft.cli.main import COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_every_flag_is_documented(name: str, repository: Path) -> None:
    """Whoever adds a flag tells of it: nobody looks for what no page mentions."""
    page = (repository / "docs" / "settings-and-commands.md").read_text(encoding="utf-8")
    sections = re.split(r"^### `undercroft ", page, flags=re.MULTILINE)
    [told] = [text for text in sections if re.match(rf"{name}\b", text)]
    command: click.Command = import_module(f"undercroft.cli.{COMMANDS[name][0]}").command
    missing = [
        flag
        for option in command.params
        if isinstance(option, click.Option) and not option.hidden
        for flag in (*option.opts, *option.secondary_opts)
        if not re.search(rf"`{flag}[`\s]", told)
    ]
    assert missing == []

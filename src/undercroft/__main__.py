"""`python -m undercroft` is the `undercroft` command."""

from undercroft.cli.main import main

main()

"""The command line: thin, and quick to answer because it loads what a command needs only when it runs."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; a user's mistake is one line on standard error and exit code 2, never a traceback."""
    from pipeline.cli.app import app
    from pipeline.cli.failures import OneLine

    with OneLine():
        sys.exit(app(standalone_mode=False, prog_name="bursar"))

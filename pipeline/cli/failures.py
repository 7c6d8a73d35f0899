"""Mistakes of the user and failures of the outside are told in one line each, place first."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

WRONG, STOPPED = 2, 130
"""Exit codes: something must be put right first; somebody pressed the keys that stop a program."""


WRITTEN_WRONG: Any = typer.BadParameter.__base__
"""What a command line is refused with that cannot be read: the class of all such mistakes, by its best known child."""


class UsageError(Exception):
    """The command was asked for something that cannot be; the text is for the person who asked."""


class OneLine:
    """Print what failed on standard error, without a traceback, and leave with exit code 2.

    What is nobody's mistake but ours goes on up, with its traceback: somebody must mend it.
    """

    def __enter__(self) -> Self:
        """Nothing to prepare."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Tell it, if it is for people."""
        if error is None or isinstance(error, SystemExit):
            return
        if isinstance(error, KeyboardInterrupt):
            print("stopped; the same command goes on where this one ended", file=sys.stderr)  # noqa: T201
            sys.exit(STOPPED)
        if isinstance(error, WRITTEN_WRONG):
            print(_written_wrong(error), end="", file=sys.stderr)  # noqa: T201
            sys.exit(WRONG)
        lines = told(error)
        for line in lines:
            print(line, file=sys.stderr)  # noqa: T201 - the terminal is where this goes
        if lines:
            sys.exit(WRONG)


def told(error: BaseException) -> list[str]:
    """Word an error for people, a line each; none for an error that is a fault of the program."""
    from pipeline.campus.written import CampusError
    from pipeline.layouts.load import LayoutError
    from pipeline.ports.ledger import LedgerError
    from pipeline.ports.outside import OutsideError

    if isinstance(error, CampusError | LayoutError):
        return list(error.problems)
    if isinstance(error, UsageError | LedgerError | OutsideError):
        return [str(error)]
    if isinstance(error, OSError):
        return [f"{error.filename or 'disk'}: {error.strerror or error}"]
    return []


def _written_wrong(error: Any) -> str:  # noqa: ANN401 - typer gives these errors no public name
    """Word a line that was typed wrong; where a command was typed alone its help is printed already."""
    what = " ".join(error.format_message().replace("Value error, ", "").split()).rstrip(".")
    if not what:
        return ""
    place = error.ctx.command_path if error.ctx else "bursar"
    return f"{place}: {what[0].lower()}{what[1:]}; `{place} --help` says what it takes\n"

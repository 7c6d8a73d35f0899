"""Whose word it is: the account that runs the command, as the system knows it and not as somebody may call himself."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

LOGIN = Path("/proc/self/loginuid")
"""Linux keeps here, where nobody but the system writes, who logged in, whatever account was changed to since."""

NOBODY_LOGGED_IN = 2**32 - 1


def account(login: Path = LOGIN) -> str:
    """Give the account's name: of who logged in where the system keeps that, else of the one that runs the command.

    Nothing that can be set before a command is believed, or one person could speak for two.
    """
    number = _logged_in(login)
    number = os.getuid() if number is None else number
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"account {number}"


def _logged_in(login: Path) -> int | None:
    try:
        said = login.read_text("ascii").strip()
    except (OSError, UnicodeError):
        return None
    return int(said) if said.isdecimal() and int(said) != NOBODY_LOGGED_IN else None

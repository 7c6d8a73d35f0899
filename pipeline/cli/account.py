"""Whose word it is: the account that runs the command, as the system knows it and not as somebody may call himself."""

from __future__ import annotations

import os
import pwd


def account() -> str:
    """Give the account's name; through sudo that of who asked, for the ledger's files belong to one account only."""
    caller = os.environ.get("SUDO_UID", "")
    number = int(caller) if caller.isdecimal() else os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"account {number}"

"""The names of what a person may let through for one run with ``--approve``; a yes to one thing is none to another.

The name of a system is the yes to what goes out to it, as the last run asked about it, that of a source to what comes
in from it.  What a system sends back is asked about by its name and a word: ``peoplesoft:stale``, ``peoplesoft:sums``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.campus.settings import Campus

STALE = "stale"
"""A returned file whose newest line is long past is read."""

SUMS = "sums"
"""Of the sums paid to date that a system says, one that is older than the one that counts is entered."""


ANYTHING = "anything"
"""Whatever may be asked about what goes out.  Nobody can type it: it is for past nights that are tried once more."""


def yes_to(system: str, what: str) -> str:
    """Give the name of the yes to one thing about a system."""
    return f"{system}:{what}"


def approvable(campus: Campus) -> list[str]:
    """List every name that a person may say yes to at this campus."""
    returning = [name for name, system in campus.systems.items() if system.returns]
    asked = [yes_to(name, what) for name in returning for what in (SUMS, STALE)]
    return [*campus.systems, *campus.sources, *asked]

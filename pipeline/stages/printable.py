"""Text out of files and letters, made fit to be shown: nothing in it can act, hide or turn the reading direction."""

from __future__ import annotations

import re

from pipeline.money import dollars

UNSHOWN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, but for tab and line feed
    "\u200e\u200f\u202a-\u202e\u2066-\u2069"  # what turns the reading direction: 100 could be shown as 001
    "\ud800-\udfff\ufffe\uffff]"  # halves of characters out of broken file names, and what is no character
)

LINKED = re.compile(r"(https?):(?=//)", re.IGNORECASE)


def text(value: str) -> str:
    """Replace what cannot or should not be shown by the replacement sign, so that it is seen that something stood."""
    return UNSHOWN.sub("\ufffd", value)


def unlinked(value: str) -> str:
    """Break web addresses in a text, so that no program that shows it makes a link of them."""
    return LINKED.sub(r"\1[:]", text(value))


def amount(cents: int) -> str:
    """Write cents for people, with thousands parted: -1234567 is ``-12,345.67``."""
    units, _, places = dollars(abs(cents)).partition(".")
    return f"{'-' if cents < 0 else ''}{int(units):,}.{places}"

"""Which charge a fee continues: staff who enter a fee anew write ``reopens`` and the old reference into its comment."""

from __future__ import annotations

import re

SAID = re.compile(r"\breopens[ \t:]+([0-9A-Za-z][0-9A-Za-z_-]{0,29})", re.ASCII | re.IGNORECASE)
"""A reference is at most 30 wide, as the bursar quotes it back."""


def reference(comment: str) -> str:
    """Give the reference of the charge that a fee with this comment continues; "" where the comment names none.

    Of a comment only this may be kept by a campus that keeps no comments.
    """
    said = SAID.search(comment)
    return said.group(1) if said else ""

"""How deep tests look for counter-examples: as ``make test`` does, or so many times as deep, as ``make model`` does."""

from __future__ import annotations

import os

DEPTH = int(os.environ.get("BURSAR_DEPTH", "1"))


def deep(examples: int) -> int:
    """Say how many examples to try where ``make test`` tries ``examples``."""
    return examples * DEPTH

"""The one place that tries again: only what surely did not happen, and only a few times."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pipeline.ports.outside import Busy

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.ports.outside import Clock

T = TypeVar("T")

WAITS_S = (2, 8, 30)
"""Seconds to wait before each further try."""


def retry(ask: Callable[[], T], clock: Clock) -> T:
    """Ask, and ask again up to three times while the answer is Busy.

    Refused and Lost go straight through: the one will not change, and after the other somebody must look first.
    """
    for wait in WAITS_S:
        try:
            return ask()
        except Busy:
            clock.sleep(wait)
    return ask()

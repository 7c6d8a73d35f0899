"""Keep to the pace Alma allows: one call at a time, evenly spaced, never a burst."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.ports.outside import Clock


class Pace:
    """Lets one call go every 1/``rate`` seconds.  For one thread; several campuses on one key share one Pace.

    Time that was not used is not saved up, so no second ever sees more than ``rate`` calls begin.
    """

    def __init__(self, rate: float, clock: Clock) -> None:
        self._gap = timedelta(seconds=1 / rate)
        self._clock = clock
        self._next: datetime | None = None
        self._longest = self._gap

    def slot(self) -> None:
        """Wait for the next slot and take it."""
        now = self._clock.now()
        if self._next is not None and now < self._next:
            # A clock that was set back must not make us wait for an hour.
            self._clock.sleep(min(self._next - now, self._longest).total_seconds())
        self._next = self._clock.now() + self._gap
        self._longest = self._gap

    def back_off(self, seconds: float) -> None:
        """Leave so many seconds free before the next slot: the other side asked for it."""
        self._longest = max(self._gap, timedelta(seconds=seconds))
        self._next = self._clock.now() + self._longest

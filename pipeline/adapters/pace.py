"""Keep to the pace Alma allows: one call at a time, never more in any second than she takes, and so many a day."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.adapters.quota import Quota
    from pipeline.ports.outside import Clock

SECOND = timedelta(seconds=1)
SLACK = 1.02
"""A call that was let go a moment late must not fall into one second there with those after it."""


class Pace:
    """Lets one call go every 1/``rate`` seconds, and at most ``rate`` (rounded up) begin in any one second.

    For one thread; several campuses on one key share one Pace.  What a slow answer cost is caught up within the second
    by calls at half the distance; nothing else is saved up.  ``quota`` minds the day.
    """

    def __init__(self, rate: float, clock: Clock, quota: Quota | None = None) -> None:
        most = max(1, int(rate))
        self._gap = SLACK * SECOND / rate
        self._window = self._gap * most
        self._begun: deque[datetime] = deque(maxlen=most)
        self._due: datetime | None = None
        self._pause = timedelta()
        self._paused_at: datetime | None = None
        self._clock, self._quota = clock, quota

    def slot(self) -> None:
        """Wait for the next slot and take it.  Raises Refused (``system``) when the day's calls are used up."""
        if self._quota is not None:
            self._quota.take(self._clock.now())
        wait = self._wait(self._clock.now())
        if wait > timedelta():
            self._clock.sleep(wait.total_seconds())
        now = self._clock.now()
        idle = self._due is None or not timedelta() <= now - self._due <= SECOND
        self._due = (now if idle or self._due is None else self._due) + self._gap
        self._begun.append(now)
        self._paused_at = None

    def _wait(self, now: datetime) -> timedelta:
        if self._begun and now < self._begun[-1]:
            # A clock that was set back must not make us wait for an hour, nor let a second go by twice as full.
            self._begun.extend([now] * len(self._begun))
            self._due = None
        waits: list[timedelta] = [self._due - now] if self._due is not None else []
        if self._paused_at is not None:
            waits.append(min(self._paused_at + self._pause - now, self._pause))
        if self._begun:
            waits.append(self._begun[-1] + self._gap / 2 - now)
        if len(self._begun) == self._begun.maxlen:
            waits.append(self._begun[0] + self._window - now)
        return max(waits, default=timedelta())

    def back_off(self, seconds: float) -> None:
        """Leave so many seconds free before the next slot: the other side asked for it."""
        self._paused_at, self._pause = self._clock.now(), timedelta(seconds=seconds)
        self._due = None

"""What can go wrong between a caller and Alma, to be ordered for the next request or left to chance."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping


class Call(StrEnum):
    """The calls this Alma knows, by method and path; the names of the journal."""

    LIST_FEES = "GET /users/{user_id}/fees"
    GET_FEE = "GET /users/{user_id}/fees/{fee_id}"
    FEE_OP = "POST /users/{user_id}/fees/{fee_id}"
    PAY_ALL = "POST /users/{user_id}/fees/all"
    GET_USER = "GET /users/{user_id}"
    TEST_READ = "GET /users/test"
    TEST_WRITE = "POST /users/test"
    FEE_REPORT = "GET /conf/utilities/fee-transactions"
    ANALYTICS = "GET /analytics/reports"
    UNKNOWN = "no such call"


class Answer(StrEnum):
    """What the caller gets to see instead of the truth."""

    SILENCE = "the connection closes without an answer"
    TOO_MANY = "429 PER_SECOND_THRESHOLD"
    GENERAL_ERROR = "400 402119"
    HTML = "200 with a web page"
    NO_REPORT = "200 with an error in place of what was asked for"
    SERVER_ERROR = "500"
    CUT = "the answer breaks off"
    STALE = "the answer is as of before the last change"


@dataclass(frozen=True, slots=True)
class Mischief:
    """One thing going wrong: what the caller sees, and whether a change was made all the same."""

    answer: Answer
    applied: bool = False


TIMEOUT = Mischief(Answer.SILENCE)
TIMEOUT_APPLIED = Mischief(Answer.SILENCE, applied=True)
TOO_MANY = Mischief(Answer.TOO_MANY)
GENERAL_ERROR = Mischief(Answer.GENERAL_ERROR)
GENERAL_ERROR_APPLIED = Mischief(Answer.GENERAL_ERROR, applied=True)
HTML_PAGE = Mischief(Answer.HTML)
NO_REPORT = Mischief(Answer.NO_REPORT)
HTML_PAGE_APPLIED = Mischief(Answer.HTML, applied=True)
SERVER_ERROR = Mischief(Answer.SERVER_ERROR)
SERVER_ERROR_APPLIED = Mischief(Answer.SERVER_ERROR, applied=True)
CUT_ANSWER = Mischief(Answer.CUT, applied=True)
STALE_READ = Mischief(Answer.STALE, applied=True)

EVERY = (
    TIMEOUT,
    TIMEOUT_APPLIED,
    TOO_MANY,
    GENERAL_ERROR,
    GENERAL_ERROR_APPLIED,
    HTML_PAGE,
    HTML_PAGE_APPLIED,
    SERVER_ERROR,
    SERVER_ERROR_APPLIED,
    CUT_ANSWER,
    STALE_READ,
)
"""Every misbehaviour of the fee calls, for tests that run them all."""


class Mischiefs:
    """The misbehaviours to come: those ordered go first, each for the next request of its call; then chance."""

    def __init__(self) -> None:
        """Begin well behaved."""
        self._ordered: list[tuple[Call | None, Mischief | None]] = []
        self._chooser: random.Random | None = None
        self._rates: Mapping[Mischief, float] = {}

    def order(self, *mischiefs: Mischief, call: Call | None = None, after: int = 0) -> None:
        """Let the next requests go wrong in this order: those of ``call``, or any; the first ``after`` of them not."""
        self._ordered.extend((call, mischief) for mischief in (*[None] * after, *mischiefs))

    def by_chance(self, chooser: random.Random, rates: Mapping[Mischief, float]) -> None:
        """Let any request go wrong with these probabilities; together at most 1, the rest goes well."""
        self._chooser, self._rates = chooser, dict(rates)

    def none(self) -> None:
        """Behave again."""
        self._ordered.clear()
        self._chooser, self._rates = None, {}

    def next_for(self, call: Call) -> Mischief | None:
        """Take what is to befall this request."""
        for place, (wanted, mischief) in enumerate(self._ordered):
            if wanted in (None, call):
                del self._ordered[place]
                return mischief
        return self._by_lot()

    def _by_lot(self) -> Mischief | None:
        if self._chooser is None:
            return None
        lot = self._chooser.random()
        for mischief, rate in self._rates.items():
            lot -= rate
            if lot < 0:
                return mischief
        return None

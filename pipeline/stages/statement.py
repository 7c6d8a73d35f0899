"""Read Alma's own list of what was paid, a week and a hundred fees a question, and find our payments in it."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pipeline.money import dollars
from pipeline.stages.external import OURS
from pipeline.stages.look import Sight, View

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipeline.ports.ledger import Posting
    from pipeline.ports.outside import AlmaFee, AlmaTransaction, FeeReport
    from pipeline.stages.meter import Metered

Entry = tuple[str, int, str]
"""Fee, cents and time of one transaction."""

WEEK = timedelta(days=7)
A_DAY = timedelta(days=1)


def periods(days: Iterable[date]) -> list[tuple[date, date]]:
    """Give the fewest periods of at most seven days, none overlapping, that hold these days and those beside them.

    Alma may count a payment of shortly before midnight to another day than we do.
    """
    wanted = sorted({day + by * A_DAY for day in days for by in (-1, 0, 1)})
    found: list[tuple[date, date]] = []
    for day in wanted:
        if found and day - found[-1][0] < WEEK:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


def read_report(report: FeeReport, days: Iterable[date], metered: Metered) -> Mapping[str, Sequence[Entry]]:
    """Find every transaction under an id of ours around these days (UTC).  Raises Busy and Refused.

    A fee that moved to another page while we read counts once, and so does a transaction that several periods show with
    its fee.  A fee that fell between two pages is missing, so absence from the report proves nothing.
    """
    shown: Counter[tuple[str, AlmaTransaction]] = Counter()
    for first, last in periods(days):
        fees: dict[str, AlmaFee] = {}
        read, total = 0, 1
        while read < total:
            page = metered.asked(lambda first=first, last=last, at=read: report.page(first, last, at))  # type: ignore[misc]
            if not page.fees:
                break
            fees.update({fee.fee_id: fee for fee in page.fees})
            read, total = read + len(page.fees), page.total
        ours = [(fee_id, one) for fee_id, fee in fees.items() for one in _ours(fee)]
        shown |= Counter(ours)  # as often as the period says that shows it most often
    found: dict[str, list[Entry]] = {}
    for fee_id, one in shown.elements():
        found.setdefault(one.external_id, []).append((fee_id, one.cents, one.time))
    return found


def _ours(fee: AlmaFee) -> list[AlmaTransaction]:
    return [one for one in fee.transactions if OURS.fullmatch(one.external_id)]


def judged(posting: Posting, there: Sequence[Entry]) -> View:
    """Judge a posting by what the report shows under its id: once as posted, twice, or otherwise."""
    cents = [amount for _, amount, _ in there]
    if len(there) > 1:
        return View(Sight.MANY, f"{len(there)} times in Alma's report, {dollars(sum(cents))} in all")
    ((fee_id, amount, time),) = there
    if fee_id != posting.alma_fee_id:
        return View(Sight.OTHER, f"in Alma's report for fee {fee_id}, not {posting.alma_fee_id}")
    if amount != posting.cents:
        return View(Sight.OTHER, f"in Alma's report with {dollars(amount)}, not {dollars(posting.cents)}")
    return View(Sight.SEEN, f"in Alma's report, on the fee since {time or 'an unknown time'}")

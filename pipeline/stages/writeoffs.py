"""What the bursar wrote off: it is taken off the debt here, and staff waive it in Alma."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.money import dollars
from pipeline.ports.ledger import Share, Way
from pipeline.stages.duties import Duties
from pipeline.stages.payable import Hold
from pipeline.stages.shares import candidates, same_patron

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.ports.ledger import Charged, Payment, Task
    from pipeline.stages.shares import Named

UNPLACED = "WRITEOFF-UNPLACED"
TOO_MUCH = "WRITEOFF-TOO-MUCH"
UNDONE = "WRITEOFF-UNDONE"
ADJUSTED = "ADJUSTMENT"


@dataclass(frozen=True, slots=True)
class WriteOff:
    """What is taken off which debts (positive), and the tasks that follow."""

    shares: tuple[Share, ...]
    tasks: tuple[Task, ...]


def written_off(line: Payment, named: Sequence[Named], debts: Sequence[Charged], today: str) -> WriteOff | Hold:
    """Say what a line that lowers what the bursar wants takes off which debt, or why a person must look.

    ``named`` are the fees it names, ``debts`` the patron's, for people.  Nothing is taken off a debt that nobody named,
    nor more than is open.  In a file of money what settles a debt is positive, a write-off as well as a payment; a
    negative one is a write-off that the bursar has undone, and what was waived in Alma by then only staff can tell.
    """
    if line.cents < 0:
        said = f"a write-off of {dollars(line.cents)}: the bursar wants what was written off after all"
        return Hold(UNDONE, f"{said}; {candidates(debts)}")
    wanted = _wanted(named)
    total = line.cents
    if wanted is None:
        return Hold(UNPLACED, f"{dollars(total)} off a debt that no charge at {line.system} tells; {candidates(debts)}")
    if sum(cents for _, cents in wanted) != total:
        return Hold(UNPLACED, f"it is {dollars(total)}, and the fees it names come to another sum")
    holds = [hold for charged, cents in wanted if (hold := _hold(line, charged, cents))]
    if holds:
        return holds[0]
    duties = Duties(line, today)
    for charged, cents in wanted:
        if charged.payments_to != Way.RECORD:
            duties.waive(charged, cents)
    shares = [Share(number, one.source, one.fee_id, cents) for number, (one, cents) in enumerate(wanted, 1)]
    return WriteOff(tuple(shares), tuple(duties.made))


def adjusted(line: Payment) -> Hold:
    """Say what an adjustment of no receipt may mean; a person must tell, for one sign opens debts and settles them."""
    means = "take money back, want more than was charged, or less"
    if line.cents > 0:
        means = "be money that came in, or less that is owed"
    return Hold(ADJUSTED, f"{dollars(line.cents)} as {line.kind}: it may {means}")


def _wanted(named: Sequence[Named]) -> list[tuple[Charged, int]] | None:
    """Give the debts that are named with their cents, each once; None where not all of it is said clearly."""
    wanted: dict[tuple[str, str], tuple[Charged, int]] = {}
    for one in named:
        if one.charged is None or one.cents <= 0:
            return None
        debt = (one.charged.source, one.charged.fee_id)
        wanted[debt] = (one.charged, one.cents + (wanted[debt][1] if debt in wanted else 0))
    return list(wanted.values()) or None


def _hold(line: Payment, charged: Charged, cents: int) -> Hold | None:
    if not same_patron(line, charged):
        return Hold(UNPLACED, f"the charge under reference {charged.reference} was sent for another patron")
    if cents > charged.open_cents:
        still = f"{dollars(charged.open_cents)} of {charged.reference} are open"
        return Hold(TOO_MUCH, f"{dollars(cents)} are written off, and {still}")
    return None

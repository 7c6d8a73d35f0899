"""Write down once where each payment's cents go, before anything is posted; hold what cannot be placed."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from pipeline.findings import Finding
from pipeline.money import dollars
from pipeline.ports.ledger import PaymentBook, PaymentState, PostingBook, PostingState, TaskBook, Way
from pipeline.ports.outside import Busy
from pipeline.stages.awaited import awaited
from pipeline.stages.closing import open_tasks
from pipeline.stages.duties import UNPAY, Duties, surplus
from pipeline.stages.exported import check_whole
from pipeline.stages.locate import NotLocatedError, PatronFees, Views, locate, past_of
from pipeline.stages.origins import cents_for
from pipeline.stages.plan import OURS, Hold, Plan, Stake, Terms, agreed, plan
from pipeline.stages.went_back import kept, left_of, taken

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from pipeline.ports.ledger import Charged, Payment, Posting, Share, Task
    from pipeline.ports.outside import AlmaFee

RECONSIDERED = frozenset(
    {
        "LOCATE-BUSY",
        "LOCATE-NO-PATRON",
        "LOCATE-NOT-FOUND",
        "LOCATE-AMBIGUOUS",
        "LOCATE-REFUSED",
        "FEE-IDENTITY",
        "FEE-CURRENCY",
        "FEE-IS-CREDIT",
        "FEE-IN-DISPUTE",
        "FEE-CLOSED",
        "FEE-AWAITED",
        "FEE-STATUS",
        "FEE-PROMISED",
        "EARLIER-POSTING-DIFFERS",
        "LOOKS-ALREADY-ENTERED",
    }
)
"""Payments held for these reasons are thought about again every night: the reason may be gone."""

PROMISING = (
    PostingState.READY,
    PostingState.SENDING,
    PostingState.UNKNOWN,
    PostingState.DOUBT,
    PostingState.HELD,
    PostingState.POSTED,
)
"""A posting in one of these states may still take from a balance that does not show it yet."""


class Books(PaymentBook, PostingBook, TaskBook, Protocol):
    """The books of the ledger that posting needs."""


class Promises:
    """Cents that earlier payments will take from a fee and that its balance does not show yet."""

    def __init__(self, postings: Iterable[Posting]) -> None:
        self._of: dict[str, list[Posting]] = {}
        self.add(postings)

    def add(self, postings: Iterable[Posting]) -> None:
        """Note what was just planned, so that the next payment of the same fee knows."""
        for posting in postings:
            if posting.way == Way.API:
                self._of.setdefault(posting.alma_fee_id, []).append(posting)

    def on(self, fee: AlmaFee) -> int:
        """Add up the promises on a fee, leaving out those that stand on it already."""
        there = {one.external_id for one in fee.transactions}
        return sum(one.cents for one in self._of.get(fee.fee_id, ()) if one.external_id not in there)


def promises(book: PostingBook) -> Promises:
    """Read from the ledger what is promised and not confirmed."""
    return Promises(book.postings(*PROMISING))


def waiting(book: PaymentBook) -> list[Payment]:
    """List the payments whose plan is still to be written, oldest money first; held ones whose reason may be gone."""
    found = book.payments_in(PaymentState.MATCHED, PaymentState.HELD)
    return [
        one
        for one in found
        if one.shares and one.cents > 0 and (one.state is PaymentState.MATCHED or one.code in RECONSIDERED)
    ]


class Planner:
    """What plans are made with in one run: the ledger, its charges, the cents promised, the patrons looked at.

    Without ``views`` only what needs no look at Alma can be planned.  Money dated up to ``earlier_until`` may have been
    posted by a ledger that was lost.
    """

    def __init__(self, book: Books, views: Views | None, earlier_until: str = "") -> None:
        self.book, self.views = book, views
        self._earlier_until = earlier_until
        self.promised = promises(book)
        self._charged: dict[tuple[str, str], Charged | None] = {}
        self._elsewhere: dict[str, Sequence[Charged]] = {}

    def charges(self, payment: Payment) -> list[tuple[Share, Charged]]:
        """Find the charge behind each share of a payment, asking the ledger for each once in a run."""
        found = [(share, self._charge_of(share)) for share in payment.shares]
        return [(share, charged) for share, charged in found if charged is not None]

    def asked(self, payment: Payment) -> list[Charged]:
        """Give the debts that Alma must be asked about: those that we pay there with a share, then ``elsewhere``."""
        paid = [charged for _, charged in self.charges(payment) if charged.payments_to == Way.API]
        return [*paid, *self.elsewhere(payment)]

    def elsewhere(self, payment: Payment) -> Sequence[Charged]:
        """Give the debts on whose fees money may stand that was divided otherwise before a ledger was lost.

        For money that ``may_stand_elsewhere``, these are all that its patron ever had at its system and that are paid
        in Alma by us.
        """
        if payment.key not in self._elsewhere:
            charges = [charged for _, charged in self.charges(payment)]
            unsure = self.may_stand_elsewhere(payment)
            patrons = sorted({payment.patron_id, *(one.patron_id for one in charges)} - {""}) if unsure else []
            sent = [one for patron in patrons for one in self.book.charged_to(payment.system, patron)]
            self._elsewhere[payment.key] = [one for one in sent if one.payments_to == Way.API]
        return self._elsewhere[payment.key]

    def may_stand_elsewhere(self, payment: Payment) -> bool:
        """Say whether money may stand in Alma on other fees than those it is for now, from before a ledger was lost.

        It is for none, or did not name each of its debts; or it is as old as the ledger, and a person may have put it
        on another fee.
        """
        if not payment.shares or payment.occurred_on <= self._earlier_until:
            return True
        return any(not _names(payment, charged) for _, charged in self.charges(payment))

    def strange(self, payment: Payment, fee: AlmaFee) -> frozenset[int]:
        """Give the sums on a fee under ids of ours that this ledger has no posting for, for money as old as it."""
        if payment.occurred_on > self._earlier_until:
            return frozenset()
        ours = [one for one in fee.transactions if OURS.fullmatch(one.external_id)]
        return frozenset(one.cents for one in ours if self.book.posting(one.external_id) is None)

    @cached_property
    def unpays(self) -> Sequence[Task]:
        """List the fees that staff were to enter anew when this was first asked in this run."""
        return open_tasks(self.book, UNPAY)

    def fees(self, charged: Charged) -> PatronFees:
        """Give what Alma shows of the patron of a debt.  Raises Busy where there is nobody to ask."""
        if self.views is None:
            nobody = "nobody to ask: the campus file says nothing of Alma's API"
            raise Busy(nobody)
        return self.views.of(charged)

    def _charge_of(self, share: Share) -> Charged | None:
        debt = (share.source, share.fee_id)
        if debt not in self._charged:
            self._charged[debt] = self.book.charge_of(*debt)
        return self._charged[debt]


def allocate_payment(
    payment: Payment, planner: Planner, terms: Terms, today: date, at: datetime
) -> tuple[Sequence[Posting], list[Finding]]:
    """Write the plan of a payment that is matched, or held for a reason of ours, or (still) hold it with a reason.

    Gives its new postings and the findings; what is promised is brought up to date.  What is left over, and what Alma
    has although it went back meanwhile, becomes a task of business date ``today`` with it.  Raises
    StaleError when somebody else moved the payment meanwhile, Refused with scope ``system`` when Alma refuses all.
    """
    book = planner.book
    backs = book.backs_of(payment.key)
    try:
        stakes, seen = _stakes(payment, backs, planner)
    except NotLocatedError as not_located:
        return (), hold_payment(payment, Hold(not_located.code, str(not_located)), book, at)
    except Busy as busy:
        told = [] if agreed(payment) else hold_payment(payment, Hold("LOCATE-BUSY", str(busy)), book, at)
        return (), told  # a person's yes is not forgotten over it
    decision = plan(payment, stakes, seen, terms, at)
    if isinstance(decision, Hold):
        return (), hold_payment(payment, awaited(payment, decision, planner.unpays), book, at)
    if payment.state is PaymentState.HELD:
        payment = book.settle_payment(payment, PaymentState.MATCHED, "", "what held it back is gone", at)
    day, rest = today.isoformat(), _left_over(payment, stakes, backs, decision)
    tasks = [*_undone(stakes, backs, decision, day), *([surplus(payment, rest, day)] if rest else [])]
    book.allocate(payment, decision.allocations, decision.postings, decision.suspense_cents, at, tasks=tasks)
    planner.promised.add(decision.postings)
    if not rest:
        return decision.postings, []
    why = f"{dollars(rest)} are more than can be paid on it; they are in suspense"
    return decision.postings, [_said("OVERPAID", payment, why)]


def _left_over(payment: Payment, stakes: Sequence[Stake], backs: Sequence[Payment], decision: Plan) -> int:
    """Give the cents that the bursar has kept and no fee takes; what went back before the plan is not left over."""
    kept_of = {one.share.number: one.kept for one in stakes}
    return left_of(payment, backs) - sum(min(one.cents, kept_of[one.number]) for one in decision.allocations)


def _undone(stakes: Sequence[Stake], backs: Sequence[Payment], decision: Plan, today: str) -> list[Task]:
    """Ask staff to undo what stands in Alma since before the ledger was lost, and of which a part went back since."""
    planned = {one.number: one.cents for one in decision.allocations}
    duties = [Duties(back, today) for back in backs]
    for stake in stakes:
        excess = planned.get(stake.share.number, 0) - stake.kept
        for duty in duties:
            cents = min(excess, -cents_for(duty.line, (stake.share.source, stake.share.fee_id)))
            if cents > 0:
                duty.unpay(stake.charged, cents, unsure=False)
                excess -= cents
    return [task for duty in duties for task in duty.made]


def hold_payment(payment: Payment, hold: Hold, book: PaymentBook, at: datetime) -> list[Finding]:
    """Hold a payment and say so; one that is held for the same reason already stays as it is and is not news."""
    if payment.state is PaymentState.HELD and payment.code == hold.code:
        return []
    book.settle_payment(payment, PaymentState.HELD, hold.code, hold.why, at)
    return [_said(hold.code, payment, hold.why)]


def _said(code: str, payment: Payment, why: str) -> Finding:
    fees = ", ".join(share.fee_id for share in payment.shares)
    return Finding(code, payment.key, f"{dollars(payment.cents)} for fee {fees}: {why}")


def _stakes(payment: Payment, backs: Sequence[Payment], planner: Planner) -> tuple[list[Stake], list[AlmaFee]]:
    """Look up every share on both sides; the second part is all that Alma showed of the patrons.

    Money that may have been divided otherwise before a ledger was lost may have closed another fee, also where none of
    its shares is paid in Alma now; and a debt that goes on under another id was paid under the old one.  So there all
    fees are asked for, and while one of a debt it may stand on is not shown, nobody can tell.
    """
    unsure = planner.may_stand_elsewhere(payment)
    stakes: list[Stake] = []
    seen: dict[str, AlmaFee] = {}
    mine = kept(payment, backs)
    for share, charged in planner.charges(payment):
        gone = share.cents - mine[share.number]
        if charged.payments_to == Way.IMPORT_FILE:
            check_whole(charged, planner.book)
        if charged.payments_to != Way.API:
            stakes.append(Stake(share, charged, None, taken(payment, share, planner.book), gone))
            continue
        fees = planner.fees(charged)
        fee = locate(charged, fees, everywhere=unsure)
        seen.update(fees.known)
        stakes.append(Stake(share, charged, fee, planner.promised.on(fee), gone, planner.strange(payment, fee)))
    for charged in planner.elsewhere(payment):
        seen.update(past_of(charged, planner.fees(charged)))
    return stakes, list(seen.values())


def _names(payment: Payment, charged: Charged) -> bool:
    named = {payment.fee_ref, *(reference for reference, _ in payment.fees)}
    return not named.isdisjoint({charged.reference, charged.fee_id})

"""Write down once where each payment's cents go, before anything is posted; hold what cannot be placed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pipeline.findings import Finding
from pipeline.money import dollars
from pipeline.ports.ledger import PaymentBook, PaymentState, PostingBook, PostingState
from pipeline.ports.outside import Busy
from pipeline.stages.locate import NotLocatedError, Views, locate
from pipeline.stages.plan import API, Hold, Stake, Terms, agreed, external_id, plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from pipeline.ports.ledger import Charged, Payment, Posting, Share
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


GONE = (PaymentState.CANCELLED, PaymentState.WITHDRAWN)
"""Lines of money whose shares count no more, or lowered the charge itself."""


class Books(PaymentBook, PostingBook, Protocol):
    """The two books of the ledger that posting needs."""


class Promises:
    """Cents that earlier payments will take from a fee and that its balance does not show yet."""

    def __init__(self, postings: Iterable[Posting]) -> None:
        self._of: dict[str, list[Posting]] = {}
        self.add(postings)

    def add(self, postings: Iterable[Posting]) -> None:
        """Note what was just planned, so that the next payment of the same fee knows."""
        for posting in postings:
            if posting.way == API:
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

    Without ``views`` only what needs no look at Alma can be planned.
    """

    def __init__(self, book: Books, views: Views | None) -> None:
        self.book, self.views = book, views
        self.promised = promises(book)
        self._charged: dict[tuple[str, str], Charged | None] = {}

    def charges(self, payment: Payment) -> list[tuple[Share, Charged]]:
        """Find the charge behind each share of a payment, asking the ledger for each once in a run."""
        found = [(share, self._charge_of(share)) for share in payment.shares]
        return [(share, charged) for share, charged in found if charged is not None]

    def by_api(self, payment: Payment) -> bool:
        """Say whether a share of it is to be paid in Alma by us."""
        return any(charged.payments_to == API for _, charged in self.charges(payment))

    def _charge_of(self, share: Share) -> Charged | None:
        debt = (share.source, share.fee_id)
        if debt not in self._charged:
            self._charged[debt] = self.book.charge_of(*debt)
        return self._charged[debt]


def allocate_payment(
    payment: Payment, planner: Planner, terms: Terms, at: datetime
) -> tuple[Sequence[Posting], list[Finding]]:
    """Write the plan of a payment that is matched, or held for a reason of ours, or (still) hold it with a reason.

    Gives its new postings and the findings; what is promised is brought up to date.  Raises StaleError when somebody
    else moved the payment meanwhile, Refused with scope ``system`` when Alma refuses all of us.
    """
    book = planner.book
    try:
        stakes, seen = _stakes(payment, planner, terms)
    except NotLocatedError as not_located:
        return (), hold_payment(payment, Hold(not_located.code, str(not_located)), book, at)
    except Busy as busy:
        told = [] if agreed(payment) else hold_payment(payment, Hold("LOCATE-BUSY", str(busy)), book, at)
        return (), told  # a person's yes is not forgotten over it
    decision = plan(payment, stakes, seen, terms, at)
    if isinstance(decision, Hold):
        return (), hold_payment(payment, decision, book, at)
    if payment.state is PaymentState.HELD:
        payment = book.settle_payment(payment, PaymentState.MATCHED, "", "what held it back is gone", at)
    book.allocate(payment, decision.allocations, decision.postings, decision.suspense_cents, at)
    planner.promised.add(decision.postings)
    if not decision.suspense_cents:
        return decision.postings, []
    why = f"{dollars(decision.suspense_cents)} are more than can be paid on it; they are in suspense"
    return decision.postings, [_said("OVERPAID", payment, why)]


def hold_payment(payment: Payment, hold: Hold, book: PaymentBook, at: datetime) -> list[Finding]:
    """Hold a payment and say so; one that is held for the same reason already stays as it is and is not news."""
    if payment.state is PaymentState.HELD and payment.code == hold.code:
        return []
    book.settle_payment(payment, PaymentState.HELD, hold.code, hold.why, at)
    return [_said(hold.code, payment, hold.why)]


def _said(code: str, payment: Payment, why: str) -> Finding:
    fees = ", ".join(share.fee_id for share in payment.shares)
    return Finding(code, payment.key, f"{dollars(payment.cents)} for fee {fees}: {why}")


def _stakes(payment: Payment, planner: Planner, terms: Terms) -> tuple[list[Stake], list[AlmaFee]]:
    """Look up every share on both sides; the second part is all that Alma showed of the patrons.

    Money that did not name this very debt may have been divided otherwise before a ledger was lost, and may have closed
    another fee; and a debt that goes on under another id was paid under the old one.  So there all fees are asked for.
    """
    stakes: list[Stake] = []
    seen: dict[str, AlmaFee] = {}
    named = {payment.fee_ref, *(reference for reference, _ in payment.fees)}
    for share, charged in planner.charges(payment):
        if charged.payments_to != API:
            stakes.append(Stake(share, charged, None, _covered(payment, share, planner.book, terms.campus_key)))
            continue
        if planner.views is None:
            nobody = "nobody to ask: the campus file says nothing of Alma's API"
            raise Busy(nobody)
        fees = planner.views.of(charged)
        everywhere = bool(charged.continued_by) or named.isdisjoint({charged.reference, charged.fee_id})
        fee = locate(charged, fees, everywhere=everywhere)
        seen.update(fees.known)
        stakes.append(Stake(share, charged, fee, planner.promised.on(fee)))
    return stakes, list(seen.values())


def _covered(payment: Payment, share: Share, book: Books, campus_key: str) -> int:
    """Add up what other payments took of a debt that Alma's balance says nothing of, less what went back of them.

    What goes back of this very payment makes no room for it.
    """
    total = 0
    for other in book.payments_for(share.source, share.fee_id):
        for one in other.shares:
            if (
                payment.key in (other.key, other.takes_back)
                or other.state in GONE
                or (one.source, one.fee_id) != (share.source, share.fee_id)
            ):
                continue
            if one.cents < 0:
                total += one.cents
            elif other.state is PaymentState.ALLOCATED:
                posting = book.posting(external_id(campus_key, other.key, one.number))
                total += posting.cents if posting and posting.state is not PostingState.CANCELLED else 0
    return total

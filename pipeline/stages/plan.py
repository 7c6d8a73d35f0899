"""Think out where the cents of one payment go: which fees, how many, under which ids, or why a person must look."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.money import dollars
from pipeline.ports.ledger import Allocation, Charged, PaymentState, Posting, PostingState, Share, Way
from pipeline.stages.external import MOST_SHARES, OURS, external_id, standing
from pipeline.stages.payable import CLOSED, ENTERED, Debt, Hold, entered_already, in_alma, unpayable, wrong_fee

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pipeline.ports.ledger import Payment
    from pipeline.ports.outside import AlmaFee

__all__ = [
    "ALREADY",
    "OURS",
    "Debt",
    "Hold",
    "Plan",
    "Stake",
    "Terms",
    "agreed",
    "external_id",
    "plan",
]


COMMENT_WIDTH = 100
ALREADY = "stand in Alma already:"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a campus decides about its postings: its name in every id, and Alma's method by the bursar's tender."""

    campus_key: str
    methods: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Stake:
    """One share of a payment, with what it may take.

    ``fee`` is what Alma shows (None where the way is not ``api``).  ``taken`` is what other payments of ours will still
    take from the fee's balance, or, without a fee, what they took of what was charged; in cents.  ``gone`` are the
    cents of the share that went back already.  ``strange`` are sums that stand on the fee under ids of ours which the
    ledger has no posting for: one of them may be this money, where a lost ledger knew it by another key.
    """

    share: Share
    charged: Charged
    fee: AlmaFee | None
    taken: int
    gone: int = 0
    strange: frozenset[int] = frozenset()

    @property
    def kept(self) -> int:
        """The cents of the share that the bursar still has."""
        return self.share.cents - self.gone


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the cents of one payment go; allocations and ``suspense_cents`` add up to the payment."""

    allocations: tuple[Allocation, ...]
    postings: tuple[Posting, ...]
    suspense_cents: int


@dataclass
class _Draft:
    """The cents found for each share so far, and what shares of this very payment take from each fee."""

    cents: dict[int, int] = field(default_factory=dict)
    own: dict[str, int] = field(default_factory=dict)
    closed: Hold | None = None


def plan(payment: Payment, stakes: Sequence[Stake], seen: Sequence[AlmaFee], terms: Terms, at: datetime) -> Plan | Hold:
    """Think out one payment: all of its shares, or none.

    ``seen`` are all the fees Alma showed of its patrons.  A share that already stands in Alma (the ledger was lost) is
    planned exactly as it stands there, whatever the balance is now.  Else it is capped at what its fee can still take,
    and at what has not gone back; what is too much, or is for a fee that is closed, is left over.  While the fee of any
    share cannot be told, or may open again, the whole payment waits, for its plan is written once.  A payment that went
    back in parts is planned as nothing.  Raises ValueError for what is no money in.
    """
    if payment.cents <= 0:
        message = f"payment {payment.key} is {dollars(payment.cents)}: only money that came in can be posted"
        raise ValueError(message)
    if any(one.share.number > MOST_SHARES for one in stakes):
        return Hold("SHARES-TOO-MANY", f"it is divided over more than {MOST_SHARES} fees; divide it by hand")
    earlier = standing(terms.campus_key, payment.key, seen)
    if hold := _differs(payment, stakes, earlier):
        return hold
    draft = _Draft()
    for stake in stakes:
        there = max((cents for _, cents in earlier.get(stake.share.number, ())), default=0)
        if hold := _place(stake, payment, there, draft):
            return _told(hold, earlier)
    if not draft.cents and (not stakes or any(one.kept for one in stakes)):
        return draft.closed or Hold(CLOSED, "nothing is left to pay on it")
    return _written(payment, [one for one in stakes if one.share.number in draft.cents], draft.cents, terms, at)


def _differs(
    payment: Payment, stakes: Sequence[Stake], earlier: Mapping[int, Sequence[tuple[str, int]]]
) -> Hold | None:
    """What stands in Alma under this payment's ids must be these shares, on these fees; else a person compares."""
    shares = {one.share.number: one for one in stakes}
    for number, there in sorted(earlier.items()):
        stake = shares.get(number)
        fee_id = stake.fee.fee_id if stake is not None and stake.fee is not None else ""
        places, most = {one for one, _ in there}, max(cents for _, cents in there)
        if stake is None or places != {fee_id} or most > stake.share.cents:
            named = f"{dollars(sum(cents for _, cents in there))} on fee {', '.join(sorted(places))}"
            why = f"{named} under the id of its share {number}; compare both with the bursar"
            return Hold("EARLIER-POSTING-DIFFERS", f"it is {dollars(payment.cents)}, and there are {why}")
    return None


def _told(hold: Hold, earlier: Mapping[int, Sequence[tuple[str, int]]]) -> Hold:
    """Who refunds a payment that waits must know of the part of it that is in Alma already."""
    if not earlier:
        return hold
    there = ", ".join(f"{dollars(cents)} on fee {fee_id}" for one in earlier.values() for fee_id, cents in one)
    return Hold(hold.code, f"{hold.why}; of this payment there {ALREADY} {there}")


def _place(stake: Stake, payment: Payment, there: int, draft: _Draft) -> Hold | None:
    """Find the cents of one share, or say why the whole payment must wait."""
    if not there and not stake.kept:
        return None
    share, key = stake.share, stake.fee.fee_id if stake.fee else in_alma(stake.charged)
    taken = stake.taken + draft.own.get(key, 0)
    if stake.fee is None:
        room: int | Hold = stake.charged.charged_cents - taken
    else:
        room = _room(Debt(stake.charged, stake.fee), stake, payment, taken, there)
    if isinstance(room, Hold) and room.code != CLOSED:
        return room
    if isinstance(room, Hold) or room <= 0:
        draft.closed = draft.closed or (room if isinstance(room, Hold) else _paid_already(stake))
        return None
    draft.cents[share.number] = min(share.cents if there else stake.kept, room)
    draft.own[key] = draft.own.get(key, 0) + (0 if there else draft.cents[share.number])
    return None


def _paid_already(stake: Stake) -> Hold:
    charged = dollars(stake.charged.charged_cents)
    return Hold(CLOSED, f"other payments cover the {charged} charged; refund it or put it on another fee")


def _room(debt: Debt, stake: Stake, payment: Payment, taken: int, there: int) -> int | Hold:
    """Say how many cents the share's fee in Alma can take."""
    if hold := wrong_fee(debt):
        return hold
    if there:
        return there
    left = debt.fee.balance_cents - taken
    amounts = {stake.share.cents, stake.kept, min(stake.kept, left)}
    amounts |= {payment.cents} if len(payment.shares) == 1 else set()
    entered = None if agreed(payment) else entered_already(debt, amounts) or _posted_before(stake.strange & amounts)
    if hold := entered or unpayable(debt.fee):
        return hold
    if left <= 0:
        why = f"payments on their way cover the {dollars(debt.fee.balance_cents)} left on it"
        return Hold("FEE-PROMISED", why)
    return left


def _posted_before(cents: frozenset[int]) -> Hold | None:
    if not cents:
        return None
    why = f"{dollars(max(cents))} stand on it under an id of ours that this ledger does not know"
    return Hold(ENTERED, f"{why}; see whether it is this payment, posted before a ledger was lost")


def agreed(payment: Payment) -> bool:
    """Say whether a person has seen what somebody else paid on the fee, and let this payment go on all the same."""
    return payment.state is PaymentState.MATCHED and payment.code == ENTERED


def _written(payment: Payment, stakes: Sequence[Stake], cents: Mapping[int, int], terms: Terms, at: datetime) -> Plan:
    allocations, postings = [], []
    for stake in stakes:
        share, charged = stake.share, stake.charged
        alma_fee_id = stake.fee.fee_id if stake.fee else in_alma(charged)
        allocations.append(
            Allocation(payment.key, share.number, share.source, share.fee_id, alma_fee_id, cents[share.number])
        )
        postings.append(
            Posting(
                external_id=external_id(terms.campus_key, payment.key, share.number),
                payment_key=payment.key,
                patron_id=charged.patron_id,
                patron_id_type=charged.patron_id_type,
                alma_fee_id=alma_fee_id,
                cents=cents[share.number],
                method=terms.methods.get(payment.method, "ONLINE"),
                comment=_comment(payment),
                state=PostingState.RECORDED if charged.payments_to == Way.RECORD else PostingState.READY,
                code=ENTERED if agreed(payment) else "",
                since=at,  # what is on the fee by now was judged here; the look before posting judges the rest
                way=charged.payments_to,
                source=share.source,
                fee_id=share.fee_id,
            )
        )
    return Plan(tuple(allocations), tuple(postings), payment.cents - sum(cents.values()))


def _comment(payment: Payment) -> str:
    """Say where the money came from, for the librarian who sees it in Alma; no name, no control characters."""
    text = f"{payment.system} receipt {payment.payment_ref} of {payment.occurred_on}"
    return re.sub(r"[^\x20-\x7e]", "?", text)[:COMMENT_WIDTH]

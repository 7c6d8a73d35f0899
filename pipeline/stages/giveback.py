"""What a refund takes off each debt that its payment was for, and how much Alma then shows as paid too much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.ports.ledger import UNSENT, PaymentState, PostingState, Way

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.ports.ledger import Charged, Payment, Posting

Debt = tuple[str, str]
"""Source and fee id."""

NOT_THERE = (PostingState.CANCELLED, PostingState.SETTLED, PostingState.RECORDED)
THERE = (PostingState.POSTED, PostingState.VERIFIED)
WAITING = (PaymentState.RECEIVED, PaymentState.MATCHED, PaymentState.SUSPENSE, PaymentState.HELD)


@dataclass(frozen=True, slots=True)
class Origin:
    """A payment of which money goes back: what went back of it before, and its postings."""

    payment: Payment
    backs: Sequence[Payment] = ()
    postings: Sequence[Posting] = ()

    @property
    def left(self) -> int:
        """Its cents that have not gone back."""
        gone = self.payment.state is PaymentState.CANCELLED
        return 0 if gone else max(0, self.payment.cents + sum(back.cents for back in self.backs))

    @property
    def waits(self) -> bool:
        """Whether its plan is still to be written: that is written for what has not gone back."""
        return self.payment.state in WAITING

    @property
    def unplaced(self) -> bool:
        """Whether it is for no debt: no plan of it will look in Alma."""
        return self.waits and not self.payment.shares

    def ends(self, back: Payment) -> bool:
        """Say whether a line takes the rest of it before anything is planned."""
        return self.waits and self.left + back.cents == 0

    def cancels(self, back: Payment) -> bool:
        """Say whether a line takes back all of it before anything of it can have been posted."""
        if self.backs or self.payment.cents + back.cents:
            return False
        unsent = all(one.state in UNSENT and not one.attempts for one in self.postings)
        return self.waits or (self.payment.state is PaymentState.ALLOCATED and unsent)


@dataclass(frozen=True, slots=True)
class Part:
    """One debt's part in a payment: cents received for it, those that have not gone back, those Alma has or will have.

    Nothing is counted for what is not planned yet: she will not have more of it than the bursar keeps.
    ``unsure``: it is not known yet whether Alma has them.  ``by_hand``: cents of it that a person settled elsewhere.
    """

    debt: Debt
    received: int
    left: int
    in_alma: int
    unsure: bool
    by_hand: int
    postings: tuple[Posting, ...]

    @property
    def untried(self) -> bool:
        """Whether it is planned, and nothing of it was ever attempted."""
        return bool(self.postings) and all(one.state in UNSENT and not one.attempts for one in self.postings)

    def stays_unsent(self, cents: int) -> bool:
        """Say whether its postings need not go out at all, because so much goes back at once."""
        return self.untried and cents == self.received == self.left

    def too_much(self, cents: int) -> int:
        """Give the cents that Alma has too much as paid, and had not before, once so much has gone back."""
        if self.stays_unsent(cents):
            return 0
        before, after = self.received - self.left, self.received - self.left + cents
        return max(0, self.in_alma - self.received + after) - max(0, self.in_alma - self.received + before)


def parts(origin: Origin, charged: Mapping[Debt, Charged]) -> list[Part]:
    """Give the debts a payment is for, in the order of its shares."""
    received: dict[Debt, int] = {}
    for share in origin.payment.shares:
        debt = (share.source, share.fee_id)
        received[debt] = received.get(debt, 0) + share.cents
    return [_part(debt, cents, origin, charged[debt]) for debt, cents in received.items()]


def unsent(origin: Origin, given: Sequence[Part], taken: Mapping[Debt, int], back: Payment) -> list[Part]:
    """Give the parts of which so much is taken because it was never sent, as far as the ledger knows."""
    if origin.cancels(back) or origin.ends(back):
        return list(given)
    parted = [(part, taken.get(part.debt, 0)) for part in given]
    return [part for part, cents in parted if part.stays_unsent(cents) or (origin.waits and cents)]


def _part(debt: Debt, received: int, origin: Origin, charged: Charged) -> Part:
    gone = [share.cents for back in origin.backs for share in back.shares if (share.source, share.fee_id) == debt]
    mine = tuple(one for one in origin.postings if (one.source, one.fee_id) == debt)
    kept_here = charged.payments_to == Way.RECORD
    in_alma = 0 if kept_here else sum(one.cents for one in mine if one.state not in NOT_THERE)
    unsure = in_alma > 0 and not (mine and all(one.state in THERE for one in mine))
    settled = origin.payment.state is PaymentState.SETTLED
    by_hand = received if settled else sum(one.cents for one in mine if one.state is PostingState.SETTLED)
    return Part(debt, received, received + sum(gone), in_alma, unsure, by_hand, mine)


def together(each: Sequence[Part], left: int) -> Part:
    """Take the parts of several payments in one debt as one, of which so much has not gone back."""
    return Part(
        each[0].debt,
        sum(part.received for part in each),
        left,
        sum(part.in_alma for part in each),
        any(part.unsure for part in each),
        sum(part.by_hand for part in each),
        (),
    )


def divided(cents: int, given: Sequence[Part], unassigned: int, named: Mapping[Debt, int]) -> dict[Debt, int]:
    """Say how many of the ``cents`` (above 0) that go back come off which debt; those of no debt are not in it.

    All goes back in the payment's own shares.  Of a part, first what is named for a fee comes off that; then what
    belonged to no debt (``unassigned``), for a surplus is what is mostly given back; then the last shares.
    """
    left = {part.debt: part.left for part in given}
    taken: dict[Debt, int] = {}

    def take(debt: Debt, wanted: int) -> int:
        part = max(0, min(wanted, left.get(debt, 0)))
        if part:
            left[debt] -= part
            taken[debt] = taken.get(debt, 0) + part
        return part

    for debt, wanted in named.items():
        cents -= take(debt, min(wanted, cents))
    cents -= min(cents, unassigned)
    for part in reversed(given):
        cents -= take(part.debt, cents)
    return {part.debt: taken[part.debt] for part in given if part.debt in taken}

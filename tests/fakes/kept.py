"""What the book of money in memory keeps, and how it is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.money import dollars
from pipeline.ports.ledger import Charged, LedgerError, PaymentState
from tests.fakes.alma import no_step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from pipeline.ports.ledger import Allocation, Payment, Posting, PostingState, Task, Upload, Word

NOT_PAID = (PaymentState.CANCELLED, PaymentState.WITHDRAWN)
"""Shares of these are no money received: it was taken back, or was never money."""


class Kept:
    """Everything in dicts.  ``step`` is told before and after every durable move, and may raise."""

    def __init__(self, charged: Iterable[Charged] = (), step: Callable[[str], None] = no_step) -> None:
        self.debts: dict[tuple[str, str], Charged] = {}
        self.references: dict[tuple[str, str], Charged] = {}
        for one in charged:
            self.debts.setdefault((one.source, one.fee_id), one)
            self.references[one.system, one.reference] = one
        self.step = step
        self.payments: dict[str, Payment] = {}
        self.by_id: dict[str, Posting] = {}
        self.allocations: list[Allocation] = []
        self.suspense: dict[str, int] = {}
        self.files: dict[str, str] = {}
        self.refused_files: dict[str, str] = {}
        self.posted_at: dict[str, datetime] = {}
        self.by_task: dict[str, Task] = {}
        self.words: dict[str, Word] = {}
        self.moved_since_said: set[str] = set()
        self.heard_words: list[tuple[Word, str]] = []
        self.import_files: dict[int, Upload] = {}
        self.listed: dict[str, int] = {}
        self.moves: list[tuple[str, PostingState, PostingState]] = []

    def lose(self) -> None:
        """Forget everything but the charges: the ledger is gone, and the same payments come again."""
        for kept in (self.payments, self.by_id, self.suspense, self.files, self.refused_files):
            kept.clear()
        for told in (self.by_task, self.words, self.moved_since_said, self.import_files, self.listed, self.posted_at):
            told.clear()
        self.allocations.clear()
        self.heard_words.clear()

    def pay(self, *after: Payment) -> None:
        """Put these in the place of what is known of them.  Refuses that more went back of a debt than came in."""
        before = self.payments
        self.payments = before | {one.key: one for one in after}
        touched = [*(before[one.key] for one in after if one.key in before), *after]
        debts = {(share.source, share.fee_id) for one in touched for share in one.shares}
        for source, fee_id in sorted(debts):
            if (paid := self.shares_of(source, fee_id)) < 0:
                self.payments = before
                message = f"payment {after[0].key}: {dollars(-paid)} more of fee {fee_id} would go back than came in"
                raise LedgerError(message)
        self.moved_since_said |= {one.key for one in after}

    def shares_of(self, source: str, fee_id: str, *, written_off: bool = False) -> int:
        """Add up what was received for a debt, less what went back; or what was written off."""
        return sum(
            share.cents
            for one in self.payments.values()
            if (one.state is PaymentState.WITHDRAWN if written_off else one.state not in NOT_PAID)
            for share in one.shares
            if (share.source, share.fee_id) == (source, fee_id)
        )

    def now(self, charge: Charged) -> Charged:
        """Give a charge with what was paid for it and written off by now."""
        gone = self.shares_of(charge.source, charge.fee_id, written_off=True)
        paid = self.shares_of(charge.source, charge.fee_id)
        return replace(charge, charged_cents=charge.charged_cents - gone, paid_cents=charge.paid_cents + paid)

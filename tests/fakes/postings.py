"""The payments and postings of a ledger, in memory: the same moves, the same refusals, nothing that lasts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.ports.ledger import (
    PAYMENT_MOVES,
    POSTING_MOVES,
    Allocation,
    Charged,
    LedgerError,
    Payment,
    PaymentState,
    Posting,
    PostingState,
    Run,
    StaleError,
)
from tests.fakes.alma import no_step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from pipeline.findings import Finding


class FakeBook:
    """PaymentBook and PostingBook in memory.  ``step`` is told before and after every durable move, and may raise."""

    def __init__(self, charged: Iterable[Charged] = (), step: Callable[[str], None] = no_step) -> None:
        self._charged = {(one.system, one.reference): one for one in charged}
        self.step = step
        self.payments: dict[str, Payment] = {}
        self.by_id: dict[str, Posting] = {}
        self.allocations: list[Allocation] = []
        self.suspense: dict[str, int] = {}
        self.refused_files: dict[str, str] = {}
        self.moves: list[tuple[str, PostingState, PostingState]] = []

    def lose(self) -> None:
        """Forget everything but the charges: the ledger is gone, and the same payments come again."""
        self.payments.clear()
        self.by_id.clear()
        self.allocations.clear()
        self.suspense.clear()

    def known_payments(self, keys: Sequence[str]) -> Mapping[str, Payment]:
        return {key: self.payments[key] for key in keys if key in self.payments}

    def enter_payments(
        self, run: Run, file_sha: str, payments: Sequence[Payment], findings: Sequence[Finding], at: datetime
    ) -> None:
        self.enter(payments)

    def enter(self, payments: Iterable[Payment]) -> None:
        """Enter payments without a file."""
        payments = list(payments)
        if known := [one.key for one in payments if one.key in self.payments]:
            raise StaleError(", ".join(known))
        self.step("before enter")
        self.payments |= {one.key: one for one in payments}
        self.step("after enter")

    def refuse_file(self, run: Run, file_sha: str, finding: Finding, at: datetime) -> None:
        self.refused_files[file_sha] = finding.code

    def payments_in(self, state: PaymentState) -> Sequence[Payment]:
        found = [one for one in self.payments.values() if one.state is state]
        return sorted(found, key=lambda one: (one.occurred_on, one.key))

    def charged(self, system: str, reference: str) -> Charged | None:
        return self._charged.get((system, reference))

    def match_payment(self, payment: Payment, fee_id: str, at: datetime) -> Payment:
        if payment.state is not PaymentState.RECEIVED or payment.fee_id:
            raise StaleError(payment.key)
        return self._payment(payment, replace(payment, fee_id=fee_id))

    def settle_payment(self, payment: Payment, to: PaymentState, code: str, why: str, at: datetime) -> Payment:
        if to not in PAYMENT_MOVES[payment.state]:
            message = f"payment {payment.key}: there is no way from {payment.state} to {to}"
            raise LedgerError(message)
        return self._payment(payment, replace(payment, state=to, code=code, why=why))

    def _payment(self, seen: Payment, after: Payment) -> Payment:
        if self.payments.get(seen.key) != seen:
            raise StaleError(seen.key)
        self.step(f"before {seen.state} -> {after.state}")
        self.payments[seen.key] = after
        self.step(f"after {seen.state} -> {after.state}")
        return after

    def allocate(
        self,
        payment: Payment,
        fee_id: str,
        allocations: Sequence[Allocation],
        postings: Sequence[Posting],
        suspense_cents: int,
        at: datetime,
    ) -> Payment:
        adds_up = sum(one.cents for one in allocations) + suspense_cents == payment.cents
        numbered = [one.number for one in allocations] == list(range(1, len(postings) + 1))
        if not adds_up or not numbered or suspense_cents < 0 or any(one.cents <= 0 for one in allocations):
            text = f"{payment.key}: this is no plan of the payment"
            raise LedgerError(text)
        if payment.state is not PaymentState.RECEIVED or self.payments.get(payment.key) != payment:
            raise StaleError(payment.key)
        self.step("before allocate")
        after = replace(payment, state=PaymentState.ALLOCATED, fee_id=fee_id, code="", why="")
        self.payments[payment.key] = after
        self.allocations += allocations
        self.suspense[payment.key] = suspense_cents
        self.by_id |= {one.external_id: one for one in postings}
        self.step("after allocate")
        return after

    def postings(self, *states: PostingState) -> Sequence[Posting]:
        found = [one for one in self.by_id.values() if one.state in states]
        if len(found) > 1:
            found.sort(key=lambda one: (self.payments[one.payment_key].occurred_on, one.external_id))
        return found

    def move_posting(  # noqa: PLR0913 - as the Protocol has it
        self,
        posting: Posting,
        to: PostingState,
        at: datetime,
        *,
        attempts: int | None = None,
        since: datetime | None = None,
        code: str = "",
        why: str = "",
        evidence: str = "",
    ) -> Posting:
        held = self.by_id.get(posting.external_id)
        if held is None or (held.state, held.attempts) != (posting.state, posting.attempts):
            raise StaleError(posting.external_id)
        if to not in POSTING_MOVES[posting.state]:
            text = f"{posting.external_id}: there is no move from {posting.state} to {to}"
            raise LedgerError(text)
        after = replace(
            held,
            state=to,
            attempts=held.attempts if attempts is None else attempts,
            since=held.since if since is None else since,
            code=code,
            why=why,
        )
        self.step(f"before {posting.state} -> {to}")
        self.by_id[posting.external_id] = after
        self.moves.append((posting.external_id, posting.state, to))
        self.step(f"after {posting.state} -> {to}")
        return after


def a_charge(**changes: str | int) -> Charged:
    """Make the charge of fee B1, 10.00, of patron P1, known at the bursar as B1."""
    plain = Charged(
        source="export",
        fee_id="B1",
        system="peoplesoft",
        reference="B1",
        patron_id="P1",
        patron_id_type="02",
        charged_cents=1000,
        paid_cents=0,
        payments_to="api",
        currency="USD",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def a_payment(key: str = "K1", cents: int = 1000, **changes: str | int) -> Payment:
    """Make a payment of 10.00 for fee B1, just received."""
    plain = Payment(
        key=key,
        fingerprint=f"{key}/{cents}",
        system="peoplesoft",
        file_sha="f" * 64,
        line=2,
        payment_ref=f"R-{key}",
        fee_ref="B1",
        patron_id="P1",
        cents=cents,
        occurred_on="2026-11-22",
        kind="sale",
        method="CC",
        state=PaymentState.RECEIVED,
        fee_id="B1",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]

"""Find the fee that each payment is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.findings import Finding, Outcome
from pipeline.ports.ledger import PaymentState

if TYPE_CHECKING:
    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import Payment


def match(work: Work) -> Outcome | None:
    """Match every payment received, also of earlier nights, by the reference we sent with the charge.

    A payment of an unknown reference goes to suspense; one that names another patron than the charge is held.
    """
    findings = [
        finding
        for payment in work.ledger.payments_in(PaymentState.RECEIVED)
        if not payment.fee_id and (finding := _match(work, payment))
    ]
    work.findings.extend(findings)
    return None


def _match(work: Work, payment: Payment) -> Finding | None:
    now = work.outside.clock.now()
    charged = work.ledger.charged(payment.system, payment.fee_ref) if payment.fee_ref else None
    if charged is None:
        why = f"no charge was sent to {payment.system} under the reference {payment.fee_ref!r}"
        work.ledger.settle_payment(payment, PaymentState.SUSPENSE, "MATCH-UNKNOWN-FEE", why, now)
        return Finding("MATCH-UNKNOWN-FEE", payment.key, why)
    if payment.patron_id and payment.patron_id != charged.patron_id:
        why = f"the charge under reference {payment.fee_ref} was sent for another patron"
        work.ledger.settle_payment(payment, PaymentState.HELD, "MATCH-OTHER-PATRON", why, now)
        return Finding("MATCH-OTHER-PATRON", payment.key, why)
    work.ledger.match_payment(payment, charged.fee_id, now)
    return None

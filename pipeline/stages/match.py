"""Find the fee that each payment is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.findings import Finding
from pipeline.ports.ledger import PaymentState

if TYPE_CHECKING:
    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import Payment

UNKNOWN = "MATCH-UNKNOWN-FEE"


def match(work: Work) -> None:
    """Match every payment received, also of earlier nights, by the reference we sent with the charge.

    A payment of an unknown reference goes to suspense, and is matched again every night: it may have come before its
    charge.  One that names another patron than the charge is held; its money is taken off the debt all the same.
    """
    received = work.ledger.payments_in(PaymentState.RECEIVED)
    early = [one for one in work.ledger.payments_in(PaymentState.SUSPENSE) if one.code == UNKNOWN]
    unmatched = [payment for payment in received if not payment.fee_id]
    work.findings += [finding for payment in [*unmatched, *early] if (finding := _match(work, payment))]


def _match(work: Work, payment: Payment) -> Finding | None:
    now = work.outside.clock.now()
    charged = work.ledger.charged(payment.system, payment.fee_ref) if payment.fee_ref else None
    if charged is None:
        why = f"no charge was sent to {payment.system} under the reference {payment.fee_ref!r}"
        if payment.state is PaymentState.SUSPENSE:
            return None
        work.ledger.settle_payment(payment, PaymentState.SUSPENSE, UNKNOWN, why, now)
        return Finding(UNKNOWN, payment.key, why)
    if payment.state is PaymentState.SUSPENSE:
        payment = work.ledger.settle_payment(payment, PaymentState.RECEIVED, "", "its charge was sent since", now)
    matched = work.ledger.match_payment(payment, charged.fee_id, now)
    if payment.patron_id in ("", charged.patron_id, charged.bursar_id):
        return None
    why = f"the charge under reference {payment.fee_ref} was sent for another patron"
    work.ledger.settle_payment(matched, PaymentState.HELD, "MATCH-OTHER-PATRON", why, now)
    return Finding("MATCH-OTHER-PATRON", payment.key, why)

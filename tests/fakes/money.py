"""Makes charges, payments and shares of people who do not exist, for tests on the books in memory."""

from __future__ import annotations

from dataclasses import replace

from pipeline.ports.ledger import Charged, Payment, PaymentState, Share


def a_charge(**changes: str | int | tuple[str, ...]) -> Charged:
    """Make the charge of fee B1, 10.00, of patron P1, known at the bursar as B1; its file has arrived."""
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
        bursar_id="P1",
        sent_on="2026-11-02",
        due_on="2026-12-02",
        fee_type="OVERDUEFINE",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def a_payment(key: str = "K1", cents: int = 1000, **changes: object) -> Payment:
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
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def a_share(cents: int = 1000, number: int = 1, fee_id: str = "B1", source: str = "export") -> Share:
    """Make a share of 10.00 for fee B1, the first of its payment."""
    return Share(number, source, fee_id, cents)


def a_match(payment: Payment, *shares: Share) -> Payment:
    """Give the payment as MATCHED to these shares, or all of it to fee B1."""
    return replace(payment, state=PaymentState.MATCHED, shares=shares or (a_share(payment.cents),))

"""Think out where the cents of one payment go: which fee, how many, under which id, or why a person must look."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.money import dollars
from pipeline.ports.ledger import Allocation, Posting, PostingState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pipeline.ports.ledger import Charged, Payment
    from pipeline.ports.outside import AlmaFee, AlmaTransaction

OURS = re.compile(r"BP[A-Z2-7]{16}-[0-9]{2}", re.ASCII)
"""What every external id of this pipeline looks like."""

PAYABLE = ("ACTIVE", "EXPORTED")
COMMENT_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Debt:
    """One debt as both sides know it: what we charged at the bursar, and the fee Alma shows."""

    charged: Charged
    fee: AlmaFee


@dataclass(frozen=True, slots=True)
class Terms:
    """What a campus decides about its postings: its name in every id, and Alma's method by the bursar's tender."""

    campus_key: str
    methods: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the cents of one payment go; allocations and ``suspense_cents`` add up to the payment."""

    allocations: tuple[Allocation, ...]
    postings: tuple[Posting, ...]
    suspense_cents: int


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a payment cannot be planned: a code of the catalogue, and the sentence for people."""

    code: str
    why: str


def external_id(campus_key: str, payment_key: str, number: int) -> str:
    """Make the id a payment bears in Alma: ``BP``, 16 base32 letters of its identity, ``-nn``.

    It holds neither cents nor fee nor chance, so that after a lost ledger the same payment finds its own past.  The
    digest is taken of each part's length in bytes, a colon, and the part, campus first.
    """
    if not 1 <= number <= 99:  # noqa: PLR2004 - two digits
        message = f"allocation {number} of payment {payment_key}: an external id has room for 1 to 99"
        raise ValueError(message)
    return f"{_stem(campus_key, payment_key)}-{number:02d}"


def _stem(campus_key: str, payment_key: str) -> str:
    parts = [part.encode() for part in (campus_key, payment_key)]
    digest = hashlib.sha256(b"".join(b"%d:%b" % (len(part), part) for part in parts)).digest()
    return "BP" + base64.b32encode(digest)[:16].decode()


def by_another_hand(fee: AlmaFee, cents: int) -> list[AlmaTransaction]:
    """List the payments of exactly these cents on the fee that are not ours: somebody may have typed ours in.

    Kinds are site codes; one that speaks of a payment counts, the trace an export leaves does not.
    """
    return [
        one
        for one in fee.transactions
        if one.cents == cents
        and "PAY" in one.kind.upper()
        and not one.kind.upper().startswith("EXPORT")
        and OURS.fullmatch(one.external_id) is None
    ]


def plan(payment: Payment, debt: Debt, terms: Terms, promised: int, at: datetime) -> Plan | Hold:
    """Think out one payment.  ``promised`` is what other payments of ours will still take from the fee, in cents.

    A payment that already stands on the fee (the ledger was lost) is planned exactly as it stands there, whatever the
    balance is now.  Else it is capped at the balance.  Raises ValueError for a payment that is not money in.
    """
    if payment.cents <= 0:
        message = f"payment {payment.key} is {dollars(payment.cents)}: only money that came in can be posted"
        raise ValueError(message)
    if hold := _wrong_fee(debt):
        return hold
    if earlier := _earlier(payment, debt.fee, terms):
        return _as_it_stands(payment, debt, terms, earlier, at)
    if hold := _not_payable(payment, debt, promised):
        return hold
    cents = min(payment.cents, debt.fee.balance_cents - promised)
    return _plan(payment, debt, terms, {1: cents}, at)


def _wrong_fee(debt: Debt) -> Hold | None:
    charged, fee = debt.charged, debt.fee
    if charged.fee_id not in (fee.bursar_id, fee.fee_id):
        return Hold("FEE-IDENTITY", f"Alma shows {fee.fee_id}, which the bursar knows as {fee.bursar_id!r}")
    if fee.currency and fee.currency != charged.currency:
        return Hold("FEE-CURRENCY", f"it is in {fee.currency}, and was charged in {charged.currency}")
    if fee.kind == "CREDIT" or fee.original_cents < 0:
        return Hold("FEE-IS-CREDIT", "it is a credit in Alma, and a credit is never paid")
    return None


def _earlier(payment: Payment, fee: AlmaFee, terms: Terms) -> dict[int, int]:
    """Find what already stands on the fee under this payment's own ids: cents by allocation number."""
    stem = _stem(terms.campus_key, payment.key) + "-"
    found: dict[int, int] = {}
    for one in fee.transactions:
        if one.external_id.startswith(stem) and OURS.fullmatch(one.external_id):
            found.setdefault(int(one.external_id.removeprefix(stem)), one.cents)
    return found


def _as_it_stands(payment: Payment, debt: Debt, terms: Terms, earlier: dict[int, int], at: datetime) -> Plan | Hold:
    there = sum(earlier.values())
    if there > payment.cents or sorted(earlier) != list(range(1, len(earlier) + 1)):
        return Hold(
            "EARLIER-POSTING-DIFFERS",
            f"it already bears {dollars(there)} under the id of this payment of {dollars(payment.cents)}; "
            "compare both with the bursar",
        )
    return _plan(payment, debt, terms, earlier, at)


def _not_payable(payment: Payment, debt: Debt, promised: int) -> Hold | None:
    if _typed_in_since_charged(payment, debt, promised):
        why = f"somebody else paid {dollars(payment.cents)} on it since it was charged; see whether it is this payment"
        return Hold("LOOKS-ALREADY-ENTERED", why)
    if hold := unpayable(debt.fee):
        return hold
    if debt.fee.balance_cents <= promised:
        why = f"payments on their way cover the {dollars(debt.fee.balance_cents)} left on it"
        return Hold("FEE-PROMISED", why)
    return None


def unpayable(fee: AlmaFee) -> Hold | None:
    """Say why nothing can be paid on a fee as it stands in Alma; None where something can."""
    if fee.status == "INDISPUTE":
        return Hold("FEE-IN-DISPUTE", "it is in dispute; settle the dispute and the payment follows by itself")
    if fee.status == "CLOSED" or (fee.status in PAYABLE and fee.balance_cents <= 0):
        return Hold("FEE-CLOSED", "nothing is left to pay on it; refund the payment or put it on another fee")
    if fee.status not in PAYABLE:
        return Hold("FEE-STATUS", f"Alma gives it the status {fee.status!r}, which we do not know")
    return None


def _typed_in_since_charged(payment: Payment, debt: Debt, promised: int) -> bool:
    """A payment before the charge is part of what was charged, so only a balance that fell since then counts."""
    fee = debt.fee
    cents = min(payment.cents, fee.balance_cents - promised)
    ours = sum(one.cents for one in fee.transactions if OURS.fullmatch(one.external_id))
    fell = debt.charged.charged_cents - fee.balance_cents - ours
    return any(amount > 0 and fell >= amount and by_another_hand(fee, amount) for amount in (payment.cents, cents))


def _plan(payment: Payment, debt: Debt, terms: Terms, cents_of: Mapping[int, int], at: datetime) -> Plan:
    charged, fee = debt.charged, debt.fee
    allocations = [
        Allocation(payment.key, number, charged.fee_id, fee.fee_id, cents) for number, cents in sorted(cents_of.items())
    ]
    postings = [
        Posting(
            external_id=external_id(terms.campus_key, payment.key, one.number),
            payment_key=payment.key,
            patron_id=charged.patron_id,
            patron_id_type=charged.patron_id_type,
            alma_fee_id=fee.fee_id,
            cents=one.cents,
            method=terms.methods.get(payment.method, "ONLINE"),
            comment=_comment(payment),
            state=PostingState.READY,
            since=at,  # everything on the fee up to now was judged here; the look before posting judges what came after
        )
        for one in allocations
    ]
    return Plan(tuple(allocations), tuple(postings), payment.cents - sum(cents_of.values()))


def _comment(payment: Payment) -> str:
    """Say where the money came from, for the librarian who sees it in Alma; no name, no control characters."""
    text = f"{payment.system} receipt {payment.payment_ref} of {payment.occurred_on}"
    return re.sub(r"[^\x20-\x7e]", "?", text)[:COMMENT_WIDTH]

"""Decide what an answer of Alma means: it happened, it surely did not, or nobody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.adapters.alma_answer import Trouble, UnreadableError, one_fee, trouble
from pipeline.ports.outside import Busy, Lost, Refused

if TYPE_CHECKING:
    from pipeline.ports.outside import AlmaFee, PayOrder

REFUSED = frozenset({"401651", "401861", "401890", "401665", "401666", "60340", "60258"})
"""Codes after which a payment surely was not entered: no such user (three of them), no such fine, bad parameter,
restricted by library, restricted profile (Alma API, pay a fine/fee).  402119, "general error", is not among them."""

THRESHOLDS = frozenset({"PER_SECOND_THRESHOLD", "DAILY_THRESHOLD"})
"""Codes of the gateway, which turns a request away before Alma sees it, with 429 or as any other error (400)."""

OK = range(200, 300)
BAD_REQUEST = 400
NOT_LET_IN = (401, 403)
TOO_MANY = 429


class TooManyError(Busy):
    """Alma takes no more just now.  ``code`` is hers: PER_SECOND_THRESHOLD passes, any other lasts until tomorrow."""

    def __init__(self, text: str, code: str) -> None:
        """Keep the code beside the text."""
        super().__init__(text)
        self.code = code


def of_question(status: int, body: bytes, doing: str) -> None:
    """Return if a question was answered; else raise Busy, or Refused where asking again will not help.

    Refused CLOSED-FEE says that Alma does not show a fee because it is closed.
    """
    _at_the_door(status, body)
    if status in OK:
        return
    complaint = trouble(body)
    text = f"HTTP {status} ({complaint}) while {doing}"
    if complaint.bad_key:
        raise Refused(text, scope="system", code="KEY")
    if status == BAD_REQUEST and complaint.closed_fee:
        raise Refused(text, code="CLOSED-FEE")
    if _surely_refused(status, complaint):
        raise Refused(text, code=complaint.codes[0])
    raise Busy(text)


def of_payment(status: int, body: bytes, order: PayOrder) -> AlmaFee:
    """Give the fee if the answer proves the payment: our id with our cents on this very fee.

    Raises Refused or Busy where it surely was not entered; everything else, by default, is Lost.
    """
    _at_the_door(status, body)
    if status in OK:
        return _proved(status, body, order)
    complaint = trouble(body)
    text = f"HTTP {status} ({complaint}) to a payment"
    if _surely_refused(status, complaint):
        raise Refused(text, code=complaint.codes[0])
    raise Lost(text)


def _at_the_door(status: int, body: bytes) -> None:
    """Raise for what is turned away before Alma looks at what was asked."""
    if status in NOT_LET_IN:
        text = f"Alma does not let us in: HTTP {status} ({trouble(body)})"
        raise Refused(text, scope="system", code=str(status))
    if status not in (TOO_MANY, BAD_REQUEST):
        return
    complaint = trouble(body)
    if status == TOO_MANY or (complaint.codes and THRESHOLDS.issuperset(complaint.codes)):
        text = f"too many requests ({complaint})"
        raise TooManyError(text, next(iter(complaint.codes), str(TOO_MANY)))


def _surely_refused(status: int, complaint: Trouble) -> bool:
    return status == BAD_REQUEST and bool(complaint.codes) and REFUSED.issuperset(complaint.codes)


def _proved(status: int, body: bytes, order: PayOrder) -> AlmaFee:
    try:
        fee = one_fee(body).fee
    except UnreadableError as error:
        text = f"HTTP {status} to a payment, with {error}"
        raise Lost(text) from None
    ours = [one for one in fee.transactions if one.external_id == order.external_id and one.cents == order.cents]
    if fee.fee_id != order.fee_id or not ours:
        text = f"HTTP {status} to a payment, and the answer does not hold it"
        raise Lost(text)
    return fee

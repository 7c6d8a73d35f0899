"""Talk to Alma: list a patron's fees, read one fee, pay one fee; three kinds of call and never another."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Self
from urllib.parse import quote, urlencode

from pipeline.adapters.alma_answer import Answered, UnreadableError, list_of_fees, one_fee
from pipeline.adapters.alma_line import AlmaLine, AlmaSettings, not_our_call
from pipeline.adapters.alma_verdict import of_payment, of_question
from pipeline.money import dollars
from pipeline.ports.outside import Busy, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.adapters.pace import Pace
    from pipeline.ports.outside import AlmaFee, PayOrder

__all__ = ["AlmaHttp", "AlmaSettings"]

SHAPES = (
    re.compile(r"GET /almaws/v1/users/[^/?]+/fees\?user_id_type=[^&]+&status=[A-Z]+"),
    re.compile(r"GET /almaws/v1/users/[^/?]+/fees/[0-9A-Za-z_-]+\?user_id_type=[^&]+"),
    re.compile(
        r"POST /almaws/v1/users/[^/?]+/fees/[0-9A-Za-z_-]+\?user_id_type=[^&]+&op=pay&amount=[0-9]+\.[0-9]{2}&.+"
    ),
)
"""The only calls there are.  A key that may read users may do far worse things than these."""

FEE_ID = re.compile(r"(?!all$)[0-9A-Za-z_-]{1,64}", re.ASCII | re.IGNORECASE)
"""``all`` would let Alma choose which fees are paid."""

PATH_DOTS = (".", "..")


class AlmaHttp:
    """AlmaFees over HTTPS, on a ``line`` of its own that others may use too.  Raises as AlmaLine does."""

    def __init__(self, settings: AlmaSettings, pace: Pace) -> None:
        self.line = AlmaLine(settings, pace)

    def __enter__(self) -> Self:
        """Give itself; connections are closed at the end."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the connections."""
        self.line.close()

    @property
    def remaining(self) -> int | None:
        """How many requests Alma says are left for the day, None before she spoke."""
        return self.line.remaining

    def list_fees(self, patron_id: str, patron_id_type: str, status: str) -> Sequence[AlmaFee]:
        """As AlmaFees.  Refused OTHER-PATRON when Alma answers with somebody else's fees."""
        code, body = self.line.ask(SHAPES, f"{_fees_of(patron_id)}?{self._query(patron_id_type, status=status)}")
        of_question(code, body, "listing fees")
        try:
            return self._believed(list_of_fees(body), patron_id, patron_id_type)
        except UnreadableError as error:
            text = f"HTTP {code} to a question, with {error}"
            raise Busy(text) from None

    def get_fee(self, patron_id: str, patron_id_type: str, fee_id: str) -> AlmaFee:
        """As AlmaFees.  Refused CLOSED-FEE when Alma does not show a fee because it is closed."""
        code, body = self.line.ask(SHAPES, f"{_fee_of(patron_id, fee_id)}?{self._query(patron_id_type)}")
        of_question(code, body, "reading a fee")
        try:
            (fee,) = self._believed([one_fee(body)], patron_id, patron_id_type)
        except UnreadableError as error:
            text = f"HTTP {code} to a question, with {error}"
            raise Busy(text) from None
        if fee.fee_id != fee_id:
            text = "Alma answered with another fee than was asked for"
            raise Busy(text)
        return fee

    def pay(self, order: PayOrder) -> AlmaFee:
        """As AlmaFees."""
        self.line.same_institution([order.fee_id])
        query = self._query(
            order.patron_id_type,
            op="pay",
            amount=dollars(order.cents),
            method=order.method,
            comment=order.comment,
            external_transaction_id=order.external_id,
        )
        code, body = self.line.exchange(SHAPES, "POST", f"{_fee_of(order.patron_id, order.fee_id)}?{query}")
        return of_payment(code, body, order)

    def _believed(self, answered: Iterable[Answered], patron_id: str, patron_id_type: str) -> list[AlmaFee]:
        """A primary id comes back with every fee, in any case; other identifiers do not and cannot be compared."""
        given = list(answered)
        others = {one.patron.casefold() for one in given} - {"", patron_id.casefold()}
        if patron_id_type == "userName" and others:
            text = "Alma answered with the fees of another patron"
            raise Refused(text, code="OTHER-PATRON")
        self.line.same_institution(one.fee.fee_id for one in given)
        return [one.fee for one in given]

    def _query(self, patron_id_type: str, **more: str) -> str:
        """The exact type, always: without it another patron's barcode may equal this patron's number."""
        named = self.line.settings.id_types.get(patron_id_type, patron_id_type)
        return urlencode({"user_id_type": named, **more}, quote_via=quote, safe="")


def _fees_of(patron_id: str) -> str:
    if not patron_id or patron_id in PATH_DOTS:
        not_our_call("the patron's id is none")
    return f"/almaws/v1/users/{quote(patron_id, safe='')}/fees"


def _fee_of(patron_id: str, fee_id: str) -> str:
    if FEE_ID.fullmatch(fee_id) is None:
        not_our_call("the fee's id is none that Alma gives")
    return f"{_fees_of(patron_id)}/{fee_id}"

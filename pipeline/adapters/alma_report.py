"""Ask Alma for her fee-transactions report: what was paid and waived in a week, a hundred fees a question."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.adapters.alma_answer import UnreadableError, page_of_fees
from pipeline.adapters.alma_verdict import of_question
from pipeline.ports.outside import Busy, ReportPage

if TYPE_CHECKING:
    from datetime import date

    from pipeline.adapters.alma_line import AlmaLine

PAGE = 100
"""The most fees that one answer holds (Alma API, Retrieve Fine Fee Report: the limit counts fees)."""

SHAPES = (
    re.compile(
        r"GET /almaws/v1/conf/utilities/fee-transactions\?limit=100&offset=[0-9]+"
        r"&transaction_from_date=[0-9]{4}-[0-9]{2}-[0-9]{2}&transaction_to_date=[0-9]{4}-[0-9]{2}-[0-9]{2}"
        r"&transaction_type=PAYMENT"
    ),
)
"""The only call there is; the key that may make it may read the whole configuration."""


class AlmaReport:
    """FeeReport on the line of those who pay: the same pace, the same reserve, the same day's quota."""

    def __init__(self, line: AlmaLine) -> None:
        self._line = line

    def page(self, first: date, last: date, offset: int) -> ReportPage:
        """As FeeReport."""
        query = (
            f"limit={PAGE}&offset={offset}&transaction_from_date={first.isoformat()}"
            f"&transaction_to_date={last.isoformat()}&transaction_type=PAYMENT"
        )
        code, body = self._line.ask(SHAPES, f"/almaws/v1/conf/utilities/fee-transactions?{query}")
        of_question(code, body, "reading the fee-transactions report")
        try:
            answered, total = page_of_fees(body)
        except UnreadableError as error:
            text = f"HTTP {code} to a question, with {error}"
            raise Busy(text) from None
        fees = tuple(one.fee for one in answered)
        self._line.same_institution(one.fee_id for one in fees)
        return ReportPage(fees, total)

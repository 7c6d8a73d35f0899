"""What the bursar's office writes back: PeopleSoft's paid report and rejected lines, and CASHNet's payments."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from pipeline.money import dollars

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipeline.sandbox.accounts import Accounts, Item, Payment
    from pipeline.sandbox.office_inbox import ChargeLine, OpenItem

PAID_COLUMNS = (
    "Emplid",
    "Date Paid",
    "Reference Number",
    "Charge Amount",
    "Paid Amount",
    "Item Type",
    "Charge Description",
)
"""Arizona State's daily report, as public code reads it."""

ERROR_COLUMNS = ("GROUP_ID_SF", "LINE", "EMPLID", "ITEM_TYPE", "STRM", "ITEM_AMT", "REF1_DESCR", "MESSAGE")
PAYMENT_COLUMNS = (
    *("RECTYPE", "BATCHNO", "TX", "LINE", "TRANSTYPE", "STATUS", "BUSDATE", "TXDATETIME", "MERCHANT"),
    *("STATION", "OPERATOR", "CUSTCODE", "LNAME", "FNAME", "PMTCODE", "PMTTYPE", "CCTYPE", "ITEMCODE"),
    *("DESC", "QTY", "AMOUNT", "GL", "REF1TYPE", "REF1VAL", "REF2TYPE", "REF2VAL", "ORIGTX"),
)
CONVENIENCE_FEE = "CONVFEE"
TENDERS = {"CC": ("Credit Card", "VISA"), "ACHWEB": ("ACH", "")}


def paid_report(accounts: Accounts) -> bytes:
    """Write every payment there ever was, and after them each charge nobody has paid, with 0.00 paid.

    A charge that was reversed whole shows 0.00 charged.  The same books give the same bytes on any day.
    """
    rows = [
        _paid_row(accounts.items[payment.reference], payment.on, payment.cents)
        for payment in accounts.payments
        if payment.system == "peoplesoft"
    ]
    paid = {payment.reference for payment in accounts.payments}
    unpaid = [item for reference, item in sorted(accounts.items.items()) if reference not in paid]
    return _csv([PAID_COLUMNS, *rows, *(_paid_row(item, item.effective, 0) for item in unpaid)])


def _paid_row(item: Item, on: str, cents: int) -> tuple[str, ...]:
    charge = dollars(item.charged - item.reversed)
    return (item.emplid, _american(on), item.reference, charge, dollars(cents), item.item_type, "Library charge")


def rejected_lines(group: int, faults: Iterable[tuple[ChargeLine, str]]) -> bytes:
    """Write the lines of one group that did not post, each with PeopleSoft's message."""
    rows = [
        (
            f"{group:015d}",
            str(line.number),
            line.emplid,
            line.item_type,
            line.term,
            dollars(line.cents),
            line.reference,
            message,
        )
        for line, message in faults
    ]
    return _csv([ERROR_COLUMNS, *rows])


def payments_file(payments: Sequence[Payment], items: Mapping[str, OpenItem], batch: int) -> bytes:
    """Write CASHNet's payments: one row per line of a transaction, and a trailer with their count and closed sum.

    The first card transaction also carries CASHNet's convenience fee: 2.75 percent, under no reference of ours.
    """
    bearer, fee = _convenience(payments)
    rows = []
    for payment in payments:
        rows.append(_payment_row(payment, items[payment.reference], batch))
        if payment is bearer:
            rows.append(_convenience_row(payment, items[payment.reference], batch, fee))
    total = sum(payment.cents for payment in payments) + fee
    return _csv([PAYMENT_COLUMNS, *rows, ("T", str(len(rows)), dollars(total))])


def _convenience(payments: Sequence[Payment]) -> tuple[Payment | None, int]:
    """Find the line the fee comes after, the last of the first card sale, and how many cents it is."""
    cards = [payment for payment in payments if payment.method == "CC" and payment.cents > 0]
    first = [payment for payment in cards if payment.transaction == cards[0].transaction]
    if not first:
        return None, 0
    return first[-1], (sum(payment.cents for payment in first) * 275 + 5_000) // 10_000


def _payment_row(payment: Payment, item: OpenItem, batch: int) -> tuple[str, ...]:
    what = (item.item_code, "", "1", dollars(payment.cents), "4-123456-LB")
    undone = str(payment.undoes) if payment.undoes else ""
    return (*_transaction(payment, item, batch, payment.line), *what, "ALMA_FEE_ID", payment.reference, "", "", undone)


def _convenience_row(payment: Payment, item: OpenItem, batch: int, cents: int) -> tuple[str, ...]:
    what = (CONVENIENCE_FEE, "Convenience fee", "1", dollars(cents), "4-123456-LB")
    return (*_transaction(payment, item, batch, payment.line + 1), *what, "", "", "", "", "")


def _transaction(payment: Payment, item: OpenItem, batch: int, line: int) -> tuple[str, ...]:
    kind = "SALE" if payment.cents > 0 else "REFUND"
    tender, card = TENDERS.get(payment.method, (payment.method, ""))
    when = (_short(payment.on), f"{payment.on}T14:03:22-05:00")
    who = (item.custcode, item.last_name, item.first_name)
    return (
        *("D", str(batch), str(payment.transaction), str(line), kind, "CLOSED", *when, "LIBRARY", "WEB", "LIBWEB"),
        *(*who, payment.method, tender, card),
    )


def _american(day: str) -> str:
    year, month, number = day.split("-")
    return f"{month}/{number}/{year}"


def _short(day: str) -> str:
    year, month, number = day.split("-")
    return f"{int(month)}/{int(number)}/{year}"


def _csv(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8")

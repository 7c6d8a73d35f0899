"""Five golden nights of the sample campus: what the bursar got, file by file, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.nights import Nights

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GUEST = {"patron_id_type": "userName", "patron_id": "guest@example.edu"}
FIRST = (
    {"fee_id": "1001", "amount_text": "12.5"},
    {"fee_id": "1002", "amount_text": "300", "fee_type": "LOSTITEMREPLACEMENTFEE"},
    {"fee_id": "1003", "amount_text": "0.82", "patron_id": "000000042", "fee_type": "RECALLEDOVERDUEFINE"},
    {**GUEST, "fee_id": "1004", "amount_text": "65", "fee_type": "OTHER", "barcode": "", "owner": "LAW"},
    {**GUEST, "fee_id": "1005", "amount_text": "7.5", "fee_time": "02/23/2025 11:44:33 EST"},
    {"fee_id": "1006", "fee_type": "CREDIT", "amount_text": "-3.25"},
    {**GUEST, "fee_id": "1007", "fee_type": "NEW_TYPE", "amount_text": "14"},
)
SECOND = ({"fee_id": "2001", "amount_text": "5"}, {**GUEST, "fee_id": "2002", "amount_text": "1.45"}, FIRST[0])
PAID = (
    "Emplid,Date Paid,Reference Number,Charge Amount,Paid Amount,Item Type,Charge Description\n"
    "001234567,01/05/2026,1001,12.50,12.50,300000007000,Overdue fine\n"
    "001234567,01/05/2026,1002,300.00,0.00,300000007002,Lost item replacement\n"
)
TAKEN = (
    "RECTYPE,BATCHNO,TX,LINE,TRANSTYPE,STATUS,BUSDATE,CUSTCODE,PMTCODE,ITEMCODE,AMOUNT,REF1TYPE,REF1VAL,ORIGTX\r\n"
    "D,12,771,1,SALE,CLOSED,1/6/2026,guest@example.edu,CC,LIB-OTHER,25.00,ALMA_FEE_ID,1004,\r\n"
    "D,12,771,2,SALE,CLOSED,1/6/2026,guest@example.edu,CC,CONVFEE,0.71,,,\r\n"
    "D,12,772,1,SALE,CANCELLED,1/6/2026,guest@example.edu,CC,LIB-OVERDUE,7.50,ALMA_FEE_ID,1005,\r\n"
    "T,3,25.71\r\n"
)
NEW_LINE = """
[fee_types]
NEW_TYPE = { label = "New local fee", codes = { cashnet = { item_code = "LIB-NEW" } } }
"""


def told(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Live five nights below ``folder``; give each file the bursar got, by night and name, and what each night said."""
    nights = Nights(folder)
    nights.exported("BURSAR-1-1.xml", *FIRST)
    yield from _night(nights, 1)
    nights.exported("BURSAR-2-2.xml", *SECOND, number="101")
    nights.drop("peoplesoft/out", "LIBRARY_PAID_20260105.csv", PAID)
    yield from _night(nights, 2)
    nights.drop("cashnet/out", "CASHNET_PAYMENTS_20260106.csv", TAKEN)
    nights.drop("peoplesoft/out", "LIBRARY_PAID_20260106.csv", PAID)
    yield from _night(nights, 3)
    nights.say(NEW_LINE)
    yield from _night(nights, 4)
    yield from _night(nights, 5)


def _night(nights: Nights, day: int) -> Iterator[tuple[str, bytes]]:
    before = {place: set(nights.delivered(place)) for place in ("peoplesoft/in", "cashnet/in")}
    night = nights.night(day)
    boxes = {
        f"{table} {box}": len(rows)
        for table, work in night.desks.items()
        for box in work.boxes
        if (rows := work.box(box)) is not None
    }
    lines = [f"exit {night.exit_code}", *(f"{box} {count}" for box, count in boxes.items())]
    lines += [f"paid {order.fee_id} {order.cents} {order.external_id}" for order in nights.alma.applied]
    yield f"{day}/night.txt", "\n".join([*lines, ""]).encode()
    for place, names in before.items():
        for name in sorted(set(nights.delivered(place)) - names):
            path = nights.folder / "exchange" / "bursar" / place / name
            yield f"{day}/{place.replace('/', '-')}/{name}", path.read_bytes()

"""The golden nights of each way: what the bursar got, file by file, byte for byte, and what each night wrote down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.nights import Nights
from tests.reports import Reported

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
IN_PARTS = (
    "Emplid,Date Paid,Reference Number,Charge Amount,Paid Amount,Item Type,Charge Description\n"
    "001234567,01/05/2026,1001,12.50,12.00,300000007000,Overdue fine\n"
    "001234567,01/06/2026,1001,12.50,0.50,300000007000,Overdue fine\n"
    "001234567,01/05/2026,1002,300.00,100.00,300000007002,Lost item replacement\n"
)
TAKEN = (
    "RECTYPE,BATCHNO,TX,LINE,TRANSTYPE,STATUS,BUSDATE,CUSTCODE,PMTCODE,ITEMCODE,AMOUNT,REF1TYPE,REF1VAL,ORIGTX\r\n"
    "D,12,771,1,SALE,CLOSED,1/6/2026,guest@example.edu,CC,LIB-OTHER,25.00,ALMA_FEE_ID,1004,\r\n"
    "D,12,771,2,SALE,CLOSED,1/6/2026,guest@example.edu,CC,CONVFEE,0.71,,,\r\n"
    "D,12,772,1,SALE,CANCELLED,1/6/2026,guest@example.edu,CC,LIB-OVERDUE,7.50,ALMA_FEE_ID,1005,\r\n"
    "T,3,25.71\r\n"
)
WRITTEN = ("manifest.json", "run_sheet.html")
"""What a night writes down for people, besides its report."""

NEW_LINE = """
[fee_types]
NEW_TYPE = { label = "New local fee", codes = { cashnet = { item_code = "LIB-NEW" } } }
"""


RETURNED = {"fee_id": "3001", "fee_type": "CREDIT", "amount_text": "-300", "barcode": "039080036507799"}
LOST = {"fee_id": "3000", "fee_type": "LOSTITEMREPLACEMENTFEE", "amount_text": "300", "barcode": "039080036507799"}


def told(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Live the nights of every way below ``folder``; give each file the bursar got, and what each night wrote down."""
    stories = {"export": _export, "import_file": _import_file, "two_way": _two_way, "portal": _portal}
    for way, story in stories.items():
        yield from ((f"{way}/{name}", content) for name, content in story(folder / way))


def _export(folder: Path) -> Iterator[tuple[str, bytes]]:
    nights = Nights(folder)
    nights.exported("BURSAR-1-1.xml", *FIRST)
    yield from _night(nights, 1)
    nights.exported("BURSAR-2-2.xml", *SECOND, LOST, number="101")
    nights.drop("peoplesoft/out", "LIBRARY_PAID_20260105.csv", PAID)
    yield from _night(nights, 2)
    nights.drop("cashnet/out", "CASHNET_PAYMENTS_20260106.csv", TAKEN)
    nights.drop("peoplesoft/out", "LIBRARY_PAID_20260106.csv", PAID)
    nights.exported("BURSAR-3-3.xml", RETURNED, number="102")
    yield from _night(nights, 3)
    nights.say(NEW_LINE)
    nights.exported("BURSAR-1-1_again.xml", *FIRST)
    yield from _night(nights, 4)
    nights.exported("BURSAR-4-4.xml", number="103")
    yield from _night(nights, 5)


def _import_file(folder: Path) -> Iterator[tuple[str, bytes]]:
    nights = Nights(folder, way="import_file")
    inbox = folder / "exchange" / "alma" / "import"
    inbox.mkdir()
    nights.exported("BURSAR-1-1.xml", *FIRST)
    yield from _night(nights, 1)
    nights.drop("peoplesoft/out", "LIBRARY_PAID_20260105.csv", IN_PARTS)
    nights.drop("cashnet/out", "CASHNET_PAYMENTS_20260106.csv", TAKEN)
    yield from _night(nights, 2)
    (file,) = inbox.iterdir()
    yield f"2/alma-import/{file.name}", file.read_bytes()
    for fee_id, amount in (("1001", 1250), ("1002", 10000), ("1004", 2500)):
        nights.alma.pay_by_hand(f"F{fee_id}", amount, "PAYMENT_IMPORTED")
    yield from _night(nights, 3)


def _two_way(folder: Path) -> Iterator[tuple[str, bytes]]:
    nights = Reported(folder, "two_way")
    nights.owes("1001", 1250)
    nights.owes("1002", 30000, label="Lost item replacement fee", day="2026-01-03")
    nights.owes("1003", 82, patron="guest@example.edu")
    nights.owes("1004", 500, patron="000000042", label="An odd fee")
    yield from _reported(nights, 1)
    nights.raised("1001", 250)
    nights.owes("1005", 6500, patron="000000042", label="Other")
    nights.drop("peoplesoft/out", "LIBRARY_PAID_20260105.csv", PAID)
    yield from _reported(nights, 2)
    yield from _reported(nights, 3, name="again.csv")
    nights.raised("1001", 250)
    nights.owes("1006", 1500, patron="000000042", label="Damaged item fine")
    yield from _reported(nights, 4)
    yield from _reported(nights, 5, days_old=2, hide=("1003",))
    yield from _reported(nights, 6, hide=("1002",))
    nights.left("nothing.csv", nights.written().splitlines()[0] + "\r\n")
    yield from _night(nights, 7)


def _portal(folder: Path) -> Iterator[tuple[str, bytes]]:
    nights = Reported(folder, "portal")
    nights.owes("1004", 6500, patron="guest@example.edu", label="Other", owner="LAW")
    nights.owes("1005", 750, patron="guest@example.edu", day="2025-02-23")
    nights.owes("1006", 1250, barcode="039080036507785")
    nights.owes("1007", 30000, label="Lost item replacement fee")
    nights.owes("1009", 45000, label="Lost item replacement fee", patron="000000042")
    yield from _reported(nights, 1)
    nights.waived("1006", 250)
    nights.raised("1005", 100)
    nights.drop("cashnet/out", "CASHNET_PAYMENTS_20260106.csv", TAKEN)
    yield from _reported(nights, 2)
    nights.waived("1007", 30000)
    nights.owes("1008", 145, patron="000000042")
    yield from _reported(nights, 3, hide=("1005",))
    yield from _reported(nights, 4, days_old=2)
    yield from _reported(nights, 5, name="again.csv")
    nights.left("nothing.csv", nights.written().splitlines()[0] + "\r\n")
    yield from _night(nights, 6)
    yield from _reported(nights, 7)


def _reported(
    nights: Reported, day: int, *, name: str = "", days_old: int = 0, hide: tuple[str, ...] = ()
) -> Iterator[tuple[str, bytes]]:
    nights.report(name or f"fines-{day}.csv", days_old=days_old, hide=hide)
    yield from _night(nights, day)


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
    lines += [f"{one.code} {one.subject}" for one in night.findings]
    lines += [f"paid {order.fee_id} {order.cents} {order.external_id}" for order in nights.alma.applied]
    yield f"{day}/night.txt", "\n".join([*lines, ""]).encode()
    for name in WRITTEN:
        if (night.folder / name).exists():
            yield f"{day}/{name}", (night.folder / name).read_bytes()
    for place, names in before.items():
        for name in sorted(set(nights.delivered(place)) - names):
            path = nights.folder / "exchange" / "bursar" / place / name
            yield f"{day}/{place.replace('/', '-')}/{name}", path.read_bytes()

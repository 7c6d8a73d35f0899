from __future__ import annotations

import csv
import io
from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sandbox.accounts import NoSuchItemError, first_payments
from pipeline.sandbox.office import Office
from pipeline.sandbox.office_inbox import COLUMNS

if TYPE_CHECKING:
    from pathlib import Path

DAY = date(2026, 3, 2)
NEXT = date(2026, 3, 3)
ANA, BOB = "001234567", "004512345"
Charge = tuple[str, str, int]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path / "sftp", tmp_path / "office.json", seed=1)


def money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def detail(
    emplid: str, reference: str, cents: int, flag: str = "N", item_type: str = "300000006919", term: str = "2262"
) -> str:
    due = "04012026" if flag == "N" else " " * 8
    return f"{emplid:<11} {item_type:<12}     {term:<4} {money(cents):0>15} {flag} {reference:<30} 03022026 {due}"


def charge_file(details: list[str], *, count: int | None = None, cents: int | None = None) -> bytes:
    summed = sum(int(line[34:49].replace(".", "")) for line in details)
    total = money(summed if cents is None else cents)
    header = f"{len(details) if count is None else count:010d} {total:0>16} 00041 USD".ljust(100)
    return "".join(f"{line}\n" for line in [header, *details]).encode("ascii")


def charges(*rows: Charge) -> bytes:
    return charge_file([detail(*row) for row in rows])


def snapshot(*rows: Charge, **changed: str) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for custcode, reference, cents in rows:
        row = dict.fromkeys(COLUMNS, "") | {
            "CUSTCODE": custcode,
            "LNAME": "O'Neil",
            "FNAME": "Ana",
            "ITEMCODE": "LIB-OVERDUE",
        }
        row |= {
            "DESC": "Overdue fine 39001",
            "AMOUNT": money(cents),
            "EFFDATE": "03/02/2026",
            "REF1TYPE": "ALMA_FEE_ID",
        }
        writer.writerow((row | {"REF1VAL": reference} | changed).values())
    return text.getvalue().encode("utf-8")


def deliver(office: Office, system: str, name: str, body: bytes) -> None:
    (office.root / system / "in" / name).write_bytes(body)


def rows_of(path: Path) -> list[list[str]]:
    assert path.read_bytes().endswith(b"\r\n")
    return list(csv.reader(io.StringIO(path.read_text("utf-8"))))


def refusal(office: Office, system: str, name: str, body: bytes) -> str:
    deliver(office, system, name, body)
    (receipt,) = office.pick_up()
    folder = office.root / system / ("refused" if receipt.refused else "loaded")
    assert max(path.name for path in folder.iterdir()).endswith(name)
    assert list((office.root / system / "in").iterdir()) == []
    return receipt.refused


def test_a_charge_file_is_posted_to_the_account_of_each_reference(office: Office) -> None:
    deliver(office, "peoplesoft", "LIB_charges_20260302_0001.dat", charges((ANA, "R1", 1250), (BOB, "R2", 100)))
    (receipt,) = office.pick_up()
    assert (receipt.refused, receipt.rejected_lines) == ("", 0)
    assert office.accounts.owed("peoplesoft") == {"R1": 1250, "R2": 100}
    assert [item.times for item in office.accounts.items.values()] == [1, 1]


def test_a_debt_charged_twice_shows_in_the_books(office: Office) -> None:
    for number in (1, 2):
        body = charges((ANA, "R1", 1250), (BOB, f"S{number}", 100))
        deliver(office, "peoplesoft", f"LIB_charges_20260302_000{number}.dat", body)
    office.pick_up()
    assert (office.accounts.items["R1"].times, office.accounts.owed("peoplesoft")["R1"]) == (2, 2500)


def test_a_reference_belongs_to_one_person_for_ever(office: Office) -> None:
    deliver(office, "peoplesoft", "LIB_charges_20260302_0001.dat", charges((ANA, "R1", 1250), (BOB, "R1", 1250)))
    (receipt,) = office.pick_up()
    errors = rows_of(office.root / "peoplesoft/rejects/LIB_ERRORS_000000000000001.csv")
    assert (receipt.rejected_lines, errors[1][2], errors[1][7]) == (1, BOB, "Cannot post this charge")
    assert office.accounts.owed("peoplesoft") == {"R1": 1250}


def test_a_reversal_takes_its_charge_back_and_nothing_else_can(office: Office) -> None:
    deliver(office, "peoplesoft", "LIB_charges_20260302_0001.dat", charges((ANA, "R1", 1250)))
    lines = [
        detail(ANA, "R1", 1250, "Y"),
        detail(BOB, "R1", 1250, "Y"),
        detail(ANA, "R9", 5, "Y"),
        detail(ANA, "R1", 1, "Y"),
    ]
    deliver(office, "peoplesoft", "LIB_reversals_20260302_0002.dat", charge_file(lines))
    _, receipt = office.pick_up()
    errors = rows_of(office.root / "peoplesoft/rejects/LIB_ERRORS_000000000000002.csv")
    assert receipt.rejected_lines == 3
    assert office.accounts.owed("peoplesoft") == {}
    assert errors[0] == ["GROUP_ID_SF", "LINE", "EMPLID", "ITEM_TYPE", "STRM", "ITEM_AMT", "REF1_DESCR", "MESSAGE"]
    assert [(row[1], row[7]) for row in errors[1:]] == [(n, "Cannot reverse this charge") for n in ("2", "3", "4")]


def test_lines_that_cannot_post_are_written_back_and_the_others_post(office: Office) -> None:
    lines = [
        detail("A01234567", "R1", 1250),
        detail(ANA, "R2", 100, item_type="ABC"),
        detail(ANA, "R3", 100, term="SPR"),
        detail(ANA, "R4", 750, term=""),
    ]
    deliver(office, "peoplesoft", "LIB_charges_20260302_0001.dat", charge_file(lines))
    office.pick_up()
    errors = rows_of(office.root / "peoplesoft/rejects/LIB_ERRORS_000000000000001.csv")
    told = ["Invalid Employee ID", "Invalid Item Type", "Invalid Term"]
    assert [row[7] for row in errors[1:]] == told
    assert errors[1] == ["000000000000001", "1", "A01234567", "300000006919", "2262", "12.50", "R1", told[0]]
    assert office.accounts.owed("peoplesoft") == {"R4": 750}


GOOD = [detail(ANA, "R1", 1250), detail(BOB, "R2", 100)]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (charge_file(GOOD, count=3), "counts"),
        (charge_file(GOOD, cents=1351), "total"),
        (charge_file([GOOD[0], detail(BOB, "R2", 100, "Y")]), "mixed"),
        (charge_file(GOOD)[:-1], "LF"),
        (charge_file(GOOD).replace(b"\n", b"\r\n"), "LF"),
        (charge_file([GOOD[0] + " "]), "100 bytes"),
        (charge_file([GOOD[0][:11] + "x" + GOOD[0][12:]]), "between the fields"),
        (charge_file([GOOD[0].replace("03022026", "13022026")]), "not a date"),
        (charge_file([detail(ANA, "", 1250)]), "no reference"),
        (charge_file([detail(ANA, "R1", 0)]), "no amount"),
        (charge_file(GOOD).replace(b"R1", "é".encode()), "ASCII"),
        (charge_file(GOOD).replace(b"0000000000", b"0000000x00"), ""),
        (b"", "LF"),
    ],
    ids=range(13),
)
def test_a_charge_file_that_does_not_add_up_is_refused_whole(office: Office, body: bytes, why: str) -> None:
    told = refusal(office, "peoplesoft", "LIB_charges_20260302_0001.dat", body)
    assert told
    assert why in told
    assert office.accounts.items == {}


def test_a_file_seen_before_and_a_name_used_again_are_refused(office: Office) -> None:
    first, second = charges((ANA, "R1", 1250)), charges((ANA, "R1", 1251))
    assert refusal(office, "peoplesoft", "LIB_charges_20260302_0001.dat", first) == ""
    assert "same content" in refusal(office, "peoplesoft", "LIB_charges_20260302_0002.dat", first)
    assert "of this name" in refusal(office, "peoplesoft", "LIB_charges_20260302_0001.dat", second)
    assert "the name" in refusal(office, "peoplesoft", "charges.dat", second)
    assert refusal(office, "peoplesoft", "LIB_charges_20260302_0003.dat", second) == ""


def test_a_file_on_its_way_is_left_alone_and_a_taken_one_is_found(office: Office) -> None:
    deliver(office, "peoplesoft", ".abc.part", b"half")
    (office.root / "peoplesoft/taken/LIB_charges_20260302_0001.dat").write_bytes(charges((ANA, "R1", 1250)))
    assert [receipt.name for receipt in office.pick_up()] == ["LIB_charges_20260302_0001.dat"]
    assert [path.name for path in (office.root / "peoplesoft/in").iterdir()] == [".abc.part"]


def test_a_snapshot_replaces_what_was_open(office: Office) -> None:
    assert (
        refusal(
            office, "cashnet", "LIBFINES_OPENITEMS_20260302_0001.csv", snapshot((ANA, "R1", 1250), ("guest", "R2", 100))
        )
        == ""
    )
    assert refusal(office, "cashnet", "LIBFINES_OPENITEMS_20260303_0002.csv", snapshot((ANA, "R1", 1000))) == ""
    assert office.accounts.owed("cashnet") == {"R1": 1000}
    older = snapshot((ANA, "R1", 1250))
    assert "newer" in refusal(office, "cashnet", "LIBFINES_OPENITEMS_20260302_0003.csv", older)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (snapshot((ANA, "R1", 1250), (ANA, "R1", 1)), "twice"),
        (snapshot((ANA, "R1", 1250), AMOUNT="12.5"), "not an amount"),
        (snapshot((ANA, "R1", 1250), AMOUNT="0.00"), "no amount"),
        (snapshot((ANA, "R1", 1250), ITEMCODE="LIB-OVERDUE-1"), "ITEMCODE"),
        (snapshot((ANA, "R1", 1250), CUSTCODE=""), "CUSTCODE"),
        (snapshot((ANA, "R1", 1250), EFFDATE="2026-03-02"), "not a date"),
        (snapshot((ANA, "R1", 1250), REF1TYPE="OTHER"), "no fee id"),
        (snapshot((ANA, "R1", 1250)).replace(b"\r\n", b"\n"), "CRLF"),
        (snapshot((ANA, "R1", 1250)).replace(b"CUSTCODE", b"CUST"), "columns"),
        (snapshot((ANA, "R1", 1250)) + b"a,b\r\n", "2 columns"),
        (snapshot((ANA, "R1", 1250)) + b'"a\r\n', "CSV"),
        (snapshot((ANA, "R1", 1250)).replace(b"Ana", b"\xff"), "UTF-8"),
    ],
    ids=range(12),
)
def test_a_snapshot_with_one_wrong_row_is_refused_whole(office: Office, body: bytes, why: str) -> None:
    assert why in refusal(office, "cashnet", "LIBFINES_OPENITEMS_20260302_0001.csv", body)
    assert office.accounts.open_items == {}


def busy(office: Office) -> None:
    """Deliver nine debts to each system."""
    deliver(
        office, "peoplesoft", "LIB_charges_20260302_0001.dat", charges(*((ANA, f"P{n}", 1000 + n) for n in range(9)))
    )
    rows = ((ANA if n % 2 else "guest", f"C{n}", 2000 + n) for n in range(9))
    deliver(office, "cashnet", "LIBFINES_OPENITEMS_20260302_0001.csv", snapshot(*rows))


def test_on_the_first_day_a_third_pays_in_full_one_by_half_and_the_rest_never(office: Office) -> None:
    busy(office)
    day = office.business_day(DAY)
    for system in ("peoplesoft", "cashnet"):
        assert len([payment for payment in day.payments if payment.system == system]) == 4
    assert {payment.on for payment in day.payments} == {"2026-03-02"}
    assert all(item.owed >= 0 for item in office.accounts.items.values())
    assert len(office.accounts.owed("cashnet")) == 6
    assert office.business_day(NEXT).payments == ()


@given(
    owed=st.dictionaries(st.text("0123456789", min_size=1, max_size=6), st.integers(1, 10_000), max_size=12),
    seed=st.integers(),
)
def test_nobody_pays_more_than_they_owe_and_something_always_stays_open(owed: dict[str, int], seed: int) -> None:
    paid = dict(first_payments(owed, seed))
    assert all(0 < cents <= owed[reference] for reference, cents in paid.items())
    assert paid == dict(first_payments(dict(reversed(owed.items())), seed))
    assert not owed or sum(paid.values()) < sum(owed.values())
    assert paid or len(owed) < 3


def test_the_paid_report_is_the_whole_history_with_the_unpaid_at_zero_and_the_same_every_day(office: Office) -> None:
    busy(office)
    office.business_day(DAY)
    office.business_day(NEXT)
    first, second = (office.root / f"peoplesoft/out/LIBRARY_PAID_{day:%Y%m%d}.csv" for day in (DAY, NEXT))
    header, *rows = rows_of(first)
    assert first.read_bytes() == second.read_bytes()
    assert (
        ",".join(header) == "Emplid,Date Paid,Reference Number,Charge Amount,Paid Amount,Item Type,Charge Description"
    )
    assert len(rows) == 9
    assert [row[4] for row in rows].count("0.00") == 5
    paid = sum(payment.cents for payment in office.accounts.payments if payment.system == "peoplesoft")
    assert sum(int(row[4].replace(".", "")) for row in rows) == paid
    assert rows[0][:2] == [ANA, "03/02/2026"]


def test_a_charge_reversed_whole_stands_in_the_report_at_zero(office: Office) -> None:
    deliver(office, "peoplesoft", "LIB_charges_20260302_0001.dat", charges((ANA, "R1", 1250), (ANA, "R2", 1)))
    deliver(office, "peoplesoft", "LIB_reversals_20260302_0002.dat", charge_file([detail(ANA, "R1", 1250, "Y")]))
    office.business_day(DAY)
    rows = rows_of(office.root / "peoplesoft/out/LIBRARY_PAID_20260302.csv")
    assert [ANA, "03/02/2026", "R1", "0.00", "0.00", "300000006919", "Library charge"] in rows


def test_the_payments_file_has_one_convenience_fee_and_a_trailer_that_adds_up(office: Office) -> None:
    busy(office)
    office.business_day(DAY)
    header, *lines, trailer = rows_of(office.root / "cashnet/out/CASHNET_PAYMENTS_20260302_01.csv")
    rows = [dict(zip(header, line, strict=True)) for line in lines]
    fees = [row for row in rows if row["ITEMCODE"] == "CONVFEE"]
    sales = [row for row in rows if row["REF1TYPE"] == "ALMA_FEE_ID"]
    numbers = [int(row["TX"]) for row in rows]
    total = sum(int(row["AMOUNT"].replace(".", "")) for row in rows)
    assert (len(fees), len(sales)) == (1, 4)
    assert fees[0]["REF1VAL"] == ""
    assert trailer == ["T", "5", money(total)]
    assert {(row["TRANSTYPE"], row["STATUS"], row["BUSDATE"]) for row in rows} == {("SALE", "CLOSED", "3/2/2026")}
    assert numbers == sorted(numbers)
    assert len({(row["TX"], row["LINE"]) for row in rows}) == 5
    assert {row["CUSTCODE"] for row in rows if row["TX"] == fees[0]["TX"]} == {fees[0]["CUSTCODE"]}


def test_a_day_without_new_payments_writes_no_payments_file(office: Office) -> None:
    busy(office)
    office.business_day(DAY)
    office.business_day(NEXT)
    assert [path.name for path in (office.root / "cashnet/out").iterdir()] == ["CASHNET_PAYMENTS_20260302_01.csv"]


def test_patrons_pay_and_get_back_when_asked_and_the_next_file_says_so(office: Office) -> None:
    busy(office)
    office.business_day(DAY)
    left = next(iter(office.accounts.owed("cashnet")))
    paid = office.accounts.pay("cashnet", left, 100, NEXT, "ACHWEB")
    office.accounts.refund(paid, NEXT)
    for _ in range(2):
        office.accounts.pay("peoplesoft", "P0", 100, NEXT)
    office.business_day(NEXT)
    header, *lines, trailer = rows_of(office.root / "cashnet/out/CASHNET_PAYMENTS_20260303_01.csv")
    rows = [dict(zip(header, line, strict=True)) for line in lines]
    told = [(row["TRANSTYPE"], row["AMOUNT"], row["PMTCODE"], row["ORIGTX"]) for row in rows]
    assert told == [("SALE", "1.00", "ACHWEB", ""), ("REFUND", "-1.00", "ACHWEB", rows[0]["TX"])]
    assert trailer == ["T", "2", "0.00"]
    twice = [row for row in rows_of(office.root / "peoplesoft/out/LIBRARY_PAID_20260303.csv") if row[4] == "1.00"]
    assert len(twice) == 2
    assert twice[0] == twice[1]
    office.accounts.pay("cashnet", left, 50, NEXT)
    assert [path.name for path in office.business_day(NEXT).written][-1] == "CASHNET_PAYMENTS_20260303_02.csv"


def test_nobody_can_pay_what_was_never_owed(office: Office) -> None:
    busy(office)
    office.business_day(DAY)
    before = list(office.accounts.payments)
    with pytest.raises(NoSuchItemError, match="X9"):
        office.accounts.pay_together("cashnet", [("C1", 1), ("X9", 1)], NEXT)
    assert office.accounts.payments == before


def test_the_office_goes_on_where_it_stopped(office: Office, tmp_path: Path) -> None:
    busy(office)
    office.business_day(DAY)
    again = Office(tmp_path / "sftp", tmp_path / "office.json", seed=1)
    assert again.accounts == office.accounts
    assert again.receipts == office.receipts
    assert "same content" in refusal(
        again, "peoplesoft", "LIB_charges_20260303_0002.dat", charges(*((ANA, f"P{n}", 1000 + n) for n in range(9)))
    )
    assert again.business_day(NEXT).payments == ()
    number = again.accounts.pay("cashnet", "C1", 1, NEXT).transaction
    assert number > max(payment.transaction for payment in office.accounts.payments)

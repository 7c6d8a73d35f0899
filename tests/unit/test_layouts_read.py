from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pipeline.layouts import layout as layouts
from pipeline.layouts.load import from_table
from pipeline.money import Tally
from tests.unit.layout_rows import GOLDEN, PAYMENT_HEADINGS, SALE, column, table, texts

if TYPE_CHECKING:
    from pathlib import Path

POST = layouts.load("peoplesoft/default")
ITEMS = layouts.load("cashnet/open_items")
MONEY = layouts.load("cashnet/payments")
PAID = layouts.load("peoplesoft/paid")


def paid(
    folder: Path, *lines: str, headings: str = "Emplid,Date Paid,Reference Number,Paid Amount"
) -> layouts.Returned:
    path = folder / "paid.csv"
    path.write_bytes("".join(f"{line}\n" for line in (headings, *lines)).encode())
    returned = layouts.read(PAID, path)
    assert layouts.count(PAID, path) == Tally(len(returned.rows), int(returned.rows["amount_cents"].sum()))
    return returned


def money(folder: Path, *lines: str, headings: str = PAYMENT_HEADINGS, trailer: str = "") -> layouts.Returned:
    path = folder / "payments.csv"
    path.write_bytes("".join(f"{line}\r\n" for line in (headings, *lines, trailer or f"T,{len(lines)},0.00")).encode())
    returned = layouts.read(MONEY, path)
    assert layouts.count(MONEY, path) == Tally(len(returned.rows), int(returned.rows["amount_cents"].sum()))
    return returned


def test_a_cashnet_file_reads_as_lines_of_money() -> None:
    returned = layouts.read(MONEY, GOLDEN / "cashnet/payments/payments.csv")
    said = texts(returned.rows, "line", "payment_ref", "payment_line", "kind", "amount_cents", "occurred_on", "status")
    assert said == [
        (2, "50001", "1", "sale", 6000, "2026-01-07", "CLOSED"),
        (3, "50001", "2", "sale", 165, "2026-01-07", "CLOSED"),
        (4, "50002", "1", "sale", 1250, "2026-01-07", "CLOSED"),
        (5, "50003", "1", "other", 0, "2026-01-07", "CANCELLED"),
        (6, "50004", "1", "void", -50000, "2026-01-07", "VOID"),
        (7, "50005", "1", "refund", -1250, "2026-01-07", "CLOSED"),
        (8, "50006", "1", "reversal", -200, "2026-01-07", "CLOSED"),
        (9, "50007", "1", "adjustment", 300, "2026-01-07", "CLOSED"),
        (10, "50008", "1", "adjustment", -50, "2026-01-07", "CLOSED"),
        (11, "50009", "1", "other", 0, "2026-01-07", "MEMO"),
        (12, "50010", "1", "other", 0, "2026-01-07", "NOSALE"),
    ]
    assert texts(returned.rows.head(3), "fee_ref", "patron_id", "item_code", "method") == [
        ("2345678901250001121", "000000042", "LIB-LOST", "CC"),
        ("", "000000042", "CONVFEE", "CC"),
        ("2345678901230001121", "001234567", "LIB-OVERDUE", "ACHWEB"),
    ]
    assert set(returned.rows["unreadable"]) == {""}
    assert returned.control == Tally(11, 6215)
    assert layouts.count(MONEY, GOLDEN / "cashnet/payments/payments.csv") == Tally(11, -43785)


def test_a_cumulative_paid_report_keeps_equal_rows_zeros_and_what_was_taken_back() -> None:
    returned = layouts.read(PAID, GOLDEN / "peoplesoft/paid/paid.csv")
    assert texts(returned.rows, "line", "patron_id", "fee_ref", "kind", "amount_cents", "occurred_on") == [
        (2, "004512345", "13158640000101234", "sale", 11500, "2026-01-26"),
        (3, "004512345", "13158640000101234", "sale", 11500, "2026-01-26"),
        (4, "001000277", "13158640000101235", "sale", 250, "2026-01-27"),
        (5, "001000277", "13158640000101236", "other", 0, ""),
        (6, "001000277", "13158640000101235", "reversal", -250, "2026-01-28"),
        (7, "000000042", "", "sale", 2000, "2026-01-28"),
    ]
    assert set(returned.rows["unreadable"]) == {""}
    assert returned.control is None
    assert layouts.count(PAID, GOLDEN / "peoplesoft/paid/paid.csv") == Tally(6, 25000)


@pytest.mark.parametrize(
    ("layout", "name", "kind", "control"),
    [
        (POST, "peoplesoft/default/charges.dat", "", Tally(3, 100000000012249)),
        (POST, "peoplesoft/default/reversals.dat", "reversal", Tally(1, 11500)),
        (ITEMS, "cashnet/open_items/openitems.csv", "charge", None),
    ],
)
def test_a_file_of_ours_reads_as_movements(layout: layouts.Layout, name: str, kind: str, control: Tally | None) -> None:
    returned = layouts.read(layout, GOLDEN / name)
    assert set(returned.rows["kind"]) == {kind}
    assert set(returned.rows["unreadable"]) == {""}
    assert returned.control == control
    total = Tally(len(returned.rows), int(returned.rows["amount_cents"].sum()))
    assert layouts.count(layout, GOLDEN / name) == total
    assert control in (None, total)


def test_what_bursar_read_prints_is_plain_and_keyed_by_our_nouns() -> None:
    printed = json.loads(json.dumps(layouts.to_json(layouts.read(PAID, GOLDEN / "peoplesoft/paid/paid.csv"))))
    assert printed["rows"][0] == {
        "line": 2,
        "payment_ref": "",
        "payment_line": "",
        "fee_ref": "13158640000101234",
        "fees": [],
        "patron_id": "004512345",
        "occurred_on": "2026-01-26",
        "kind": "sale",
        "status": "",
        "method": "",
        "item_code": "300000006920",
        "origin_ref": "",
        "amount_cents": 11500,
        "unreadable": "",
    }
    assert printed["totals"] == {
        "count": 6,
        "cents": 25000,
        "by_kind": {
            "other": {"count": 1, "cents": 0},
            "reversal": {"count": 1, "cents": -250},
            "sale": {"count": 4, "cents": 25250},
        },
        "control": None,
        "unreadable": 0,
    }
    sent = layouts.to_json(layouts.read(POST, GOLDEN / "peoplesoft/default/reversals.dat"))
    assert sent["totals"]["control"] == {"count": 1, "cents": 11500}
    assert {"patron_id", "item_type", "reference", "kind", "amount_cents"} <= sent["rows"][0].keys()


def test_columns_are_found_by_name_in_any_order_under_other_names_and_strangers_are_listed(tmp_path: Path) -> None:
    returned = paid(
        tmp_path, "x, 2.50 ,R1,1/2/2026, 007", headings="Colour,amount  paid,REFERENCE nbr,DatePaid,EMPL ID"
    )
    assert texts(returned.rows, "patron_id", "fee_ref", "amount_cents", "occurred_on") == [
        ("007", "R1", 250, "2026-01-02")
    ]
    assert returned.ignored == ("Colour",)


def test_a_column_goes_by_its_own_name_before_any_other(tmp_path: Path) -> None:
    returned = money(
        tmp_path,
        f"{SALE},12/31/2025",
        headings=f"{PAYMENT_HEADINGS},EFFDATE",
        trailer="T,1,60.00,,",
    )
    assert returned.rows["occurred_on"].tolist() == ["2026-01-07"]
    assert returned.ignored == ("EFFDATE",)


def test_lines_of_a_transaction_have_no_number_where_the_file_gives_none(tmp_path: Path) -> None:
    """Numbered as they come, a line would have another number in a file that tells fewer of them, and be paid twice."""
    other = SALE.replace("50001", "50002")
    returned = money(tmp_path, SALE, other, SALE, trailer="T,3,180.00")
    assert texts(returned.rows, "payment_ref", "payment_line") == [("50001", ""), ("50002", ""), ("50001", "")]


AMOUNTS = [
    "1,085.00",
    "$12.50",
    "(12.50)",
    "12.5",
    "1250",
    "12.50-",
    "12.50 CR",
    "",
    "1e2",
    "\u0663.\u0660\u0660",
    "12.505",
    "+5.00",
]


@pytest.mark.parametrize("amount", AMOUNTS)
def test_an_amount_that_could_mean_something_else_is_not_read(tmp_path: Path, amount: str) -> None:
    returned = paid(tmp_path, f'007,1/2/2026,R1,"{amount}"', "008,1/2/2026,R2,1.00")
    bad, good = texts(returned.rows, "amount_cents", "kind", "unreadable")
    assert bad[:2] == (0, "")
    assert str(bad[2]).startswith("Paid Amount ")
    assert good == (100, "sale", "")
    assert returned.totals["unreadable"] == 1
    assert returned.totals["by_kind"]["unknown"] == {"count": 1, "cents": 0}


UNREADABLE = [
    (",1/2/2026,R1,2.50", "Emplid is blank"),
    ("7,1/2/2026,2.34568E+18,2.50", "Reference Number '2.34568E+18' was mangled by a spreadsheet"),
    ("7,13/2/2026,R1,2.50", "Date Paid '13/2/2026' is no day of the calendar"),
    ("7,2026-01-02,R1,2.50", "Date Paid '2026-01-02' is not a day like M/D/YYYY"),
    ("7,,R1,2.50", "it moves money and has no day"),
    ("7,1/2/2026,R1", "has 3 cells, not 4"),
    ("7,1/2/2026,R1,2.50,", "has 5 cells, not 4"),
    ("7\t,1/2/2026,R1,2.50", "Emplid has the character U+0009, which no line may have"),
    ("Emplid,Date Paid,Reference Number,Paid Amount", "Date Paid 'Date Paid' is not a day"),
]


@pytest.mark.parametrize(("line", "why"), UNREADABLE)
def test_a_row_that_cannot_be_read_is_kept_and_named_and_the_rest_goes_on(tmp_path: Path, line: str, why: str) -> None:
    returned = paid(tmp_path, "6,1/2/2026,R0,1.00", line, "8,1/2/2026,R2,3.00", "")
    assert len(returned.rows) == 3
    assert returned.rows["unreadable"].tolist()[1].startswith(why)
    assert returned.rows["unreadable"].tolist()[::2] == ["", ""]
    assert returned.rows["line"].tolist() == [2, 3, 4]


ROWS = [
    ("50001,GIFT,CLOSED,1/7/2026,1,X,60.00,R", "TRANSTYPE is 'GIFT', not one of SALE, REFUND"),
    ("50001,SALE,OPEN,1/7/2026,1,X,60.00,R", "STATUS is 'OPEN', not one of CLOSED"),
    ("50001,SALE,,1/7/2026,1,X,60.00,R", "STATUS is blank"),
    ("50001,SALE,CLOSED,1/7/2026,1,X,-60.00,R", "a sale cannot be negative"),
    ("50001,REFUND,VOID,1/7/2026,1,X,60.00,R", "no rule says what STATUS VOID, TRANSTYPE REFUND, a positive amount is"),
    (",SALE,CLOSED,1/7/2026,1,X,60.00,R", "TX is blank"),
    ("50001,SALE,CLOSED,,1,X,60.00,R", "it moves money and has no day"),
]


@pytest.mark.parametrize(("line", "why"), ROWS)
def test_a_row_that_no_rule_explains_is_kept_for_a_person(tmp_path: Path, line: str, why: str) -> None:
    amount = "-60.00" if "-60.00" in line else "60.00" if ",CLOSED," in line else "0.00"
    returned = money(tmp_path, line, trailer=f"T,1,{amount}")
    assert returned.rows["unreadable"].tolist()[0].startswith(why)


def test_a_refund_goes_back_whatever_its_sign(tmp_path: Path) -> None:
    plain = SALE.replace("SALE", "REFUND")
    returned = money(tmp_path, plain, plain.replace("60.00", "-60.00"))
    assert texts(returned.rows, "kind", "amount_cents") == [("refund", -6000)] * 2


def test_an_amount_that_cannot_be_read_does_not_refuse_the_file_its_line_count_proves(tmp_path: Path) -> None:
    returned = money(tmp_path, SALE, SALE.replace("60.00", "$60.00"), trailer="T,2,120.00")
    assert returned.rows["unreadable"].tolist()[0] == ""
    assert returned.rows["unreadable"].tolist()[1].startswith("AMOUNT '$60.00' is not an amount")
    assert returned.control == Tally(2, 12000)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b"001000277   3", b"001000277  3", "is 99 bytes long, not 100"),
        (b"001000277   3", b"001000277  X3", "has no ' ' at position 12"),
        (b" 000000000007.50 ", b" 0000000000 7.50 ", "ITEM_AMT '0000000000 7.50' is not an amount"),
        (b" N 13158640000101235", b" X 13158640000101235", "SF_REVERSAL_IND is 'X', not 'N' or 'Y'"),
        (b"300000006919", b"30000000691 ", "ITEM_TYPE '30000000691' is not exactly 12 digits"),
        (b"001000277  ", b"           ", "EMPLID is blank"),
    ],
)
def test_a_line_that_was_touched_is_named(tmp_path: Path, old: bytes, new: bytes, why: str) -> None:
    path = tmp_path / "charges.dat"
    lines = (GOLDEN / "peoplesoft/default/charges.dat").read_bytes().splitlines(keepends=True)
    data = b"".join(lines[:2]).replace(b"0000000003 1000000000122.49", b"0000000001 0000000000007.50")
    path.write_bytes(data.replace(old, new))
    returned = layouts.read(POST, path)
    assert returned.rows["unreadable"].tolist()[0].startswith(why)
    assert layouts.count(POST, path) == Tally(1, int(returned.rows["amount_cents"].sum()))


def test_a_file_without_headings_goes_by_position(tmp_path: Path) -> None:
    bare = table("cashnet/open_items")
    bare["headings"] = False
    layout = from_table("test/bare", bare)
    path = tmp_path / "bare.csv"
    path.write_bytes(b"".join((GOLDEN / "cashnet/open_items/openitems.csv").read_bytes().splitlines(keepends=True)[1:]))
    returned = layouts.read(layout, path)
    assert (
        layouts.to_json(returned)["totals"] == layouts.read(ITEMS, GOLDEN / "cashnet/open_items/openitems.csv").totals
    )
    assert layouts.count(layout, path) == layouts.count(ITEMS, GOLDEN / "cashnet/open_items/openitems.csv")


def test_kinds_that_look_alike_in_a_file_are_not_told_apart_by_guessing() -> None:
    alike = table("peoplesoft/default")
    column(alike, "SF_REVERSAL_IND")["literal"] = {"charge": "N", "reversal": "N", "credit": "N"}
    returned = layouts.read(from_table("test/alike", alike), GOLDEN / "peoplesoft/default/charges.dat")
    assert set(returned.rows["kind"]) == {""}
    assert returned.totals["by_kind"] == {"unknown": {"count": 3, "cents": 100000000012249}}

"""Items side by side, references in any slot, shares, and money of a patron: what a line pays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.layouts import layout as layouts
from pipeline.layouts.load import from_table
from pipeline.money import Tally
from tests.unit.layout_rows import PAYMENT_HEADINGS, SALE, column, table, texts

if TYPE_CHECKING:
    from pathlib import Path

WIDE, MONEY, ACTIVITY = (layouts.load(name) for name in ("cashnet/wide", "cashnet/payments", "paypal/activity"))
START = "result,tx,busdate,custcode"
PAID = "0,77,1/6/2026,007"


def read(folder: Path, layout: layouts.Layout, *lines: str) -> layouts.Returned:
    path = folder / "file.csv"
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())
    returned = layouts.read(layout, path)
    assert layouts.count(layout, path) == Tally(len(returned.rows), int(returned.rows["amount_cents"].sum()))
    return returned


def pays(returned: layouts.Returned) -> list[object]:
    return [said[0] for said in texts(returned.rows, "fee_ref")]


def test_the_plain_names_are_those_of_the_only_item(tmp_path: Path) -> None:
    returned = read(tmp_path, WIDE, f"{START},itemcode,amount,ref1type,ref1val", f"{PAID},LIB,5.00,ALMA_FEE_ID,F1")
    assert texts(returned.rows, "payment_ref", "payment_line", "fee_ref", "amount_cents") == [("77", "1", "F1", 500)]


def test_the_second_number_in_a_reference_is_the_item(tmp_path: Path) -> None:
    headings = f"{START},itemcode1,amount1,itemcode2,amount2,REF1TYPE2,Ref1 Val2,ref2type1,ref2val1"
    returned = read(tmp_path, WIDE, headings, f"{PAID},LIB,5.00,LIB,6.00,ALMA_FEE_ID,F2,ALMA_FEE_ID,F1")
    assert texts(returned.rows, "payment_line", "fee_ref", "amount_cents") == [("1", "F1", 500), ("2", "F2", 600)]


def test_an_item_that_is_left_out_leaves_its_number_to_the_next(tmp_path: Path) -> None:
    headings = f"{START},itemcode1,amount1,itemcode2,amount2,itemcode12,amount12"
    returned = read(tmp_path, WIDE, headings, f"{PAID},,,LIB,6.00,LIB,7.00")
    assert texts(returned.rows, "payment_line", "amount_cents") == [("2", 600), ("12", 700)]


@pytest.mark.parametrize(
    ("headings", "said"),
    [
        (f"{START},itemcode,amount,amount1", "amount of item 1 stands under 2 headings"),
        (f"{START},itemcode1,amount1,amount2", "no itemcode2 among them"),
        (START, "no itemcode1 among them"),
        ("result,tx,custcode,itemcode,amount", "no busdate among"),
    ],
)
def test_items_whose_headings_leave_a_doubt_refuse_the_file(tmp_path: Path, headings: str, said: str) -> None:
    with pytest.raises(layouts.UnreadableFileError, match=said):
        read(tmp_path, WIDE, headings, PAID)


def test_a_reference_of_the_whole_transaction_is_for_items_without_one_of_their_own(tmp_path: Path) -> None:
    headings = f"{START},itemcode1,amount1,ref1type1,ref1val1,itemcode2,amount2,Alma_Fee_Id"
    returned = read(tmp_path, WIDE, headings, f"{PAID},LIB,5.00,ALMA_FEE_ID,F1,LIB,6.00,F9")
    assert pays(returned) == ["F1", "F9"]
    assert returned.ignored == ()


def test_only_result_0_is_success(tmp_path: Path) -> None:
    lines = [f"{result},77,1/6/2026,007,LIB,5.00" for result in ("0", "00", "1", "0.0", "OK", "")]
    returned = read(tmp_path, WIDE, f"{START},itemcode,amount", *lines)
    assert texts(returned.rows, "kind", "amount_cents") == [("sale", 500), *[("other", 0)] * 4, ("", 0)]


SLOTS = [
    ("REF1TYPE,REF1VAL,REF9TYPE,REF9VAL", "X,A,ALMA_FEE_ID,F9", "F9", ""),
    ("REF1TYPE,REF1VAL,REF9TYPE,REF9VAL", "X,A,Alma_Fee_Id,", "", ""),
    ("REF1TYPE,REF1VAL,REF2TYPE,REF2VAL", ",F1,ALMA_LIB,MAIN", "F1", ""),
    ("REF1TYPE,REF1VAL,REF2TYPE,REF2VAL", ",F1,ALMA_FEE_ID,F2", "F2", ""),
    ("REF1TYPE,REF1VAL,REF2TYPE,REF2VAL", "ALMA_FEE_ID,F1,ALMA_FEE_ID,F1", "F1", ""),
    ("REF1TYPE,REF1VAL,REF2TYPE,REF2VAL", "ALMA_FEE_ID,F1,ALMA_FEE_ID,F2", "", "REF1VAL and REF2VAL name two fees"),
    ("REF1TYPE,REF1VAL,REF2VAL", "ALMA_LIB,MAIN,F2", "", ""),
    ("REF1VAL,REF2VAL", "F1,F2", "F1", ""),
    ("REF2TYPE,REF2VAL,REF1VAL", "X,2.3E+18,F1", "F1", ""),
]


@pytest.mark.parametrize(("headings", "cells", "fee", "why"), SLOTS)
def test_a_reference_counts_by_its_type_in_whatever_slot(
    tmp_path: Path, headings: str, cells: str, fee: str, why: str
) -> None:
    start, _, _ = PAYMENT_HEADINGS.rpartition(",")
    sale, _, _ = SALE.rpartition(",")
    returned = read(tmp_path, MONEY, f"{start},{headings}", f"{sale},{cells}", "T,1,60.00")
    assert texts(returned.rows, "fee_ref", "unreadable") == [(fee, why)]


def test_a_campus_may_have_sent_another_type(tmp_path: Path) -> None:
    own = table("cashnet/payments")
    own["returned"]["references"]["types"] = ["UCLA_REF_NO", "ALMA_FEE_ID"]
    start, _, _ = PAYMENT_HEADINGS.rpartition(",")
    sale, _, _ = SALE.rpartition(",")
    lines = (f"{start},REF1TYPE,REF1VAL", f"{sale},ucla_ref_no,F1", "T,1,60.00")
    assert pays(read(tmp_path, from_table("test/own", own), *lines)) == ["F1"]


SHARES = [
    ("F1", "5.00", "Credit", "F1", "", ""),
    ("F1:500", "5.00", "Credit", "F1", "", ""),
    ("F1:200|F2:300", "5.00", "Credit", "", '[["F1", 200], ["F2", 300]]', ""),
    ("F1:200|F2:200", "5.00", "Credit", "", '[["F1", 200], ["F2", 200]]', ""),
    ("F1:200", "5.00", "Credit", "", '[["F1", 200]]', ""),
    ("F1:200|F2:301", "5.00", "Credit", "", "", "the shares in Custom Number are 5.01, more than the 5.00 paid"),
    ("F1:200|F1:300", "5.00", "Credit", "", "", "Custom Number names a fee twice"),
    ("F1:200|F2:", "5.00", "Credit", "", "", "Custom Number 'F1:200|F2:' is no list of fees with their cents"),
    ("F1:-200|F2:300", "5.00", "Credit", "", "", "Custom Number 'F1:-200|F2:300' is no list of fees with their cents"),
    ("", "5.00", "Credit", "LF-1", "", ""),
    ("for my fines", "5.00", "Credit", "LF-1", "", ""),
    ("F1:200|F2:300", "-5.00", "Debit", "", '[["F1", -200], ["F2", -300]]', ""),
    ("F1:200|F2:900", "-5.00", "Debit", "LF-1", "", ""),
    ("F1", "-5.00", "Debit", "F1", "", ""),
]


@pytest.mark.parametrize(("custom", "amount", "side", "fee", "fees", "why"), SHARES)
def test_shares_are_never_more_than_was_paid_and_what_is_left_names_no_fee(  # noqa: PLR0913
    tmp_path: Path, custom: str, amount: str, side: str, fee: str, fees: str, why: str
) -> None:
    kind = "Website Payment" if side == "Credit" else "Payment Refund"
    headings = "Date,Type,Status,Currency,Gross,Transaction ID,Custom Number,Invoice Number,Balance Impact"
    line = f"2/3/2026,{kind},Completed,USD,{amount},TX,{custom},LF-1,{side}"
    returned = read(tmp_path, ACTIVITY, headings, line)
    assert texts(returned.rows, "fee_ref", "fees", "unreadable") == [(fee, fees, why)]
    printed = layouts.to_json(returned)["rows"][0]
    assert (printed["fee_ref"] is None) == bool(printed["fees"]) == bool(fees)


@pytest.mark.parametrize(
    ("amount", "cents"),
    [
        ("1,234.56", 123456),
        ("-1,234,567.00", -123456700),
        ("1234.56", 123456),
        ("12,34.56", 0),
        ("1,234", 0),
        (",123.00", 0),
    ],
)
def test_a_comma_stands_between_thousands_or_the_amount_makes_no_sense(tmp_path: Path, amount: str, cents: int) -> None:
    headings = "Date,Type,Status,Currency,Gross,Transaction ID"
    returned = read(tmp_path, ACTIVITY, headings, f'2/3/2026,Website Payment,Completed,USD,"{amount}",TX')
    assert returned.rows["amount_cents"].tolist() == [cents]


def test_a_file_covers_the_days_that_it_says_or_else_those_of_its_rows(tmp_path: Path) -> None:
    own = table("cashnet/payments")
    own["header"] = {
        "columns": [
            {"name": "FROM", "from": "period.first", "show": "date:YYYYMMDD", "example": "20260101"},
            {"name": "TO", "from": "period.last", "show": "date:YYYYMMDD", "example": "20260131"},
        ]
    }
    lines = (PAYMENT_HEADINGS, SALE, SALE.replace("1/7", "1/9"), "T,2,120.00")
    assert read(tmp_path, MONEY, *lines).period == ("2026-01-07", "2026-01-09")
    assert read(tmp_path, from_table("test/own", own), "20260101,20260131", *lines).period == (
        "2026-01-01",
        "2026-01-31",
    )
    assert read(tmp_path, MONEY, PAYMENT_HEADINGS, "T,0,0.00").period is None


SPOILT = [
    ("cashnet/wide", {"returned": {"items": "nobody"}}, "returned.items: there is no column 'nobody'"),
    ("paypal/stl", {"returned": {"unknown": "Custom Field"}}, "returned.unknown: Custom Field must be shown as code"),
    ("paypal/stl", {"returned": {"currency": None}}, "returned.currency: stands in a file with a column from currency"),
    ("paypal/stl", {"returned": {"references": {"shares": "x"}}}, "returned.references: there is no column 'x'"),
    ("paypal/stl", {"returned": {"references": {}}}, "returned.references: needs either type and value of slots, or"),
    ("cashnet/wide", {"returned": {"references": {"value": "ref{K}val"}}}, "returned.references: slots need type"),
    ("paypal/stl", {"records": None}, "records: a file of records, and no other"),
    ("paypal/stl", {"headings": False}, "format: records is for returned files with headings"),
    ("bursar/settlement", {"delimiter": ","}, "delimiter: a workbook has cells"),
    ("bursar/settlement", {"trailer": {"columns": [{"name": "T", "literal": "T"}]}}, "format: workbook has no header"),
    ("bursar/patron_total", {"returned": {"complete": "archive"}}, "returned.complete: only a workbook is an archive"),
]


@pytest.mark.parametrize(("name", "change", "said"), SPOILT)
def test_a_layout_that_does_not_agree_with_itself_is_told(name: str, change: dict[str, object], said: str) -> None:
    spoilt = table(name)
    for key, value in change.items():
        spoilt[key] = {**spoilt[key], **value} if key == "returned" and isinstance(value, dict) else value
    if spoilt.get("records", 1) is None:
        del spoilt["records"]
    if spoilt["returned"].get("currency", 1) is None:
        del spoilt["returned"]["currency"]
    with pytest.raises(layouts.LayoutError) as error:
        from_table("test/spoilt", spoilt)
    assert any(problem.startswith(f"test/spoilt.toml: {said}") for problem in error.value.problems)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("slots", 3, "slots: the name needs {K}"),
        ("slots", 12, "slots: Input should be less than or equal to 9"),
        ("thousands", ",", "thousands: stand in amounts shown as dollars"),
        ("only", {"Nobody": ["x"]}, "only: Nobody must be a column of the detail line"),
    ],
)
def test_a_column_that_says_what_cannot_be_is_told(key: str, value: object, said: str) -> None:
    spoilt = table("bursar/patron_total")
    spoilt["detail"]["columns"][0][key] = value
    with pytest.raises(layouts.LayoutError) as error:
        from_table("test/spoilt", spoilt)
    assert any(said in problem for problem in error.value.problems), error.value.problems


def test_numbers_stand_only_where_each_item_has_an_amount_of_its_own() -> None:
    spoilt = table("cashnet/wide")
    del column(spoilt, "amount")["numbered"]
    with pytest.raises(layouts.LayoutError, match="the one column from amount_cents would count for each of them"):
        from_table("test/spoilt", spoilt)
    outgoing = table("cashnet/open_items")
    outgoing["detail"]["columns"][0]["numbered"] = True
    with pytest.raises(layouts.LayoutError, match="numbered: is for the detail line of a returned file"):
        from_table("test/spoilt", outgoing)

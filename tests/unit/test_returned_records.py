"""Reports of records: what their footers say is compared with their rows, and nothing is taken on trust."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.layouts import layout as layouts
from pipeline.layouts.load import from_table
from pipeline.money import Tally
from tests.unit.layout_rows import GOLDEN, table, texts

if TYPE_CHECKING:
    from pathlib import Path

STL, TRR = layouts.load("paypal/stl"), layouts.load("paypal/trr")
DATA = (GOLDEN / "returned/paypal_stl.csv").read_text("utf-8-sig")
SECOND = (GOLDEN / "returned/paypal_stl_part_two.csv").read_text("utf-8")

HEAD = "RH,2026/02/04 02:21:10 -0800,A,ACCT,009,\nFH,{part}\n"
SECTION = "SH,2026/02/03 00:00:00 -0800,2026/02/03 23:59:59 -0800,ACCT,\n"
COLUMNS = (
    "CH,Transaction ID,Invoice ID,PayPal Reference ID,PayPal Reference ID Type,Transaction Event Code,"
    "Transaction Initiation Date,Transaction Completion Date,Transaction Debit or Credit,Gross Transaction Amount,"
    "Gross Transaction Currency,Fee Debit or Credit,Fee Amount,Fee Currency,Custom Field\n"
)


def row(number: int, code: str = "T0006", side: str = "CR", cents: str = "1250", **said: str) -> str:
    day, currency = said.get("day", "2026/02/03 10:00:00 -0800"), said.get("currency", "USD")
    cells = [f"TX{number}", f"LF-{number}", "", "", code, day, day, side, cents, currency, "DR", "50", currency, "F1"]
    return f"SB,{','.join(cells)}\n"


def report(*rows: str, footers: str = "", part: str = "01", columns: str = COLUMNS) -> str:
    return f"{HEAD.format(part=part)}{SECTION}{columns}{''.join(rows)}{footers}FF,{len(rows)}\n"


def read(folder: Path, text: str, layout: layouts.Layout = STL) -> layouts.Returned:
    path = folder / "report.csv"
    path.write_bytes(text.encode())
    returned = layouts.read(layout, path)
    assert layouts.count(layout, path) == Tally(len(returned.rows), int(returned.rows["amount_cents"].sum()))
    return returned


def refused(folder: Path, text: str, layout: layouts.Layout = STL) -> str:
    with pytest.raises(layouts.UnreadableFileError) as error:
        read(folder, text, layout)
    assert "\n" not in str(error.value)
    return f"{error.value.code}: {error.value}"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("SF,USD,20662", "SF,USD,20663", "line 29: SF says 206.63 of gross credits in USD, the file has 206.62"),
        ("SF,USD,20662,23809", "SF,USD,20662,23808", "line 29: SF says 238.08 of gross debits in USD"),
        (",36,868,CR", ",37,868,CR", "line 29: SF says 0.37 of fee credits in USD, the file has 0.36"),
        (",36,868,CR", ",36,0,CR", "line 29: SF says 0.00 of fee debits in USD, the file has 8.68"),
        ("SF,EUR,1000", "SF,EUR,1001", "line 30: SF says 10.01 of gross credits in EUR, the file has 10.00"),
        ("SC,24", "SC,23", "line 31: SC says 23 of rows, the file has 24"),
        ("SC,2\n", "SC,3\n", "SC says 3 of rows, the file has 2"),
        ("RF,USD,23762", "RF,USD,23761", "RF says 237.61 of gross credits in USD, the file has 237.62"),
        ("RC,26", "RC,27", "RC says 27 of rows, the file has 26"),
        ("FF,26", "FF,25", "FF says 25 of rows, the file has 26"),
        ("CR,6000,USD", "CR,6001,USD", "SF says 206.62 of gross credits in USD, the file has 206.63"),
        (",CR,0,CR,0,22\n", ",CR,0,CR,0,21\n", "SF says 21 of rows in USD, the file has 22"),
    ],
)
def test_a_total_that_does_not_agree_refuses_the_file_and_both_figures_are_named(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in DATA
    refusal = refused(tmp_path, DATA.replace(old, new, 1))
    assert refusal.startswith("LAYOUT-CONTROL: ")
    assert said in refusal


def test_a_row_that_is_taken_out_or_doubled_is_missed(tmp_path: Path) -> None:
    lines = DATA.splitlines(keepends=True)
    for place, line in enumerate(lines):
        if line.startswith("SB"):
            assert refused(tmp_path, "".join([*lines[:place], *lines[place + 1 :]])).startswith("LAYOUT-CONTROL")
            assert refused(tmp_path, "".join([*lines[:place], line, *lines[place:]])).startswith("LAYOUT-CONTROL")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("CH,x\n", "LAYOUT-OTHER-FORMAT: line 1: begins with 'CH', where RH must stand"),
        ("RH,a,A,b,009,\nSB,1\n", "LAYOUT-OTHER-FORMAT: line 2: begins with 'SB', where FH must stand"),
        ("RH,a,A,b,010,\nFH,01\n", "LAYOUT-OTHER-FORMAT: line 1: the report has version '010', paypal/stl reads 009"),
        ("RH\nFH,01\n", "LAYOUT-OTHER-FORMAT: line 1: the report has version ''"),
        ("RH,a,A,b,009,\nFH,x\n", "LAYOUT-OTHER-FORMAT: line 2: FH has no number of the file"),
        (HEAD.format(part="01") + "SH,yesterday,today,A\n", "LAYOUT-OTHER-FORMAT: line 3: SH does not say its period"),
        (report(row(1)).replace("FF,1", "ZZ,1"), "LAYOUT-OTHER-FORMAT: line 6: begins with 'ZZ', where no such record"),
        (report(row(1)).replace("FF,1\n", ""), "LAYOUT-CUT: the file does not end with its FF record"),
        (report(row(1)) + "SB,x\n", "LAYOUT-OTHER-FORMAT: line 7: begins with 'SB', where no such record"),
        (report(row(1)).replace("FF,1", "FF"), "LAYOUT-OTHER-FORMAT: line 6: '' in a footer is no number"),
        (report(row(1)).replace("FF,1", "FF," + "1" * 5000), "LAYOUT-OTHER-FORMAT: line 6: '111111"),
        (
            report(row(1), footers="SF,USD,1\n").replace("SF,USD,1", "SF,USD,1,2"),
            "LAYOUT-OTHER-FORMAT: line 6: the foo",
        ),
        (report(row(1), columns=COLUMNS.replace("Custom Field", "Custom")), "LAYOUT-OTHER-FORMAT: line 4: not the hea"),
        (report(row(1), columns=COLUMNS.replace("Invoice ID", "Custom Field")), "LAYOUT-OTHER-FORMAT: line 4: Custom "),
        ("", "LAYOUT-EMPTY"),
        (report(row(1)).replace("TX1", '"TX1'), "LAYOUT-OTHER-FORMAT: line 5: "),
    ],
)
def test_what_is_no_whole_report_is_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    assert refused(tmp_path, text).startswith(said)


def test_the_other_report_of_paypal_is_not_taken_for_this_one(tmp_path: Path) -> None:
    detailed = (GOLDEN / "returned/paypal_trr.csv").read_text("utf-8")
    assert "the report has version '008'" in refused(tmp_path, detailed)
    assert "the report has version '009'" in refused(tmp_path, DATA, TRR)


def test_a_report_in_utf_16_reads_as_the_same_in_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_bytes(DATA.encode("utf-16"))
    told = layouts.to_json(layouts.read(STL, path))
    assert told == layouts.to_json(read(tmp_path, DATA))
    assert layouts.count(STL, path).cents == told["totals"]["cents"]
    path.write_bytes(DATA.encode("utf-16")[:-1])
    with pytest.raises(layouts.UnreadableFileError, match="in the middle of a character"):
        layouts.read(STL, path)


def test_a_file_that_continues_another_uses_the_columns_of_the_version_and_totals_may_say_more(tmp_path: Path) -> None:
    assert texts(read(tmp_path, SECOND).rows, "payment_ref", "fee_ref", "amount_cents") == [
        ("1AA00000000000031", "2345678901300001121", 1250),
        ("1AA00000000000032", "2345678901300001121", -1250),
    ]
    assert "RC says 1 of rows, the file has 2" in refused(tmp_path, SECOND.replace("RC,26", "RC,1"))
    assert "FF says 3 of rows, the file has 2" in refused(tmp_path, SECOND.replace("FF,2", "FF,3"))


def test_a_first_part_that_ends_in_the_middle_of_a_section_has_no_footers_to_check(tmp_path: Path) -> None:
    returned = read(tmp_path, report(row(1), row(2)))
    assert returned.control == Tally(2, 0)
    assert returned.period == ("2026-02-03", "2026-02-03")


def test_an_amount_that_cannot_be_read_does_not_refuse_the_report_its_counts_prove(tmp_path: Path) -> None:
    footers = "SF,USD,2500,0,0,100,CR,0,CR,0,2\nSC,2\n"
    returned = read(tmp_path, report(row(1), row(2, cents="12.50"), footers=footers))
    assert returned.rows["unreadable"].tolist() == ["", "Gross Transaction Amount '12.50' is not an amount in cents"]


def test_a_row_with_a_cell_too_many_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    footers = "SF,USD,2500,0,0,100,CR,0,CR,0,2\nSC,2\n"
    returned = read(tmp_path, report(row(1), row(2).replace("\n", ",x\n"), footers=footers))
    assert returned.rows["unreadable"].tolist() == ["", "has 15 cells, not 14"]
    assert returned.rows["amount_cents"].tolist() == [1250, 0]


def test_a_day_counts_where_its_clock_stands(tmp_path: Path) -> None:
    late = row(1, day="2026/02/03 23:59:59 -0800")
    returned = read(tmp_path, report(late, row(2, day="2026/02/03 24:00:00 -0800")))
    assert returned.rows["occurred_on"].tolist() == ["2026-02-03", ""]
    assert "is not a day like" in returned.rows["unreadable"].tolist()[1]


def test_another_currency_is_read_where_a_campus_says_so(tmp_path: Path) -> None:
    canadian = table("paypal/stl")
    canadian["returned"]["currency"] = "CAD"
    text = report(row(1, currency="CAD"), row(2))
    returned = read(tmp_path, text, from_table("test/cad", canadian))
    assert returned.rows["unreadable"].tolist() == ["", "the money is in USD, not in CAD"]
    assert returned.rows["amount_cents"].tolist() == [1250, 0]
    canadian["returned"]["currency"] = "JPY"
    with pytest.raises(layouts.LayoutError, match="has no cents, so that its amounts are not clear"):
        from_table("test/jpy", canadian)


@pytest.mark.parametrize("code", ["T0000", "T0001", "T0002", "T0003", "T0005", "T0006", "T0007", "T0011", "T0012"])
def test_a_payment_code_is_a_sale_only_if_it_is_a_credit(tmp_path: Path, code: str) -> None:
    returned = read(tmp_path, report(row(1, code), row(2, code, "DR")))
    assert texts(returned.rows, "kind", "amount_cents") == [("sale", 1250), ("other", -1250)]


def test_a_code_that_no_rule_names_is_no_money_and_is_told(tmp_path: Path) -> None:
    returned = read(tmp_path, report(row(1, "T4242"), row(2, "T9999"), row(3, "t0006")))
    assert texts(returned.rows, "kind", "amount_cents") == [("other", 0), ("other", 1250), ("sale", 1250)]
    assert returned.ignored == ("Transaction Event Code T4242",)


def test_a_report_without_rows_is_a_whole_report(tmp_path: Path) -> None:
    returned = read(tmp_path, report(footers="SF,USD,0,0,0,0,CR,5,CR,5,0\nSC,0\nRC,0\n"))
    assert len(returned.rows) == 0
    assert returned.control == Tally(0, 0)

from __future__ import annotations

import pytest

from pipeline.layouts import layout as layouts


@pytest.mark.parametrize("name", layouts.names())
def test_a_spec_sheet_names_every_column_with_its_source_and_its_example(name: str) -> None:
    layout = layouts.load(name)
    rows = layouts.sheet(layout).splitlines()
    for line in layout.lines():
        for column in line.columns:
            wanted = [column.name, column.source, column.example or ""]
            assert any(all(word in row for word in wanted) for row in rows), column.name
            for other in column.aliases:
                assert any(f"{column.name} is also found as " in row and other in row for row in rows)


def test_a_fixed_sheet_counts_positions_from_one_and_from_zero() -> None:
    rows = [row.split() for row in layouts.sheet(layouts.load("peoplesoft/default")).splitlines()]
    assert ["12", "11", "16", "CONTROL_AMT"] in [row[:4] for row in rows]
    assert ["35", "34", "15", "ITEM_AMT"] in [row[:4] for row in rows]
    assert ["93", "92", "8", "DUE_DT"] in [row[:4] for row in rows]


def test_the_ruler_stands_over_a_record_of_examples() -> None:
    layout = layouts.load("peoplesoft/default")
    tens, ones, header, detail = layouts.sheet(layout).splitlines()[-4:]
    assert (len(tens), len(ones), len(detail)) == (100, 100, 100)
    assert (ones[52], tens[49], tens[59]) == ("3", "5", "6")
    assert detail[52:70] == "13158640000101235"[:18].ljust(18)
    assert header == "0000000001 0000000000007.50 00041 USD"


def test_a_sheet_tells_a_bursar_the_facts_of_the_file() -> None:
    post = layouts.sheet(layouts.load("peoplesoft/default"))
    for fact in (
        "fixed positions, one ' ' between columns",
        "ascii, lines end with LF",
        "never negative",
        "each line once (delta)",
        "reversal: LIB_{kind}_{date:YYYYMMDD}_{seq:NNNN}.dat, such as LIB_reversals_20260120_0001.dat",
        "header, 100 bytes",
        "N (charge) | Y (reversal)",
    ):
        assert fact in post
    money = layouts.sheet(layouts.load("cashnet/payments"))
    for fact in (
        "separated by ',', with a line of headings",
        "lines end with LF or CRLF",
        "shown by its trailer",
        "the total adds up the lines whose STATUS is CLOSED",
        "TRANSTYPE SALE, STATUS CLOSED: sale, money in",
        "T,1,12.50",
    ):
        assert fact in money
    assert "it says again what earlier files said" in layouts.sheet(layouts.load("peoplesoft/paid"))
    assert "it replaces the file before (snapshot)" in layouts.sheet(layouts.load("cashnet/open_items"))


def test_an_example_in_a_sheet_reads_as_the_layout_says() -> None:
    assert layouts.sheet(layouts.load("cashnet/open_items")).splitlines()[-2:] == [
        "CUSTCODE,LNAME,FNAME,EMAIL,ITEMCODE,DESC,AMOUNT,EFFDATE,REF1TYPE,REF1VAL,REF2TYPE,REF2VAL",
        (
            "001234567,Lovelace,Ada,ada@example.edu,LIB-OVERDUE,Overdue fine 39001001234567,12.50,01/06/2026,"
            "ALMA_FEE_ID,2345678901230001121,ALMA_LIB,MAIN"
        ),
    ]


def test_a_sheet_says_where_the_kinds_of_a_file_differ() -> None:
    princeton = layouts.sheet(layouts.load("peoplesoft/princeton"))
    for fact in (
        "dollars, zeros in front, minus for a credit",
        "1224 | blanks (charge)",
        "Overdue fine | Library Credit (credit)",
        "N (charge) | Y (credit)",
    ):
        assert fact in princeton
    assert "blanks (charge) | Y (reversal)" in layouts.sheet(layouts.load("peoplesoft/asu"))


def test_a_sheet_of_a_list_says_that_it_is_only_read() -> None:
    people = layouts.sheet(layouts.load("people/default"))
    assert "lists     people; it is only read" in people
    assert "amounts" not in people

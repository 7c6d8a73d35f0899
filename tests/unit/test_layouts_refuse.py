from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from pipeline import files
from pipeline.layouts import layout as layouts
from tests.unit.layout_rows import GOLDEN, PAYMENT_HEADINGS, SALE

if TYPE_CHECKING:
    from pathlib import Path

POST = layouts.load("peoplesoft/default")
ITEMS = layouts.load("cashnet/open_items")
MONEY = layouts.load("cashnet/payments")
PAID = layouts.load("peoplesoft/paid")


def refused(layout: layouts.Layout, folder: Path, data: bytes) -> str:
    path = folder / "file"
    path.write_bytes(data)
    with pytest.raises(layouts.UnreadableFileError) as error:
        layouts.read(layout, path)
    assert "\n" not in str(error.value)
    return f"{error.value.code}: {error.value}"


def charges() -> list[bytes]:
    return (GOLDEN / "peoplesoft/default/charges.dat").read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([SALE], "LAYOUT-CUT: line 2: not the trailer T,COUNT,TOTAL"),
        ([], "LAYOUT-CUT: the trailer line is missing"),
        ([SALE, "T,2,60.00"], "LAYOUT-CONTROL: its control count is 2, but it has 1 lines"),
        ([SALE, "T,1,61.00"], "LAYOUT-CONTROL: its control total is 1 row, 61.00, its lines are 1 row, 60.00"),
        ([SALE, "T,one,60.00"], "LAYOUT-OTHER-FORMAT: trailer: COUNT 'one' is not a count"),
        ([SALE, "T,1,60.00,3"], "LAYOUT-CUT: line 3: not the trailer"),
        ([SALE, 'T,1,"60.00'], "LAYOUT-OTHER-FORMAT: line 3: "),
        (['"' + SALE, SALE + '"', "T,1,60.00"], "LAYOUT-OTHER-FORMAT: line 2: a quote opens and does not close"),
        (['"' + SALE, SALE, "T,2,120.00"], "LAYOUT-OTHER-FORMAT: line 2: "),
    ],
)
def test_a_payment_file_that_is_not_whole_is_refused_whole(tmp_path: Path, lines: list[str], said: str) -> None:
    data = "".join(f"{line}\r\n" for line in [PAYMENT_HEADINGS, *lines]).encode()
    assert refused(MONEY, tmp_path, data).startswith(said)


@pytest.mark.parametrize("missing", PAYMENT_HEADINGS.split(","))
def test_a_file_without_a_column_that_is_needed_is_refused_and_the_column_named(tmp_path: Path, missing: str) -> None:
    headings = PAYMENT_HEADINGS.replace(missing, "Colour")
    said = refused(MONEY, tmp_path, f"{headings}\n{SALE}\nT,1,60.00\n".encode())
    assert said.startswith(
        f"LAYOUT-OTHER-FORMAT: line 1: not the headings of cashnet/payments: no {missing} among its 8 headings"
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "LAYOUT-EMPTY"),
        (b"\xef\xbb\xbf\r\n \r\n", "LAYOUT-EMPTY"),
        (
            b"Emplid,Date Paid,Reference Number,Paid Amount\r\n7,1/2/2026,R1,2.50",
            "LAYOUT-CUT: line 2: the file ends in",
        ),
        (b"Emplid,Date Paid,Reference Number,Paid Amount\r", "LAYOUT-CUT: line 1"),
        (
            b"Emplid,Date Paid,Reference Number,Paid Amount\n7,1/2/2026,R\xe91,2.50\n",
            "LAYOUT-ENCODING: line 2: byte 0xE9",
        ),
        (
            b"Emplid,Date Paid,Reference Number,Paid Amount\n7,1/2/2026,R1,2.50\r8,1/2\n",
            "LAYOUT-OTHER-FORMAT: lines do",
        ),
        (b"<!DOCTYPE html>\n<html></html>\n", "LAYOUT-OTHER-FORMAT: line 1: not the headings of peoplesoft/paid"),
        (b"PK\x03\x04\x14\x00\n", "LAYOUT-OTHER-FORMAT: line 1: not the headings"),
        ("Emplid,Date Paid\n".encode("utf-16"), "LAYOUT-ENCODING: line 1"),
        (
            b"Emplid,Emplid,Date Paid,Reference,Paid Amount\n",
            "LAYOUT-OTHER-FORMAT: line 1: Emplid stands under 2 headings",
        ),
        (
            b"Emplid,Paid Date,Posted Date,Reference,Paid Amount\n",
            "LAYOUT-OTHER-FORMAT: line 1: Date Paid stands under 2",
        ),
        (b"Emplid," + b"x" * 200_000 + b"\n", "LAYOUT-OTHER-FORMAT: line 1: field larger"),
    ],
)
def test_a_file_of_another_kind_is_refused_in_one_line_that_says_what_and_where(
    tmp_path: Path, data: bytes, said: str
) -> None:
    assert refused(PAID, tmp_path, data).startswith(said)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"".join(charges()[1:]), "LAYOUT-OTHER-FORMAT: line 1: not the header of peoplesoft/default: it has no ' '"),
        (b"".join(charges()).replace(b"USD", b"   "), "LAYOUT-OTHER-FORMAT: header: CURRENCY_CD is blank"),
        (
            b"".join(charges()).replace(b"0000000003", b"000000000X"),
            "LAYOUT-OTHER-FORMAT: header: CONTROL_CNT '000000000X'",
        ),
        (b"".join(charges()[:-1]), "LAYOUT-CONTROL: its control count is 3, but it has 2 lines"),
        (b"".join(charges()).replace(b"115.00", b"115.01"), "LAYOUT-CONTROL: its control total is 3 rows"),
        (b"".join(charges()).replace(b"\n", b"\r\n"), "LAYOUT-OTHER-FORMAT: lines do not end as the layout says (LF)"),
        (charges()[0][:50] + b"\n" + charges()[1], "LAYOUT-OTHER-FORMAT: line 1: not the header of peoplesoft/default"),
        (b"\xef\xbb\xbf" + b"".join(charges()), "LAYOUT-ENCODING: line 1: byte 0xEF is not ascii"),
        (
            b"<?xml version='1.0'?>\n",
            "LAYOUT-OTHER-FORMAT: line 1: not the header of peoplesoft/default: it is 21 bytes",
        ),
    ],
)
def test_a_peoplesoft_file_that_is_not_as_it_left_us_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    assert refused(POST, tmp_path, data).startswith(said)


@pytest.mark.parametrize(
    ("layout", "name"), [(POST, "peoplesoft/default/charges.dat"), (MONEY, "cashnet/payments/payments.csv")]
)
def test_a_file_with_control_totals_that_is_cut_anywhere_is_refused(
    layout: layouts.Layout, name: str, tmp_path: Path
) -> None:
    data = (GOLDEN / name).read_bytes()
    for end in range(len(data)):
        assert refused(layout, tmp_path, data[:end])


@pytest.mark.parametrize("name", ["cashnet/open_items/openitems.csv", "peoplesoft/paid/paid.csv"])
def test_a_file_without_control_totals_that_is_cut_inside_a_line_is_refused(name: str, tmp_path: Path) -> None:
    layout = ITEMS if "items" in name else PAID
    data = (GOLDEN / name).read_bytes()
    for end in range(len(data)):
        if not data[:end].endswith(b"\r\n"):
            assert refused(layout, tmp_path, data[:end])


def test_a_refusal_is_in_the_catalogue_of_findings() -> None:
    catalogue = tomllib.loads(files.resource("schemas/findings.toml").read_text("utf-8"))
    for code in ("EMPTY", "ENCODING", "OTHER-FORMAT", "CUT", "CONTROL"):
        entry = catalogue[f"LAYOUT-{code}"]
        assert (entry["level"], entry["scope"]) == ("stop", "file")

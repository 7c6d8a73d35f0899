"""Reports as Alma's Analytics interface gives them: pages, headings on the first, cells that are left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.money import Tally
from pipeline.readers.refused import RefusedFileError
from tests.unit.analytics_kit import (
    HEADINGS,
    ROW,
    ROWSET,
    analytics,
    as_rowset,
    counted,
    page,
    read,
    read_bytes,
    row,
    schema,
    written,
    xml_row,
)

if TYPE_CHECKING:
    from pathlib import Path

SAID = analytics()
BARE = f'<rowset xmlns="{ROWSET}">{{}}</rowset>'


def code(folder: Path, text: str | bytes) -> str:
    path = written(folder, text if isinstance(text, bytes) else text.encode())
    with pytest.raises(RefusedFileError) as caught:
        read(path, SAID)
    assert str(caught.value).startswith("report.bin")
    assert "\n" not in str(caught.value)
    return caught.value.code


@pytest.mark.parametrize("pages", [1, 2, 3, 5])
def test_pages_in_one_file_are_one_report(tmp_path: Path, pages: int) -> None:
    rows = [row(fee_id=str(number), remaining=f"{number}.5") for number in range(5)]
    found = read_bytes(tmp_path, as_rowset(*rows, pages=pages), SAID)
    assert found["fee_id"].tolist() == ["0", "1", "2", "3", "4"]
    assert found["amount_cents"].tolist() == [50, 150, 250, 350, 450]


def test_a_single_page_and_a_bare_rowset_are_reports_too(tmp_path: Path) -> None:
    for text in (page(ROW), BARE.format(schema() + xml_row(ROW))):
        assert read_bytes(tmp_path, text.encode(), SAID)["fee_id"].tolist() == [ROW[0]]


def test_a_cell_that_is_left_out_moves_no_other(tmp_path: Path) -> None:
    rows: list[list[str | None]] = [[ROW[0], ROW[1], None, *ROW[3:]], [*ROW[:4], None, ROW[5]], [None] * 6]
    found = read_bytes(tmp_path, as_rowset(*rows), SAID)
    assert found["fee_time"].tolist() == [ROW[5], ROW[5], ""]
    assert found["unreadable"].tolist()[:2] == ["fee type is missing", "remaining amount is missing"]
    assert found["unreadable"].iloc[2].startswith("remaining amount is missing; original amount is missing; fee id")


def test_later_headings_count_for_nothing(tmp_path: Path) -> None:
    second = page(row(fee_id="2"), headings=HEADINGS[::-1])
    found = read_bytes(tmp_path, f"<pages>{page(ROW, finished=False)}{second}</pages>".encode(), SAID)
    assert found["fee_id"].tolist() == [ROW[0], "2"]


def test_letters_references_and_marked_sections_are_read(tmp_path: Path) -> None:
    text = page(row(patron_id="x", fee_type="Geb\u00fchr & mehr")).replace(
        "<Column2>x<", "<Column2><![CDATA[a<b]]>&#99;<"
    )
    found = read_bytes(tmp_path, text.encode(), SAID)
    assert found[["patron_id", "fee_type"]].to_numpy().tolist() == [["a<bc", "Geb\u00fchr & mehr"]]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("<Column5>12.5</Column5>", "<Column5>12.5</Column5><Column5>1</Column5>"), "remaining amount is said twice"),
        (("12.5", "<b>12.5</b>"), "remaining amount is said twice, or around other elements"),
        (("12.5", "<Row><Column5>12.5</Column5></Row>"), "remaining amount is said twice"),
        (("</Row>", "<Column9>5</Column9></Row>"), "it has a cell without a heading"),
        (("</Row>", "<Row><Column5>9</Column5></Row></Row>"), "it has a cell without a heading"),
    ],
)
def test_a_cell_in_doubt_holds_its_row_and_is_worth_the_same_to_both(
    tmp_path: Path, change: tuple[str, str], why: str
) -> None:
    found = read_bytes(tmp_path, page(ROW).replace(*change).encode(), SAID)
    assert len(found) == 1
    assert why in found["unreadable"].iloc[0]


def test_an_answer_without_rows_is_an_answer(tmp_path: Path) -> None:
    for text in (page(), page(headings=None), BARE.format(schema())):
        assert len(read_bytes(tmp_path, text.encode(), SAID)) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "FILE-EMPTY"),
        ("Service unavailable", "FILE-WRONG-KIND"),
        ("<html><body>Down for maintenance</body></html>", "FILE-WRONG-KIND"),
        ("<web_service_result><errorsExist>true</errorsExist></web_service_result>", "FILE-WRONG-KIND"),
        ("<pages/>", "FILE-WRONG-KIND"),
        ("<report/>", "FILE-WRONG-KIND"),
        ("<report><QueryResult><IsFinished>true</IsFinished></QueryResult></report>", "FILE-WRONG-KIND"),
        (f"<pages>{page(ROW)}<report/></pages>", "FILE-WRONG-KIND"),
        (f"<pages>{page(ROW)}<web_service_result/></pages>", "FILE-WRONG-KIND"),
        (page(ROW, finished=False), "FILE-NOT-WHOLE"),
        (page(ROW)[:-1], "FILE-NOT-WHOLE"),
        (page(ROW).replace("item", "&nbsp;"), "FILE-NOT-WHOLE"),
        (f"<?xml version='1.0' encoding='EBCDIC-x'?>{page(ROW)}", "FILE-NOT-WHOLE"),
        (page(ROW, headings=None), "REPORT-COLUMNS"),
        (BARE.format(""), "REPORT-COLUMNS"),
        (f"<pages>{page(headings=None, finished=False)}{page(ROW)}</pages>", "REPORT-COLUMNS"),
        ('<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]>' + page(ROW), "FILE-DOCTYPE"),
        ("<report>" * 70 + "</report>" * 70, "FILE-TOO-DEEP"),
        (page(row(fee_type="x" * 70_000)), "FILE-TEXT-TOO-LONG"),
    ],
)
def test_what_is_no_whole_report_is_a_failure_and_never_no_rows(tmp_path: Path, text: str, expected: str) -> None:
    assert code(tmp_path, text) == expected


def test_a_report_cut_off_at_any_byte_is_refused(tmp_path: Path) -> None:
    whole = as_rowset(ROW, row(fee_id="2"), pages=2)
    for cut in range(0, len(whole) - 1, 7):
        assert code(tmp_path, whole[:cut]) in {"FILE-EMPTY", "FILE-NOT-WHOLE"}


def test_the_second_count_of_a_torn_file_is_no_crash(tmp_path: Path) -> None:
    assert counted(tmp_path, page(ROW, ROW)[:-45].encode(), SAID) == Tally(2, 2500)
    assert counted(tmp_path, b"nothing", SAID) == Tally()

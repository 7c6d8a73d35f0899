"""Reports as CSV: how they may be written, and what is no report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.readers.refused import RefusedFileError
from tests.unit.analytics_kit import HEADINGS, ROW, as_csv, as_xlsx, read, read_bytes, row, settings, written

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [True, False])
def test_any_end_of_line_will_do_with_a_byte_order_mark_or_without(tmp_path: Path, end: str, mark: bool) -> None:  # noqa: FBT001 - a parameter of the test
    content = as_csv(ROW, row(fee_id="2"), end=end)
    found = read_bytes(tmp_path, content if mark else content.removeprefix(b"\xef\xbb\xbf"), settings())
    assert found[["line", "fee_id"]].to_numpy().tolist() == [[2, ROW[0]], [3, "2"]]


def test_mixed_ends_of_lines_and_blank_lines_keep_the_numbers_of_lines(tmp_path: Path) -> None:
    lines = [",".join(cells) for cells in (HEADINGS, row(fee_id="1"), row(fee_id="2"), row(fee_id="3"))]
    text = f"\n{lines[0]}\r\n{lines[1]}\n\r\n,,,,,\r{lines[2]}\r\n   \n{lines[3]}\n\n"
    found = read_bytes(tmp_path, text.encode(), settings())
    assert found[["line", "fee_id"]].to_numpy().tolist() == [[3, "1"], [6, "2"], [8, "3"]]


def test_quotes_may_hide_delimiters_line_ends_and_quotes(tmp_path: Path) -> None:
    headings = [*HEADINGS, "Title"]
    rows = [[*row(fee_id=str(number)), title] for number, title in enumerate(['a, "b"', "two\r\nlines", '5" disk', ""])]
    found = read_bytes(
        tmp_path, as_csv(*rows, headings=headings), settings(columns={"title": ["Title"]}, keep=["title"])
    )
    assert found["title"].tolist() == ['a, "b"', "two\r\nlines", '5" disk', ""]
    assert found["line"].tolist() == [2, 3, 5, 6]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_a_campus_names_another_delimiter(tmp_path: Path, delimiter: str) -> None:
    text = "\n".join(delimiter.join(cells) for cells in (HEADINGS, row(remaining="1.5"))) + "\n"
    found = read_bytes(tmp_path, text.encode(), settings(delimiter=delimiter))
    assert found["amount_cents"].tolist() == [150]


@pytest.mark.parametrize(("cells", "many"), [(ROW[:5], 5), ([*ROW, "7"], 7), ([*ROW, ""], 7), (ROW[:1], 1)])
def test_a_row_with_too_few_or_too_many_cells_is_held_with_its_fee_id(
    tmp_path: Path, cells: list[str], many: int
) -> None:
    found = read_bytes(tmp_path, as_csv(cells, row(fee_id="2")), settings())
    assert found["unreadable"].tolist() == [f"it has {many} cells under 6 headings", ""]
    assert found["fee_id"].tolist() == [ROW[0], "2"]
    assert found["amount_cents"].tolist() == [0, 1250]


def test_a_last_line_that_does_not_end_may_be_cut_off_and_is_held(tmp_path: Path) -> None:
    found = read_bytes(tmp_path, as_csv(ROW, row(fee_id="2"))[:-2], settings())
    assert found["unreadable"].tolist() == ["", "the last line does not end, so it may be cut off"]


def test_a_report_cut_off_at_any_byte_is_refused_or_its_last_row_held(tmp_path: Path) -> None:
    """Only at the end of a line can nobody tell; that is what the comparison with the last report is for."""
    whole = as_csv(row(remaining="19.55"), [*row(fee_id="2", fee_type='a "b"\r\nc')[:5], "Caf\u00e9"])
    ends = {end for end in range(len(whole)) if whole[:end].endswith((b"\n", b"\r"))}
    for cut in range(len(whole)):
        try:
            found = read_bytes(tmp_path, whole[:cut], settings())
        except RefusedFileError:
            continue
        assert cut in ends or found["unreadable"].iloc[-1] != ""


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "FILE-EMPTY"),
        (b"\r\n \r\n", "REPORT-COLUMNS"),
        (b"\xef\xbb\xbf", "REPORT-COLUMNS"),
        (as_csv(ROW).decode("utf-8-sig").encode("utf-16"), "FILE-ENCODING"),
        (as_csv(ROW).decode("utf-8-sig").encode("utf-16-le"), "FILE-ENCODING"),
        (as_csv(row(fee_type="Mahngeb\u00fchr")).decode("utf-8-sig").encode("cp1252"), "FILE-ENCODING"),
        (as_csv(ROW).replace(b"item", b"\0"), "FILE-ENCODING"),
        (b"<!DOCTYPE html><html><body>Log in</body></html>", "FILE-WRONG-KIND"),
        (b"\xef\xbb\xbf\n <report/>", "FILE-WRONG-KIND"),
        (b'{"errorsExist": true}', "FILE-WRONG-KIND"),
        (b"%PDF-1.7 ...", "FILE-WRONG-KIND"),
        (as_xlsx(ROW), "FILE-WRONG-KIND"),
        (as_csv(ROW) + b'"open,1', "FILE-NOT-WHOLE"),
        (as_csv(ROW) + b'"a"b,1\r\n', "FILE-NOT-WHOLE"),
        (as_csv(row(fee_type="x" * 200_000)), "FILE-TEXT-TOO-LONG"),
        (b"x" * (3 << 20), "FILE-TEXT-TOO-LONG"),
    ],
)
def test_what_is_no_whole_report_in_utf_8_is_refused_with_one_line(tmp_path: Path, content: bytes, code: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(RefusedFileError) as caught:
        read(path, settings())
    assert caught.value.code == code
    assert str(caught.value).startswith("report.bin")
    assert "\n" not in str(caught.value)


def test_a_file_beyond_the_limits_of_its_source_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, as_csv(*[ROW] * 5))
    for limited in (settings(max_bytes=100), settings(max_fees=4)):
        with pytest.raises(RefusedFileError) as caught:
            read(path, limited)
        assert caught.value.code == "FILE-TOO-LARGE"


def test_a_folder_in_the_place_of_a_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedFileError) as caught:
        next(iter(_lines(tmp_path)))
    assert caught.value.code == "FILE-NOT-READABLE"


def _lines(path: Path):  # type: ignore[no-untyped-def]  # noqa: ANN202
    from pipeline.readers import report_csv

    return report_csv.lines(path, ",", 1000)

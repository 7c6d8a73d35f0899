"""What every report must have, however it comes: columns, a day, rows that say what they are."""

from __future__ import annotations

import hashlib
import hmac
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.campus.sources import CUT_OFF
from pipeline.money import Tally
from pipeline.readers import report, report_days, report_rows
from pipeline.readers.refused import RefusedFileError
from tests.unit.analytics_kit import (
    COLUMNS,
    HEADINGS,
    ROW,
    WRITERS,
    analytics,
    as_csv,
    as_rowset,
    as_xlsx,
    counted,
    page,
    read,
    read_bytes,
    row,
    settings,
    written,
)

if TYPE_CHECKING:
    from pathlib import Path

FORMATS = sorted(WRITERS)


def refusal(folder: Path, content: bytes, *said: Any, **more: Any) -> RefusedFileError:
    with pytest.raises(RefusedFileError) as caught:
        read(written(folder, content), *said, **more)
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("form", FORMATS)
def test_a_row_is_read_as_it_is_written(tmp_path: Path, form: str) -> None:
    content = WRITERS[form](ROW)
    found = read_bytes(tmp_path, content, settings(form, patron_id_type="01")).to_dict("records")
    assert found == [
        {
            "source": "fees",
            "file_sha": hashlib.sha256(content).hexdigest(),
            "line": 1 if form == "rowset" else 2,
            "export_number": "",
            "patron_id_type": "01",
            "patron_id": "999991234",
            "fee_id": "11122233300006421",
            "fee_type": "Damaged item fine",
            "owner": "",
            "fee_time": "2026-01-02",
            "currency": "USD",
            "amount_text": "12.5",
            "amount_cents": 1250,
            "vat_text": "",
            "barcode": "",
            "title": "",
            "comment": "",
            "patron_name": "",
            "title_hash": "",
            "user_group": "",
            "lists": "open_now",
            "as_of": "2026-01-05",
            "original_cents": 3000,
            "continues": "",
            "unreadable": "",
        }
    ]


@pytest.mark.parametrize("form", FORMATS)
def test_an_honest_report_without_rows_is_read(tmp_path: Path, form: str) -> None:
    assert len(read_bytes(tmp_path, WRITERS[form](), settings(form))) == 0


@pytest.mark.parametrize("form", FORMATS)
def test_columns_stand_in_any_order_under_any_of_their_headings(tmp_path: Path, form: str) -> None:
    said = settings(form, columns={"remaining": ["Balance", "Offener Betrag"], "barcode": ["Barcode"]})
    headings = ["BARCODE ", "offener  betrag", *HEADINGS[3::-1], "Unknown", HEADINGS[5]]
    cells = ["-1", "7.25", *ROW[3::-1], "x", ROW[5]]
    found = read_bytes(tmp_path, WRITERS[form](cells, headings=headings), said)
    assert found[["fee_id", "amount_cents", "original_cents", "barcode"]].to_numpy().tolist() == [
        [ROW[0], 725, 3000, ""]
    ]


@pytest.mark.parametrize("form", FORMATS)
def test_a_missing_column_is_named_with_the_headings_that_stand_there(tmp_path: Path, form: str) -> None:
    content = WRITERS[form](ROW[:4], headings=["Fee", *HEADINGS[1:4]])
    error = refusal(tmp_path, content, settings(form))
    assert error.code == "REPORT-COLUMNS"
    for said in ("fee id ('Fine Fee Id')", "remaining amount ('Remaining Amount')", "'Fee', 'Primary Identifier'"):
        assert said in str(error)


@pytest.mark.parametrize("form", FORMATS)
def test_a_heading_that_stands_there_twice_is_refused_if_it_is_used(tmp_path: Path, form: str) -> None:
    used = WRITERS[form]([*ROW, "5"], headings=[*HEADINGS, "remaining amount"])
    assert refusal(tmp_path, used, settings(form)).code == "REPORT-COLUMNS"
    unused = WRITERS[form]([*ROW, "5", "6"], headings=[*HEADINGS, "Note", "Note"])
    assert len(read_bytes(tmp_path, unused, settings(form))) == 1


@pytest.mark.parametrize("form", FORMATS)
def test_a_report_without_headings_is_refused(tmp_path: Path, form: str) -> None:
    content = WRITERS[form](ROW, headings=["a", "b", "c", "d", "e", "f"])
    error = refusal(tmp_path, content, settings(form))
    assert error.code == "REPORT-COLUMNS"
    assert "no line of headings" in str(error)


def test_a_report_of_exactly_as_many_rows_as_reports_are_known_to_be_cut_after_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert CUT_OFF == (25_000, 65_000, 65_535, 75_000, 1_048_575)
    monkeypatch.setattr(report, "CUT_OFF", (2, 4))
    error = refusal(tmp_path, as_csv(ROW, ROW), settings("csv"))
    assert (error.code, "row_limit" in str(error)) == ("REPORT-ROW-LIMIT", True)
    assert len(read_bytes(tmp_path, as_csv(ROW, ROW, ROW), settings("csv"))) == 3
    assert len(read_bytes(tmp_path, as_csv(ROW, ROW), settings("csv", row_limit=0))) == 2
    assert len(read_bytes(tmp_path, as_csv(ROW, ROW), settings("csv", row_limit=3))) == 2


@pytest.mark.parametrize("form", FORMATS)
def test_as_many_rows_as_a_cut_off_report_has_are_refused(tmp_path: Path, form: str) -> None:
    assert refusal(tmp_path, WRITERS[form](ROW, ROW), settings(form, row_limit=2)).code == "REPORT-ROW-LIMIT"
    assert len(read_bytes(tmp_path, WRITERS[form](ROW), settings(form, row_limit=2))) == 1


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("3", 300),
        ("3.0", 300),
        ("3.00", 300),
        ("3.000", 300),
        ("12.5", 1250),
        ("0", 0),
        ("0.0", 0),
        ("-3.25", -325),
        ("007", 700),
        ("123456789.99", 12345678999),
        ("3.001", None),
        ("1,234.50", None),
        ("12,5", None),
        ("$3", None),
        ("1e2", None),
        ("1E+2", None),
        ("", None),
        (" 3", None),
        ("3.", None),
        (".5", None),
        ("1234567890", None),
        ("\u0663", None),
        ("NaN", None),
        ("+3", None),
    ],
)
def test_an_amount_is_a_plain_decimal_with_zeros_at_most_after_the_cents(text: str, cents: int | None) -> None:
    assert report_rows.cents_of(text) == cents


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"remaining": "1,2"}, "remaining amount is '1,2', which is not whole cents"),
        ({"remaining": ""}, "remaining amount is missing"),
        ({"remaining": "-3.0"}, "remaining amount is '-3.0', below nothing"),
        ({"original": "x"}, "original amount is 'x', which is not whole cents"),
        ({"patron_id": ""}, "patron id is missing"),
        ({"patron_id": "null"}, "patron id is the word null"),
        ({"patron_id": "12\u200e3"}, "patron id has blanks or invisible signs inside"),
        ({"fee_id": "1 2"}, "fee id has blanks or invisible signs inside"),
        ({"fee_type": ""}, "fee type is missing"),
        ({"fee_id": "2.34568E+18"}, "fee id is 2.34568E+18, a number that a spreadsheet has changed"),
        ({"fee_id": "'7001"}, "fee id begins with ', by which a spreadsheet marks a text"),
        ({"patron_id": '"0012345'}, 'patron id begins with ", by which a spreadsheet marks a text'),
        ({"patron_id": "999991234.0"}, "patron id is 999991234.0, a number that a spreadsheet has changed"),
        ({"patron_id": "1e5"}, ""),
        ({"patron_id": "jo.doe@example.edu"}, ""),
    ],
)
def test_what_cannot_be_a_fee_is_named_and_kept(tmp_path: Path, form: str, said: dict[str, str], why: str) -> None:
    found = read_bytes(tmp_path, WRITERS[form](row(**said), ROW), settings(form))
    assert found["unreadable"].tolist() == [why, ""]


def test_an_id_that_was_saved_as_a_formula_is_named_and_kept(tmp_path: Path) -> None:
    found = read_bytes(tmp_path, as_csv(row(patron_id='="0012345"'), ROW), settings())
    assert found["unreadable"].tolist() == ["patron id begins with =, by which a spreadsheet marks a text", ""]


def test_a_row_without_a_fee_id_is_called_after_its_line(tmp_path: Path) -> None:
    content = as_csv(row(fee_id=""), ROW)
    found = read_bytes(tmp_path, content, settings())
    assert found["fee_id"].tolist() == [f"?{hashlib.sha256(content).hexdigest()[:12]}-2", ROW[0]]


def test_a_new_since_report_says_the_original_amount_alone(tmp_path: Path) -> None:
    said = settings(lists="new_since", columns={"remaining": None})
    found = read_bytes(tmp_path, as_csv(ROW), said)
    assert found[["lists", "amount_text", "amount_cents", "original_cents"]].to_numpy().tolist() == [
        ["new_since", "30.0", 3000, 3000]
    ]


def test_the_report_of_the_published_sample_is_read(tmp_path: Path) -> None:
    """Headings and form are those of a CSV that a university library published; its fees are made up."""
    headings = ["Transaction Amount", "Fine Fee Type", "Fine Fee Id", "Primary Identifier", "Transaction Date"]
    columns = {"original": ["Original Amount", "Transaction Amount"], "remaining": None, "date": ["Transaction Date"]}
    said = settings(lists="new_since", columns=columns)
    content = as_csv(["3.0", "Lost item fine", "22233344400006421", "999995678", "2026-01-03"], headings=headings)
    assert read_bytes(tmp_path, content, said)["amount_cents"].tolist() == [300]


PRIVATE = {"title": ["Title"], "comment": ["Note"], "patron_name": ["Name"]}
NAMED = as_csv([*ROW, "Salt  & Trade", "reopens F-7", "Nobody, Nora"], headings=[*HEADINGS, "Title", "Note", "Name"])


def test_private_columns_stay_blank_unless_they_are_kept(tmp_path: Path) -> None:
    shown = ["title", "comment", "patron_name", "title_hash", "continues"]
    found = read_bytes(tmp_path, NAMED, settings(columns=PRIVATE))
    assert found[shown].to_numpy().tolist() == [["", "", "", "", "F-7"]]
    kept = read_bytes(tmp_path, NAMED, settings(columns=PRIVATE, keep=["title", "patron_name"]))
    assert kept[shown].to_numpy().tolist() == [["Salt  & Trade", "", "Nobody, Nora", "", "F-7"]]


def test_a_title_is_hashed_with_the_campus_key_and_not_kept(tmp_path: Path) -> None:
    found = read_bytes(tmp_path, NAMED, settings(columns=PRIVATE), title_key=b"key")
    assert found["title"].tolist() == [""]
    assert found["title_hash"].tolist() == [hmac.new(b"key", b"salt & trade", hashlib.sha256).hexdigest()]


def test_a_currency_of_its_own_counts_and_a_blank_one_is_missing(tmp_path: Path) -> None:
    content = as_csv([*ROW, "EUR"], [*row(fee_id="2"), ""], headings=[*HEADINGS, "Currency"])
    found = read_bytes(tmp_path, content, settings(columns={"currency": ["Currency"]}))
    assert found[["currency", "unreadable"]].to_numpy().tolist() == [["EUR", ""], ["", "currency is missing"]]


def test_no_refusal_repeats_a_cell_of_a_row(tmp_path: Path) -> None:
    content = as_csv(["Nobody", "Nora", *ROW[2:], "extra"])
    found = read_bytes(tmp_path, content, settings())
    assert found["unreadable"].tolist() == ["it has 7 cells under 6 headings"]


AS_OF = [*HEADINGS, "Updated"]


@pytest.mark.parametrize("form", FORMATS)
def test_a_column_says_which_day_the_report_describes(tmp_path: Path, form: str) -> None:
    said = settings(form, as_of={"column": "updated"}, dates=["MM/DD/YYYY", "YYYY-MM-DD"])
    content = WRITERS[form]([*ROW, "01/04/2026"], [*row(fee_id="2"), "2026-01-04 23:59:00"], headings=AS_OF)
    assert read_bytes(tmp_path, content, said)["as_of"].tolist() == ["2026-01-04"] * 2


@pytest.mark.parametrize(
    ("days", "why"),
    [
        (("2026-01-04", "2026-01-05"), "describes 2 days"),
        (("2026-01-04", ""), "does not say in every row"),
        (("2026-02-30", "2026-02-30"), "no day like"),
    ],
)
def test_a_report_of_several_days_or_of_none_is_refused(tmp_path: Path, days: tuple[str, str], why: str) -> None:
    content = as_csv(*[[*ROW, day] for day in days], headings=AS_OF)
    error = refusal(tmp_path, content, settings(as_of={"column": "Updated"}))
    assert error.code == "REPORT-AS-OF"
    assert why in str(error)


def test_a_day_that_had_not_come_when_the_report_did_is_refused(tmp_path: Path) -> None:
    content = as_csv([*ROW, "2099-01-01"], headings=AS_OF)
    error = refusal(tmp_path, content, settings(as_of={"column": "Updated"}))
    assert error.code == "REPORT-AS-OF"
    assert "describes 2099-01-01, and came on" in str(error)


@pytest.mark.parametrize(
    "above", ["As of 2026-01-04\r\n", "Open fees\r\n\r\nas of:,2026-01-04,,\r\n", "AS OF = 2026-01-04\r\n"]
)
def test_a_line_above_the_headings_says_the_day(tmp_path: Path, above: str) -> None:
    found = read_bytes(tmp_path, as_csv(ROW, above=above), settings(as_of={"header": "As of"}))
    assert found["as_of"].tolist() == ["2026-01-04"]


@pytest.mark.parametrize("above", ["", "As of yesterday\r\n", "As of 2026-01-04\r\nAs of 2026-01-05\r\n"])
def test_a_line_that_says_no_day_or_two_is_refused(tmp_path: Path, above: str) -> None:
    said = settings(as_of={"header": "As of"})
    assert refusal(tmp_path, as_csv(ROW, above=above), said).code == "REPORT-AS-OF"


def test_the_day_of_a_report_asked_for_is_counted_back_from_its_delivery(tmp_path: Path) -> None:
    path = written(tmp_path, as_rowset(ROW))
    assert read(path, analytics(as_of={"lag_days": 3}))["as_of"].tolist() == ["2026-01-03"]
    assert refusal(tmp_path, as_rowset(ROW), analytics(), came_on="").code == "REPORT-AS-OF"


def test_a_report_without_rows_tells_its_day_where_it_can(tmp_path: Path) -> None:
    def day(content: bytes, **said: Any) -> str:
        more: dict[str, Any] = {"source": "fees", "file_sha": "f", "came_on": "2026-01-06", "currency": "USD"}
        return report.read(written(tmp_path, content), report=settings(**said), **more).as_of

    assert day(as_csv()) == "2026-01-05"
    assert day(as_csv(above="As of 2026-01-02\r\n"), as_of={"header": "As of"}) == "2026-01-02"
    assert day(as_csv(headings=AS_OF), as_of={"column": "Updated"}) == ""
    assert day(page(headings=None).encode(), file_format="rowset") == "2026-01-05"


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-01-04", "2026-01-04"),
        ("2026-01-04T00:00:00", "2026-01-04"),
        ("2026-01-04 23:59", "2026-01-04"),
        ("1/4/2026 11:59:00 PM", "2026-01-04"),
        ("01/04/2026", "2026-01-04"),
        ("2026-01-04x", ""),
        ("", ""),
        ("46026", ""),
    ],
)
def test_a_day_is_read_in_the_forms_of_its_source(text: str, day: str) -> None:
    assert report_days.day_of(text, ("YYYY-MM-DD", "MM/DD/YYYY", "M/D/YYYY")) == day


def test_a_day_that_two_forms_read_in_two_ways_is_none() -> None:
    both = ("MM/DD/YYYY", "DD/MM/YYYY")
    assert report_days.day_of("01/02/2026", both) == ""
    assert report_days.day_of("13/02/2026", both) == date(2026, 2, 13).isoformat()


def test_the_second_count_follows_no_columns_but_the_amount(tmp_path: Path) -> None:
    rows = [row(remaining=text) for text in ("3.0", "-1.25", "x", "0.999", "2.100")]
    assert counted(tmp_path, as_csv(*rows), settings()) == Tally(5, 385)
    assert counted(tmp_path, as_xlsx(*rows), settings("xlsx")) == Tally(5, 385)
    assert counted(tmp_path, as_rowset(*rows, pages=3), settings("rowset")) == Tally(5, 385)
    assert set(COLUMNS) == {"fee_id", "patron_id", "fee_type", "original", "remaining", "date"}

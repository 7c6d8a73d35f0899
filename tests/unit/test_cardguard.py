"""Card numbers: a file that holds one leaves no trace here, and other long numbers cry no wolf."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.layouts import archive
from pipeline.stages.cardguard import BRANDS, card_numbers
from pipeline.stages.feed import Fetched
from pipeline.stages.intake import fetch_feed
from tests.fakes.fate import Died, Fate, FatedPlace, Fates
from tests.fakes.place import FakePlace
from tests.unit.fetch_kit import FEED, PAID, Desk, codes, names

CARD = "4111111111111111"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "archive")


@pytest.mark.parametrize(
    "number",
    [
        CARD,
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "5555555555554444",
        "2223003122003222",
        "378282246310005",
        "3782 822463 10005",
        "6011111111111117",
        "30569309025904",
        "3530111333300000",
        "6200000000000005",
        "4222222222222",
    ],
)
def test_a_file_with_a_card_number_leaves_no_trace_but_the_place(desk: Desk, number: str) -> None:
    desk.drive.put("CASHNET_1.csv", PAID + f"D,2,{number},1.00\n".encode())
    got = desk.look()
    assert (got.new, codes(got)) == ((), ["FETCH-CARD-NUMBER"])
    assert "line 4, column 5" in got.findings[0].text
    assert got.findings[0].stops
    digits = number.replace(" ", "").replace("-", "")
    assert digits[-4:] not in got.findings[0].text
    assert not [path for path in desk.archive.rglob("*") if path.is_file()]
    assert list(desk.drive.files) == ["CASHNET_1.csv"], "it lies where its sender put it"
    assert desk.book.rows == {}


def test_the_other_files_of_that_night_are_taken(desk: Desk) -> None:
    desk.drive.put("CASHNET_1.csv", CARD.encode())
    desk.drive.put("CASHNET_2.csv", PAID)
    assert names(desk.look().new) == ["CASHNET_2.csv"]


def test_several_are_counted_and_only_the_first_is_placed(desk: Desk) -> None:
    desk.drive.put("CASHNET_1.csv", f"{CARD}\n{CARD} {CARD}\n".encode())
    assert "line 1, column 1 (and 2 more)" in desk.look().findings[0].text


def test_our_own_fee_ids_are_no_cards(tmp_path: Path) -> None:
    desk = Desk(tmp_path, replace(FEED, fee_ids=frozenset({CARD})))
    desk.drive.put("CASHNET_1.csv", CARD.encode())
    assert codes(desk.look()) == []


def test_only_files_with_payments_are_searched(tmp_path: Path) -> None:
    desk = Desk(tmp_path, replace(FEED, role="charges"))
    desk.drive.put("CASHNET_1.csv", CARD.encode())
    assert codes(desk.look()) == []


@pytest.fixture
def last_words(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What stood in each copy at the moment it was removed."""
    seen: list[bytes] = []
    unlink = Path.unlink

    def watched(path: Path, *, missing_ok: bool = False) -> None:
        if path.parent.name == "incoming" and not path.name.startswith("."):
            seen.append(path.read_bytes())
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", watched)
    return seen


def test_the_copy_is_overwritten_before_it_is_removed(desk: Desk, last_words: list[bytes]) -> None:
    desk.drive.put("CASHNET_1.csv", CARD.encode())
    desk.look()
    assert last_words == [bytes(len(CARD))]


def test_it_is_so_even_when_the_run_is_broken_off(desk: Desk, last_words: list[bytes]) -> None:
    desk.drive.put("CASHNET_1.csv", CARD.encode())
    fated = FatedPlace(FakePlace(desk.drive), Fates({4: Fate(Died())}))
    with pytest.raises(Died):
        fetch_feed(desk.feed, fated, desk.book, desk.archive, desk.clock)
    assert last_words == [bytes(len(CARD))]


def test_what_a_machine_that_lost_power_left_behind_is_overwritten_by_the_next_run(
    desk: Desk, last_words: list[bytes]
) -> None:
    left_over = desk.archive / "incoming" / "0000"
    left_over.parent.mkdir(parents=True)
    left_over.write_text(CARD)
    assert desk.look() == Fetched((), (), ())
    assert last_words == [bytes(len(CARD))]


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",  # Luhn says no
        "1234567812345670",  # Luhn says yes, but no brand begins so
        "2345678901230001121",  # an Alma id
        "41111111111111111111",  # 20 digits
        "411111111111",  # 12 digits
        "4111,1111,1111,1111",  # four columns
        "4111 1111-1111 1111",  # no one writes so
        "2026-01-06T14:03:22-05:00",
    ],
)
def test_other_long_numbers_cry_no_wolf(text: str) -> None:
    assert list(card_numbers([text.encode()], frozenset())) == []


def test_text_of_two_bytes_a_letter_is_searched_too() -> None:
    assert [(spot.line, spot.column) for spot in card_numbers([f"x,{CARD}".encode("utf-16-le")], ())] == [(1, 3)]


@given(st.data())
def test_every_number_a_brand_can_give_out_is_found(data: Any) -> None:
    beginnings, lengths = data.draw(st.sampled_from(BRANDS))
    start, length = str(data.draw(st.sampled_from(beginnings))), data.draw(st.sampled_from(lengths))
    body = start + data.draw(st.text("0123456789", min_size=length - 1 - len(start), max_size=length - 1 - len(start)))
    number = next(body + last for last in "0123456789" if _checks(body + last))
    line = f"D;{number};1.00".encode()
    assert [tuple(spot) for spot in card_numbers([b"x\n", line], ())] == [(2, 3)]
    wrong = body + str((int(number[-1]) + 1) % 10)
    assert list(card_numbers([wrong.encode()], ())) == []


def _checks(number: str) -> bool:
    """Luhn's sum the long way round, as its patent tells it."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value // 10 + value % 10
    return total % 10 == 0


def workbook(*parts: tuple[str, str]) -> list[bytes]:
    """A workbook's bytes as the guard gets them: line by line, as if it were text."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts:
            archive.writestr(name, text)
    return stream.getvalue().splitlines(keepends=True)


def spots(*parts: tuple[str, str]) -> list[tuple[int, ...]]:
    return [tuple(spot) for spot in card_numbers(workbook(*parts), ())]


CELL = "<worksheet><sheetData><row r='7'><c r='C7'{}</c></row></sheetData></worksheet>"
SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    "inside",
    [
        f" t='inlineStr'><is><t>card {CARD}</t></is>",
        " t='inlineStr'><is><r><t>4111 1111</t></r><r><t> 1111 1111</t></r></is>",
        f" t='str'><v>{CARD}</v>",
        f"><v>{CARD}</v>",
        "><v>3.78282246310005E+14</v>",
        f'><f>CONCATENATE("x","{CARD}")</f><v>1</v>',
    ],
)
def test_a_card_number_in_a_workbook_is_found_in_its_cell(inside: str) -> None:
    assert spots((SHEET, CELL.format(inside))) == [(7, 3)]


def test_a_text_that_cells_share_is_found_where_it_stands_and_also_if_no_cell_uses_it() -> None:
    strings = (
        f"<sst><si><t>plain</t></si><si><r><t>4111111</t></r><r><t>111111111</t></r></si><si><t>{CARD}</t></si></sst>"
    )
    sheet = CELL.format(" t='s'><v>1</v>")
    assert spots(("xl/sharedStrings.xml", strings), (SHEET, sheet)) == [(7, 3), (0, 0)]


@pytest.mark.parametrize("name", ["xl/comments1.xml", "docProps/core.xml", "xl/media/note.txt", "xl/drawings/d.vml"])
def test_a_card_number_in_another_part_of_a_workbook_is_found(name: str) -> None:
    found = spots((name, f"<x><p>see {CARD} there</p></x>"))
    assert found
    assert set(found) == {(0, 0)}


def test_a_part_in_utf_16_and_one_that_only_says_so_are_searched_too() -> None:
    sheet = CELL.format(f" t='str'><v>{CARD}</v>")
    assert spots(("xl/worksheets/sheet9.xml", '<?xml version="1.0" encoding="utf-16"?>' + sheet)) == [(0, 0)]
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(SHEET, ('<?xml version="1.0" encoding="utf-16"?>' + sheet).encode("utf-16"))
    assert [tuple(spot) for spot in card_numbers([stream.getvalue()], ())] == [(7, 3)]


def test_fee_ids_and_longer_numbers_in_a_workbook_cry_no_wolf() -> None:
    sheet = CELL.format("><v>2345678901230001121</v>") + CELL.format("><v>2.34567890123E+18</v>")
    assert spots((SHEET, sheet)) == []
    assert list(card_numbers(workbook((SHEET, CELL.format(f"><v>{CARD}</v>"))), {CARD})) == []


def test_a_workbook_that_unpacks_to_something_monstrous_is_not_kept_either() -> None:
    assert spots((SHEET, " " * (archive.SMALL + 1))) == [(0, 0)]


def test_a_workbook_that_is_cut_is_searched_as_far_as_it_opens() -> None:
    data = b"".join(workbook((SHEET, CELL.format(f"><v>{CARD}</v>"))))
    for end in range(len(data)):
        assert len(list(card_numbers([data[:end]], ()))) <= 1
    assert [tuple(spot) for spot in card_numbers([data[:4] + CARD.encode()], ())] == [(1, 5)]


def test_entities_that_unpack_without_end_are_not_followed() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>' + CELL.format("><v>&b;</v>")
    assert spots((SHEET, bomb)) == []

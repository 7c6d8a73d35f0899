from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from pipeline import tables
from pipeline.layouts import layout as layouts
from pipeline.layouts.load import from_table
from pipeline.money import Tally
from tests.unit.layout_rows import CONSTANTS, GOLDEN, LOOSE, TIGHT, column, movements, table, texts

if TYPE_CHECKING:
    from pathlib import Path

POST = layouts.load("peoplesoft/default")
ITEMS = layouts.load("cashnet/open_items")

CHARGES = movements(
    {},
    {
        "patron_id": "004512345",
        "item_type": "300000006920",
        "account_type": "",
        "amount_cents": 11500,
        "reference": "13158640000101234",
        "due_date": "",
    },
    {
        "patron_id": "12345678901",
        "item_type": "072000000916",
        "account_type": "",
        "term": "",
        "amount_cents": 99999999999999,
        "reference": "123456789012345678901234567890",
        "effective_date": "2026-12-31",
        "due_date": "2027-01-01",
    },
)

OWED = movements(
    {
        "patron_id": "ana@example.edu",
        "item_code": "LIB-CARD",
        "amount_cents": 108500,
        "reference": "2345678901260001121",
        "effective_date": "2026-01-06",
        "description": "",
        "owner": "",
    },
    {
        "patron_id": "001234567",
        "item_code": "LIB-LOST",
        "amount_cents": 1,
        "reference": "2345678901240001121",
        "effective_date": "2025-12-31",
        "description": "Überfällig 39001001234569",
    },
    {
        "patron_id": "001234567",
        "amount_cents": 1250,
        "reference": "2345678901230001121",
        "effective_date": "2026-01-05",
    },
    {
        "patron_id": "000000042",
        "item_code": "LIB-LOST",
        "amount_cents": 9999999999,
        "reference": "2345678901250001121",
        "effective_date": "2026-01-06",
        "description": 'Lost item, "vol. 2" 39001001234568',
        "owner": "LAW",
    },
)


def golden(name: str) -> bytes:
    return (GOLDEN / name).read_bytes()


def test_peoplesoft_charges_are_the_bytes_that_were_typed_by_hand() -> None:
    assert b"".join(layouts.write(POST, CHARGES, "charge", CONSTANTS)) == golden("peoplesoft/default/charges.dat")


def test_a_peoplesoft_reversal_differs_from_its_charge_by_its_flag_and_stays_unsigned() -> None:
    rows = movements(
        {
            "patron_id": "004512345",
            "item_type": "300000006920",
            "account_type": "",
            "amount_cents": 11500,
            "reference": "13158640000101234",
            "effective_date": "2026-01-26",
            "due_date": "",
        }
    )
    written = b"".join(layouts.write(POST, rows, "reversal", CONSTANTS))
    assert written == golden("peoplesoft/default/reversals.dat")


def test_cashnet_open_items_are_the_bytes_that_were_typed_by_hand_sorted_by_patron_and_fee() -> None:
    # The hand-typed file has 1230… before 1240…, whatever the order of the rows.
    assert b"".join(layouts.write(ITEMS, OWED, "charge", {})) == golden("cashnet/open_items/openitems.csv")
    assert b"".join(layouts.write(ITEMS, OWED.iloc[::-1], "charge", {})) == golden("cashnet/open_items/openitems.csv")


def test_an_empty_snapshot_is_its_headings() -> None:
    written = b"".join(layouts.write(ITEMS, tables.MOVEMENTS.empty(), "charge", {}))
    assert written == golden("cashnet/open_items/openitems.csv").splitlines(keepends=True)[0]


def test_a_file_of_many_parts_has_one_header_and_every_row() -> None:
    rows = movements(*({"reference": f"{number:017d}"} for number in range(20_001)))
    lines = b"".join(layouts.write(POST, rows, "charge", CONSTANTS)).splitlines()
    assert len(lines) == 20_002
    assert lines[0].startswith(b"0000020001 0000000150007.50 00041 USD")
    assert [line[52:82].strip() for line in lines[1:]] == [text.encode() for text in rows["reference"]]


def test_names_are_in_the_people_columns_only_where_a_source_carries_them() -> None:
    named = movements({}).assign(lname="Öztürk", fname="Ada", email="ada@example.edu", patron_name="Öztürk, Ada")
    line = b"".join(layouts.write(ITEMS, named, "charge", {})).splitlines()[1].decode()
    assert line.startswith("001000277,Öztürk,Ada,ada@example.edu,LIB-OVERDUE,")


@pytest.mark.parametrize(
    ("layout", "kind", "sequence", "name"),
    [
        (POST, "charge", 7, "LIB_charges_20260120_0007.dat"),
        (POST, "reversal", 12345, "LIB_reversals_20260120_12345.dat"),
        (POST, "credit", 7, "LIB_credits_20260120_0007.dat"),
        (layouts.load("peoplesoft/humboldt"), "charge", 3, "bursar-converted-DEBITS-20012026-0003.dat"),
        (layouts.load("peoplesoft/asu"), "reversal", 12, "LIB_charges.dat.20260120.12.2"),
        (layouts.load("peoplesoft/cornell"), "credit", 3, "lib_260120b_0003.dat"),
        (ITEMS, "charge", 1, "LIBFINES_OPENITEMS_20260120_0001.csv"),
    ],
)
def test_a_file_is_named_by_its_layout(layout: layouts.Layout, kind: str, sequence: int, name: str) -> None:
    assert layouts.file_name(layout, kind, date(2026, 1, 20), sequence) == name


def test_a_name_may_have_a_part_and_other_days() -> None:
    spoiled = table("cashnet/open_items")
    spoiled["outgoing"]["name"] = "{kind}-{date:MMDDYY}-{seq:N}-{part}.csv"
    layout = from_table("test/parts", spoiled)
    assert layouts.file_name(layout, "charge", date(2026, 1, 2), 3, 4) == "openitems-010226-3-4.csv"


@pytest.mark.parametrize("layout", [ITEMS, layouts.load("peoplesoft/paid")])
def test_a_kind_without_a_file_has_no_name(layout: layouts.Layout) -> None:
    with pytest.raises(ValueError, match="has no file of kind 'credit'"):
        layouts.file_name(layout, "credit", date(2026, 1, 20), 1)


FAULTS = [
    (POST, {"patron_id": "123456789012"}, "EMPLID is 12 wide, 11 allowed"),
    (POST, {"patron_id": ""}, "EMPLID is blank"),
    (POST, {"patron_id": "00100é"}, "EMPLID has the character U+00E9, which ascii cannot write"),
    (POST, {"patron_id": " 1"}, "EMPLID begins or ends with a blank"),
    (POST, {"patron_id": "1\n2"}, "EMPLID has the character U+000A, which no line may have"),
    (POST, {"reference": "2.34568E+18"}, "REF1_DESCR '2.34568E+18' was mangled by a spreadsheet"),
    (POST, {"reference": "13158640000101234.0"}, "REF1_DESCR '13158640000101234.0' was mangled by a spreadsheet"),
    (POST, {"reference": "1" * 31}, "REF1_DESCR is 31 wide, 30 allowed"),
    (POST, {"item_type": "30000000691"}, "ITEM_TYPE '30000000691' is not exactly 12 digits"),
    (POST, {"item_type": "30000000691A"}, "ITEM_TYPE '30000000691A' is not exactly 12 digits"),
    (POST, {"item_type": "٣٠٠٠٠٠٠٠٦٩١٩"}, "ITEM_TYPE has the character U+0663, which ascii cannot write"),
    (POST, {"amount_cents": 0}, "ITEM_AMT is 0.00, which must not stand in this file"),
    (POST, {"amount_cents": -325}, "ITEM_AMT is -3.25, which must not stand in this file"),
    (POST, {"amount_cents": 10**14}, "ITEM_AMT is 16 wide, 15 allowed"),
    (POST, {"effective_date": ""}, "ITEM_EFFECTIVE_DT is blank"),
    (POST, {"effective_date": "01/20/2026"}, "ITEM_EFFECTIVE_DT '01/20/2026' is not a day such as 2026-01-20"),
    (POST, {"due_date": "2026-02-30"}, "DUE_DT '2026-02-30' is no day of the calendar"),
    (ITEMS, {"patron_id": "x" * 65}, "CUSTCODE is 65 wide, 64 allowed"),
    (ITEMS, {"patron_id": "ü" * 33}, "CUSTCODE is 66 wide, 64 allowed"),
    (ITEMS, {"patron_id": "1\u200b2"}, "CUSTCODE has the character U+200B, which no line may have"),
    (ITEMS, {"item_code": "LIB-OVERDUE-X"}, "ITEMCODE is 13 wide, 12 allowed"),
    (ITEMS, {"amount_cents": 10_000_000_000}, "AMOUNT is 12 wide, 11 allowed"),
    (ITEMS, {"description": "a\r\nb"}, "DESC has the character U+000D, which no line may have"),
    (ITEMS, {"description": "a\u2028b"}, "DESC has the character U+2028, which no line may have"),
    (ITEMS, {"description": "a\x00b"}, "DESC has the character U+0000, which no line may have"),
]


@pytest.mark.parametrize(("layout", "change", "why"), FAULTS)
def test_a_row_that_cannot_be_written_is_named_and_the_others_are_not(
    layout: layouts.Layout, change: dict[str, object], why: str
) -> None:
    rows = movements({}, change, {})
    rows.index = [7, 3, 5]
    found = layouts.faults(layout, rows, "charge", CONSTANTS)
    assert found.index.tolist() == [7, 3, 5]
    assert found.loc[3].startswith(why)
    assert found.loc[[7, 5]].tolist() == ["", ""]
    with pytest.raises(ValueError, match="must be held, not written"):
        b"".join(layouts.write(layout, rows, "charge", CONSTANTS))


def test_everything_that_is_wrong_with_a_row_is_said() -> None:
    (found,) = layouts.faults(POST, movements({"patron_id": "", "amount_cents": 0}), "charge", CONSTANTS)
    assert found == "EMPLID is blank; ITEM_AMT is 0.00, which must not stand in this file"


def test_what_is_wrong_with_the_whole_file_is_wrong_with_every_row() -> None:
    rows = movements({}, {"patron_id": ""})
    asu = layouts.load("peoplesoft/asu")
    assert layouts.faults(asu, rows, "credit", CONSTANTS).tolist() == ["peoplesoft/asu has no file for a credit"] * 2
    missing = layouts.faults(POST, rows, "charge", {}).tolist()
    assert missing == [
        "origin_id must be set for this system in the campus file",
        "EMPLID is blank; origin_id must be set for this system in the campus file",
    ]
    wide = layouts.faults(POST, movements({}), "charge", {"origin_id": "LIBRARY"}).tolist()
    assert wide == ["ORIGIN_ID is 7 wide, 5 allowed"]


def test_a_total_that_its_control_field_cannot_hold_is_a_fault_before_anything_is_written() -> None:
    rows = movements(*({"amount_cents": 99_999_999_999_999} for _ in range(11)))
    why = "CONTROL_AMT is 10999999999999.89, more than could be read back"
    assert set(layouts.faults(POST, rows, "charge", CONSTANTS)) == {why}
    small = table("peoplesoft/default")
    column(small, "CONTROL_AMT", "header").update(width=15, pad=" ")
    column(small, "FILLER", "header").update(width=63)
    for name, at in (("ORIGIN_ID", 28), ("CURRENCY_CD", 34), ("FILLER", 38)):
        column(small, name, "header")["at"] = at
    two = movements({"amount_cents": 99_999_999_999_999}, {})
    found = layouts.faults(from_table("test/small", small), two, "charge", CONSTANTS)
    assert set(found) == {"CONTROL_AMT is 16 wide, 15 allowed"}


def test_a_number_that_could_not_be_read_back_is_a_fault_however_wide_its_field() -> None:
    loose = from_table("test/loose", LOOSE)
    (amount,) = layouts.faults(loose, movements({"amount_cents": 10**15}), "charge", CONSTANTS)
    assert amount == "CENTS is 1000000000000000, more than could be read back"
    halves = movements({"amount_cents": 5 * 10**14}, {"amount_cents": 5 * 10**14})
    total = "TOTAL is 10000000000000.00, more than could be read back"
    assert layouts.faults(loose, halves, "charge", CONSTANTS).tolist() == [total, total]


def test_a_file_has_one_currency() -> None:
    rows = movements({}, {"currency": "CAD"})
    assert layouts.faults(POST, rows, "charge", CONSTANTS).tolist() == [
        "",
        "currency CAD cannot stand in a file of USD",
    ]
    with pytest.raises(ValueError, match="currency CAD cannot stand in a file of USD"):
        layouts.write(POST, rows, "charge", CONSTANTS)


def test_no_rows_have_no_faults() -> None:
    assert layouts.faults(POST, tables.MOVEMENTS.empty(), "charge", CONSTANTS).tolist() == []


def test_more_lines_than_a_bursar_takes_are_never_written() -> None:
    small = table("cashnet/open_items")
    small["outgoing"]["max_lines"] = 2
    layout = from_table("test/small", small)
    assert layout.max_lines == 2
    with pytest.raises(ValueError, match="cannot write 3 rows"):
        layouts.write(layout, movements({}, {}, {}), "charge", {})


def test_free_text_is_cut_at_its_width_in_bytes_and_that_is_counted() -> None:
    rows = movements({}, {"description": "Überfällige Rückgabe " + "ü" * 20}, {"description": "x" * 39 + " yz"})
    assert layouts.faults(ITEMS, rows, "charge", {}).tolist() == ["", "", ""]
    lines = b"".join(layouts.write(ITEMS, rows, "charge", {})).decode().splitlines()[1:]
    assert [line.split(",")[5] for line in lines] == [
        "Overdue fine 39001001234567",
        "Überfällige Rückgabe " + "ü" * 8,
        "x" * 39,
    ]
    assert [str(note) for note in layouts.notes(ITEMS, rows, "charge")] == ["DESC: 2 cut, 0 folded"]
    assert layouts.notes(POST, rows, "charge") == []


def test_free_text_is_folded_only_where_the_layout_says_so_and_that_is_counted() -> None:
    folding = table("cashnet/open_items")
    folding["encoding"] = "ascii"
    rows = movements({"description": "Überfällig № 39001 書"}, {})
    (held, fine) = layouts.faults(from_table("test/ascii", folding), rows, "charge", {})
    assert (held, fine) == ("DESC has the character U+00DC, which ascii cannot write", "")
    column(folding, "DESC")["fold"] = "ascii"
    layout = from_table("test/folding", folding)
    assert layouts.faults(layout, rows, "charge", {}).tolist() == ["", ""]
    assert b",Uberfallig No 39001 ?," in b"".join(layouts.write(layout, rows, "charge", {}))
    assert [str(note) for note in layouts.notes(layout, rows, "charge")] == ["DESC: 0 cut, 1 folded"]


def test_a_bursar_with_other_positions_needs_only_another_file(tmp_path: Path) -> None:
    rows = movements({"patron_id": "é1", "label": "Gebühr", "description": "Lost: Überfall"})
    tight = from_table("test/tight", TIGHT)
    written = b"".join(layouts.write(tight, rows, "charge", {}))
    assert written.decode() == "LIB02\r\n        é1      7500120262262Lost: ÜbGebuhr\r\nEND   1\r\n"
    path = tmp_path / "tight.dat"
    path.write_bytes(written)
    returned = layouts.read(tight, path)
    assert texts(returned.rows, "patron_id", "amount_cents", "effective_date", "term", "description", "label") == [
        ("é1", 750, "2026-01-20", "2262", "Lost: Üb", "Gebuhr")
    ]
    assert (returned.control, layouts.count(tight, path)) == (Tally(1, 0), Tally(1, 750))


def test_two_digits_say_only_the_years_from_2000_to_2099() -> None:
    rows = movements({"effective_date": "2099-12-31"}, {"effective_date": "1999-12-31"})
    assert layouts.faults(from_table("test/tight", TIGHT), rows, "charge", {}).tolist() == [
        "",
        "DAY 1999-12-31 has a year that MMDDYY cannot write",
    ]


def test_a_choice_is_one_of_its_list() -> None:
    (found,) = layouts.faults(from_table("test/tight", TIGHT), movements({"term": "2266"}), "charge", {})
    assert found == "TERM is '2266', not one of 2262, 2264"


def test_kinds_signs_and_separators_are_the_layouts_own(tmp_path: Path) -> None:
    rows = movements({"amount_cents": -325, "description": "a|b"}, {"due_date": ""})
    loose = from_table("test/loose", LOOSE)
    written = b"".join(layouts.write(loose, rows, "credit", CONSTANTS))
    assert written.decode().splitlines() == [
        "H|00041|USD",
        'CR|001000277|-325|2/19/2026|"a|b"',
        "CR|001000277|750||Overdue fine 3900100",
        "T|2|4.25",
    ]
    path = tmp_path / "loose.txt"
    path.write_bytes(written)
    returned = layouts.read(loose, path)
    assert texts(returned.rows, "line", "kind", "amount_cents", "currency") == [
        (2, "credit", -325, "USD"),
        (3, "credit", 750, "USD"),
    ]
    assert returned.control == layouts.count(loose, path) == Tally(2, 425)

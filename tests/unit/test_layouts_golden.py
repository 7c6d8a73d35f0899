"""Every layout of a bursar against a file that was typed by hand from what its site publishes, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline import tables
from pipeline.layouts import layout as layouts
from pipeline.money import Tally
from tests.unit.layout_rows import CONSTANTS, GOLDEN, movements, texts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Rows = tuple[dict[str, object], ...]

LONG = "123456789012345678901234567890"
"""The longest reference that most of them take."""

LATER: dict[str, object] = {"effective_date": "2026-02-03"}
LAST: dict[str, object] = {"effective_date": "2026-12-31"}
FINE: dict[str, object] = {"patron_id": "1000277", "due_date": "", "amount_cents": 2500}
CREDIT: dict[str, object] = {"item_type": "820000206129", "reference": "13158640000101235-2", "due_date": "", **LATER}
OWED: Rows = (
    {
        "patron_id": "000000042",
        "item_code": "LIB-LOST",
        "amount_cents": 9999999999,
        "reference": "2345678901250001121",
        "effective_date": "2026-01-06",
        "description": 'Lost item, "vol. 2" 39001001234568',
        "owner": "LAW",
    },
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
)

PRINCETON: dict[str, object] = {
    "patron_id": "960000277",
    "item_type": "240000012000",
    "term": "1224",
    "amount_cents": 2500,
}
PRINCETON_LATE = {**PRINCETON, **LATER}
BANNER: dict[str, object] = {"patron_id": "A00123456", "item_code": "LIBF", "term": "202610"}
BATCH: dict[str, object] = {"patron_id": "000000042"}

TYPED: list[tuple[str, str, str, Rows]] = [
    (
        "peoplesoft/default",
        "credit",
        "credits.dat",
        (
            CREDIT,
            {
                **CREDIT,
                "patron_id": "12345678901",
                "account_type": "",
                "term": "",
                "amount_cents": 1500,
                "reference": LONG,
                "effective_date": "2026-12-31",
                "due_date": "2027-01-01",
            },
        ),
    ),
    (
        "peoplesoft/humboldt",
        "charge",
        "DEBITS.dat",
        (
            {"amount_cents": 2500},
            {"patron_id": "912345678", "item_type": "300000006920", "amount_cents": 999999, **LAST},
        ),
    ),
    ("peoplesoft/humboldt", "credit", "CREDITS.dat", ({**CREDIT, "amount_cents": 1205},)),
    (
        "peoplesoft/asu",
        "charge",
        "1.dat",
        (
            {**FINE, "item_type": "531000000001", "term": "2261", "due_date": "2026-02-25"},
            {
                **FINE,
                "patron_id": "12345678901",
                "item_type": "531000000002",
                "term": "2267",
                "amount_cents": 999999999,
                "reference": f"{LONG}1",
                **LAST,
            },
        ),
    ),
    (
        "peoplesoft/asu",
        "reversal",
        "2.dat",
        ({**FINE, "item_type": "531000000001", "term": "2261", "due_date": "2026-02-25"},),
    ),
    (
        "peoplesoft/cornell",
        "charge",
        "a.dat",
        (
            {**FINE, "item_type": "072000000916"},
            {
                "patron_id": "12345678901",
                "item_type": "072000000917",
                "amount_cents": 99999999,
                "reference": LONG,
                **LAST,
            },
        ),
    ),
    (
        "peoplesoft/cornell",
        "credit",
        "b.dat",
        ({**CREDIT, "patron_id": "1000277", "item_type": "072100000916", "amount_cents": 1205},),
    ),
    (
        "peoplesoft/princeton",
        "charge",
        "charges.dat",
        (
            PRINCETON,
            {
                **PRINCETON,
                "patron_id": "960012345",
                "amount_cents": 99999999999999,
                "reference": LONG,
                "label": "Lost item replacement",
                **LAST,
            },
        ),
    ),
    (
        "peoplesoft/princeton",
        "credit",
        "credits.dat",
        (
            {**PRINCETON_LATE, "amount_cents": 10000},
            {**PRINCETON_LATE, "patron_id": "960012345", "amount_cents": 825, "term": "1232"},
        ),
    ),
    (
        "peoplesoft/mass_select",
        "charge",
        "charges.csv",
        (
            {},
            {
                "patron_id": "12345678901",
                "item_type": "072000000916",
                "term": "",
                "amount_cents": 99999999999999,
                "reference": LONG,
            },
        ),
    ),
    ("peoplesoft/mass_select", "reversal", "reversals.csv", ({},)),
    ("peoplesoft/mass_select", "credit", "credits.csv", ({**CREDIT, "amount_cents": 205},)),
    ("cashnet/open_items", "charge", "openitems.csv", OWED),
    ("cashnet/open_items_no_headings", "charge", "openitems.csv", OWED),
    (
        "cashnet/batch_15",
        "charge",
        "received.csv",
        (
            BATCH,
            {
                **BATCH,
                "amount_cents": 9999999999,
                "label": "Lost, with processing fee",
                "reference": "1234567890" * 4,
            },
        ),
    ),
    (
        "banner/tspload",
        "charge",
        "charges.csv",
        (
            BANNER,
            {
                **BANNER,
                "patron_id": "A00999999",
                "item_code": "LIBL",
                "term": "202640",
                "amount_cents": 999999999999,
                **LAST,
            },
        ),
    ),
    ("banner/tspload", "credit", "credits.csv", ({**BANNER, "amount_cents": 205, **LATER},)),
]

SETTINGS: Mapping[str, Mapping[str, str]] = {
    "peoplesoft/cornell": {"origin_id": "LIB02"},
    "peoplesoft/princeton": {"origin_id": "41001"},
    "cashnet/batch_15": {
        "department": "41234",
        "batch_item_code": "LIB-BATCH",
        "payment_code": "CHECK",
        "gl_location": "4",
        "gl_account": "123456",
        "gl_cc": "LB",
    },
    "banner/tspload": {"source_code": "L", "user_id": "LIBRARY"},
}

IDS = [f"{name} {kind}" for name, kind, _, _ in TYPED]


def written(name: str, kind: str, rows: Rows) -> bytes:
    constants = SETTINGS.get(name, CONSTANTS)
    frame = movements(*rows)
    assert layouts.faults(layouts.load(name), frame, kind, constants).tolist() == [""] * len(rows)
    return b"".join(layouts.write(layouts.load(name), frame, kind, constants))


@pytest.mark.parametrize(("name", "kind", "file", "rows"), TYPED, ids=IDS)
def test_a_file_has_the_bytes_that_were_typed_by_hand(name: str, kind: str, file: str, rows: Rows) -> None:
    assert written(name, kind, rows) == (GOLDEN / name / file).read_bytes()


@pytest.mark.parametrize(("name", "kind", "file", "rows"), TYPED, ids=IDS)
def test_a_typed_file_reads_back_unsigned_and_its_second_scan_agrees(
    name: str, kind: str, file: str, rows: Rows
) -> None:
    layout, path = layouts.load(name), GOLDEN / name / file
    returned = layouts.read(layout, path)
    total = Tally(len(rows), sum(movements(*rows)["amount_cents"].tolist()))
    assert set(returned.rows["unreadable"]) == {""}
    assert tables.tally(returned.rows) == layouts.count(layout, path) == total
    assert layouts.stated(layout, path) == returned.control
    assert returned.control in (None, total)
    assert set(returned.rows["kind"]) <= {kind, ""}


@pytest.mark.parametrize("name", [name for name in layouts.names() if layouts.load(name).scope])
def test_every_kind_of_every_layout_that_sends_has_a_typed_file(name: str) -> None:
    typed = {kind for other, kind, _, _ in TYPED if other == name} | (
        {"charge", "reversal"} if name == "peoplesoft/default" else set()
    )
    assert typed == set(layouts.load(name).kinds)


@pytest.mark.parametrize(
    ("name", "change", "why"),
    [
        ("peoplesoft/humboldt", {"amount_cents": 1000000}, "ITEM_AMT is 8 wide, 7 allowed"),
        ("peoplesoft/asu", {"amount_cents": 1000000000}, "ITEM_AMT is 11 wide, 10 allowed"),
        ("peoplesoft/asu", {"term": ""}, "ACCOUNT_TERM is blank"),
        ("peoplesoft/cornell", {"amount_cents": 100000000}, "ITEM_AMT is 10 wide, 9 allowed"),
        ("peoplesoft/cornell", {"item_type": "72000000916"}, "ITEM_TYPE '72000000916' is not exactly 12 digits"),
        ("peoplesoft/princeton", {"patron_id": "1234567890"}, "EMPLID is 10 wide, 9 allowed"),
        ("peoplesoft/mass_select", {"reference": ""}, "REF1_DESCR is blank"),
        ("cashnet/batch_15", {"amount_cents": -1}, "PAYMENT AMOUNT is -0.01, which must not stand in this file"),
        ("banner/tspload", {"amount_cents": 0}, "AMOUNT is 0.00, which must not stand in this file"),
        ("banner/tspload", {"amount_cents": -205}, "AMOUNT is -2.05, which must not stand in this file"),
    ],
)
def test_what_a_site_cannot_take_is_held(name: str, change: dict[str, object], why: str) -> None:
    (found,) = layouts.faults(
        layouts.load(name), movements({**BANNER, **PRINCETON, **change}), "charge", SETTINGS.get(name, CONSTANTS)
    )
    assert why in found.split("; ")


def test_a_kind_that_a_site_does_not_take_is_held() -> None:
    (found,) = layouts.faults(layouts.load("peoplesoft/asu"), movements({}), "credit", {})
    assert found == "peoplesoft/asu has no file for a credit"


def test_a_total_of_credits_without_its_minus_is_refused_where_the_site_has_one(tmp_path: Path) -> None:
    path = tmp_path / "credits.dat"
    data = (GOLDEN / "peoplesoft/princeton/credits.dat").read_bytes()
    path.write_bytes(data.replace(b" -000000000108.25", b" 0000000000108.25"))
    with pytest.raises(layouts.UnreadableFileError, match="its control total is"):
        layouts.read(layouts.load("peoplesoft/princeton"), path)


def test_a_text_of_a_kind_that_stands_in_a_line_of_another_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mixed.dat"
    lines = (GOLDEN / "peoplesoft/asu/2.dat").read_bytes() + (GOLDEN / "peoplesoft/asu/1.dat").read_bytes()
    path.write_bytes(lines.replace(b"  2261  Y   ", b"  2261      ").replace(b"02252026", b"        "))
    returned = layouts.read(layouts.load("peoplesoft/asu"), path)
    assert returned.rows["unreadable"].tolist() == ["BILLING_DT is blank", "", ""]
    path.write_bytes(lines.replace(b"02252026  01202026  2261      ", b"02252026  01202026  2261  Y   "))
    returned = layouts.read(layouts.load("peoplesoft/asu"), path)
    why = "DUE_DT is '02252026', not ''; BILLING_DT is '01202026', not ''"
    assert returned.rows["unreadable"].tolist() == ["", why, ""]


def test_a_file_without_headings_and_rows_is_empty_and_reads_back_so(tmp_path: Path) -> None:
    layout, path = layouts.load("cashnet/open_items_no_headings"), tmp_path / "empty.csv"
    path.write_bytes(b"".join(layouts.write(layout, movements({}).iloc[:0], "charge", {})))
    assert path.read_bytes() == b""
    assert len(layouts.read(layout, path).rows) == 0
    assert layouts.count(layout, path) == Tally()


def test_settings_that_may_be_left_out_stay_blank_and_those_that_must_not_are_asked_for() -> None:
    batch = layouts.load("cashnet/batch_15")
    assert batch.settings == {"department", "batch_item_code", "payment_code"}
    assert {"gl_fund", "gl_reference"} <= batch.options
    (found,) = layouts.faults(batch, movements({}), "charge", {"department": "41234", "payment_code": "CHECK"})
    assert found == "batch_item_code must be set for this system in the campus file"
    (found,) = layouts.faults(batch, movements({}), "charge", {**SETTINGS["cashnet/batch_15"], "gl_sub": "123"})
    assert found == "GL SUB is 3 wide, 2 allowed"


def test_people_are_read_by_heading_and_a_row_without_a_usable_id_is_named() -> None:
    people = layouts.load("people/default")
    returned = layouts.read(people, GOLDEN / "people/default/people.csv")
    assert (people.lists, people.scope, people.repeats) == ("people", "", "")
    assert people.sources == {"id", "name", "status", "group"}
    assert texts(returned.rows, "line", "id", "name", "status", "group") == [
        (2, "001000277", "Lovelace, Ada", "ACTIVE", ""),
        (3, "004512345", "Émile Öztürk", "LEFT", ""),
        (4, "", "Nobody", "ACTIVE", ""),
        (5, "", "Mangled", "", ""),
    ]
    assert returned.rows["unreadable"].tolist()[:3] == ["", "", "ID is blank"]
    assert "was mangled by a spreadsheet" in returned.rows["unreadable"].iloc[3]
    assert returned.ignored == ("Note",)
    assert returned.totals["cents"] == 0
    assert layouts.count(people, GOLDEN / "people/default/people.csv") == Tally(4, 0)


def test_rows_as_written_have_no_sign_and_the_id_of_the_bursar() -> None:
    rows = movements({"amount_cents": -325, "patron_id": "a"}, {"patron_id": "b"})
    rows["bursar_id"] = ["000a", ""]
    told = layouts.as_written(rows)
    assert texts(told, "amount_cents", "patron_id") == [(325, "000a"), (750, "b")]
    assert texts(rows, "amount_cents", "patron_id") == [(-325, "a"), (750, "b")]
    plain = layouts.as_written(rows[["amount_cents"]])
    assert plain["amount_cents"].tolist() == [325, 750]
    assert str(plain["amount_cents"].dtype) == "int64"

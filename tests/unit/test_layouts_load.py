from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.layouts import layout as layouts
from pipeline.layouts.load import from_table
from tests.unit.layout_rows import column, table

if TYPE_CHECKING:
    from pathlib import Path

SHIPPED = [
    "banner/tspload",
    "bursar/patron_total",
    "bursar/settlement",
    "cashnet/batch_15",
    "cashnet/open_items",
    "cashnet/open_items_no_headings",
    "cashnet/payments",
    "cashnet/wide",
    "paypal/activity",
    "paypal/stl",
    "paypal/trr",
    "people/default",
    "peoplesoft/asu",
    "peoplesoft/cornell",
    "peoplesoft/default",
    "peoplesoft/humboldt",
    "peoplesoft/mass_select",
    "peoplesoft/paid",
    "peoplesoft/princeton",
]


def problems(spoiled: dict[str, Any], name: str = "test/spoiled") -> tuple[str, ...]:
    with pytest.raises(layouts.LayoutError) as error:
        from_table(name, spoiled)
    return error.value.problems


def test_the_layouts_that_come_with_the_product_are_sound() -> None:
    assert layouts.names() == SHIPPED
    assert layouts.check_all() == []


def test_a_layout_says_what_the_stages_ask_it() -> None:
    charges = layouts.load("peoplesoft/default")
    assert (charges.scope, charges.max_lines, charges.repeats) == ("delta", None, "")
    assert dict(charges.kinds) == {"charge": "charges", "reversal": "reversals", "credit": "credits"}
    assert {"term", "item_type", "amount_cents", "currency"} <= charges.sources
    assert charges.settings == {"origin_id"}
    assert layouts.load("cashnet/open_items").scope == "snapshot"
    assert layouts.load("cashnet/payments").repeats == "none"
    assert layouts.load("peoplesoft/paid").repeats == "cumulative"


def test_all_mistakes_of_a_file_are_reported_at_once_each_with_its_place() -> None:
    spoiled = table("peoplesoft/default")
    spoiled["encoding"] = "ebcdic"
    spoiled["outgoing"]["name"] = "LIB_{clock}.dat"
    spoiled["outgoing"]["scop"] = "delta"
    column(spoiled, "EMPLID")["width"] = 12
    column(spoiled, "ITEM_TYPE")["show"] = "number"
    column(spoiled, "ITEM_AMT")["overflow"] = "cut"
    column(spoiled, "REF1_DESCR")["widht"] = 30
    column(spoiled, "ITEM_EFFECTIVE_DT")["example"] = "13202026"
    column(spoiled, "CONTROL_CNT", "header")["from"] = "control.lines"
    said = problems(spoiled)
    assert all(one.startswith("test/spoiled.toml: ") for one in said)
    for place in (
        "encoding: ",
        "outgoing.name: knows no field {clock}",
        "outgoing.scop: unknown key; did you mean scope?",
        "detail.ITEM_TYPE: at = 13, but the widths before it put it at 14",
        "detail.ITEM_TYPE.show: is not one of text, digits",
        "detail.ITEM_AMT: overflow: ",
        "detail.REF1_DESCR.widht: unknown key; did you mean width?",
        "detail.ITEM_EFFECTIVE_DT: example: '13202026' is no day",
        "header.CONTROL_CNT: from: there is no 'control.lines' here",
    ):
        assert any(one.startswith(f"test/spoiled.toml: {place}") for one in said), place


def _columns_with_a_width() -> list[tuple[str, str]]:
    layout = table("peoplesoft/default")
    return [(line, str(one["name"])) for line in ("header", "detail") for one in layout[line]["columns"]]


@pytest.mark.parametrize("by", [-1, 1])
@pytest.mark.parametrize(("line", "name"), _columns_with_a_width())
def test_a_width_that_is_off_by_one_never_loads(line: str, name: str, by: int) -> None:
    spoiled = table("peoplesoft/default")
    changed = column(spoiled, name, line)
    changed["width"] += by
    said = " ".join(problems(spoiled))
    assert " at " in said or "bytes" in said or "greater than 0" in said


PAID, POST, ITEMS, MONEY = "peoplesoft/paid", "peoplesoft/default", "cashnet/open_items", "cashnet/payments"
PEOPLE = "people/default"

# Which layout, which of its tables, the keys that are changed there (None takes a key out), and what is said about it.
FACTS: list[tuple[str, str, dict[str, Any], str]] = [
    (PAID, "", {"title": None}, "title: is missing"),
    (PAID, "", {"hedings": True}, "hedings: unknown key; did you mean headings?"),
    (PAID, "", {"returned": None}, "needs exactly one of [outgoing], [returned] and"),
    (PAID, "", {"outgoing": table(ITEMS)["outgoing"]}, "needs exactly one of [outgoing], [returned] and"),
    (PAID, "", {"reference": {"lists": "people"}}, "needs exactly one of [outgoing], [returned] and"),
    (PEOPLE, "", {"reference": None}, "needs exactly one of [outgoing], [returned] and"),
    (PEOPLE, "reference", {"lists": "books"}, "reference.lists: Input should be 'people'"),
    (PAID, "", {"detail": None}, "detail: is missing"),
    (PAID, "", {"detail": "x"}, "detail: needs columns"),
    (PAID, "detail", {"columns": []}, "detail: needs columns"),
    (PAID, "detail", {"columns": "x"}, "detail: needs columns"),
    (PAID, "detail", {"bytes": 9}, "detail: bytes: is for fixed layouts"),
    (PAID, "", {"trailer": {"columns": []}}, "trailer: needs columns"),
    (PAID, "", {"delimiter": None}, "delimiter: is missing"),
    (PAID, "", {"between": " "}, "between: is for fixed layouts"),
    (PAID, "", {"sign": "unsigned"}, "sign is unsigned, no amount is negative"),
    (PAID, "returned", {"repeats": None}, "returned.repeats: is missing"),
    (PAID, "returned", {"amount_is": None}, "returned.amount_is: is missing"),
    (PAID, "returned", {"covers": None}, "returned.covers: is missing"),
    (PAID, "returned", {"complete": None}, "returned.complete: is missing"),
    (PAID, "returned", {"complete": "trailer"}, "returned.complete: a trailer proves completeness"),
    (PAID, "returned", {"kinds": []}, "returned.kinds: "),
    (PAID, "returned", {"kinds": [{"amount": "negative", "kind": "sale", "money": "in"}]}, "cannot be negative"),
    (MONEY, "returned", {"complete": "stable"}, 'say complete = "trailer"'),
    (MONEY, "returned", {"kinds": [{"when": {"X": ["1"]}, "kind": "sale", "money": "in"}]}, "kinds 1.when: X must be"),
    (
        MONEY,
        "control",
        {"adds": {"TX": ["1"]}},
        "control.adds: TX must be a column of the detail line that is shown as",
    ),
    (MONEY, "control", {"adds": {"STATUS": ["OPEN"]}}, "STATUS has no choice 'OPEN'; it has CLOSED, CANCELLED"),
    (MONEY, "", {"trailer": None}, "control.adds: there is no control.cents in header or trailer"),
    (ITEMS, "", {"newline": "any"}, "newline: a file that we send must say LF or CRLF"),
    (ITEMS, "outgoing", {"sort": ["custcode"]}, "outgoing.sort: there is no 'custcode'"),
    (POST, "", {"delimiter": ","}, "delimiter: a fixed layout has none"),
    (POST, "", {"headings": True}, "headings: a fixed layout has none"),
    (POST, "detail", {"bytes": 99}, "detail: bytes = 99, but its columns take 100"),
    (POST, "outgoing", {"kinds": {"charge": "charges"}}, "SF_REVERSAL_IND: literal: must name exactly the kinds"),
    (POST, "outgoing", {"kinds": {"fine": "fines"}}, "outgoing.kinds.fine"),
    (POST, "outgoing", {"name": "LIB_{kind}.dat"}, "outgoing.name: needs {seq:NNNN}"),
    (POST, "outgoing", {"name": "LIB_{seq:NN}.dat"}, "outgoing.name: needs {kind}: the layout serves more than one"),
    (POST, "outgoing", {"name": "../{kind}{seq:N}"}, "outgoing.name: may have letters, digits, dot, dash"),
    (POST, "outgoing", {"name": "{kind}{seq:N}{date:MM/DD/YYYY}"}, "knows no field {date:MM/DD/YYYY}"),
]

COLUMNS: list[tuple[str, str, dict[str, Any], str]] = [
    (PAID, "Paid Amount", {"from": None}, "detail: needs a column from amount_cents"),
    (PAID, "Paid Amount", {"show": None}, "amount_cents must be shown as dollars or cents"),
    (PAID, "Paid Amount", {"example": "$7.50"}, "example: '$7.50' is not an amount like 12.50"),
    (PAID, "Paid Amount", {"example": "07.50"}, "example: '07.50' would be written as '7.50'"),
    (PAID, "Date Paid", {"show": None}, "occurred_on must be shown as date:MMDDYYYY or"),
    (PAID, "Emplid", {"show": "cents"}, "patron_id is text and cannot be shown as cents"),
    (PAID, "Emplid", {"from": "emplid"}, "from: there is no 'emplid' here"),
    (PAID, "Emplid", {"example": None}, "example: is missing"),
    (PAID, "Charge Description", {"from": "fee_ref"}, "from: fee_ref stands in Reference Number already"),
    (PAID, "Charge Description", {"name": "EMPL ID"}, "is also called 'emplid', like Emplid"),
    (POST, "STRM", {"aliases": ["Term"]}, "aliases: only a column under a heading"),
    (POST, "STRM", {"optional": True, "required": True}, "is required and optional"),
    (POST, "STRM", {"width": None}, "STRM: needs a width"),
    (POST, "STRM", {"width": "rest"}, 'STRM: width: only the last column may be "rest"'),
    (POST, "STRM", {"width": 0}, "STRM.width: Input should be greater than 0"),
    (POST, "STRM", {"literal": 5}, "STRM.literal: Input should be a valid string (it says 5)"),
    (POST, "STRM", {"align": "middle"}, "STRM.align: Input should be 'left' or 'right'"),
    (POST, "DUE_DT", {"width": "rest"}, 'ends with a column of width "rest" has no size'),
    (POST, "DUE_DT", {"show": "date:MMDDYY"}, "width: date:MMDDYY takes 6 bytes, not 8"),
    (POST, "DUE_DT", {"show": "date:M/D/YYYY"}, "takes a varying number of bytes"),
    (POST, "EMPLID", {"pad": "0"}, "pad: zeros fill numbers that stand right"),
    (POST, "EMPLID", {"fold": "ascii"}, "fold: only free text may be changed to fit"),
    (POST, "EMPLID", {"literal": "1"}, "has both from and literal"),
    (POST, "EMPLID", {"from": None}, "needs from or literal"),
    (POST, "EMPLID", {"literal": {"fine": "1"}}, "EMPLID: literal: beside from, must name some kinds"),
    (
        POST,
        "EMPLID",
        {"literal": {"credit": "1", "charge": "2", "reversal": "3"}},
        "some kinds of the layout and not all",
    ),
    (POST, "EMPLID", {"literal": {"credit": "x"}}, "EMPLID: differs for charge and credit, which no other column"),
    (POST, "ITEM_AMT", {"literal": {"reversal": ""}}, "literal: money and counts always stand as they are"),
    (POST, "ITEM_AMT", {"negative": ["reversal"]}, 'negative: the file is unsigned; say sign = "signed"'),
    (POST, "STRM", {"negative": ["reversal"]}, "negative: names kinds of the layout (charge, credit, reversal), where"),
    (PAID, "Paid Amount", {"negative": ["credit"]}, "negative: names kinds of the layout (none), where money stands"),
    (POST, "DUE_DT", {"literal": {"reversal": "none"}, "example": None}, "DUE_DT: example: is missing"),
    (PEOPLE, "ID", {"from": "patron_id"}, "from: there is no 'patron_id' here; there are group, id, name, status"),
    (PEOPLE, "ID", {"required": None}, "detail: needs a column from id that is required"),
    (POST, "ITEM_TYPE", {"example": "3000069"}, "example: '3000069' is not exactly 12 digits"),
    (POST, "REF1_DESCR", {"overflow": "cut"}, "overflow: only free text may be changed to fit"),
    (POST, "SF_REVERSAL_IND", {"literal": "No"}, "literal: is 2 wide, 1 allowed"),
    (POST, "SF_REVERSAL_IND", {"literal": "é"}, "literal: 'é' has a character that ascii cannot write"),
    (POST, "SF_REVERSAL_IND", {"example": "N"}, "example: a literal is its own example"),
    (ITEMS, "LNAME", {"optional": None}, "only some sources carry lname; say optional = true"),
    (ITEMS, "AMOUNT", {"align": "right"}, "align and pad are for fixed layouts"),
    (ITEMS, "DESC", {"width": "rest"}, '"rest" is for fixed layouts'),
    (MONEY, "STATUS", {"choices": None}, "choices: a column shown as choice, and no other, lists its choices"),
    (MONEY, "TX", {"choices": ["1"]}, "choices: a column shown as choice, and no other, lists its choices"),
]


def changed(spoiled: dict[str, Any], change: dict[str, Any]) -> None:
    for key, value in change.items():
        if value is None:
            del spoiled[key]
        else:
            spoiled[key] = value


@pytest.mark.parametrize(("layout", "place", "change", "complaint"), FACTS)
def test_a_mistake_in_the_facts_of_a_layout_is_named(
    layout: str, place: str, change: dict[str, Any], complaint: str
) -> None:
    spoiled = table(layout)
    changed(spoiled[place] if place else spoiled, change)
    assert any(complaint in one for one in problems(spoiled)), problems(spoiled)


@pytest.mark.parametrize(("layout", "name", "change", "complaint"), COLUMNS)
def test_a_mistake_in_a_column_is_named(layout: str, name: str, change: dict[str, Any], complaint: str) -> None:
    spoiled = table(layout)
    changed(column(spoiled, name), change)
    assert any(complaint in one for one in problems(spoiled)), problems(spoiled)


def test_a_total_without_a_count_is_no_proof() -> None:
    spoiled = table(MONEY)
    del spoiled["trailer"]["columns"][1]
    assert any("control.count: a total without a count" in one for one in problems(spoiled))


def test_a_layout_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(layouts.LayoutError, match=r"banner/none: no such layout; there are banner/tspload, "):
        layouts.load("banner/none")


@pytest.mark.parametrize("name", ["", "default", "../secrets/key", "peoplesoft/../../x", "PeopleSoft/default"])
def test_a_name_never_leads_out_of_the_folder_of_layouts(name: str) -> None:
    with pytest.raises(layouts.LayoutError, match="is not the name of a layout"):
        layouts.load(name)


def test_a_campus_keeps_layouts_of_its_own_and_they_come_first(tmp_path: Path) -> None:
    folder = tmp_path / "schemas" / "layouts" / "banner"
    folder.mkdir(parents=True)
    (folder / "plain.toml").write_text('title = "half done"\n')
    (folder / "torn.toml").write_text("title = \n")
    (folder / "bytes.toml").write_bytes(b"title = '\xff'\n")
    assert layouts.names(tmp_path) == sorted(["banner/bytes", "banner/plain", "banner/torn", *SHIPPED])
    said = layouts.check_all(tmp_path)
    assert [one.split(": ")[:2] for one in said][:2] == [
        ["banner/bytes.toml", "cannot be read"],
        ["banner/plain.toml", "format"],
    ]
    assert any(one.startswith("banner/torn.toml: not TOML: ") for one in said)


def test_a_total_hangs_on_a_kind_only_where_the_lines_show_the_kind() -> None:
    spoiled = table(POST)
    column(spoiled, "CONTROL_AMT", "header")["negative"] = ["credit"]
    why = "CONTROL_AMT: differs for charge and credit, which no other column of the detail line shows"
    assert problems(spoiled) == (f"test/spoiled.toml: {why}",)
    column(spoiled, "CONTROL_AMT", "header")["negative"] = ["reversal"]
    assert from_table("test/sound", spoiled).name == "test/sound"


def own(folder: Path, text: str) -> layouts.Layout:
    place = folder / "schemas" / "layouts" / "own"
    place.mkdir(parents=True, exist_ok=True)
    (place / "switched.toml").write_text(text)
    return layouts.load("own/switched", folder)


def test_a_campus_switches_the_facts_of_a_layout_and_keeps_its_columns(tmp_path: Path) -> None:
    switched = own(tmp_path, 'like = "cashnet/open_items"\nheadings = false\n[outgoing]\nmax_lines = 500\n')
    base = layouts.load("cashnet/open_items")
    assert (switched.facts.headings, switched.max_lines, switched.scope) == (False, 500, "snapshot")
    assert switched.detail == base.detail
    assert base.facts.headings


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('like = "cashnet/open_items_no_headings"', "like: cashnet/open_items_no_headings is itself like another"),
        ('like = "own/switched"', "like: own/switched is itself like another"),
        ('like = "own/nothing"', "own/nothing: no such layout"),
        ("like = 5", "'5' is not the name of a layout"),
        ('like = "cashnet/open_items"\nhedings = false', "hedings: unknown key; did you mean headings?"),
        ('like = "cashnet/open_items"\n[detail]\ncolumns = []', "detail: a layout that is like another has its lines"),
        ('like = "cashnet/open_items"\noutgoing = 5', "outgoing: "),
    ],
)
def test_a_layout_that_is_wrongly_like_another_is_named(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(layouts.LayoutError) as error:
        own(tmp_path, text)
    assert any(why in one for one in error.value.problems), error.value.problems

"""Every kind of row that bursars send back, typed by hand, and what each becomes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pipeline import tables
from pipeline.layouts import kinds, reading
from pipeline.layouts import layout as layouts
from pipeline.money import Tally
from tests.golden.layouts.returned.settlement_workbook import build
from tests.unit.layout_rows import GOLDEN, texts

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.layouts.raw import Raw

FOLDER = GOLDEN / "returned"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
RETURNED = [name for name in layouts.names() if layouts.load(name).repeats]
SAME = ["payment_ref", "fee_ref", "fees", "amount_cents", "kind", "occurred_on", "origin_ref", "status", "unreadable"]


def golden(name: str) -> tuple[layouts.Layout, Path, dict[str, Any]]:
    told = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    path = next(path for path in FOLDER.glob(f"{name}.*") if path.suffix in (".csv", ".xlsx"))
    return layouts.load(told["layout"]), path, told


@pytest.mark.parametrize("name", NAMES)
def test_a_file_reads_row_by_row_as_was_written_down(name: str) -> None:
    layout, path, told = golden(name)
    returned = layouts.read(layout, path)
    printed = json.loads(json.dumps(layouts.to_json(returned)))
    blank = {"fees": [], **{key: "" for key in printed["rows"][0] if key not in ("fees", "line", "amount_cents")}}
    assert printed["rows"] == [{key: {**blank, **row}[key] for key in printed["rows"][0]} for row in told["rows"]]
    assert printed["totals"] == told["totals"]
    assert [*returned.ignored] == told["ignored"]
    assert (list(returned.period) if returned.period else None) == told["period"]


@pytest.mark.parametrize("name", NAMES)
def test_the_second_count_agrees_to_the_cent(name: str) -> None:
    layout, path, told = golden(name)
    total = Tally(len(told["rows"]), sum(row["amount_cents"] for row in told["rows"]))
    assert layouts.count(layout, path) == tables.tally(layouts.read(layout, path).rows) == total


def test_every_returned_format_has_a_golden_file() -> None:
    assert {golden(name)[0].name for name in NAMES} == set(RETURNED)


@pytest.mark.parametrize("name", RETURNED)
def test_every_rule_of_a_format_is_met_by_a_row_of_its_golden_files(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layout, said, met = layouts.load(name), kinds.said, set()
    assert layout.facts.returned is not None

    def noted(layout: layouts.Layout, incoming: Any, choices: Any, amount: int | None) -> kinds.Verdict:
        verdict = said(layout, incoming, choices, amount)
        for rule in incoming.kinds:
            alone = incoming.model_copy(update={"kinds": (rule,), "unknown": ""})
            try:
                said(layout, alone, choices, amount)
            except ValueError:
                continue
            met.add(rule.model_dump_json())
            break
        return verdict

    monkeypatch.setattr(kinds, "said", noted)
    for one in NAMES:
        if golden(one)[0].name == name:
            layouts.read(layout, golden(one)[1])
    assert [rule for rule in layout.facts.returned.kinds if rule.model_dump_json() not in met] == []


def test_the_workbook_is_the_one_that_is_written_down() -> None:
    assert (FOLDER / "bursar_settlement.xlsx").read_bytes() == build()


def test_one_payment_in_two_reports_of_paypal_reads_the_same_in_both() -> None:
    settled, detailed = (layouts.read(*golden(name)[:2]).rows for name in ("paypal_stl", "paypal_trr"))
    both = sorted(set(settled["payment_ref"]) & set(detailed["payment_ref"]))
    assert len(both) == 6
    one, other = (frame[frame["payment_ref"].isin(both)].sort_values("payment_ref") for frame in (settled, detailed))
    assert texts(one, *SAME) == texts(other, *SAME)


def attempt(layout: layouts.Layout, path: Path) -> layouts.Returned | layouts.UnreadableFileError:
    try:
        return layouts.read(layout, path)
    except layouts.UnreadableFileError as refusal:
        return refusal


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_cut_anywhere_is_refused_or_named_row_by_row(name: str, tmp_path: Path) -> None:
    layout, path, _ = golden(name)
    data, cut = path.read_bytes(), tmp_path / "cut"
    step = 1 if len(data) < 3000 else 29
    for end in sorted({*range(0, len(data), step), *range(max(0, len(data) - 60), len(data))}):
        cut.write_bytes(data[:end])
        told = attempt(layout, cut)
        if isinstance(told, layouts.UnreadableFileError):
            assert told.code.startswith("LAYOUT-")
            assert "\n" not in str(told)
            continue
        assert not layout.proved_whole or data[end:].strip(b"\r\n") == b""
        assert data[:end].endswith(b"\n") or layout.facts.format == "records"
        assert layouts.count(layout, cut) == tables.tally(told.rows)


def lose_a_cent(verdict: kinds.Verdict, amount: int) -> int:
    return {"in": amount - 1, "back": -abs(amount), "none": 0}[verdict.money]


def take_all_for_money(verdict: kinds.Verdict, amount: int) -> int:
    return amount


def forget_what_goes_back(verdict: kinds.Verdict, amount: int) -> int:
    return max(amount, 0) if verdict.money == "in" else 0


@pytest.mark.parametrize("bug", [lose_a_cent, take_all_for_money, forget_what_goes_back])
@pytest.mark.parametrize("name", ["cashnet_payments", "cashnet_wide", "paypal_stl", "paypal_trr", "bursar_settlement"])
def test_the_second_count_catches_a_planted_bug(name: str, bug: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    layout, path, _ = golden(name)
    monkeypatch.setattr(kinds.Verdict, "signed", bug)
    assert layouts.count(layout, path) != tables.tally(layouts.read(layout, path).rows)


@pytest.mark.parametrize("name", ["cashnet_wide", "paypal_stl", "bursar_settlement"])
def test_the_second_count_misses_a_row_that_the_reader_loses(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layout, path, _ = golden(name)
    parse = reading.FORMS[layout.facts.format]

    def losing(layout: layouts.Layout, data: bytes) -> Raw:
        raw = parse(layout, data)
        columns = {column: texts[:-1] for column, texts in raw.columns.items()}
        items = raw.items[:-1] if raw.items else None
        return replace(raw, columns=columns, lines=raw.lines[:-1], broken=raw.broken[:-1], items=items)

    monkeypatch.setattr(reading, "FORMS", {layout.facts.format: losing})
    assert layouts.count(layout, path).count == len(layouts.read(layout, path).rows) + 1

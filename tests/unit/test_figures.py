"""The figures of a night: what was sent, held and read, so that later nights have something to be compared with."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from pipeline import tables
from pipeline.findings import Finding
from pipeline.money import Tally
from pipeline.ports.ledger import Figure
from pipeline.stages import figures
from tests.samples import sample_campus
from tests.unit.test_recognise import NEW

TODAY = date(2026, 3, 2)
NO_FIGURES = pd.DataFrame(columns=["business_date", "scope", "what", "count", "cents"])


def lines(*rows: dict[str, Any]) -> pd.DataFrame:
    filled = [{**NEW, "carried": False, "batch": 0, **row} for row in rows]
    names = {*NEW, "carried", "batch"}
    return tables.LINES.frame({name: [row[name] for row in filled] for name in names})


def desk(rows: pd.DataFrame, held: pd.DataFrame | None = None, known: pd.DataFrame = NO_FIGURES, **said: Any) -> Any:
    plain = {"read_by_source": {}, "as_of": {}, "findings": [], **said}
    ledger = SimpleNamespace(figures=lambda _: known)
    campus = sample_campus()
    return SimpleNamespace(rows=rows, box=lambda _: held, ledger=ledger, campus=campus, today=TODAY, **plain)


def test_what_was_sent_new_is_counted_per_system_type_and_shape_and_what_is_carried_is_not() -> None:
    rows = lines({}, {"amount_cents": -500, "batch": tables.FOLDED}, {"carried": True, "amount_cents": 99999})
    assert figures.of(desk(rows)) == (
        Figure("cashnet", "sent", 0, 0),
        Figure("peoplesoft", "sent", 2, 1750),
        Figure("peoplesoft", "largest", 1, 1250),
        Figure("peoplesoft", "type:OVERDUEFINE", 2, 1750),
        Figure("peoplesoft", "shape:999999999", 2, 1750),
    )


def test_a_system_that_waits_for_a_yes_has_no_night_to_compare_with() -> None:
    held = lines({}).assign(code="OUTPUT-STOPPED", why="x")
    assert figures.of(desk(lines(), held)) == (Figure("cashnet", "sent", 0, 0),)


def test_an_output_that_waits_and_has_no_new_row_had_no_night_either() -> None:
    smaller = Finding("SNAPSHOT-SMALLER", "cashnet", "cashnet: the new snapshot has less")
    gone = Finding("BRAKE-APPROVED", "peoplesoft", "peoplesoft: approved for this run")
    assert figures.of(desk(lines(), findings=[smaller, gone])) == (Figure("peoplesoft", "sent", 0, 0),)


def test_where_the_table_of_all_fees_is_in_doubt_no_system_had_a_night() -> None:
    doubt = Finding("GX-STOP", "fees", "fees: strange")
    assert figures.of(desk(lines(), findings=[doubt])) == ()


def test_what_was_held_tonight_stands_under_its_system_or_under_none() -> None:
    coded = lines({}, {}).assign(known=["", "pending"], code="CODE-NO-TERM", why="x")
    read = tables.FEES.frame({"source": ["a"], "file_sha": ["f"], "lists": ["export"], "content": ["c"]})
    held = pd.concat([coded, read.assign(amount_cents=700, code="READ-UNREADABLE", why="x")], ignore_index=True)
    told = figures.of(desk(lines(), held))
    assert [one for one in told if one.what == "held"] == [
        Figure("", "held", 1, 700),
        Figure("peoplesoft", "held", 1, 1250),
    ]


def test_what_a_source_said_is_kept_with_its_day_unless_it_is_older_than_what_we_have() -> None:
    said: dict[str, Any] = {"read_by_source": {"r": Tally(9, 900), "x": Tally(1, 5)}, "as_of": {"r": "2026-03-01"}}
    ordinal = date(2026, 3, 1).toordinal()
    read = [one for one in figures.of(desk(lines(), **said)) if one.scope in ("r", "x")]
    assert read == [Figure("r", "read", 9, 900), Figure("r", "as_of", ordinal, 0), Figure("x", "read", 1, 5)]
    newer = pd.DataFrame([("2026-03-01", "r", "as_of", ordinal + 1, 0)], columns=list(NO_FIGURES.columns))
    assert [one.scope for one in figures.of(desk(lines(), known=newer, **said)) if one.what == "read"] == ["x"]


@pytest.mark.parametrize(
    ("patron", "drawn"),
    [
        ("001234567", "999999999"),
        ("b-12@x.edu", "A-99@A.A"),
        ("jan.doe@x.edu", "A.A@A.A"),
        ("", ""),
        ("\u0660", "\u0660"),
    ],
)
def test_an_id_is_drawn_with_a_nine_for_each_digit_and_an_a_for_each_word(patron: str, drawn: str) -> None:
    assert figures.picture(patron) == drawn

"""The stage that reads files: exports and reports side by side, and a report that is suddenly short."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from pydantic import SecretStr

from pipeline import tables
from pipeline.stages.fingerprint import fingerprints
from pipeline.stages.parse import parse
from tests.samples import sample_campus
from tests.unit.alma_kit import export, fee
from tests.unit.analytics_kit import COLUMNS, HEADINGS, ROW, analytics, as_csv, as_rowset, row, settings

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.campus.load import Loaded
    from pipeline.findings import Outcome

TODAY = date(2026, 1, 6)
FIGURES = {"business_date": "str", "scope": "str", "what": "str", "count": "int64", "cents": "int64"}


def campus(**sources: Any) -> Loaded:
    """The sample campus with other sources, and a secret to hash titles with."""
    sample = sample_campus()
    changed = sample.campus.model_copy(update={"sources": {**sample.campus.sources, **sources}, "title_key": "titles"})
    return replace(sample, campus=changed, secrets={"titles": SecretStr("key")})


def figures(*rows: tuple[str, str, str, int, int]) -> pd.DataFrame:
    columns: list[tuple[Any, ...]] = list(zip(*rows, strict=True)) or [() for _ in FIGURES]
    return pd.DataFrame(
        {
            name: pd.Series(list(column), dtype=kind)
            for (name, kind), column in zip(FIGURES.items(), columns, strict=True)
        }
    )


def parsed(
    folder: Path, *files: tuple[str, bytes] | tuple[str, bytes, str], known: pd.DataFrame | None = None, **sources: Any
) -> Outcome:
    """Read files, each given as source and bytes and, maybe, the day it came."""
    table: dict[str, list[str]] = {name: [] for name in tables.FILES.names}
    for number, (feed, content, *came_on) in enumerate(files):
        path = folder / f"{number}.bin"
        path.write_bytes(content)
        line = {"sha": hashlib.sha256(content).hexdigest(), "name": path.name, "feed": feed, "path": str(path)}
        for name, value in {**line, "came_on": came_on[0] if came_on else "2026-01-06", "reader": "report"}.items():
            table[name].append(value)
    whole = campus(**(sources or {"open": settings()}))
    return parse(tables.FILES.frame(table), whole, TODAY, figures=figures() if known is None else known)


def rows(many: int, **said: str) -> list[list[str]]:
    return [row(fee_id=str(number), **said) for number in range(many)]


LAST = ("2026-01-05", "open", "read", 10, 12500)


def codes(outcome: Outcome) -> list[str]:
    return [finding.code for finding in outcome.findings]


def test_exports_and_reports_of_one_night_are_one_table(tmp_path: Path) -> None:
    outcome = parsed(
        tmp_path,
        ("alma", export(fee()).encode()),
        ("open", as_csv(ROW)),
        ("asked", as_rowset(row(fee_id="2"))),
        open=settings(),
        asked=analytics(),
    )
    assert outcome.passed[["source", "lists", "as_of"]].to_numpy().tolist() == [
        ["alma", "export", ""],
        ["open", "open_now", "2026-01-05"],
        ["asked", "open_now", "2026-01-05"],
    ]
    assert codes(outcome) == []


def test_titles_are_hashed_with_the_key_of_the_campus_and_with_case_and_blanks_aside(tmp_path: Path) -> None:
    said = settings(columns={"title": ["Title"]})
    outcome = parsed(
        tmp_path,
        ("alma", export(fee(itemTitle="Glaciers of the North"), fee(itemTitle="")).encode()),
        ("open", as_csv([*ROW, "glaciers  of the north"], headings=[*HEADINGS, "Title"])),
        open=said,
    )
    first, none, same = outcome.passed["title_hash"]
    assert len(first) == 64
    assert (none, same) == ("", first)
    assert set(outcome.passed["title"]) == {""}


def test_what_a_comment_reopens_is_kept_and_the_comment_is_not(tmp_path: Path) -> None:
    outcome = parsed(tmp_path, ("alma", export(fee(fineFeeComment="Reopens: 4711-2, see mail")).encode()))
    assert outcome.passed[["continues", "comment"]].to_numpy().tolist() == [["4711-2", ""]]


def test_a_refused_report_leaves_the_others_alone(tmp_path: Path) -> None:
    outcome = parsed(tmp_path, ("open", b"<html>"), ("open", as_csv(ROW)))
    assert codes(outcome) == ["FILE-WRONG-KIND"]
    assert outcome.findings[0].refuses_file
    assert outcome.findings[0].where == "0.bin"
    assert len(outcome.passed) == 1


def test_two_amounts_of_a_report_written_in_two_ways_are_the_same_debt_and_another_original_is_not() -> None:
    base = {"source": "open", "lists": "open_now", "amount_text": "3.0", "amount_cents": 300, "original_cents": 500}
    said = [base, {**base, "original_cents": 600}, base]
    frame = tables.READ_FEES.frame({name: [one[name] for one in said] for name in base})
    first, other, again = fingerprints(frame)
    assert first == again != other


@pytest.mark.parametrize(
    ("content", "short"),
    [
        (as_csv(*rows(10)), False),
        (as_csv(*rows(5)), False),
        (as_csv(*rows(4)), True),
        (as_csv(*rows(10, remaining="6.24")), True),
        (as_csv(*rows(10, remaining="6.25")), False),
        (as_csv(), True),
    ],
)
def test_a_report_much_shorter_than_the_last_one_waits_for_a_person(
    tmp_path: Path, content: bytes, *, short: bool
) -> None:
    outcome = parsed(tmp_path, ("open", content), known=figures(LAST))
    assert ("REPORT-SHORT" in codes(outcome)) == short
    if short:
        assert codes(outcome) == ["REPORT-SHORT"]
        assert len(outcome.passed) == 0
        (finding,) = outcome.findings
        assert finding.spoils_file
        assert not finding.refuses_file
        assert "the last one had 10 rows, 125.00" in finding.text
        assert "--approve open" in finding.text


def test_only_the_newest_figures_of_the_same_source_count(tmp_path: Path) -> None:
    known = figures(
        ("2026-01-01", "open", "read", 999, 99), ("2026-01-05", "open", "read", 1, 1), ("x", "other", "read", 999, 9)
    )
    assert codes(parsed(tmp_path, ("open", as_csv(ROW)), known=known)) == []


def test_the_first_report_of_a_source_is_never_short(tmp_path: Path) -> None:
    assert codes(parsed(tmp_path, ("open", as_csv()))) == ["REPORT-EMPTY"]


def test_a_person_says_that_a_short_report_is_right(tmp_path: Path) -> None:
    known = figures(LAST, ("2026-01-06", "open", "approved", 1, 0))
    assert len(parsed(tmp_path, ("open", as_csv(ROW)), known=known).passed) == 1
    other = figures(LAST, ("2026-01-06", "peoplesoft", "approved", 1, 0))
    assert codes(parsed(tmp_path, ("open", as_csv(ROW)), known=other)) == ["REPORT-SHORT"]


def test_a_report_of_what_is_new_is_never_short(tmp_path: Path) -> None:
    said = settings(lists="new_since", columns={"remaining": None})
    assert codes(parsed(tmp_path, ("open", as_csv(ROW)), known=figures(LAST), open=said)) == []


def test_files_of_one_day_are_one_report(tmp_path: Path) -> None:
    parts = [("open", as_csv(*rows(3))), ("open", as_csv(*rows(3, patron_id="5")))]
    outcome = parsed(tmp_path, *parts, known=figures(LAST))
    assert codes(outcome) == []
    assert len(outcome.passed) == 6


def test_a_short_report_that_a_whole_one_has_overtaken_is_read_so_that_it_can_be_laid_aside(tmp_path: Path) -> None:
    outcome = parsed(
        tmp_path,
        ("open", as_csv(ROW), "2026-01-05"),
        ("open", as_csv(*rows(9)), "2026-01-06"),
        known=figures(LAST),
    )
    assert codes(outcome) == []
    assert len(outcome.passed) == 10


def test_a_whole_report_counts_though_the_newest_is_short(tmp_path: Path) -> None:
    outcome = parsed(
        tmp_path,
        ("open", as_csv(*rows(9)), "2026-01-05"),
        ("open", as_csv(ROW), "2026-01-06"),
        known=figures(LAST),
    )
    assert codes(outcome) == ["REPORT-SHORT"]
    assert outcome.passed["as_of"].unique().tolist() == ["2026-01-04"]


def test_a_report_older_than_what_was_read_before_need_not_be_long(tmp_path: Path) -> None:
    known = figures(LAST, ("2026-01-05", "open", "as_of", date(2026, 1, 5).toordinal(), 0))
    assert codes(parsed(tmp_path, ("open", as_csv(ROW), "2026-01-05"), known=known)) == []
    assert codes(parsed(tmp_path, ("open", as_csv(ROW), "2026-01-06"), known=known)) == ["REPORT-SHORT"]


BROKEN = as_csv(ROW, headings=["Fee", *list(COLUMNS)[1:]])


def test_a_report_with_a_wrong_column_waits_until_a_newer_one_is_read(tmp_path: Path) -> None:
    assert codes(parsed(tmp_path, ("open", BROKEN))) == ["REPORT-COLUMNS"]
    assert codes(parsed(tmp_path, ("open", as_csv(ROW)), ("open", BROKEN))) == ["REPORT-COLUMNS"]
    overtaken = parsed(tmp_path, ("open", BROKEN), ("open", as_csv(ROW)))
    assert codes(overtaken) == ["REPORT-OVERTAKEN"]
    assert overtaken.findings[0].refuses_file


def test_a_list_of_what_is_new_is_never_overtaken(tmp_path: Path) -> None:
    said = settings(lists="new_since", columns={"remaining": None})
    outcome = parsed(tmp_path, ("open", BROKEN), ("open", as_csv(ROW)), open=said)
    assert codes(outcome) == ["REPORT-COLUMNS"]

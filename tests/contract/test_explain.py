"""After years a life is told as quickly as on the first day: no question reads the lines of all files."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from pipeline.cli.explain import told
from tests.golden.story import PAID
from tests.nights import Nights

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GROWING = ("batch_lines", "import_lines", "movements", "fees", "audit", "findings", "shares", "allocations", "postings")
"""Tables that grow with every night."""

WHOLE = re.compile(rf"(SCAN ({'|'.join(GROWING)})\b.*|SEARCH ({'|'.join(GROWING)}) .*\((ledger=\?)?\))")


@pytest.fixture
def asked() -> Iterator[list[tuple[str, Any]]]:
    """Every question to any database, with its values."""
    questions: list[tuple[str, Any]] = []

    def keep(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        questions.append((statement, values))

    event.listen(Engine, "before_cursor_execute", keep)
    yield questions
    event.remove(Engine, "before_cursor_execute", keep)


def whole_reads(database: Path, questions: list[tuple[str, Any]]) -> list[str]:
    """Name the tables that questions read from end to end."""
    found = []
    with closing(sqlite3.connect(database)) as connection:
        for statement, values in questions:
            if statement.lstrip().upper().startswith("SELECT"):
                plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)
                found += [f"{row[3]}: {statement}" for row in plan if WHOLE.fullmatch(row[3])]
    return found


def test_no_question_of_a_life_reads_a_growing_table_from_end_to_end(
    tmp_path: Path, asked: list[tuple[str, Any]]
) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {})
    nights.night(1)
    nights.drop("peoplesoft/out", "LIBRARY_PAID_20260105.csv", PAID)
    nights.night(2, "payments")
    asked.clear()
    with closing(nights.ledger()) as ledger:
        for word in ("1001", "001234567", "LIBRARY_PAID_20260105.csv", "LIB_charges_20260105_0001.dat"):
            assert list(told(word, ledger))
    assert len(asked) > 20
    assert whole_reads(tmp_path / "state" / "ledger.sqlite", asked) == []
    planted = [
        ("SELECT * FROM batch_lines WHERE amount_cents = ?", (1,)),
        ("SELECT * FROM audit WHERE ledger = ?", (1,)),
    ]
    assert len(whole_reads(tmp_path / "state" / "ledger.sqlite", planted)) == 2

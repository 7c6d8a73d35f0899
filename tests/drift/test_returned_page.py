"""The page on returned files says what the layouts say."""

from __future__ import annotations

import pytest

from pipeline.layouts import layout as layouts
from tests.drift.returned_tables import PAGE, PART, renewed

TEXT = PAGE.read_text("utf-8")
RETURNED = [name for name in layouts.names() if layouts.load(name).repeats]


def test_every_table_says_what_the_layout_says() -> None:
    # If this fails: .venv/bin/python -m tests.drift.returned_tables
    assert renewed(TEXT) == TEXT


def test_every_returned_format_has_its_own_table() -> None:
    assert sorted(part["name"] for part in PART.finditer(TEXT)) == RETURNED


@pytest.mark.parametrize("name", RETURNED)
def test_the_page_names_how_a_file_is_proved_and_what_it_repeats(name: str) -> None:
    section = " ".join(TEXT.split(f"\n## `{name}`", 1)[1].split("\n## ")[0].split())
    returned = layouts.load(name).facts.returned
    assert returned is not None
    proof = {"trailer": "proves", "stable": "nothing in it proves", "archive": "archive"}[returned.complete]
    again = {"none": "never repeats", "cumulative": "says again"}[returned.repeats]
    assert proof in section
    assert again in section


def test_a_table_that_has_drifted_is_seen() -> None:
    drifted = TEXT.replace("| `chargeback` | back |", "| `sale` | in |", 1)
    assert drifted != TEXT
    assert renewed(drifted) == TEXT

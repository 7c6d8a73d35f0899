"""Money that a chargeback took and that is there again is put before a person: a task may be needless."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.layouts import layout as layouts
from tests.unit.return_kit import Counter, boxes, codes

if TYPE_CHECKING:
    from pathlib import Path

SAYS = """
[[systems.cashnet.returns]]
layout = "paypal/activity"
connection = "bursar"
folder = "cashnet/out"
pattern = "Download*.csv"
quiet_s = 0
"""
HEAD = "Date,Type,Status,Currency,Gross,Transaction ID,Reference Txn ID,Custom Number,Balance Impact\n"
PAID = "1/5/2026,Express Checkout Payment,Completed,USD,30.00,TXA,,1001,Credit\n"
TAKEN = "1/5/2026,Chargeback,Completed,USD,-30.00,TXCB,TXA,1001,Debit\n"
UNDONE = "1/6/2026,Chargeback Reversal,{status},USD,{gross},TXCR,TXA,1001,Credit\n"
RELEASE = "1/6/2026,Dispute Hold Release,Completed,USD,30.00,TXR,TXA,1001,Credit\n"


def download(counter: Counter, number: int, *lines: str) -> tuple[dict[str, int], list[str]]:
    counter.clear("cashnet/out")
    counter.leave(f"Download{number}.csv", HEAD + "".join(lines), at="cashnet/out")
    night = counter.night()
    return boxes(night), codes(night)


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    made = Counter(tmp_path, SAYS)
    assert download(made, 1, PAID, TAKEN) == ({"passed": 2}, [])
    return made


def test_it_is_held_and_asked_about_once(counter: Counter) -> None:
    undone = UNDONE.format(status="Completed", gross="30.00")
    assert download(counter, 2, PAID, TAKEN, undone) == (
        {"passed": 0, "duplicate": 2, "held": 1},
        ["CHARGEBACK-UNDONE"],
    )
    assert ("held", 3000, "CHARGEBACK-UNDONE") in counter.money()
    assert download(counter, 3, PAID, TAKEN, undone, "\n")[1] == []
    assert len(counter.money()) == 3


@pytest.mark.parametrize("line", [UNDONE.format(status="Pending", gross="30.00"), RELEASE])
def test_what_is_not_there_yet_and_a_hold_let_go_undo_nothing(counter: Counter, line: str) -> None:
    assert download(counter, 2, PAID, TAKEN, line)[1] == []
    assert len(counter.money()) == 2


@pytest.mark.parametrize("name", ["paypal/stl", "paypal/trr"])
def test_settled_reports_say_the_same_by_their_code(tmp_path: Path, name: str) -> None:
    facts = layouts.load(name, tmp_path).facts.returned
    assert facts is not None
    undoing = [rule for rule in facts.kinds if rule.undoes]
    assert [(rule.kind, rule.money, rule.when["Transaction Event Code"]) for rule in undoing] == [
        ("other", "in", ("T1202",))
    ]
    first = next(rule for rule in facts.kinds if "T1202" in rule.when.get("Transaction Event Code", ()))
    assert first is undoing[0], "the first rule that fits counts"

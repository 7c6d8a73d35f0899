"""Equal lines without a receipt of two people, and of two reports of one system: nothing is stuck, and nothing lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ports.ledger import Payment, PaymentState
from tests.depth import deep
from tests.unit.return_kit import ONCE, Counter, Ledger, boxes, codes

ADA, BOB = (f"{patron},01/05/2026,1001,12.50" for patron in ("001234567", "007654321"))
MORE = "005555555,01/{}/2026,9,1.00"
RETURN = """
[[systems.peoplesoft.returns]]
layout = "{layout}"
connection = "bursar"
folder = "peoplesoft/out"
pattern = "{name}_*.csv"
quiet_s = 0
"""
TWO_REPORTS = "".join(RETURN.format(layout="peoplesoft/paid", name=name) for name in ("LIBRARY_PAID", "MONTHLY"))
AND_ONCE = RETURN.format(layout="own/once", name="ONCE")


def both(counter: Counter) -> tuple[Payment, Payment]:
    """Ada's and Bob's payment."""
    ada, bob = sorted((one for one in counter.ledger.payments.values() if one.cents == 1250), key=lambda one: one.line)
    return ada, bob


def posted(counter: Counter, *payments: Payment) -> None:
    """Each was let go by a person, if it was held, and is posted by now."""
    for one in payments:
        counter.ledger.payments[one.key] = replace(one, state=PaymentState.ALLOCATED, code="", why="")


def test_two_reports_of_one_system_that_say_two_equal_payments_are_read_every_night(tmp_path: Path) -> None:
    counter = Counter(tmp_path, TWO_REPORTS)
    counter.paid("LIBRARY_PAID_1.csv", ADA)
    counter.night()
    counter.paid("MONTHLY_1.csv", ADA, BOB)
    counter.night()
    counter.paid("MONTHLY_2.csv", ADA, BOB, MORE.format("06"))
    assert boxes(counter.night())["passed"] == 1
    assert {file.state for file in counter.ledger.rows.values()} == {"booked"}


class Asked(Ledger):
    """Keeps every key that it was asked about."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: set[str] = set()

    def known_payments(self, keys: list[str]) -> object:  # type: ignore[override]
        self.keys |= set(keys)
        return super().known_payments(keys)


LINE = st.builds(
    "{},01/0{}/2026,{},{}.50".format,
    st.sampled_from(["001234567", "007654321"]),
    st.integers(5, 6),
    st.sampled_from(["1001", "1002"]),
    st.sampled_from([12, 5]),
)
FILES = st.lists(
    st.tuples(st.sampled_from(["LIBRARY_PAID", "MONTHLY", "ONCE"]), st.lists(LINE, min_size=1, max_size=5)),
    min_size=2,
    max_size=5,
)


@settings(max_examples=deep(25), deadline=None)
@given(FILES)
def test_the_ledger_is_asked_about_every_key_that_a_line_comes_to_bear(files: list[tuple[str, list[str]]]) -> None:
    with TemporaryDirectory() as folder:
        counter = Counter(Path(folder), TWO_REPORTS + AND_ONCE, own={"own/once": ONCE})
        counter.ledger = Asked()
        for number, (name, lines) in enumerate(files):
            counter.paid(f"{name}_{number}.csv", *lines)
            counter.night()
        assert {file.state for file in counter.ledger.rows.values()} == {"booked"}
        assert counter.ledger.payments.keys() <= counter.ledger.keys


@pytest.mark.parametrize("gone", [0, 1])
def test_of_two_equal_payments_that_both_count_the_one_that_is_said_no_more_is_told(tmp_path: Path, gone: int) -> None:
    counter = Counter(tmp_path)
    counter.paid("LIBRARY_PAID_1.csv", ADA, BOB, MORE.format("08"))
    counter.night()
    posted(counter, *both(counter))
    counter.paid("LIBRARY_PAID_2.csv", (BOB, ADA)[gone], MORE.format("08"))
    assert codes(counter.night()) == ["PAYMENT-WITHDRAWN-POSTED"]
    (task,) = counter.ledger.tasks()
    assert task.subject == both(counter)[gone].key


def test_while_nobody_has_said_that_the_second_is_money_of_its_own_the_first_counts_as_said(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    counter.paid("LIBRARY_PAID_1.csv", ADA)
    counter.night()
    posted(counter, *counter.ledger.payments.values())
    for number in (2, 3):
        counter.paid(f"LIBRARY_PAID_{number}.csv", BOB, MORE.format(f"1{number}"))
        assert "PAYMENT-WITHDRAWN-POSTED" not in codes(counter.night())


@pytest.mark.parametrize(
    ("lines", "gone"), [((ADA, BOB), ""), ((BOB,), ", and this file does not say that one any more")]
)
def test_a_person_is_told_which_payment_the_equal_line_of_another_patron_is_like(
    tmp_path: Path, lines: tuple[str, ...], gone: str
) -> None:
    counter = Counter(tmp_path)
    counter.paid("LIBRARY_PAID_1.csv", ADA)
    counter.night()
    known = counter.only()
    counter.paid("LIBRARY_PAID_2.csv", *lines)
    (finding,) = [one for one in counter.night().findings if one.code == "PAYMENT-OTHER-PATRON"]
    assert finding.text == (
        f"12.50 for fee 1001 of 2026-01-05 is known as payment {known.key} of another patron{gone}; after --resend "
        "the match may ask once more, for whom the fee was charged (MATCH-OTHER-PATRON)"
    )

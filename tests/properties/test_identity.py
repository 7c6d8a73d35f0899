"""However a truth is cut into files that overlap, repeat, change names and order, it is the same set of payments."""

from __future__ import annotations

import random
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline import tables
from pipeline.ports.ledger import PaymentState
from pipeline.stages import identity
from pipeline.stages.identity import CONTENT, RECEIPT, identified
from tests.depth import deep
from tests.unit.return_kit import ONCE, TO_DATE, Counter, cashnet

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

OWN = """
[[systems.peoplesoft.returns]]
layout = "own/{name}"
connection = "bursar"
folder = "peoplesoft/out"
pattern = "OWN_*.csv"
quiet_s = 0
"""
FEW = settings(max_examples=deep(8), deadline=None)

LINE = st.tuples(st.integers(1, 4), st.integers(1, 2), st.sampled_from(["SALE", "VOID"]), st.sampled_from([500, 1250]))
"""Receipt, line, what it is, cents: many of them equal, and a sale may be voided in a later file or the same one."""


def truth(lines: list[tuple[int, int, str, int]]) -> list[str]:
    """Make lines of cashnet/payments, one for each receipt, line and way: no bursar says two sums of one."""
    cents = {(tx, line): amount for tx, line, _, amount in lines}
    told = sorted({(tx, line, what) for tx, line, what, _ in lines})
    return [
        f"R{tx},{line},{what},CLOSED,{'-' if what == 'VOID' else ''}{cents[tx, line] / 100:.2f},100{tx},LIB-LOST"
        for tx, line, what in told
    ]


def entered(counter: Counter, made_good: Collection[tuple[str, str]] = ()) -> dict[str, int]:
    """The keys that the ledger has, with cents; nothing may be held or told apart otherwise.

    But a sale that a file says alone once its void is known may have been made good again (receipts and lines).
    """
    others = [one for one in counter.ledger.payments.values() if one.state is not PaymentState.RECEIVED]
    asked = {(str(one.state), one.code, one.kind, (one.payment_ref, one.payment_line)) for one in others}
    assert asked <= {("held", "PAYMENT-OTHER-DAY", "sale", one) for one in made_good}
    return counter.keys()


@contextmanager
def counters(**how: Any) -> Iterator[tuple[Counter, Counter]]:
    """Two campuses that say the same; they are gone afterwards."""
    with TemporaryDirectory() as one, TemporaryDirectory() as two:
        yield Counter(Path(one), **how), Counter(Path(two), **how)


@FEW
@given(
    st.lists(LINE, min_size=1, max_size=8),
    st.lists(st.sets(st.integers(0, 15), max_size=8), max_size=4),
    st.randoms(use_true_random=False),
)
def test_receipts_in_any_files_are_the_same_payments(
    lines: list[tuple[int, int, str, int]], cuts: list[set[int]], order: random.Random
) -> None:
    rows = truth(lines)
    with counters() as (whole, cut):
        whole.leave("CASHNET_PAYMENTS_1.csv", cashnet(*rows), at="cashnet/out")
        whole.night()
        files = [[rows[one % len(rows)] for one in some] for some in cuts if some] + [list(rows)]
        order.shuffle(files)
        for number, file in enumerate(files):
            order.shuffle(file)
            text = cashnet(*file)
            for name in (f"CASHNET_PAYMENTS_{number}.csv", f"CASHNET_PAYMENTS_{number}_AGAIN.csv")[
                : order.randint(1, 2)
            ]:
                cut.leave(name, text, at="cashnet/out")
            if order.random() < 0.6:
                cut.night()
        cut.night()
        voided = {(f"R{tx}", str(line)) for tx, line, what, _ in lines if what == "VOID"}
        assert entered(cut, voided) == entered(whole)
        assert len(entered(whole)) == len(rows)
        cut.ledger.lose()
        cut.night()
        assert entered(cut, voided) == entered(whole)


ROWS = st.lists(st.tuples(st.integers(5, 9), st.sampled_from(["1001", "1002"]), st.sampled_from([5, 12])), min_size=1)


@FEW
@given(ROWS, st.lists(st.integers(1, 12), max_size=4), st.randoms(use_true_random=False))
@example([(5, "1001", 5)] * 3, [1, 2], random.Random(1))
def test_a_report_that_repeats_itself_says_as_many_payments_as_it_has_equal_lines(
    rows: list[tuple[int, str, int]], ends: list[int], order: random.Random
) -> None:
    lines = [f"001234567,1/{day}/2026,{fee},{amount}.00" for day, fee, amount in sorted(rows)]
    with counters() as (whole, cut):
        whole.paid("LIBRARY_PAID_1.csv", *lines)
        whole.night()
        for number, end in enumerate([*sorted(ends), len(lines)]):
            file = lines[:end]
            order.shuffle(file)
            cut.paid(f"LIBRARY_PAID_{number}.csv", *file)
            if order.random() < 0.6:
                cut.night()
        cut.night()
        assert entered(cut) == entered(whole)
        assert len(entered(whole)) == len(lines)
        cut.ledger.lose()
        cut.night()
        assert entered(cut) == entered(whole)


@FEW
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30)), min_size=1, max_size=6))
def test_what_was_paid_to_date_comes_to_the_last_sum_and_is_the_same_after_a_loss(sums: list[tuple[int, int]]) -> None:
    with counters(says=OWN.format(name="so_far"), own={"own/so_far": TO_DATE}) as (_, counter):
        last: dict[int, int] = {}
        for number, (fee, amount) in enumerate(sums, start=1):
            last[fee] = amount
            rows = [f"001234567,1/{number + 4}/2026,{1000 + one},{so_far}.00" for one, so_far in sorted(last.items())]
            counter.paid(f"OWN_{number}.csv", *rows)
            counter.night()
            counter.night()
        kept = counter.ledger.payments.values()
        for fee, amount in last.items():
            assert sum(one.cents for one in kept if one.fee_ref == str(1000 + fee)) == 100 * amount
        before = entered(counter)
        counter.ledger.lose()
        counter.night()
        assert entered(counter) == before


@FEW
@given(ROWS, st.integers(1, 8), st.randoms(use_true_random=False))
def test_without_receipts_nothing_is_lost_and_what_may_be_told_twice_is_held(
    rows: list[tuple[int, str, int]], cut_at: int, order: random.Random
) -> None:
    lines = [f"001234567,1/{day}/2026,{fee},{amount}.00" for day, fee, amount in rows]
    order.shuffle(lines)
    with counters(says=OWN.format(name="once"), own={"own/once": ONCE}) as (_, counter):
        parts = [part for part in (lines[:cut_at], lines[cut_at:]) if part]
        for number, part in enumerate(parts):
            counter.paid(f"OWN_{number}.csv", *part)
            counter.night()
        money = counter.money()
        assert sum(cents for _, cents, _ in money) == 100 * sum(amount for _, _, amount in rows)
        doubted = {line for line in parts[0] if len(parts) > 1 and line in parts[1]}
        most = sum(max(part.count(line) for part in parts) for line in set(lines))
        assert sum(state == "received" for state, _, _ in money) == most
        assert {code for state, _, code in money if state == "held"} == ({"PAYMENT-REPEATED"} if doubted else set())


LINES = st.lists(st.tuples(st.sampled_from([500, 900, 1250]), st.sampled_from(["1001", "1002"])), min_size=1)


@given(LINES, st.randoms(use_true_random=False))
def test_a_receipt_that_does_not_number_its_lines_has_the_same_keys_in_any_order(
    lines: list[tuple[int, str]], order: random.Random
) -> None:
    shuffled = list(lines)
    order.shuffle(shuffled)

    def keys(rows: list[tuple[int, str]]) -> list[str]:
        frame = tables.PAYMENTS.frame(
            {
                "system": ["cashnet"] * len(rows),
                "payment_ref": ["R1"] * len(rows),
                "kind": ["sale"] * len(rows),
                "amount_cents": [cents for cents, _ in rows],
                "fee_ref": [fee for _, fee in rows],
            }
        )
        return sorted(identified(frame)["payment_key"])

    assert keys(lines) == keys(shuffled)
    assert len(set(keys(lines))) == len(lines)


def forgetting(what: str, place: int) -> Any:
    """Make keys of one identity that leave out what stands at a place: a planted bug."""
    true = identity.key_of

    def false(*parts: str) -> str:
        if parts[0] == what:
            kept = list(parts)
            del kept[place]
            return true(*kept)
        return true(*parts)

    return false


PLANTED = {
    "equal lines are not counted": (CONTENT, -1, "001234567,1/5/2026,1001,5.00\n" * 2, 2),
    "the day does not count": (CONTENT, -3, "001234567,1/5/2026,1001,5.00\n001234567,1/6/2026,1001,5.00\n", 2),
    "the line of a receipt does not count": (RECEIPT, -1, "", 3),
    "a void is its sale": (RECEIPT, 3, "", 3),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_in_the_keys_is_seen(monkeypatch: pytest.MonkeyPatch, bug: str) -> None:
    what, place, rows, count = PLANTED[bug]
    lines = [
        f"R1,{line}"
        for line in ("1,SALE,CLOSED,5.00,1001,L", "2,SALE,CLOSED,5.00,1001,L", "1,VOID,CLOSED,-5.00,1001,L")
    ]

    def payments(counter: Counter) -> int:
        if rows:
            counter.paid("LIBRARY_PAID_1.csv", *rows.splitlines())
        else:
            counter.leave("CASHNET_PAYMENTS_1.csv", cashnet(*(f"{line}IB-LOST" for line in lines)), at="cashnet/out")
        counter.night()
        return len([one for one in counter.ledger.payments.values() if one.state == "received"])

    with counters() as (sound, planted):
        assert payments(sound) == count
        monkeypatch.setattr(identity, "key_of", forgetting(what, place))
        assert payments(planted) < count

"""Whatever moment the night dies at, the ledger holds all of a change or nothing of it, and the repeat is right."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, select

from pipeline import tables
from pipeline.adapters.ledger import SqlLedger, open_ledger
from pipeline.adapters.ledger.schema import METADATA
from pipeline.findings import Finding
from pipeline.ports.ledger import Figure, LedgerError, PaymentState, UploadState, Word
from tests.contract.ledger_kit import (
    EXPORT,
    NOON,
    PAID,
    asked,
    batch,
    begun,
    booking,
    debts_sent,
    fee,
    for_f1,
    import_batch,
    later,
    lowering,
    matched,
    movement,
    paid_file,
    payment,
    plan,
    snapshot,
    task,
    with_calls,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline.ports.ledger import Booking, Run

    Change = Callable[[SqlLedger], object]


class Dying(Exception):  # noqa: N818 - no error of ours: the machine went down
    """The process is gone."""


class Fuse:
    """Dies before or after the n-th thing that the ledger asks of its database; 0 means never.  Counts them."""

    def __init__(self, die_at: int = 0, watch: Callable[[int], None] = lambda number: None) -> None:
        self.die_at = die_at
        self.watch = watch
        self.seen = 0

    def __call__(self, *_given: object) -> None:
        self.seen += 1
        self.watch(self.seen)
        if self.seen == self.die_at:
            raise Dying


MOMENTS = ("before_cursor_execute", "after_cursor_execute", "commit")


@contextmanager
def burning(ledger: SqlLedger, fuse: Fuse) -> Iterator[Fuse]:
    for moment in MOMENTS:
        event.listen(ledger.store.engine, moment, fuse)
    try:
        yield fuse
    finally:
        for moment in MOMENTS:
            event.remove(ledger.store.engine, moment, fuse)


def contents(ledger: SqlLedger) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    with ledger.store.reading() as connection:
        return {
            table.name: sorted(tuple(row) for row in connection.execute(select(table)))
            for table in METADATA.sorted_tables
        }


def a_night() -> Booking:
    """A snapshot replaces an older one; a held fee is charged, another withdrawn, one credited, a file refused."""
    held, new, old = fee("F2", 250), fee("F3", 75), fee("F1", 1000)
    files = snapshot([held, new], [old | {"amount_cents": 900}], 2)
    less = fee("F1", -100, version=2)
    repeated = movement(old | {"amount_cents": 900}, carried=True)
    lines = [movement(held), movement(new), repeated, lowering(less, tables.FOLDED)]
    others = [less, fee("F4", 60, "waiting"), fee("F5", 30, "withdrawn"), fee("F6", 30, "continued", continues="F1")]
    night = booking([held, new, *others], lines)
    findings = [Finding("SAME-AGAIN", "F3", "fee F3 stands in tonight's files more than once")]
    refused = {PAID: ("READ-CUT-SHORT", "the file ends in the middle")}
    figures = [Figure("peoplesoft", "sent", 3, 225)]
    return type(night)(night.fees, night.movements, files.batches, [EXPORT], refused, findings, figures)


def with_an_older_night(ledger: SqlLedger) -> Run:
    run, first, held = begun(ledger), fee("F1", 1000), [fee("F2", 250, "held"), fee("F5", 30, "held")]
    ledger.book(run, snapshot([first], [], 1), NOON)
    ledger.book(run, booking(held), NOON)
    return run


def book(run: Run) -> Change:
    return lambda ledger: ledger.book(run, a_night(), later(24))


def with_money(ledger: SqlLedger) -> Run:
    run = begun(ledger)
    lines = [movement(fee("F1"))]
    ledger.book(run, booking([fee("F1")], lines, [batch(lines)]), NOON)
    return run


def receive(run: Run) -> Change:
    findings = [Finding("PAYMENT-KNOWN", "K0", "line 9 was entered before")]
    return lambda ledger: ledger.enter_payments(run, PAID, [payment("K1"), payment("K2", 5)], findings, later(1))


def allocate(run: Run) -> Change:
    def change(ledger: SqlLedger) -> None:
        money = ledger.known_payments(["K1"])["K1"]
        rest = task(money, kind="refund", task_id="refund-K1-1", cents=100)
        ledger.allocate(money, *plan(money, 600, 300), 100, later(2), tasks=[rest])

    return change


def with_a_payment(ledger: SqlLedger) -> Run:
    run = with_money(ledger)
    receive(run)(ledger)
    matched(ledger, payment("K1"), *for_f1(600, 300))
    return run


def match_again(run: Run) -> Change:
    """A payment that was matched and held is matched to something else."""

    def change(ledger: SqlLedger) -> None:
        (held,) = ledger.payments_in(PaymentState.HELD)
        ledger.match_payment(held, for_f1(500), later(3), code="REVIEW", why="a person looks")

    return change


def with_a_held_payment(ledger: SqlLedger) -> Run:
    run = with_a_payment(ledger)
    ledger.settle_payment(ledger.payments_in(PaymentState.MATCHED)[0], PaymentState.HELD, "REVIEW", "look", later(2))
    return run


BACK = payment("R1", -1000, kind="void")


def with_a_void(ledger: SqlLedger) -> Run:
    run = with_a_payment(ledger)
    allocate(run)(ledger)
    ledger.archived(paid_file("9" * 64))
    ledger.enter_payments(run, "9" * 64, [BACK, payment("W1", 50, kind="writeoff")], [], later(3))
    return run


def cancel_payment(run: Run) -> Change:
    def change(ledger: SqlLedger) -> None:
        ledger.cancel_payment(ledger.known_payments(["K1"])["K1"], BACK, "voided", later(4))

    return change


def take_back(run: Run) -> Change:
    chores = [task(BACK), task(BACK, 2, kind="clear-credit")]
    return lambda ledger: ledger.take_back(BACK, for_f1(-900), chores, later(4), origin="K1")


def withdraw(run: Run) -> Change:
    off = payment("W1", 50, kind="writeoff")
    return lambda ledger: ledger.withdraw_payment(off, for_f1(30, 20), [task(off, kind="waive")], later(4))


def with_a_task(ledger: SqlLedger) -> Run:
    run = with_a_void(ledger)
    ledger.take_back(BACK, for_f1(-900), [task(BACK)], later(4), origin="K1")
    return run


def close_task(run: Run) -> Change:
    return lambda ledger: ledger.close_task("T-R1-1", "kim", "done it", later(5))


def with_calls_by_file(ledger: SqlLedger) -> Run:
    run = debts_sent(ledger)
    with_calls(ledger, run)
    return run


def list_postings(run: Run) -> Change:
    def change(ledger: SqlLedger) -> None:
        pair = ledger.postings_of("K3")
        ledger.list_postings(run, import_batch(pair), pair, later(2))

    return change


def with_an_import_file(ledger: SqlLedger) -> Run:
    run = with_calls_by_file(ledger)
    list_postings(run)(ledger)
    return run


def give_up_import(run: Run) -> Change:
    def change(ledger: SqlLedger) -> None:
        (file,) = (one for one in ledger.uploads() if one.batch.kind == "payment")
        ledger.move_upload(file, UploadState.CANCELLED, "by hand", later(3))

    return change


WORD = Word("K1", "reject", "kim", "not ours", later(1))


def with_a_word(ledger: SqlLedger) -> Run:
    run = with_money(ledger)
    ledger.say(WORD)
    return run


def hear(run: Run) -> Change:
    return lambda ledger: ledger.heard(WORD, "pat", later(2))


def cancel(run: Run) -> Change:
    def change(ledger: SqlLedger) -> None:
        ledger.move_upload(ledger.uploads()[0], UploadState.CANCELLED, "by hand", later(3))

    return change


def approve(run: Run) -> Change:
    assert run.number == 1
    return lambda ledger: ledger.approve_fee(asked("F2", 1), "F1", "kim", "returned", later(4))


CHANGES = {
    "book": (with_an_older_night, book),
    "receive": (with_money, receive),
    "allocate": (with_a_payment, allocate),
    "cancel": (with_money, cancel),
    "approve": (with_an_older_night, approve),
    "match again": (with_a_held_payment, match_again),
    "cancel payment": (with_a_void, cancel_payment),
    "take back": (with_a_void, take_back),
    "withdraw": (with_a_void, withdraw),
    "close task": (with_a_task, close_task),
    "list postings": (with_calls_by_file, list_postings),
    "give up import": (with_an_import_file, give_up_import),
    "hear": (with_a_word, hear),
}


AGAIN = {"approve", "match again"}
"""What may be done once more: the newest word of a person counts, and a payment that is held is matched anew."""


def dies(ledger: SqlLedger, making: Change, at: int) -> bool:
    """Whether making the change came so far as to die there; else it was made."""
    with burning(ledger, Fuse(at)):
        try:
            making(ledger)
        except Dying:
            return True
    return False


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_that_dies_anywhere_leaves_nothing_and_can_be_made_again(name: str) -> None:
    before, change = CHANGES[name]
    with open_ledger("sqlite://", "chico", "train") as ledger:
        making = change(before(ledger))
        untouched, died = contents(ledger), 0
        while dies(ledger, making, died + 1):
            died += 1
            assert contents(ledger) == untouched, f"died at {died}"
        assert died > 5
        assert contents(ledger) != untouched
        assert list(ledger.verify_audit()) == []
        if name not in AGAIN:
            with pytest.raises((LedgerError, IndexError, ValueError)):
                making(ledger)


@pytest.mark.parametrize("name", CHANGES)
def test_what_lies_on_the_disk_at_any_moment_is_all_or_nothing(tmp_path: Path, name: str) -> None:
    before, change = CHANGES[name]
    home = tmp_path / "home"
    with open_ledger(f"sqlite:///{home}/ledger.db", "chico", "train") as ledger:
        making = change(before(ledger))
        untouched = contents(ledger)

        def photograph(number: int) -> None:
            shutil.copytree(home, tmp_path / f"image{number}")

        with burning(ledger, Fuse(watch=photograph)) as fuse:
            making(ledger)
        shutil.copytree(home, tmp_path / "image_done")
        done = contents(ledger)
    for number in range(1, fuse.seen + 1):
        with open_ledger(f"sqlite:///{tmp_path}/image{number}/ledger.db", "chico", "train") as image:
            assert contents(image) == untouched, f"power cut at {number}"
    with open_ledger(f"sqlite:///{tmp_path}/image_done/ledger.db", "chico", "train") as image:
        assert contents(image) == done != untouched


def test_the_sweep_would_see_a_change_made_in_two_steps() -> None:
    """A planted bug: a plan whose last step comes in a transaction of its own."""
    with open_ledger("sqlite://", "chico", "train") as ledger:
        with_a_payment(ledger)

        def in_two_steps(ledger: SqlLedger) -> None:
            (seen,) = ledger.payments_in(PaymentState.MATCHED)
            held = ledger.settle_payment(seen, PaymentState.HELD, "FEE-CLOSED", "closed", later(2))
            ledger.settle_payment(held, PaymentState.SUSPENSE, "FEE-CLOSED", "closed", later(2))

        untouched = contents(ledger)
        died = 1
        while dies(ledger, in_two_steps, died) and contents(ledger) == untouched:
            died += 1
        assert contents(ledger)["payments"] != untouched["payments"]
        assert [one.state for one in ledger.known_payments(["K1"]).values()] == [PaymentState.HELD]

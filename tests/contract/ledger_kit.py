"""Makes what the ledger is given in tests: fees, movements, files, payments, all of people who do not exist."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from pipeline import tables
from pipeline.adapters.ledger.proof import BOOKED_FEES
from pipeline.ports.ledger import (
    Allocation,
    Batch,
    Booking,
    Charged,
    InFile,
    Payment,
    PaymentState,
    Posting,
    PostingState,
    Question,
    Share,
    Task,
    TaskState,
    UploadState,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from pipeline.ports.ledger import Ledger, PaymentBook, Run

ARRIVING = (UploadState.UPLOADING, UploadState.STAGED, UploadState.PUBLISHING, UploadState.SENT)
"""The way of a file that arrives."""

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
MONDAY = date(2026, 1, 5)
EXPORT, PAID = "e" * 64, "f" * 64
"""Hashes of an export and of a paid file."""


def later(hours: int) -> datetime:
    """So many hours after noon."""
    return NOON + timedelta(hours=hours)


def fee(fee_id: str, cents: int = 1000, state: str = "charged", **changes: object) -> dict[str, object]:
    """One row of a booking's fees."""
    version = changes.get("version", 1)
    plain: dict[str, object] = {
        "source": "alma",
        "file_sha": EXPORT,
        "line": 12,
        "export_number": "4711",
        "patron_id_type": "02",
        "patron_id": "900000001",
        "fee_id": fee_id,
        "fee_type": "OVERDUEFINE",
        "owner": "MAIN",
        "fee_time": "01/04/2026 10:00:00",
        "currency": "USD",
        "amount_text": str(cents / 100),
        "amount_cents": cents,
        "version": version,
        "content": hashlib.sha256(f"{fee_id} {version} {cents}".encode()).hexdigest(),
        "fee_date": "2026-01-04",
        "lists": "export",
        "original_cents": cents,
        "known": "",
        "state": state,
        "code": "" if state == "charged" else "NORMALISE-UNMAPPED-TYPE",
        "why": "" if state == "charged" else "no rule for type OVERDUEFINE",
        "system": "peoplesoft",
    }
    return plain | changes


def asked(fee_id: str, version: int = 1, code: str = "NORMALISE-UNMAPPED-TYPE") -> Question:
    """What a person is asked of a held fee."""
    return Question("alma", fee_id, version, code)


def movement(of: dict[str, object], batch: int = 0, *, carried: bool = False, **changes: object) -> dict[str, object]:
    """One row of a booking's movements: the first charge of a fee, unless ``changes`` say otherwise."""
    plain = {name: value for name, value in of.items() if name in tables.FEES.names} | {
        "system": of["system"],
        "movement": 1,
        "kind": "charge",
        "against": of["fee_id"],
        "bursar_id": of["patron_id"],
        "reference": of["fee_id"],
        "item_type": "600000000001",
        "account_type": "LIB",
        "term": "2262",
        "effective_date": "2026-01-04",
        "due_date": "2026-02-03",
        "label": "Overdue fine",
        "description": "Overdue fine 3900",
        "payments_to": "api",
        "batch": batch,
        "carried": carried,
    }
    return plain | changes


def lowering(of: dict[str, object], batch: int = 0, **changes: object) -> dict[str, object]:
    """One row of a booking's movements: a credit of a fee that was charged before, as its movement 2."""
    number = changes.get("movement", 2)
    plain = movement(of, batch) | {"movement": number, "kind": "credit", "reference": f"{of['fee_id']}-{number}"}
    return plain | changes


def frame(table: tables.Table, rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Make a frame of a noun out of rows."""
    blank = {tables.TEXT: "", tables.WHOLE: 0, tables.FLAG: False}
    return table.frame({one.name: [row.get(one.name, blank[one.dtype]) for row in rows] for one in table.columns})


def batch(rows: Sequence[dict[str, object]], sequence: int = 1, **changes: object) -> Batch:
    """The file that these movements travel in."""
    system = str(rows[0]["system"]) if rows else "peoplesoft"
    name = f"{system}_{sequence:04d}.dat"
    cents = sum(int(str(row["amount_cents"])) for row in rows)
    plain = Batch(system, "charge", sequence, 1, "delta", name, f"out/{name}", "a" * 64, 100, len(rows), cents, MONDAY)
    return replace(plain, **changes)  # type: ignore[arg-type]


def booking(
    fees: Sequence[dict[str, object]],
    movements: Sequence[dict[str, object]] = (),
    batches: Sequence[Batch] = (),
    **rest: object,
) -> Booking:
    """Everything that a night decided."""
    return Booking(frame(BOOKED_FEES, fees), frame(tables.LINES, movements), batches, **rest)  # type: ignore[arg-type]


def charging(*fees: dict[str, object], sequence: int = 1, **changes: object) -> Booking:
    """A night that charges these fees in one file."""
    movements = [movement(one) for one in fees]
    return booking(fees, movements, [batch(movements, sequence, **changes)])


def snapshot(new: Sequence[dict[str, object]], old: Sequence[dict[str, object]], sequence: int) -> Booking:
    """A night whose one file says everything: new charges, and those that earlier files have sent."""
    movements = [movement(one) for one in new] + [movement(one, carried=True) for one in old]
    return booking(new, movements, [batch(movements, sequence, scope="snapshot")])


def in_file(sha: str = EXPORT, name: str = "bursar.xml", role: str = "charges", feed: str = "alma") -> InFile:
    """A file that lies in the archive."""
    return InFile(sha, name, role, feed, 1234, NOON, delivered_at=NOON)


def paid_file(sha: str = PAID) -> InFile:
    """A returned file that lies in the archive."""
    return in_file(sha, "paid.csv", "payments", "peoplesoft")


def payment(key: str, cents: int = 1000, **changes: object) -> Payment:
    """One line of money, just received."""
    plain = Payment(
        key=key,
        fingerprint=f"{key} {cents}",
        system="peoplesoft",
        file_sha=PAID,
        line=3,
        payment_ref=f"R{key}",
        fee_ref="F1",
        patron_id="900000001",
        cents=cents,
        occurred_on="2026-01-04",
        kind="sale",
        method="CC",
        state=PaymentState.RECEIVED,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def share(cents: int, number: int = 1, fee_id: str = "F1") -> Share:
    """So many cents of a payment are for a debt."""
    return Share(number, "alma", fee_id, cents)


def for_f1(*cents: int) -> tuple[Share, ...]:
    """Shares of these amounts, all for fee F1."""
    return tuple(share(part, number) for number, part in enumerate(cents, 1))


def plan(of: Payment, *cents: int, way: str = "api") -> tuple[list[Allocation], list[Posting]]:
    """Divide a payment: so many cents of each of its shares to Alma fees A1, A2 and so on, with their postings."""
    both = zip(of.shares, cents, strict=False)
    parts = [Allocation(of.key, one.number, one.source, one.fee_id, f"A{one.number}", part) for one, part in both]
    return parts, [
        Posting(
            external_id=f"BP{of.key}-{one.number:02d}",
            payment_key=of.key,
            patron_id="900000001",
            patron_id_type="02",
            alma_fee_id=one.alma_fee_id,
            cents=one.cents,
            method="ONLINE",
            comment=f"receipt {of.payment_ref}",
            state=PostingState.RECORDED if way == "record" else PostingState.READY,
            way=way,
            source=one.source,
            fee_id=one.fee_id,
        )
        for one in parts
    ]


def matched(book: PaymentBook, money: Payment, *shares: Share, at: datetime = NOON) -> Payment:
    """Match a payment to these shares, or all of it to fee F1."""
    return book.match_payment(money, shares or (share(money.cents),), at)


def placed(
    book: PaymentBook, money: Payment, *cents: int, rest: int = 0, at: datetime = NOON, way: str = "api"
) -> Payment:
    """Match a payment to fee F1 and write its plan: so many cents each, or all of it but the rest."""
    parts = cents or (money.cents - rest,)
    seen = matched(book, money, *for_f1(*parts), at=at)
    return book.allocate(seen, *plan(seen, *parts, way=way), rest, at)


def task(of: Payment, number: int = 1, **changes: object) -> Task:
    """Something that staff have to do about a payment."""
    plain = Task(
        task_id=f"T-{of.key}-{number}",
        kind="unpay",
        subject=of.key,
        system="peoplesoft",
        source="alma",
        fee_id="F1",
        reference="F1",
        patron_id="900000001",
        cents=abs(of.cents),
        text="create the fee again",
        opened_on="2026-01-05",
        state=TaskState.OPEN,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def import_batch(postings: Sequence[Posting], sequence: int = 1, **changes: object) -> Batch:
    """The file by which Alma imports these."""
    name, count, cents = f"payments_{sequence}.xml", len(postings), sum(one.cents for one in postings)
    plain = Batch("alma", "payment", sequence, 1, "delta", name, f"out/{name}", "b" * 64, 9, count, cents, MONDAY)
    return replace(plain, **changes)  # type: ignore[arg-type]


def with_calls(book: PaymentBook, run: Run) -> None:
    """Enter the money and write the plans that PostingBookContract begins with."""
    days = {"K1": ("2026-01-05", 500), "K2": ("2026-01-04", 900), "K3": ("2026-01-06", 90), "K4": ("2026-01-04", 7)}
    money = [payment(key, cents, occurred_on=day) for key, (day, cents) in days.items()]
    book.enter_payments(run, PAID, money, [], NOON)
    placed(book, money[0], 500, at=later(1))
    placed(book, money[1], 600, 300, at=later(1))
    placed(book, money[2], 60, 30, at=later(1), way="import_file")
    placed(book, money[3], 7, at=later(1), way="record")


DEBTS = (("F1", 1000, "2026-02-03"), ("F2", 250, "2026-01-20"), ("F3", 400, "2026-02-03"), ("F4", 300, ""))
"""Fees, what was charged for them, and when that is due; F3 is in a file that never arrived, F4 is of Kim."""

KIM = {"patron_id": "Kim", "patron_id_type": "userName"}


def debts_sent(book: Ledger) -> Run:
    """Charge the debts in two files, and bring the first to the bursar."""
    run = begun(book)
    fees = [fee(name, cents, **(KIM if name == "F4" else {})) for name, cents, _ in DEBTS]
    numbers, debtors = {"F3": 1}, {"F4": {"bursar_id": "B-4"}}
    lines = [
        movement(one, numbers.get(name, 0), due_date=due) | debtors.get(name, {})
        for one, (name, _, due) in zip(fees, DEBTS, strict=True)
    ]
    files = [batch([line for line in lines if line["batch"] == number], number + 1) for number in (0, 1)]
    book.book(run, booking(fees, lines, files), NOON)
    upload = book.uploads()[0]
    for state in ARRIVING:
        upload = book.move_upload(upload, state, "", NOON)
    return run


def debts_known() -> list[Charged]:
    """The same debts, as a book in memory is told of them."""
    names = ("source", "system", "patron_id_type", "payments_to", "currency", "fee_type")
    same = dict(zip(names, ("alma", "peoplesoft", "02", "api", "USD", "OVERDUEFINE"), strict=True))
    return [
        Charged(
            **same | ({"patron_id_type": "userName"} if name == "F4" else {}),
            fee_id=name,
            reference=name,
            patron_id="Kim" if name == "F4" else "900000001",
            bursar_id="B-4" if name == "F4" else "900000001",
            charged_cents=cents,
            paid_cents=0,
            sent_on="" if name == "F3" else "2026-01-05",
            due_on=due,
            continued_by=(),
        )
        for name, cents, due in DEBTS
    ]


def begun(ledger: Ledger) -> Run:
    """Open the ledger if nobody has, put an export into the archive, and begin a run."""
    ledger.open_empty("pat", NOON)
    run = ledger.begin_run("night", MONDAY, "c" * 64, NOON)
    ledger.archived(in_file())
    ledger.archived(paid_file())
    return run

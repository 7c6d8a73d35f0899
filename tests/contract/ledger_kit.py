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
    InFile,
    Payment,
    PaymentState,
    Posting,
    PostingState,
    Question,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from pipeline.ports.ledger import Ledger, Run

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


def plan(of: Payment, *cents: int) -> tuple[list[Allocation], list[Posting]]:
    """Divide a payment: so many cents each to Alma fees A1, A2 and so on, with their postings."""
    shares = [Allocation(of.key, n, "F1", f"A{n}", part) for n, part in enumerate(cents, 1)]
    return shares, [
        Posting(
            external_id=f"BP{of.key}-{share.number:02d}",
            payment_key=of.key,
            patron_id="900000001",
            patron_id_type="02",
            alma_fee_id=share.alma_fee_id,
            cents=share.cents,
            method="ONLINE",
            comment=f"receipt {of.payment_ref}",
            state=PostingState.READY,
        )
        for share in shares
    ]


def begun(ledger: Ledger) -> Run:
    """Open the ledger if nobody has, put an export into the archive, and begin a run."""
    ledger.open_empty("pat", NOON)
    run = ledger.begin_run("night", MONDAY, "c" * 64, NOON)
    ledger.archived(in_file())
    ledger.archived(paid_file())
    return run

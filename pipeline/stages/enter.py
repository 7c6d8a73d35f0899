"""Enter every line of money that is new in the ledger; name those it already has, and hold those that contradict it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.findings import Finding, Outcome
from pipeline.ports.ledger import Payment, PaymentState
from pipeline.rules import Sorting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from pipeline.flow.runner import Work

BOXED = {"held": PaymentState.HELD, "excluded": PaymentState.EXCLUDED}
"""What receive has boxed is entered too, once: the ledger holds every line of money ever read."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a line of money said when it was first told: its fingerprint, and the file it stood in."""

    fingerprint: str
    file_sha: str


def enter(work: Work) -> Outcome:
    """Compare with what is known, then enter each file's new lines in one transaction and mark the file booked.

    A known line with the same money is ``duplicate``.  One that says other money, or an equal line without a receipt
    in another file of a kind that never repeats itself, is held, under a key of its own.
    """
    boxed = {box: frame for box in BOXED if (frame := work.box(box)) is not None}
    every = [work.rows, *boxed.values()]
    known = work.ledger.known_payments(sorted(_all_keys(every)))
    first = {key: Told(payment.fingerprint, payment.file_sha) for key, payment in known.items()}
    outcome, told = _told_apart(work.rows, first)
    duplicates = outcome.boxes.get("duplicate")
    work.already = 0 if duplicates is None else len(duplicates)
    new: dict[PaymentState, list[pd.DataFrame | None]] = {
        PaymentState.RECEIVED: [outcome.passed],
        PaymentState.HELD: [outcome.boxes.get("held"), _contradicting(boxed.get("held"), told)],
        PaymentState.EXCLUDED: [_contradicting(boxed.get("excluded"), told)],
    }
    _enter_files(work, _payments(work, new))
    return outcome


def _all_keys(frames: Sequence[pd.DataFrame]) -> set[str]:
    """Every key, and the one a line would bear if it contradicted what is known."""
    pairs = {pair for frame in frames for pair in zip(frame["payment_key"], frame["fingerprint"], strict=True)}
    return {key for key, _ in pairs} | {_own_key(key, said) for key, said in pairs}


def _told_apart(given: pd.DataFrame, first: Mapping[str, Told]) -> tuple[Outcome, dict[str, Told]]:
    """Compare every line with what its key said before: in the ledger, or else earlier tonight.

    Also gives what every key has said by now.  One that said other money has a key of its own for that, so that the
    same other money is asked about once.
    """
    import pandas as pd

    rows = Sorting(given)
    frame = rows.frame
    told = dict(first)
    before: list[Told | None] = []
    again: list[bool] = []
    for key, said, sha in zip(frame["payment_key"], frame["fingerprint"], frame["file_sha"], strict=True):
        earlier = told.get(key)
        own = key if earlier is None else _own_key(key, said)
        before.append(earlier)
        again.append(earlier is not None and earlier.fingerprint != said and own in told)
        if earlier is None or earlier.fingerprint != said:
            told.setdefault(own, Told(said, sha))

    def where(true: list[bool]) -> pd.Series[bool]:
        return pd.Series(true, index=frame.index, dtype=bool)

    prints, shas = frame["fingerprint"], frame["file_sha"]
    met = where([one is not None for one in before])
    other = where([one is not None and one.fingerprint != said for one, said in zip(before, prints, strict=True)])
    elsewhere = where([one is not None and one.file_sha != sha for one, sha in zip(before, shas, strict=True)])
    unsure = elsewhere & (frame["identity"] == "content") & (frame["repeats"] != "cumulative")
    rows.put("duplicate", where(again), "PAYMENT-KNOWN", "the ledger holds this line, or an earlier one of tonight")
    rows.hold(other, "PAYMENT-CHANGED", "receipt {payment_ref} said other money before")
    rows.hold(unsure, "PAYMENT-REPEATED", "an equal line without a receipt came in another file")
    rows.put("duplicate", met, "PAYMENT-KNOWN", "the ledger has this line of money")
    outcome = rows.outcome()
    if "held" not in outcome.boxes:
        return outcome, told
    held = outcome.boxes["held"]
    boxes = {**outcome.boxes, "held": held.assign(payment_key=_keys_of_their_own(held))}
    return Outcome(outcome.passed, boxes), told


def _keys_of_their_own(held: pd.DataFrame) -> list[str]:
    """A line that says other money is one however often it comes; an equal one of another file is one for that file."""
    said = zip(held["code"], held["payment_key"], held["fingerprint"], held["file_sha"], held["line"], strict=True)
    return [
        _own_key(key, mark) if code == "PAYMENT-CHANGED" else _own_key(key, mark, sha, str(line))
        for code, key, mark, sha, line in said
    ]


def _own_key(key: str, *said: str) -> str:
    """Give a line that contradicts another a key of its own, the same whenever it comes again."""
    return hashlib.sha256("\x1f".join((key, *said)).encode()).hexdigest()[:32]


def _contradicting(frame: pd.DataFrame | None, told: dict[str, Told]) -> pd.DataFrame | None:
    """Of what receive has boxed: what is new, and what says otherwise than before under the same key.

    ``told`` learns what these say.
    """
    if frame is None:
        return None
    keys: list[str] = []
    fresh: list[bool] = []
    for key, said, sha in zip(frame["payment_key"], frame["fingerprint"], frame["file_sha"], strict=True):
        before = told.get(key)
        own = key if before is None or before.fingerprint == said else _own_key(key, said)
        keys.append(own)
        fresh.append(own not in told)
        told.setdefault(own, Told(said, sha))
    return frame.assign(payment_key=keys)[fresh]


def _payments(work: Work, new: Mapping[PaymentState, list[pd.DataFrame | None]]) -> list[Payment]:
    payments = [
        _payment(row, state)
        for state, frames in new.items()
        for frame in frames
        if frame is not None
        for row in frame.itertuples()
    ]
    fresh = [payment for payment in payments if payment.file_sha in work.files]
    work.news |= any(payment.state is not PaymentState.EXCLUDED for payment in fresh)
    return fresh


def _enter_files(work: Work, payments: list[Payment]) -> None:
    """One transaction a file.  A line told again by a file that is booked already has nothing to enter."""
    refusals = {finding.subject: finding for finding in work.findings if finding.spoils_file}
    now = work.outside.clock.now()
    for sha in work.files:
        if sha in refusals:
            work.ledger.refuse_file(work.run, sha, refusals[sha], now)
            work.unread |= {file.feed for file in [work.ledger.file(sha)] if file is not None}
            continue
        mine = [payment for payment in payments if payment.file_sha == sha]
        notes = [Finding(payment.code, payment.key, payment.why) for payment in mine if payment.code]
        work.findings += [note for note in notes if note.entry.level == "hold"]
        work.ledger.enter_payments(work.run, sha, mine, notes, now)


def _payment(row: Any, state: PaymentState) -> Payment:  # noqa: ANN401 - a row of a frame
    return Payment(
        key=row.payment_key,
        fingerprint=row.fingerprint,
        system=row.system,
        file_sha=row.file_sha,
        line=int(row.line),
        payment_ref=row.payment_ref,
        fee_ref=row.fee_ref,
        patron_id=row.patron_id,
        cents=int(row.amount_cents),
        occurred_on=row.occurred_on,
        kind=row.kind,
        method=row.method,
        state=state,
        code=getattr(row, "code", ""),
        why=getattr(row, "why", ""),
    )

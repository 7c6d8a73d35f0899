"""Enter every line of money that is new in the ledger; name those it already has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.findings import Finding, Outcome
from pipeline.ports.ledger import Payment, PaymentState
from pipeline.rules import Sorting

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from pipeline.flow.runner import Work


def enter(work: Work) -> Outcome:
    """Compare with what is known, then enter each file's new lines in one transaction and mark the file booked.

    A known line with the same money is ``duplicate``.  One that says other money, or an equal line without a receipt
    in another file of a system that never repeats itself, is held.
    """
    given = work.rows
    keys = sorted({*given["payment_key"], *_keys(work, "held"), *_keys(work, "excluded")})
    known = work.ledger.known_payments(keys)
    outcome = _told_apart(given, known, _cumulative(work))
    duplicates = outcome.boxes.get("duplicate")
    work.already = 0 if duplicates is None else len(duplicates)
    work.news |= len(outcome.passed) > 0
    for sha in work.files:
        payments = [
            *_payments(outcome.passed, sha, PaymentState.RECEIVED),
            *_payments(_fresh(outcome.boxes.get("held"), known), sha, PaymentState.HELD),
            *(
                payment
                for box, state in BOXED.items()
                for payment in _payments(_fresh(work.box(box), known), sha, state)
            ),
        ]
        _enter_file(work, sha, payments)
    return outcome


BOXED = {"held": PaymentState.HELD, "excluded": PaymentState.EXCLUDED}


def _enter_file(work: Work, sha: str, payments: list[Payment]) -> None:
    refusal = [finding for finding in work.findings if finding.spoils_file and finding.subject == sha]
    if refusal:
        work.ledger.refuse_file(work.run, sha, refusal[0], work.outside.clock.now())
        return
    notes = [Finding(payment.code, payment.key, payment.why) for payment in payments if payment.code]
    work.ledger.enter_payments(work.run, sha, payments, notes, work.outside.clock.now())


def _told_apart(given: pd.DataFrame, known: Mapping[str, Payment], cumulative: frozenset[str]) -> Outcome:
    import pandas as pd

    rows = Sorting(given)
    frame = rows.frame
    have = [known.get(key) for key in frame["payment_key"]]
    met = pd.Series([one is not None for one in have], index=frame.index, dtype=bool)
    other = pd.Series(
        [one is not None and one.fingerprint != said for one, said in zip(have, frame["fingerprint"], strict=True)],
        index=frame.index,
        dtype=bool,
    )
    rows.hold(other, "PAYMENT-CHANGED", "receipt {payment_ref} said other money before")
    unsure = met & (frame["identity"] == "content") & ~frame["system"].isin(list(cumulative))
    rows.hold(unsure, "PAYMENT-REPEATED", "an equal line without a receipt came in another file")
    rows.put("duplicate", met, "PAYMENT-KNOWN", "the ledger has this line of money")
    rows.put(
        "duplicate", frame.duplicated("payment_key"), "PAYMENT-KNOWN", "it stands in tonight's files more than once"
    )
    return rows.outcome()


def _cumulative(work: Work) -> frozenset[str]:
    from pipeline.layouts import layout as layouts

    return frozenset(
        name
        for name, system in work.campus.campus.systems.items()
        if any(layouts.load(back.layout, work.campus.folder).repeats == "cumulative" for back in system.returns)
    )


def _keys(work: Work, box: str) -> list[str]:
    frame = work.box(box)
    return [] if frame is None else frame["payment_key"].tolist()


def _fresh(frame: pd.DataFrame | None, known: Mapping[str, Payment]) -> pd.DataFrame | None:
    """What is held or excluded is entered once, too."""
    if frame is None:
        return None
    return frame[[key not in known for key in frame["payment_key"]]].drop_duplicates("payment_key")


def _payments(frame: pd.DataFrame | None, sha: str, state: PaymentState) -> list[Payment]:
    if frame is None:
        return []
    return [
        Payment(
            key=str(row.payment_key),
            fingerprint=str(row.fingerprint),
            system=str(row.system),
            file_sha=sha,
            line=int(str(row.line)),
            payment_ref=str(row.payment_ref),
            fee_ref=str(row.fee_ref),
            patron_id=str(row.patron_id),
            cents=int(str(row.amount_cents)),
            occurred_on=str(row.occurred_on),
            kind=str(row.kind),
            method=str(row.method),
            state=state,
            code=str(getattr(row, "code", "")),
            why=str(getattr(row, "why", "")),
        )
        for row in frame[frame["file_sha"] == sha].itertuples()
    ]

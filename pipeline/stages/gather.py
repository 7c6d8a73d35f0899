"""Gather what the morning report tells, from the desks of the night and from the ledger."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING

from pipeline.findings import BOXES
from pipeline.flow.runner import own_money
from pipeline.money import Tally, total
from pipeline.ports.ledger import PaymentState, PostingState, TaskState
from pipeline.stages import unposted
from pipeline.stages.morning import (
    LATE,
    Doubt,
    HeldGroup,
    HeldRow,
    Morning,
    Output,
    PaymentTotals,
    RefusedFile,
    RunOfDay,
    ToDo,
    Totals,
    age,
    masked,
    name_of,
)
from pipeline.stages.outgoing import outgoing
from pipeline.tables import FOLDED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from pipeline.findings import Finding
    from pipeline.flow.runner import Work

NOT_TRIED = (PaymentState.RECEIVED, PaymentState.MATCHED)
UNSURE = (PostingState.UNKNOWN, PostingState.DOUBT, PostingState.SENDING)
OPINION = "GX-"

MOST_RUNS = 200
"""More runs than a day has."""


def gather(work: Work) -> Morning:
    """Put one night together: ``work`` is the desk of CLOSE, ``work.before`` the desks of the tables before it."""
    desks = (*work.before, work)
    findings = [finding for desk in desks for finding in desk.findings]
    settings = work.campus.campus
    return Morning(
        campus=settings.title,
        environment=settings.environment,
        currency=settings.currency,
        business_date=work.today,
        run=name_of(work.run),
        balanced=all(line.balanced for desk in desks for line in desk.lines),
        equations=tuple(line for desk in desks for line in desk.lines),
        totals=_totals(desks, settings.currency),
        outputs=_outputs(work),
        refused=[RefusedFile(one.where, one.code, one.text) for one in findings if one.spoils_file],
        held=_held(work),
        payments=_payments(work),
        unposted=unposted.unposted(work),
        tasks=_tasks(work),
        runs=_runs(work),
        doubts=_doubts(work),
        findings=_told_once(one for one in findings if not one.code.startswith(OPINION)),
        second_opinion=[one for one in findings if one.code.startswith(OPINION)],
        kept_in=f"{settings.folders.state}/shadow/SYSTEM" if settings.mode == "shadow" else None,
        missing=list(dict.fromkeys(one.text for one in findings if one.code in LATE)),
    )


def _told_once(findings: Iterable[Finding]) -> list[Finding]:
    return list(dict.fromkeys(findings))


def _totals(desks: Sequence[Work], currency: str) -> Totals:
    """The fees of the night; an amount in another currency counts as a row and as no money."""
    charges = [desk for desk in desks if desk.name == "CHARGES_OUT" and desk.table is not None]
    boxed = {box: total(own_money(desk.box(box), currency) for desk in charges) for box in BOXES}
    back = total(own_money(_pending(desk), currency) for desk in charges)
    lines = [desk.rows[~desk.rows["carried"]] for desk in charges if "carried" in desk.rows]
    new = total(own_money(rows, currency) for rows in lines)
    own = total(own_money(rows[rows["batch"] != FOLDED], currency) for rows in lines)
    written = total(Tally(batch.count, batch.cents) for desk in charges for batch, _, _ in desk.made)
    read = total(desk.fees_read for desk in charges if desk.fees_read is not None)
    return Totals(read=read, came_back=back, sent=new, carried=written - own, **boxed)


def _pending(desk: Work) -> pd.DataFrame | None:
    """The rows of the night that an earlier night had held or let wait, wherever they ended."""
    import pandas as pd

    frames = [desk.rows, *(frame for box in BOXES if (frame := desk.box(box)) is not None)]
    identified = [frame for frame in frames if "known" in frame.columns]
    known = [frame.loc[frame["known"] == "pending", ["currency", "amount_cents"]] for frame in identified]
    return pd.concat(known, ignore_index=True) if known else None


def _outputs(work: Work) -> list[Output]:
    """The files that people are told of tonight, with how far each got."""
    return [
        Output(
            one.batch.system,
            one.batch.kind,
            one.batch.name,
            Tally(one.batch.count, one.batch.cents),
            one.state,
            one.evidence,
        )
        for one in outgoing(work)
    ]


def _held(work: Work) -> list[HeldGroup]:
    now = work.outside.clock.now()
    rows = [row for row in work.ledger.held_rows() if row["kind"] == "fee"]
    rows.sort(key=lambda row: (str(row["state"]), str(row["code"]), str(row["subject"])))
    return [
        HeldGroup(state, code, tuple(_held_row(row, now) for row in group))
        for (state, code), group in groupby(rows, key=lambda row: (str(row["state"]), str(row["code"])))
    ]


def _held_row(row: Mapping[str, str | int], now: datetime) -> HeldRow:
    return HeldRow(
        fee_id=str(row["subject"]),
        patron_id=str(row["patron_id"]),
        file=str(row["file"]),
        line=int(row["line"]),
        cents=int(row["amount_cents"]),
        why=str(row["why"]),
        days=(now - datetime.fromisoformat(str(row["since"]))).days,
    )


def _payments(work: Work) -> PaymentTotals:
    """All money up to now, by where it stands; what came tonight and was known already stands beside it."""
    standing = work.ledger.standing()

    def sums(book: str, *states: str) -> Tally:
        return total(Tally(*pair) for state, pair in standing.get(book, {}).items() if state in states)

    payments = total(Tally(*pair) for pair in standing.get("payments", {}).values())
    planned = total(Tally(*pair) for pair in standing.get("postings", {}).values())
    left_over = Tally(0, sums("payments", PaymentState.ALLOCATED).cents - planned.cents)
    known = total(_rows(desk.box("duplicate")) for desk in work.before if desk.name == "PAYMENTS_IN")
    return PaymentTotals(
        received=payments + known,
        posted=sums("postings", PostingState.POSTED),
        verified=sums("postings", PostingState.VERIFIED),
        recorded=sums("postings", PostingState.RECORDED),
        waiting=sums("payments", *NOT_TRIED) + sums("postings", PostingState.READY),
        listed=sums("postings", PostingState.LISTED),
        doubt=sums("postings", *UNSURE, PostingState.DOUBLE, PostingState.MISMATCH),
        held=sums("payments", PaymentState.HELD) + sums("postings", PostingState.HELD),
        suspense=sums("payments", PaymentState.SUSPENSE) + left_over,
        tasked=sums("payments", PaymentState.TASKED),
        settled=sums("payments", PaymentState.SETTLED) + sums("postings", PostingState.SETTLED),
        withdrawn=sums("payments", PaymentState.WITHDRAWN),
        cancelled=sums("payments", PaymentState.CANCELLED) + sums("postings", PostingState.CANCELLED),
        excluded=sums("payments", PaymentState.EXCLUDED),
        known=known,
    )


def _rows(frame: pd.DataFrame | None) -> Tally:
    return Tally() if frame is None else Tally(len(frame), int(frame["amount_cents"].sum()))


def _tasks(work: Work) -> list[ToDo]:
    """The open tasks, oldest first; of a patron's id only the end is shown, in what is to be done too."""
    return [
        ToDo(
            one.task_id,
            one.kind,
            one.fee_id,
            one.reference,
            one.patron_id,
            one.cents,
            re.sub(rf"(?<!\w){re.escape(one.patron_id)}(?!\w)", masked(one.patron_id), one.text)
            if one.patron_id
            else one.text,
            age(one.opened_on, work.today),
        )
        for one in work.ledger.tasks(TaskState.OPEN)
    ]


def _runs(work: Work) -> list[RunOfDay]:
    """What every run of the day did, this one last: hourly runs of payments tell together what came."""
    of_day = [run for run in work.ledger.runs(MOST_RUNS) if run.business_date == work.today]
    told = [
        RunOfDay(name_of(run), run.command, run.exit_code, run.summary or "ended without a word")
        for run in reversed(of_day)
        if run.number != work.run.number
    ]
    posted = len(work.ledger.paid_since(work.run.started_at))
    says = f"{sum(desk.sent for desk in work.before)} files sent, {posted} payments posted"
    return [*told, RunOfDay(name_of(work.run), work.run.command, None, says)]


def _doubts(work: Work) -> list[Doubt]:
    now = work.outside.clock.now()
    return [
        Doubt(one.external_id, one.cents, int((now - (one.since or now)).total_seconds() // 3600), one.why)
        for one in work.ledger.postings(*UNSURE)
    ]

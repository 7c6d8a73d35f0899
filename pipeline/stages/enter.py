"""Enter every line of money that is new in the ledger; name those it already has, and hold those that contradict it."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from pipeline.campus.approvals import SUMS, yes_to
from pipeline.findings import Finding, Outcome
from pipeline.ports.ledger import Payment, PaymentState
from pipeline.stages import stale, to_date
from pipeline.stages.moved_day import moved_days
from pipeline.stages.streams import Streams
from pipeline.stages.told import asked, remembered, rows_of, told_apart
from pipeline.stages.withdrawn import Report, withdrawn

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    import pandas as pd

    from pipeline.flow.runner import Work
    from pipeline.stages.told import Memory

BOXED = {"held": PaymentState.HELD, "excluded": PaymentState.EXCLUDED}
"""What receive has boxed is entered too, once: the ledger holds every line of money ever read."""


def enter(work: Work) -> Outcome:
    """Compare with what is known, then enter each file's new lines in one transaction and mark the file booked.

    A known line with the same money is ``duplicate``.  One that says other money, or an equal line without a receipt
    in another file of a kind that never repeats itself, is held, under a key of its own.  A file that is long past
    waits.  What a newer file of a report says no more is held, or a task.
    """
    streams = Streams(work)
    boxed = {box: frame for box in BOXED if (frame := work.box(box)) is not None}
    work.findings += stale.stale(work, [work.rows, *boxed.values()], streams)
    kept_back = [one.subject for one in work.findings if one.code == stale.STALE]
    waiting = stale.without(work.rows, kept_back)
    boxed = {box: frame[~frame["file_sha"].isin(kept_back)] for box, frame in boxed.items()}
    files = _Files(work, [waiting.passed, *boxed.values()], streams)
    known = work.ledger.known_payments(sorted(asked([waiting.passed, *boxed.values()], streams)))
    memory = remembered(known, streams)
    outcome = _sorted(work, waiting, files, streams, memory)
    duplicates = outcome.boxes.get("duplicate")
    work.already = 0 if duplicates is None else len(duplicates)
    new: dict[PaymentState, list[pd.DataFrame | None]] = {
        PaymentState.RECEIVED: [outcome.passed],
        PaymentState.HELD: [_payments_of(outcome.boxes.get("held")), _put_aside(boxed.get("held"), memory)],
        PaymentState.EXCLUDED: [_put_aside(boxed.get("excluded"), memory)],
    }
    _ours_by_now(work, [known[key] for key in sorted(memory.ours_now)])
    files.enter(_payments(work, new), memory.said)
    return outcome


def _sorted(work: Work, waiting: Outcome, files: _Files, streams: Streams, memory: Memory) -> Outcome:
    """Amounts paid to date first become payments; every other line is told apart by what it says."""
    sums = to_date.is_to_date(waiting.passed)
    lines = told_apart(waiting.passed[~sums].reset_index(drop=True), memory)
    both = (
        moved_days(lines, memory.said, files.older, work.ledger, streams),
        to_date.differences(waiting.passed[sums].reset_index(drop=True), files.saying_sums(), work.ledger, memory),
    )
    not_entered = list(_not_entered(both[1].boxes.get("held"), files))
    work.news |= bool(not_entered)
    work.findings += [*both[1].findings, *not_entered]
    return _together([*both, Outcome(waiting.passed.iloc[:0], waiting.boxes)])


def _not_entered(held: pd.DataFrame | None, files: _Files) -> Iterator[Finding]:
    """Tell of what no payment is made of; what becomes a payment is told of when it is entered."""
    if held is None:
        return
    named = held[held["code"].isin(to_date.NOT_ENTERED)]
    for code, key, why, sha in zip(*(named[name] for name in ("code", "payment_key", "why", "file_sha")), strict=True):
        yield Finding(code, key, why, files.name(sha))


def _together(outcomes: Sequence[Outcome]) -> Outcome:
    import pandas as pd

    boxes: dict[str, list[pd.DataFrame]] = defaultdict(list)
    for outcome in outcomes:
        for box, frame in outcome.all_rows():
            boxes[box].append(frame)
    full = {box: [frame for frame in frames if len(frame)] or frames[:1] for box, frames in boxes.items()}
    made = {box: pd.concat(frames, ignore_index=True) for box, frames in full.items()}
    return Outcome(made.pop("passed"), made)


def _payments_of(held: pd.DataFrame | None) -> pd.DataFrame | None:
    return None if held is None else held[~held["code"].isin(to_date.NOT_ENTERED)]


def _put_aside(frame: pd.DataFrame | None, memory: Memory) -> pd.DataFrame | None:
    """Of what receive has boxed: what is new, and what says otherwise than before, under keys of their own."""
    if frame is None:
        return None
    verdicts = [memory.put_aside(row) for row in rows_of(frame)]
    return frame.assign(payment_key=[key for _, key in verdicts])[[what != "known" for what, _ in verdicts]]


def _ours_by_now(work: Work, payments: Sequence[Payment]) -> None:
    """Receive what another department's item was once and is the library's since the campus file was changed."""
    now = work.outside.clock.now()
    for payment in payments:
        why = f"item {payment.item_code} is the library's by now"
        work.ledger.settle_payment(payment, PaymentState.RECEIVED, "", why, now)
        work.news = True


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


class _Files:
    """The files of tonight: what each covers, whether it is the newest of its stream, and how it is dealt with."""

    def __init__(self, work: Work, frames: Sequence[pd.DataFrame], streams: Streams) -> None:
        self._work = work
        self._streams = streams
        self._facts = dict(_facts(frames))
        self._spoilt = {finding.subject: finding for finding in work.findings if finding.spoils_file}
        self.older = {sha for sha in work.files if sha not in self._spoilt and self._is_older(sha)}

    def name(self, sha: str) -> str:
        """Give its name."""
        file = self._streams.file(sha)
        return file.name if file is not None else ""

    def saying_sums(self) -> to_date.Said:
        """Say which files may say new sums: those not booked yet.  One is late by its sender's clock, or by its days.

        The clock knows better: a sum whose newest payment went back is said for an older day.
        """
        read = set(self._work.files) - self._spoilt.keys()
        late = {sha for sha in self.older if not self._streams.newest_written(sha)}
        systems, approved = self._work.campus.campus.systems, self._work.approved
        return to_date.Said(read, late, {name for name in systems if yes_to(name, SUMS) in approved})

    def enter(self, payments: Sequence[Payment], said: Mapping[str, Collection[str]]) -> None:
        """Deal with each file in one transaction.

        A file refused for good is marked so; one that waits for a person stays as it is.  What a newer file says no
        more is dealt with before the file is booked: a crash in between does it again.
        """
        work = self._work
        by_file: dict[str, list[Payment]] = defaultdict(list)
        for payment in payments:
            by_file[payment.file_sha].append(payment)
        for sha in work.files:
            now = work.outside.clock.now()
            if sha in self._spoilt:
                if self._spoilt[sha].refuses_file:
                    work.ledger.refuse_file(work.run, sha, self._spoilt[sha], now)
                continue
            work.findings += self._order(sha, said.get(sha, ()))
            notes = [Finding(one.code, one.key, one.why) for one in by_file[sha] if one.code]
            work.findings += [note for note in notes if note.entry.level == "hold"]
            work.ledger.enter_payments(work.run, sha, by_file[sha], notes, now)
            self._streams.booked(sha)
        work.unread |= frozenset(self._unread())

    def _unread(self) -> Iterator[str]:
        """Give the systems of which a file is spoilt tonight, and money of it may be missing.

        A refused file misses nothing any more once a whole one of its kind has come later.
        """
        for sha, finding in self._spoilt.items():
            file = self._streams.file(sha)
            if file is not None and not (finding.refuses_file and self._streams.overcome(sha)):
                yield file.feed

    def _is_older(self, sha: str) -> bool:
        facts = self._facts.get(sha)
        return facts is not None and self._streams.overtaken(sha, facts["reader"], facts["covers_to"])

    def _order(self, sha: str, said: Collection[str]) -> Iterator[Finding]:
        """Name a file that was overtaken; set a newer one of a report beside what the report said before."""
        facts, file = self._facts.get(sha), self._streams.file(sha)
        if file is not None and facts is None and self._streams.fell_silent(sha):
            text = f"{file.name}: holds no line, and earlier files of {file.feed} did; nothing is taken as withdrawn"
            yield Finding("RETURN-EMPTY", sha, text, file.name)
        if facts is None or file is None:
            return
        if sha in self.older or self._is_older(sha):
            text = f"{file.name}: newer files of its kind were read before it; it ends with {facts['covers_to']}"
            yield Finding("PAYMENTS-OLDER", sha, text, file.name)
        elif facts["repeats"] == "cumulative" and facts["covers_from"]:
            days = (facts["covers_from"], facts["covers_to"])
            report = Report(sha, file.name, file.feed, facts["reader"], *days, said)
            yield from withdrawn(self._work, report, self._streams)


def _facts(frames: Sequence[pd.DataFrame]) -> Iterator[tuple[str, dict[str, str]]]:
    """Give what the rows of each file say of the file."""
    names = ["reader", "repeats", "covers_from", "covers_to"]
    for frame in frames:
        firsts = frame.drop_duplicates("file_sha")
        for sha, *told in zip(firsts["file_sha"], *(firsts[name] for name in names), strict=True):
            yield str(sha), dict(zip(names, told, strict=True))


def _payment(row: Any, state: PaymentState) -> Payment:  # noqa: ANN401 - a row of a frame
    return Payment(
        key=row.payment_key,
        fingerprint=row.fingerprint,
        system=row.system,
        file_sha=row.file_sha,
        line=int(row.line),
        payment_ref=row.payment_ref,
        payment_line=row.payment_line,
        fee_ref=row.fee_ref,
        fees=tuple((ref, cents) for ref, cents in json.loads(row.fees)) if row.fees else (),
        origin_ref=row.origin_ref,
        patron_id=row.patron_id,
        cents=int(row.amount_cents),
        occurred_on=row.occurred_on,
        kind=row.kind,
        method=row.method,
        item_code=row.item_code,
        status=row.status,
        reader=row.reader,
        state=state,
        code=getattr(row, "code", ""),
        why=getattr(row, "why", ""),
    )

"""See by what Alma shows whether she has imported what was handed over; what she does not show is never sent again."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from pipeline.findings import Finding
from pipeline.money import Tally, total
from pipeline.ports.ledger import PostingState, UploadState
from pipeline.ports.outside import Busy, Refused
from pipeline.stages.exported import exported_fee, handed_over
from pipeline.stages.imported import Entry, judge
from pipeline.stages.locate import NotLocatedError
from pipeline.stages.meter import halted, in_turn, not_looked_at
from pipeline.stages.publish import RENAMED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import Charged, Posting, Run, Upload
    from pipeline.ports.outside import AlmaFee, Clock
    from pipeline.stages.allocate import Books
    from pipeline.stages.locate import Views
    from pipeline.stages.meter import Metered

A_DAY = timedelta(days=1)
WEEK = 7
"""Days after which an import that nobody has seen is told, and told again."""

MOST_RUNS = 100
"""Runs that are looked through for the last one that brought payments in."""

HANDED_OVER = (PostingState.LISTED, PostingState.VERIFIED, PostingState.MISMATCH, PostingState.SETTLED)

Fee = tuple[str, str]
"""Source, and the id by which Alma knows the fee: several debts may have come to be one fee there."""


def confirm_imports(work: Work, alma: Metered | None, views: Views | None) -> list[Finding]:
    """Look at the fee of each payment that a sent file hands over; tell of those that nobody has seen for a week.

    Without Alma's API nothing can be seen: an export names no fee a second time.  Then a person says so.
    """
    listed = sent(work.ledger)
    findings: list[Finding] = []
    if alma is not None and views is not None and listed:
        findings += Looker(work.ledger, alma, views, work.outside.clock).all([posting for posting, _ in listed])
        listed = sent(work.ledger)
    return [*findings, *_unseen(listed, work)]


def sent(book: Books) -> list[tuple[Posting, Upload]]:
    """List the payments that stand in a file which has arrived and of which nothing was seen yet, oldest first."""
    found = [(one, book.listed_in(one)) for one in book.postings(PostingState.LISTED)]
    return [(one, upload) for one, upload in found if upload is not None and upload.state is UploadState.SENT]


class Looker:
    """Looks at fees in Alma, each once a run, and writes down what is seen."""

    def __init__(self, book: Books, alma: Metered, views: Views, clock: Clock) -> None:
        self._book, self._alma, self._views, self._clock = book, alma, views, clock

    def all(self, postings: Sequence[Posting]) -> list[Finding]:
        """Look at the fee of each, in another order every day, until Alma is tired or refuses all of us."""
        findings: list[Finding] = []
        of_fee: dict[Fee, list[Posting]] = defaultdict(list)
        for one in postings:
            of_fee[one.source, one.alma_fee_id].append(one)
        order = in_turn(of_fee, lambda fee: (of_fee[fee][0].patron_id, *fee), self._clock.now().date())
        try:
            for number, fee in enumerate(order):
                if why := self._alma.tired():
                    findings.append(not_looked_at(len(order) - number, why))
                    break
                findings.extend(self._look(of_fee[fee][0]))
        except Refused as no:
            findings.append(halted(no, "what was handed over could not be confirmed"))
        return findings

    def _look(self, posting: Posting) -> Iterator[Finding]:
        charged = self._book.charge_of(posting.source, posting.fee_id)
        fee = self._fee(charged) if charged is not None else None
        if charged is None or fee is None:
            return
        entries = _entries(self._book, handed_over(self._book, charged, posting.alma_fee_id))
        if not entries:
            return
        verdict = judge(entries, fee)
        for entry, evidence in verdict.imported:
            self._move(entry, PostingState.VERIFIED, "", evidence)
        if verdict.too_much:
            newest = entries[-1]
            self._move(newest, PostingState.MISMATCH, "IMPORT-DOUBLE", verdict.too_much)
            where = f"fee {posting.fee_id}, {newest.file}"
            yield Finding("IMPORT-DOUBLE", posting.fee_id, f"{where}: {verdict.too_much}")

    def _fee(self, charged: Charged) -> AlmaFee | None:
        """Find the fee among all of its patron's, closed ones too; what cannot be told for certain shows nothing."""
        try:
            return exported_fee(charged, self._views.of(charged))
        except (Busy, NotLocatedError):
            return None

    def _move(self, entry: Entry, to: PostingState, code: str, evidence: str) -> None:
        moving = (PostingState.LISTED,) if to is PostingState.VERIFIED else (PostingState.LISTED, PostingState.VERIFIED)
        now = self._clock.now()
        for one in entry.postings:
            seen = self._book.posting(one.external_id)
            if seen is not None and seen.state in moving:
                self._book.move_posting(seen, to, now, code=code, why=evidence if code else "", evidence=evidence)


def _entries(book: Books, postings: Sequence[Posting]) -> list[Entry]:
    """Gather what all sent files say of a fee, oldest first, also what was seen before: it has its own transaction."""
    found: dict[int, list[Posting]] = defaultdict(list)
    uploads: dict[int, Upload] = {}
    for one in postings:
        upload = book.listed_in(one) if one.state in HANDED_OVER else None
        if upload is not None and upload.state is UploadState.SENT:
            found[upload.batch_id].append(one)
            uploads[upload.batch_id] = upload
    return [_entry(uploads[number], found[number]) for number in sorted(found)]


def _entry(upload: Upload, postings: Sequence[Posting]) -> Entry:
    return Entry(upload.batch.name, _sent_at(upload), tuple(postings))


def _sent_at(upload: Upload) -> datetime:
    """Say before when Alma cannot have had the file.

    One that was only found to have arrived may have lain there for long, but not before the day it was made.
    """
    if upload.changed_at is not None and upload.evidence.startswith(RENAMED):
        return upload.changed_at
    return datetime.combine(upload.batch.business_date, time.min, UTC) - A_DAY


def _unseen(listed: Sequence[tuple[Posting, Upload]], work: Work) -> list[Finding]:
    """Tell of each file once a week: what it holds of payments that Alma has not shown."""
    before = last_run(work.ledger.runs(MOST_RUNS), work.run)
    return [
        Finding("IMPORT-UNSEEN", name, f"{name}: {worth} not seen in Alma {days} days after it was sent")
        for name, (worth, sent_on) in _by_file(listed).items()
        if (days := (work.today - sent_on).days) >= WEEK and _weeks(sent_on, work.today) > _weeks(sent_on, before)
    ]


def last_run(runs: Sequence[Run], this: Run) -> date | None:
    """Give the business date of the last run before this one that brought payments in."""
    earlier = (one for one in runs if one.number < this.number and one.command in ("night", "payments"))
    return next((one.business_date for one in earlier), None)


def _weeks(sent_on: date, day: date | None) -> int:
    return (day - sent_on).days // WEEK if day is not None else 0


def _by_file(listed: Sequence[tuple[Posting, Upload]]) -> Mapping[str, tuple[Tally, date]]:
    found: dict[str, list[tuple[Posting, Upload]]] = defaultdict(list)
    for posting, upload in listed:
        found[upload.batch.name].append((posting, upload))
    return {
        name: (total(Tally(1, one.cents) for one, _ in rows), rows[0][1].batch.business_date)
        for name, rows in sorted(found.items())
    }

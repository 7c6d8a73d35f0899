"""Hand payments over to Alma's own import: one file a night for each source, and each payment in one file only."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from pipeline import files
from pipeline.findings import Finding
from pipeline.money import Tally, total
from pipeline.ports.ledger import PAYMENT_FILE, Batch, PostingState, UploadState, Way
from pipeline.readers.alma_ids import originals
from pipeline.stages import import_file, strange
from pipeline.stages.attempt import Desk
from pipeline.stages.confirm_import import confirm_imports
from pipeline.stages.deliver import send
from pipeline.stages.import_file import Paid
from pipeline.stages.import_look import cleared
from pipeline.stages.locate import Views
from pipeline.stages.meter import MOST_CALLS, Metered
from pipeline.stages.shelf import shelf

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.campus.back import ImportFiles
    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import InFile, Posting, Upload
    from pipeline.readers.alma_ids import Original


def hand_over(work: Work) -> None:
    """Finish what earlier runs began, see what Alma has imported, then write and deliver tonight's files.

    A file stands in the ledger, with the payments that stand in it, before it leaves; so a run that dies anywhere is
    finished by the next, under its own date, and no payment comes to stand in a second file.
    """
    send(work, _unsettled(work))
    metered, views = _alma(work)
    work.findings += confirm_imports(work, metered, views)
    unsent = work.ledger.postings(PostingState.READY, PostingState.HELD)
    waiting = [one for one in unsent if one.way == Way.IMPORT_FILE and one.payment_key not in work.withheld]
    imports = work.campus.campus.imports
    if imports is None:
        work.findings += _nowhere(waiting)
        return
    for source in sorted({one.source for one in waiting}):
        if not _made_today(source, imports, work):
            ready = _ready([one for one in waiting if one.source == source], work, metered, views)
            stopped = strange.why_none(source, imports, work) if ready else []
            work.findings += stopped
            _make(source, [] if stopped else ready, imports, work)
    send(work, _next(_unsettled(work)))


def _alma(work: Work) -> tuple[Metered | None, Views | None]:
    """Give Alma, counted, and what is seen of her patrons in this run; none where her API is not there."""
    if work.outside.alma is None:
        return None, None
    metered = Metered(work.outside.alma, MOST_CALLS)
    return metered, Views(metered, work.outside.clock)


def _ready(waiting: Sequence[Posting], work: Work, alma: Metered | None, views: Views | None) -> list[Posting]:
    """Give what may be handed over: with Alma's API what she can take, without it whatever is ready."""
    if alma is None or views is None:
        return [one for one in waiting if one.state is PostingState.READY]
    desk = Desk(alma, work.ledger, work.outside.clock, work.today, timedelta())
    ready, findings = cleared(waiting, work.ledger, alma, views, desk)
    work.findings += findings
    return ready


def _next(unsettled: Sequence[Upload]) -> list[Upload]:
    """What may leave now: nothing overtakes an older file of its source that is stuck on its way."""
    stuck = {one.batch.system for one in unsettled if one.state is not UploadState.BUILT}
    return [one for one in unsettled if one.batch.system not in stuck]


def _unsettled(work: Work) -> list[Upload]:
    return [one for one in work.ledger.uploads() if one.batch.kind == PAYMENT_FILE]


def _nowhere(waiting: Sequence[Posting]) -> list[Finding]:
    text = f"{len(waiting)} payments wait to be handed over"
    return [Finding("IMPORT-NOWHERE", "Alma", text)] if waiting else []


def _made_today(source: str, imports: ImportFiles, work: Work) -> bool:
    """Say whether the newest file of a source is of this business date already: what came since waits for the next."""
    newest = imports.file_name(source, work.today, work.ledger.next_sequence(source, PAYMENT_FILE) - 1)
    made = [
        one for one in work.ledger.uploads_of([newest]) if (one.batch.kind, one.batch.system) == (PAYMENT_FILE, source)
    ]
    return any(one.batch.business_date == work.today and one.state is not UploadState.CANCELLED for one in made)


def _make(source: str, postings: Sequence[Posting], imports: ImportFiles, work: Work) -> None:
    """Write a file, read it back from disk, and enter it; one that does not say what was meant stops the flow."""
    if not postings:
        return
    sequence = work.ledger.next_sequence(source, PAYMENT_FILE)
    name = imports.file_name(source, work.today, sequence)
    path = work.folder / "import" / source / name
    paid, number = _paid(source, postings, work)
    sha = files.publish(path, import_file.document(paid, number))
    work.enter_lines(import_file.read_back(path, paid))
    worth = total(Tally(1, one.cents) for one in postings)
    batch = Batch(
        system=source,
        kind=PAYMENT_FILE,
        sequence=sequence,
        part=1,
        scope="delta",
        name=name,
        path=work.below_state(path),
        sha=sha,
        size=path.stat().st_size,
        count=worth.count,
        cents=worth.cents,
        business_date=work.today,
    )
    work.ledger.list_postings(work.run, batch, postings, work.outside.clock.now())
    work.handed_over += (name,)
    work.news = True


def _paid(source: str, postings: Sequence[Posting], work: Work) -> tuple[list[Paid], str]:
    """Gather what was paid of each fee and how its export named it; also the number of the newest of these exports."""
    order = sorted(postings, key=lambda one: (one.alma_fee_id, one.external_id))
    fees = {fee_id: tuple(group) for fee_id, group in groupby(order, key=lambda one: one.alma_fee_id)}
    named = work.ledger.files_with(source, list(fees))
    by_file: dict[str, list[str]] = {}
    for fee_id, file in named.items():
        by_file.setdefault(file.sha, []).append(fee_id)
    in_order = sorted({file.sha: file for file in named.values()}.values(), key=lambda one: (one.archived_at, one.sha))
    known: dict[str, Original] = {}
    for file in in_order:
        known |= _originals(file, by_file[file.sha], work)
    numbers = [known[one].export_number for file in in_order for one in by_file[file.sha] if one in known]
    currency = work.campus.campus.currency  # no fee of another one was ever charged
    paid = [Paid(currency, group, known.get(fee_id)) for fee_id, group in fees.items()]
    work.findings += _unnamed(source, fees, known)
    return paid, numbers[-1] if numbers else ""


def _originals(file: InFile, fee_ids: Sequence[str], work: Work) -> Mapping[str, Original]:
    """Look the fees up in the archived export; where it is gone, what the ledger knows must do."""
    try:
        return originals(shelf(work.campus.state / "archive", file), frozenset(fee_ids))
    except (OSError, ET.ParseError):
        return {}


def _unnamed(source: str, fees: Mapping[str, object], known: Mapping[str, Original]) -> list[Finding]:
    missing = sorted(set(fees) - set(known))
    text = f"{source}: {len(missing)} fees by their bursar transaction id alone, such as {''.join(missing[:1])}"
    return [Finding("IMPORT-BARE", source, text)] if missing else []

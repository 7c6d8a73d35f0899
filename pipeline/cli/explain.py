"""Tells a life: of a fee, a payment, a posting, a file, a task or all of a patron's, and what happens next and when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import typer

from pipeline.campus.identity import identity
from pipeline.campus.written import read
from pipeline.cli import coming
from pipeline.cli.books import ledger_of
from pipeline.cli.coming import Next, Turn
from pipeline.findings import catalogue
from pipeline.money import dollars
from pipeline.ports.ledger import GIVEN_UP, FeeState, Named, PaymentState, PostingState, TaskState, Way
from pipeline.stages.match import ALL_BACK
from pipeline.stages.resolving import NEVER_CAME, RESEND_AFTER, SAID_AGAIN, answers_to
from pipeline.stages.resolving import POSTINGS as POSTING_WORDS
from pipeline.stages.resolving import UPLOADS as UPLOAD_WORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from pipeline.ports.ledger import Charged, Ledger, Payment, Posting, Task


NEXT = ": next: "

BY_ALMA = (PostingState.READY, PostingState.SENDING, PostingState.UNKNOWN)
"""A posting in one of these states waits for nothing but a run."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Where one thing stands, and what comes next of it."""

    turn: Turn
    text: str
    by_alma: bool = False
    """Whether only a run that reaches Alma's API brings it further."""

    def without_alma(self) -> Ending:
        """Give the same where the campus file says nothing of the API."""
        if not self.by_alma:
            return self
        turn, waits = coming.NO_ALMA
        return Ending(turn, f"{self.text.partition(NEXT)[0]}{NEXT}{waits}")


def explain(word: str, campus: Path) -> int:
    """Tell a life in order and what happens next; exit code 1 where the ledger knows nothing by this name.

    The last line is one sentence: what happens next of that which needs somebody most, and when.
    """
    who = identity(campus)
    with ledger_of(who) as ledger:
        lines = list(told(word, ledger, alma="alma" in read(campus).table or who.in_shadow))
    if not lines:
        typer.echo(f"{word}: the ledger of {who.name} knows nothing under this name", err=True)
        return 1
    typer.echo("\n".join(lines))
    return 0


def told(word: str, ledger: Ledger, *, alma: bool = True) -> Iterator[str]:
    """Give the lines: what happened, oldest first, then where each thing stands, the most urgent last.

    Where the word names several things, a line begins with the ones it is about.  ``alma`` says whether a run can reach
    Alma's API.
    """
    named = list(_with_what_took_it_back(ledger.named(word), ledger))
    about: dict[tuple[str, str, str, str], list[str]] = {}
    for one in named or [Named("", word)]:
        for row in ledger.story(one.id):
            about.setdefault((row["at"], row["run"], row["event"], row["text"]), []).append(f"{one.kind} {one.id}")
    for (at, run, event, text), whose in sorted(about.items(), key=lambda row: row[0][0]):
        of = f"{', '.join(dict.fromkeys(whose))}: " if len(named) > 1 else ""
        yield f"{at[:19].replace('T', ' ')}  {f'run {run}  ' if run else ''}{of}{event}: {text}"
    endings = {ending.text: ending for one in named for ending in _endings(one, ledger)}
    known = endings.values() if alma else [ending.without_alma() for ending in endings.values()]
    for ending in sorted(known, key=lambda one: one.turn):
        yield ending.text


def _with_what_took_it_back(named: Iterable[Named], ledger: Ledger) -> Iterator[Named]:
    for one in named:
        yield one
        if one.kind == "payment":
            yield from (Named("payment", back.key) for back in ledger.backs_of(one.id))


def _endings(one: Named, ledger: Ledger) -> Iterator[Ending]:
    kinds: Mapping[str, Callable[[str, Ledger], Iterator[Ending]]] = {
        "fee": _of_fee,
        "payment": _of_payments,
        "posting": _of_postings,
        "upload": _of_upload,
        "task": _of_task,
        "file": _of_file,
    }
    return kinds[one.kind](one.id, ledger)


def _of_payments(key: str, ledger: Ledger) -> Iterator[Ending]:
    for payment in ledger.known_payments([key]).values():
        yield from _of_payment(payment, ledger)


def _of_postings(name: str, ledger: Ledger) -> Iterator[Ending]:
    posting = ledger.posting(name)
    if posting is not None:
        yield _of_posting(posting, ledger)


def _of_upload(name: str, ledger: Ledger) -> Iterator[Ending]:
    for upload in ledger.uploads_of([name]):
        if upload.batch.name == name:
            facts = {"resolve": _answers(name, UPLOAD_WORDS.get(upload.state, {}))}
            yield _ending(f"file {name} is {upload.state}", coming.UPLOADS[upload.state], name, ledger, facts)


def _of_task(name: str, ledger: Ledger) -> Iterator[Ending]:
    for task in ledger.tasks():
        if task.task_id == name:
            yield _of_one_task(task, ledger)


def _of_one_task(task: Task, ledger: Ledger) -> Ending:
    name = task.task_id
    return _ending(f"task {name} is {task.state}", coming.TASKS[task.state], name, ledger, {"id": name})


def _of_file(sha: str, ledger: Ledger) -> Iterator[Ending]:
    file = ledger.file(sha)
    if file is not None:
        stands = "given up" if file.code == GIVEN_UP else file.state
        facts = {"id": sha, "do": _do(file.code)}
        yield _ending(f"file {file.name} is {stands}", coming.FILES[stands], sha, ledger, facts)


def _of_fee(fee_id: str, ledger: Ledger) -> Iterator[Ending]:
    """Tell every version of a fee, and the payments of it, for they are its next chapter."""
    records = ledger.fee_record(fee_id)
    for source in dict.fromkeys(str(record["source"]) for record in records):
        for payment in ledger.payments_for(source, fee_id):
            yield from _of_payment(payment, ledger)
    for record in records:
        paid, cents = int(record["paid_cents"]), int(record["amount_cents"])
        part = f" ({dollars(paid)} of {dollars(cents)} is paid at {record['system']})" if paid and cents > 0 else ""
        state, facts = str(record["state"]), {"do": _do(str(record["code"]))}
        charged = ledger.charge_of(str(record["source"]), fee_id) if state == FeeState.CHARGED else None
        yield _ending(
            f"fee {fee_id} is {state}{part}", _of_charge(charged) or coming.FEES[state], fee_id, ledger, facts
        )


def _of_charge(charged: Charged | None) -> Next | None:
    """Say what comes of a debt that the bursar has; None while its file has not arrived."""
    if charged is None or not charged.sent_on:
        return None
    return coming.AT_THE_BURSAR if charged.open_cents else coming.NOTHING_OPEN


def _of_payment(payment: Payment, ledger: Ledger) -> Iterator[Ending]:
    yield from (_of_one_task(task, ledger) for task in ledger.tasks(TaskState.OPEN) if task.subject == payment.key)
    postings = ledger.postings_of(payment.key)
    if payment.state is PaymentState.ALLOCATED and postings:
        yield from (_of_posting(posting, ledger) for posting in postings)
        return
    answers = _answers(payment.key, answers_to(payment))
    facts = {"do": _do(payment.code), "resolve": answers, "ended": _ended(payment)}
    what = f"payment {payment.key} of {dollars(payment.cents)} is {payment.state}"
    ending = _ending(what, coming.PAYMENTS[payment.state], payment.key, ledger, facts)
    yield replace(ending, by_alma=payment.state is PaymentState.MATCHED and _is_paid_by_api(payment, ledger))


def _is_paid_by_api(payment: Payment, ledger: Ledger) -> bool:
    charged = [ledger.charge_of(share.source, share.fee_id) for share in payment.shares]
    return any(one is not None and one.payments_to == Way.API for one in charged)


def _ended(payment: Payment) -> str:
    """Say why nothing more comes of a payment that is excluded or settled, and by whom."""
    if payment.state is PaymentState.EXCLUDED:
        never_came = payment.code in (NEVER_CAME, SAID_AGAIN)
        return "a person has said that it never came" if never_came else coming.NOT_OURS
    if payment.why == ALL_BACK:
        return "all of it went back before it was paid in Alma"
    return (
        "a person has settled it" if payment.why else "it is off the debts, and staff have nothing more to do with it"
    )


def _of_posting(posting: Posting, ledger: Ledger) -> Ending:
    name = posting.external_id
    after = f", by --resend from {posting.since + RESEND_AFTER:%Y-%m-%d %H:%M} UTC on" if posting.since else ""
    facts = {
        "do": _do(posting.code),
        "after": after,
        "resolve": _answers(name, POSTING_WORDS.get(posting.state, {})),
    }
    what = (
        f"posting {name} of {dollars(posting.cents)} for fee {posting.fee_id or posting.alma_fee_id} is {posting.state}"
    )
    ending = _ending(what, coming.POSTINGS[posting.state], name, ledger, facts)
    return replace(ending, by_alma=posting.way == Way.API and posting.state in BY_ALMA)


def _ending(what: str, coming: Next, subject: str, ledger: Ledger, facts: Mapping[str, str]) -> Ending:
    turn, text = coming
    word = ledger.said(subject) if turn is Turn.PERSON else None
    waits = f"; {word.by} has said {word.action}, and another account must say so too" if word else ""
    return Ending(turn, f"{what}{NEXT}{text.format(**facts)}{waits}")


def _answers(name: str, answers: Iterable[str]) -> str:
    shown = " | ".join("--to FEE" if one == "--to" else one for one in answers)
    return f"bursar resolve {name} {shown} --reason TEXT"


def _do(code: str) -> str:
    entry = catalogue().get(code)
    return entry.do if entry else "see what its life says above"

"""What a person decides about money, a file or a task that waits for one: by name, with a reason, by two if need be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import typer

from pipeline import nightly
from pipeline.campus.load import load
from pipeline.cli.account import account
from pipeline.cli.books import clock, ledger_of
from pipeline.cli.failures import UsageError
from pipeline.money import dollars
from pipeline.ports.ledger import PaymentState, PostingState, TaskState, Word
from pipeline.stages import resolving
from pipeline.stages.match import free_cents, opens_too_much
from pipeline.stages.otherwise import OTHERWISE
from pipeline.stages.resolving import Action, NotPossibleError
from pipeline.stages.undone import UNDONE, paid_again

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from pipeline.ports.ledger import Charged, InFile, Ledger, Named, Payment, Posting, Share, Task, Upload

MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asked for: about what, which answer, why, and for ``--to`` the fee."""

    word: str
    action: Action
    reason: str
    fee: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """Something that waits for a word: what it is, where it stands now, and what would be done and told.

    ``carry_out`` takes who decided and why, in one line.
    """

    subject: str
    stands: str
    carry_out: Callable[[str, str], object]
    outcome: str


def wished(word: str, reason: str, answers: Mapping[str, bool], fee: str) -> Wish:
    """Put together what was typed: one answer of those there are.  Raises UsageError for none or several."""
    said = [answer for answer, given in answers.items() if given] + (["--to"] if fee else [])
    if len(said) != 1:
        message = f"{word}: say one of {', '.join(Action)}" + (f", not {' and '.join(said)}" if said else "")
        raise UsageError(message)
    return Wish(word, Action(said[0]), reason, fee)


def resolve(campus: Path, wish: Wish) -> int:
    """Carry a decision out, or keep it for a second person; exit code 75 while a run is at work."""
    from pipeline.adapters.lock import Locked, run_lock

    if not wish.reason.strip():
        message = f"{wish.word}: say why with --reason"
        raise UsageError(message)
    loaded = load(campus)
    try:
        with run_lock(loaded.state), ledger_of(loaded.identity) as ledger:
            bench = Bench(ledger, clock().now(), account(), two_people=loaded.campus.two_people)
            typer.echo(bench.decide(wish))
    except Locked as locked:
        typer.echo(f"{loaded.campus.name}: {locked}", err=True)
        return nightly.LOCKED
    except NotPossibleError as error:
        raise UsageError(str(error)) from error
    return 0


@dataclass(frozen=True)
class Bench:
    """Where a decision is made: the ledger, the moment, and whose word it is."""

    ledger: Ledger
    now: datetime
    by: str
    two_people: bool = False

    def decide(self, wish: Wish) -> str:
        """Carry a wish out, or keep it as the first of two words; give one line that says what was done.

        Raises NotPossibleError, and then nothing was changed.
        """
        case = self._case(wish)
        action = f"{wish.action} {wish.fee}".strip() + f", while {case.stands}"
        first = self.ledger.said(case.subject) if self.two_people else None
        if self.two_people and (first is None or first.action != action):
            self.ledger.say(Word(case.subject, action, self.by, wish.reason, self.now))
            return f"{case.subject}: your word is kept; it is done when another account says the same"
        if first is not None and first.by == self.by:
            message = f"{case.subject}: you said so already, {self.by}; the second word must be another account's"
            raise NotPossibleError(message)
        word = first or Word(case.subject, action, self.by, wish.reason, self.now)
        if first is None:
            self.ledger.say(word)
        who = self.by if first is None else f"{first.by} and {self.by}"
        reason = wish.reason if first is None else f"{first.reason}; {wish.reason}"
        case.carry_out(who, reason)
        self.ledger.heard(word, self.by, self.now)
        return f"{case.subject}: {case.outcome}, by {who}"

    def _case(self, wish: Wish) -> Case:
        kinds: Mapping[str, Callable[[str, Wish], Case]] = {
            "posting": self._posting,
            "payment": self._payment,
            "upload": self._upload,
            "task": self._task,
            "file": self._file,
        }
        named = self.ledger.named(wish.word)
        cases = [one for one in named if one.kind in kinds]
        if len(cases) != 1:
            raise NotPossibleError(_which(wish.word, named, cases))
        return kinds[cases[0].kind](cases[0].id, wish)

    def _posting(self, name: str, wish: Wish) -> Case:
        posting = _there(self.ledger.posting(name), name)
        to = resolving.of_posting(posting, wish.action, self.now)
        resolving.check_sent(posting, self.ledger.listed_in(posting))
        again = ""
        if to is PostingState.READY:
            self._check_kept(posting)
            again = resolving.held_again(posting.code)

        def move(by: str, reason: str) -> Posting:
            said = f"{by}: {reason}"
            # One that goes on keeps its code: what a person has let go is not held for the same again.  So does one
            # that stands in Alma otherwise: the rest of its receipt is held for that also when it is settled.
            code = posting.code if to is PostingState.READY or posting.code in OTHERWISE else ""
            return self.ledger.move_posting(
                posting, to, self.now, code=code, why=said, evidence=f"{wish.action} by {said}"
            )

        return Case(name, _stands(posting.state, posting.code), move, f"{posting.state} to {to}{again}")

    def _check_kept(self, posting: Posting) -> None:
        payment = _there(
            self.ledger.known_payments([posting.payment_key]).get(posting.payment_key), posting.payment_key
        )
        charged = _there(self.ledger.charge_of(posting.source, posting.fee_id), posting.fee_id)
        resolving.check_kept(posting, payment, self.ledger.backs_of(payment.key), charged)

    def _payment(self, name: str, wish: Wish) -> Case:
        payment = _there(self.ledger.known_payments([name]).get(name), name)
        if payment.state is PaymentState.ALLOCATED:
            raise NotPossibleError(self._postings_of(payment, wish.action))
        to = resolving.of_payment(payment, wish.action)
        stands = _stands(payment.state, payment.code)
        if wish.action is Action.RESEND and payment.code == UNDONE:
            return self._paid_again(payment)
        if wish.action is Action.TO:
            share, outcome = self._given_to(payment, wish.fee)
            return Case(name, stands, lambda _by, _why: self.ledger.match_payment(payment, [share], self.now), outcome)

        def settle(by: str, reason: str) -> Payment:
            code = payment.code if to in (PaymentState.MATCHED, PaymentState.EXCLUDED) else ""
            return self.ledger.settle_payment(payment, to, code, f"{by}: {reason}", self.now)

        again = resolving.held_again(payment.code) if to is PaymentState.MATCHED else ""
        return Case(name, stands, settle, f"{payment.state} to {to}{again}")

    def _paid_again(self, payment: Payment) -> Case:
        """Count as paid what a chargeback took; held until that is done, so that nothing of it is ever sent."""
        shares = paid_again(payment, self.ledger)

        def settle(by: str, reason: str) -> Payment:
            held = self.ledger.match_payment(payment, shares, self.now, code=payment.code, why=payment.why)
            return self.ledger.settle_payment(held, PaymentState.SETTLED, "", f"{by}: {reason}", self.now)

        fees = ", ".join(f"{dollars(one.cents)} of fee {one.fee_id}" for one in shares)
        return Case(payment.key, _stands(payment.state, payment.code), settle, f"{fees} counts as paid again")

    def _given_to(self, payment: Payment, fee: str) -> tuple[Share, str]:
        """Find what of a payment a fee gets, and say so in a line."""
        free = free_cents(payment, self.ledger)
        share = resolving.share_of(payment, self._debt(payment, fee), free)
        if opened := opens_too_much(payment, [share], self.ledger):
            message = (
                f"payment {payment.key}: money of fee {opened} went back, which it was for, so it stays there; say "
                "--resend, or settle it by hand and say --settled-elsewhere"
            )
            raise NotPossibleError(message)
        rest = free - share.cents
        outcome = f"{dollars(share.cents)} of {dollars(payment.cents)} for fee {share.fee_id}"
        return share, outcome + (f", {dollars(rest)} stays in suspense" if rest else "")

    def _postings_of(self, payment: Payment, action: Action) -> str:
        """Name what can be decided about of a payment whose plan is written."""
        if action is Action.TO:
            return (
                f"payment {payment.key}: is divided up, and that is done once; what is left over of it is put on "
                "another fee by hand, then say --settled-elsewhere of its task, which `bursar tasks` shows"
            )
        ids = [f"{one.external_id} ({one.state})" for one in self.ledger.postings_of(payment.key)]
        ids += [one.task_id for one in self.ledger.tasks(TaskState.OPEN) if one.subject == payment.key]
        return f"payment {payment.key}: is divided up; give what you mean of it: {', '.join(ids) or 'none'}"

    def _debt(self, payment: Payment, fee: str) -> Charged:
        """Find the debt by what the payment's own system was told, else wherever it was charged."""
        found = self.ledger.charged(payment.system, fee)
        for source in self.ledger.names()["sources"]:
            found = found or self.ledger.charge_of(source, fee)
        if found is None:
            message = f"payment {payment.key}: no system was ever told of a fee {fee}, so nothing can be paid of it"
            raise NotPossibleError(message)
        return found

    def _upload(self, name: str, wish: Wish) -> Case:
        upload = _there(next((one for one in self.ledger.uploads_of([name]) if one.batch.name == name), None), name)
        to = resolving.of_upload(upload, wish.action)

        def move(by: str, reason: str) -> Upload:
            return self.ledger.move_upload(upload, to, f"{by}: {reason}", self.now)

        return Case(name, str(upload.state), move, f"{upload.state} to {to}")

    def _file(self, sha: str, wish: Wish) -> Case:
        file = _there(self.ledger.file(sha), sha)
        word = resolving.of_file(file, wish.action)

        def give_up(by: str, reason: str) -> InFile:
            return self.ledger.give_up_file(file, by, reason, self.now)

        return Case(sha, _stands(file.state, file.code), give_up, f"{file.name} is {word}")

    def _task(self, name: str, wish: Wish) -> Case:
        task = _there(next((one for one in self.ledger.tasks() if one.task_id == name), None), name)
        word = resolving.of_task(task, wish.action)

        def close(by: str, reason: str) -> Task:
            return self.ledger.close_task(task.task_id, by, f"{word}: {reason}", self.now)

        return Case(name, str(task.state), close, word)


Found = TypeVar("Found")


def _there(found: Found | None, name: str) -> Found:
    if found is None:
        message = f"{name}: the ledger knows nothing under this name"
        raise NotPossibleError(message)
    return found


def _stands(state: str, code: str) -> str:
    return f"{state} {code}".strip()


def _which(word: str, named: Sequence[Named], cases: Sequence[Named]) -> str:
    """Say why a word cannot be decided about: it names nothing, too much, or what other commands are for."""
    if cases:
        some = ", ".join(f"{one.kind} {one.id}" for one in cases[:MOST_NAMED])
        more = f" and {len(cases) - MOST_NAMED} more" if len(cases) > MOST_NAMED else ""
        return f"{word}: is a name of {len(cases)} things; give one of them: {some}{more}"
    if any(one.kind == "fee" for one in named):
        return f"{word}: is a fee; `bursar approve` and `bursar reject` decide about fees"
    return f"{word}: no posting, payment, file or task is known by this name"
